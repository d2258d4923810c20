// What `npm run bench:limits` has found, and how it is told. Knows nothing of how it was measured.
import { heading, isQuick, row } from './append-child.ts';
import { SI } from './curve-tables.ts';
import type { LatencyFigures as Latency } from './load-report.ts';
import { readReport, type Report } from './report.ts';

export const STADIUM_LISTENERS = isQuick ? 200 : 1_000;
export const RECONNECTS = isQuick ? 500 : 10_000;

/** Why the load test does not trust its own figures; empty where it does. */
type Doubts = readonly string[];

/** One room whose listeners all hear of each command. */
export interface Stadium {
  readonly listeners: number;
  /** The most commands a second that kept all thresholds, and the fewest that did not. Where the fewest that were tried did not: those. */
  readonly isHeld: boolean;
  /** The generator gave way before the hub did: the hub may hold more. */
  readonly isOfGenerator: boolean;
  readonly heldPerSecond: number;
  readonly brokeAtPerSecond: number | null;
  readonly gaveWay: readonly string[];
  readonly atHalf: {
    readonly doubts: Doubts;
    readonly perSecond: number;
    /** From a command to the last listener. */
    readonly last: Latency;
    readonly faults: number;
  };
}

/** All lose their connections within a second and come back, beside others who stay. */
export interface Reconnects {
  readonly people: number;
  readonly cutWithinSeconds: number;
  /** From the loss of a connection to being back in the room. */
  readonly resume: Latency;
  /** Numbers that did not come as they should, and people who did not come back. */
  readonly faults: number;
  readonly lost: number;
  readonly doubts: Doubts;
  readonly stayed: {
    readonly doubts: Doubts;
    readonly people: number;
    readonly faults: number;
    readonly lost: number;
    /** From what somebody says to each who hears it, over the whole run. */
    readonly heard: Latency;
    /** The p99 of the worst second, of what is said and of what is done, from before the others lost their connections until after they were back. */
    readonly worstP99Ms: number | null;
  };
}

export interface LimitsFigures {
  readonly stadium: Stadium | undefined;
  readonly reconnects: Reconnects | undefined;
  /** What is not among them, and why. */
  readonly leftOut: readonly string[];
}

export function readLimits(): Promise<(Report & LimitsFigures) | undefined> {
  return readReport<LimitsFigures>('limits');
}

const ms = (value: number | null): string => (value === null ? '–' : value.toFixed(1));

const COLUMNS = ['count', 'p50, ms', 'p99, ms', 'max, ms'];
const cells = (of: Latency): string[] => [
  ...[SI(of.count), ms(of.p50Ms), ms(of.p99Ms), ms(of.maxMs)],
];

export function toldLimits({ stadium, reconnects, leftOut }: LimitsFigures): string[] {
  return [
    ...(stadium === undefined ? [] : toldStadium(stadium)),
    ...(reconnects === undefined ? [] : toldReconnects(reconnects)),
    ...leftOut,
  ];
}

function toldStadium(stadium: Stadium): string[] {
  const { listeners, isHeld, isOfGenerator, heldPerSecond, brokeAtPerSecond, gaveWay, atHalf } =
    stadium;
  const room = `One room of ${SI(listeners)} listeners ${isHeld ? 'holds' : 'does NOT hold'} ${heldPerSecond.toFixed(1)} commands a second`;
  const broke =
    brokeAtPerSecond === null
      ? 'nothing gave way'
      : `at ${brokeAtPerSecond.toFixed(1)} this gave way: ${gaveWay.join('; ')}`;
  return [
    `${room}; ${broke}.${isOfGenerator ? ' That is the generator’s limit: the hub may hold more.' : ''}`,
    '',
    heading(['from a command to the last listener', ...COLUMNS, 'faults']),
    row([
      `at ${atHalf.perSecond.toFixed(1)} commands a second`,
      ...[...cells(atHalf.last), atHalf.faults],
    ]),
    '',
    ...doubted('at half of the limit', atHalf.doubts),
  ];
}

function toldReconnects(reconnects: Reconnects): string[] {
  const { people, cutWithinSeconds, resume, faults, lost, doubts, stayed } = reconnects;
  return [
    `${SI(people)} people lose their connections within ${cutWithinSeconds} s and come back, while ${SI(stayed.people)} others talk and steer:`,
    '',
    heading(['', ...COLUMNS, 'p99 of the worst second, ms', 'faults', 'lost']),
    row(['from the loss to being back', ...cells(resume), '–', faults, lost]),
    row([
      'those who stayed, from a message to each listener',
      ...[...cells(stayed.heard), ms(stayed.worstP99Ms), stayed.faults, stayed.lost],
    ]),
    '',
    ...doubted('those who came back', doubts),
    ...doubted('those who stayed', stayed.doubts),
  ];
}

function doubted(of: string, doubts: Doubts): string[] {
  if (doubts.length === 0) return [];
  return [`The load test does not trust its own figures (${of}): ${doubts.join('; ')}.`, ''];
}
