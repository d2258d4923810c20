// `npm run bench:limits`: how long a command takes to a thousand listeners at half of what the hub holds, and whether ten thousand come back in
// time when all lose their connections. The load test does the work; this starts a hub, says what is to be run, and reads the reports.
import { setTimeout as pause } from 'node:timers/promises';
import type { Report } from '../loadtest/report/report.ts';
import { isGeneratorsLimit } from '../loadtest/verdict.ts';
import type { ScenarioInput } from '../loadtest/scenario/scenario.ts';
import { temporaryDir } from '../test/support/earshot-process.ts';
import { aside, endWith, flag, isQuick, listFlag, say } from './append-child.ts';
import { BenchHub } from './append-hub.ts';
import {
  RECONNECTS,
  STADIUM_LISTENERS,
  readLimits,
  toldLimits,
  type LimitsFigures,
  type Reconnects,
  type Stadium,
} from './limits-report.ts';
import { doubtsOf, faultsOf, latencyOf } from './load-report.ts';
import { startLoadTest } from './load-test.ts';
import { writeReport } from './report.ts';

/** Commands a second at load 1, with which the search begins: below it there would be fewer listeners. */
const UNIT_PER_SECOND = 2;
const MOST_LOAD = isQuick ? 4 : 128;
/** The hub's code is compiled after this, and a limit is not set by that. */
const WARM_UP = { perSecond: 8, seconds: isQuick ? 3 : 10 } as const;
const TRIAL_SECONDS = flag('trial', 10, 5);
const HALF_SECONDS = flag('half', 45, 5);
/** Of the stadium that comes along: beyond it nobody would call it held. */
const HELD = ['faults == 0', 'refused == 0', 'lost == 0', 'stalls == 0', 'command.last p99 <= 250'];

const PER_ROOM = 5;
const CUT_WITHIN_SECONDS = 1;
const STAYING_ROOMS = isQuick ? 5 : 20;
const STAYING_PER_ROOM = 10;
/** Until they are there and have begun, nobody loses a connection. */
const BEFORE_SECONDS = isQuick ? 20 : 30;
/** Whoever has a connection has yet to say hello and to join. */
const ALL_JOINED_MS = 8_000;
/** Those who stay are listened to for so long after the last is back; a crowd that goes for good is another matter. */
const AFTERWARDS_MS = 5_000;
/** They are told to end. */
const LONG_SECONDS = 900;
/** The generator shares the machine with the hub: of all who listen so many run clock and player as well. */
const CLOCK_SHARE = 0.05;

function stadium(perSecond: number, seconds: number): ScenarioInput {
  return {
    name: 'stadium of the bench',
    groups: [
      {
        ...{
          kind: 'rooms',
          rooms: 1,
          listeners: STADIUM_LISTENERS,
          grows: 'acts',
          preset: 'radio',
        },
        ...{ acts: { seek: 60 * perSecond }, clockShare: CLOCK_SHARE },
      },
    ],
    phases: [
      { name: 'ramp', seconds: 5, from: 0, load: 1 },
      { name: 'steady', seconds, load: 1, measured: true },
    ],
    thresholds: HELD,
  };
}

const COMING_BACK: ScenarioInput = {
  name: 'reconnects of the bench',
  groups: [
    {
      ...{ kind: 'rooms', rooms: RECONNECTS / PER_ROOM, listeners: PER_ROOM, preset: 'friends' },
      ...{ tracks: 1, acts: { seek: 0.5, chat: 2 }, clockShare: CLOCK_SHARE },
    },
  ],
  // How fast they come is no matter here: generator and hub share the machine.
  arrivalsPerSecond: 200,
  phases: [
    { name: 'ramp', seconds: 5, from: 0, load: 1 },
    { name: 'before', seconds: BEFORE_SECONDS },
    {
      ...{ name: 'storm', seconds: 20, measured: true },
      ...{ event: 'reconnect', withinSeconds: CUT_WITHIN_SECONDS },
    },
  ],
  settleSeconds: 5,
  thresholds: ['faults == 0', 'lost == 0', 'resume max <= 10000'],
};

const STAYING: ScenarioInput = {
  name: 'those who stay',
  seed: 2,
  groups: [
    {
      ...{ kind: 'rooms', rooms: STAYING_ROOMS, listeners: STAYING_PER_ROOM, preset: 'friends' },
      ...{ acts: { seek: 6, chat: 30 }, clockShare: CLOCK_SHARE },
    },
  ],
  phases: [
    { name: 'ramp', seconds: 2, from: 0, load: 1 },
    { name: 'stay', seconds: LONG_SECONDS, measured: true },
  ],
  thresholds: [],
};

async function reportOf(
  hub: BenchHub,
  dir: string,
  scenario: ScenarioInput,
  flags: readonly string[] = [],
): Promise<Report> {
  return (await startLoadTest(hub.url, dir, scenario, flags)).report;
}

/** What is measured of one hub, which has a track by then. */
async function onHub<T>(measure: (hub: BenchHub, dir: string) => Promise<T>): Promise<T> {
  const scratch = await temporaryDir();
  const hub = await BenchHub.startEmbedded();
  try {
    await hub.trackId();
    return await measure(hub, scratch.dir);
  } finally {
    await hub.stop();
    await scratch.remove();
  }
}

async function measureStadium(hub: BenchHub, dir: string): Promise<Stadium> {
  await reportOf(hub, dir, stadium(WARM_UP.perSecond, WARM_UP.seconds));
  const most = ['--find-limit', '--most-load', String(MOST_LOAD)];
  const { limit } = await reportOf(hub, dir, stadium(UNIT_PER_SECOND, TRIAL_SECONDS), most);
  if (limit === null) throw new Error('the load test looked for no limit');
  const isHeld = limit.load >= 1;
  const heldPerSecond = UNIT_PER_SECOND * Math.max(1, limit.load);
  const half = await reportOf(hub, dir, stadium(heldPerSecond / 2, HALF_SECONDS));
  return {
    listeners: STADIUM_LISTENERS,
    isHeld,
    isOfGenerator: isGeneratorsLimit(limit),
    heldPerSecond,
    brokeAtPerSecond: limit.brokeAt === null ? null : UNIT_PER_SECOND * Math.max(1, limit.brokeAt),
    gaveWay: limit.gaveWay,
    atHalf: {
      perSecond: heldPerSecond / 2,
      doubts: doubtsOf(half),
      last: latencyOf(half, 'command.last'),
      faults: faultsOf(half),
    },
  };
}

async function measureReconnects(hub: BenchHub, dir: string): Promise<Reconnects> {
  const { report: left } = await startLoadTest(hub.url, dir, COMING_BACK);
  // A crowd that comes is another matter than one that comes back.
  await Promise.race([left, allIn(hub)]);
  const staying = await startLoadTest(hub.url, dir, STAYING);
  void Promise.race([left, passed(hub)])
    .catch(() => undefined)
    .finally(() => staying.end());
  const [back, stay] = await Promise.all([left, staying.report]);
  return reconnectsOf(back, stay);
}

async function connections(hub: BenchHub): Promise<number> {
  return (await hub.metrics()).get('earshot_connections') ?? 0;
}

async function allIn(hub: BenchHub): Promise<void> {
  while ((await connections(hub)) < RECONNECTS) await pause(500);
  await pause(ALL_JOINED_MS);
}

/** Resolves when they have lost their connections and have others. */
async function passed(hub: BenchHub): Promise<void> {
  while ((await connections(hub)) >= RECONNECTS) await pause(500);
  while ((await connections(hub)) < RECONNECTS) await pause(1_000);
  await pause(AFTERWARDS_MS);
}

function reconnectsOf(back: Report, stay: Report): Reconnects {
  const heard = 'chat.each';
  return {
    people: RECONNECTS,
    cutWithinSeconds: CUT_WITHIN_SECONDS,
    resume: latencyOf(back, 'resume'),
    faults: faultsOf(back),
    lost: back.counts.lost,
    doubts: doubtsOf(back),
    stayed: {
      doubts: doubtsOf(stay),
      people: STAYING_ROOMS * STAYING_PER_ROOM,
      faults: faultsOf(stay),
      lost: stay.counts.lost,
      heard: latencyOf(stay, heard),
      worstP99Ms: worstOf(
        stay.seconds.flatMap(({ phase, latencies }) => {
          const isMeasured = stay.phases[phase]?.measured === true;
          const all = [latencies[heard], latencies['command.each']];
          return isMeasured ? all.flatMap((of) => of?.[1] ?? []) : [];
        }),
      ),
    },
  };
}

function worstOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.max(...values);
}

async function main(): Promise<void> {
  const leftOut: string[] = [];
  const only = listFlag('only');
  // A run of one leaves what is there of the other.
  const before = only === undefined ? undefined : await readLimits();
  const attempt = async <K extends 'stadium' | 'reconnects'>(
    name: K,
    measure: (hub: BenchHub, dir: string) => Promise<NonNullable<LimitsFigures[K]>>,
  ): Promise<LimitsFigures[K]> => {
    if (only?.includes(name) === false) return before?.[name];
    try {
      return await onHub(measure);
    } catch (error) {
      leftOut.push(`left out: ${name}: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  };
  const figures: LimitsFigures = {
    stadium: await attempt('stadium', measureStadium),
    reconnects: await attempt('reconnects', measureReconnects),
    leftOut,
  };
  aside('');
  for (const line of toldLimits(figures)) say(line);
  await writeReport('limits', figures);
  endWith(leftOut.length === 0 ? 0 : 1);
}

await main();
