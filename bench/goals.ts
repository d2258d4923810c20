// The goals that the curves are measured against, and whether each is met.
import { heading, row } from './append-child.ts';
import { BUSY, FLAT_FROM_ROOMS, LAST_LISTENERS, UNWEIGHED } from './curve-parts.ts';
import type { Parts } from './curve-report.ts';
import { SI, kilobytesEach, rawAt, rawLastMs } from './curve-tables.ts';
import { NAMES } from './curve-subjects.ts';
import { figuresAt, placesOf } from './curve.ts';
import type { Delivery } from './delivery.ts';
import type { OperationParts } from './operations-report.ts';
import { RECONNECTS, STADIUM_LISTENERS, type LimitsFigures } from './limits-report.ts';
import { percent } from './soak-told.ts';
import type { Growth } from './soak-verdict.ts';

export interface Goal {
  readonly goal: string;
  readonly measured: string;
  /** Unsure: it was missed by a generator of load that was late itself. */
  readonly verdict: 'met' | 'MISSED' | 'not measured' | 'unsure';
}

const SIZES = [1_000, 5];
const OF_RAW = new Map([
  [1_000, 1.15],
  [5, 1.5],
]);
const USER_OF = [
  [NAMES.socketIo, 0.2],
  [NAMES.centrifugo, 0.25],
] as const;
const TOTAL_OF = 0.6;
const BUSY_OF_RAW = 0.4;
const KB_EACH = 6;
const FLAT_WITHIN = 0.1;
const LAST_LISTENER_MS = 15;
/** Not a goal that was set, but what the one in milliseconds comes to on a machine whose kernel takes most of it. */
const LAST_OF_RAW = 1.15;
const BACK_WITHIN_S = 10;
const STAYED_MS = 1_000;

/** @param value no finite number: it was not measured */
function goal(text: string, value: number | undefined, most: number, unit = ''): Goal {
  if (value === undefined || !Number.isFinite(value))
    return { goal: text, measured: '–', verdict: 'not measured' };
  const measured = `${value.toFixed(2)}${unit}`;
  return { goal: text, measured, verdict: value <= most ? 'met' : 'MISSED' };
}

function ratio(
  of: Delivery | undefined,
  to: Delivery | undefined,
  figure: 'totalUs' | 'userUs' = 'totalUs',
): number | undefined {
  if (of === undefined || to === undefined) return undefined;
  // What was subtracted was more than what it was subtracted from: noise has drowned it.
  return of[figure] > 0 && to[figure] > 0 ? of[figure] / to[figure] : undefined;
}

export function goalsOf(parts: Parts, limits?: LimitsFigures, operations?: OperationParts): Goal[] {
  return [
    ...goalsOfCurves(parts),
    ...goalsOfLimits(limits),
    ...goalsOfOperations(operations ?? {}),
  ];
}

function goalsOfCurves({ sizes, rooms, busy, memory, last }: Parts): Goal[] {
  const ofSizes = SIZES.flatMap((listeners) => {
    const at = (name: string): Delivery | undefined =>
      sizes === undefined ? undefined : figuresAt(sizes, name, listeners);
    const raw = sizes === undefined ? undefined : rawAt(sizes, listeners);
    const earshot = at(NAMES.earshot);
    const where = `rooms of ${SI(listeners)}`;
    const mostOfRaw = OF_RAW.get(listeners) ?? NaN;
    return [
      goal(
        `${where}: a delivery costs at most ${mostOfRaw} times that of ${NAMES.raw}`,
        ratio(earshot, raw),
        mostOfRaw,
      ),
      ...USER_OF.flatMap(([name, most]) => [
        goal(
          `${where}: at most ${most} of the user time of ${name}`,
          ratio(earshot, at(name), 'userUs'),
          most,
        ),
        goal(
          `${where}: at most ${TOTAL_OF} of the whole time of ${name}`,
          ratio(earshot, at(name)),
          TOTAL_OF,
        ),
      ]),
    ];
  });
  const { perSecond } = BUSY;
  const ofBusy =
    busy === undefined
      ? undefined
      : ratio(figuresAt(busy, NAMES.earshot, perSecond), rawAt(busy, perSecond));
  return [
    ...ofSizes,
    goal(
      `${perSecond} messages a second in one room: at most ${BUSY_OF_RAW} of one send for each message by ${NAMES.raw}`,
      ofBusy,
      BUSY_OF_RAW,
    ),
    goal(
      `a joined, idle connection weighs at most ${KB_EACH} KB`,
      memory === undefined ? undefined : kilobytesEach(memory, NAMES.earshot, UNWEIGHED),
      KB_EACH,
      ' KB',
    ),
    goal(
      `from ${FLAT_FROM_ROOMS} rooms on, the cost of a delivery stays within ±${FLAT_WITHIN * 100} % (nothing gathered)`,
      rooms === undefined ? undefined : unevenness(rooms),
      FLAT_WITHIN,
    ),
    goal(
      `until the last of ${SI(LAST_LISTENERS)} listeners has a message, p99: at most ${LAST_OF_RAW} times that of ${NAMES.raw}`,
      last === undefined ? undefined : lastOfRaw(last),
      LAST_OF_RAW,
    ),
  ];
}

/** The worst over the rates. */
function lastOfRaw(last: NonNullable<Parts['last']>): number {
  return Math.max(
    ...placesOf(last).map((perSecond) => {
      const of = figuresAt(last, NAMES.earshot, perSecond)?.p99Ms ?? NaN;
      return of / rawLastMs(last, perSecond);
    }),
  );
}

function goalsOfLimits(limits: LimitsFigures | undefined): Goal[] {
  const { stadium, reconnects } = limits ?? {};
  const stayed = reconnects?.stayed;
  // Half of what was not held is half of nothing.
  const lastMs = stadium?.isHeld === true ? (stadium.atHalf.last.p99Ms ?? undefined) : undefined;
  const backMs = reconnects?.resume.maxMs;
  const people = SI(RECONNECTS);
  const back =
    reconnects === undefined || backMs === null || backMs === undefined
      ? undefined
      : reconnects.cutWithinSeconds + backMs / 1_000;
  const lost =
    reconnects === undefined || stayed === undefined
      ? undefined
      : reconnects.faults + reconnects.lost + stayed.faults + stayed.lost;
  return [
    unlessDoubted(
      goal(
        `from a command to the last of ${SI(STADIUM_LISTENERS)} listeners at half of what the hub holds, p99: at most ${LAST_LISTENER_MS} ms`,
        lastMs,
        LAST_LISTENER_MS,
        ' ms',
      ),
      stadium?.atHalf.doubts,
      stadium?.isOfGenerator,
    ),
    unlessDoubted(
      goal(
        `${people} lose their connections: all are back within ${BACK_WITHIN_S} s`,
        back,
        BACK_WITHIN_S,
        ' s',
      ),
      reconnects?.doubts,
    ),
    goal(`${people} lose their connections: nothing and nobody is lost`, lost, 0),
    unlessDoubted(
      goal(
        `${people} lose their connections: for those who stay no second’s p99 is above ${SI(STAYED_MS)} ms`,
        stayed?.worstP99Ms ?? undefined,
        STAYED_MS,
        ' ms',
      ),
      stayed?.doubts,
    ),
  ];
}

function goalsOfOperations({ drain, soak }: OperationParts): Goal[] {
  // Where it was not run its goal is called as it is by itself: a page of before may tell it.
  const people = SI(drain?.people ?? 10_000);
  // Of a crowd that was not there, or not all the time, it says nothing.
  const sound = soak !== undefined && soak.lost + soak.faults === 0 ? soak : undefined;
  const grew = (what: string, of: Growth | undefined): Goal => {
    const told = `people come and go for ${soak?.minutes ?? 30} minutes: ${what} does not grow`;
    if (of === undefined) return { goal: told, measured: '–', verdict: 'not measured' };
    const measured = `${percent(of.perHour)} an hour (${percent(of.low)} to ${percent(of.high)})`;
    return { goal: told, measured, verdict: GROWTH[of.verdict] };
  };
  return [
    goal(
      `a node with ${people} is drained: all are back, and nothing and nobody is lost`,
      drain === undefined ? undefined : missedInDrain(drain),
      0,
    ),
    grew('resident memory', sound?.rss),
    grew('what a full collection leaves of the heap', sound?.live),
    goal(
      'when all have left: no more descriptors, timers, rooms and connections of people than before',
      soak?.kept.length,
      0,
    ),
  ];
}

/** Who was lost, what was wrong, and who was not seen to be back; a node that did not end as it should counts as one. */
function missedInDrain({ people, runs }: NonNullable<OperationParts['drain']>): number {
  return runs.reduce((sum, run) => {
    const { faults, lost, coming, resume, exitCode } = run;
    const unseen = Math.max(0, people - resume.count);
    const isUnclean = exitCode === 0 ? 0 : 1;
    return sum + faults + lost + coming.faults + coming.lost + unseen + isUnclean;
  }, 0);
}

const GROWTH = { flat: 'met', GROWS: 'MISSED', unsure: 'unsure' } as const;

/**
 * A generator that is late makes figures worse, never better: what was met in spite of it is met.
 * @param isEased the load was lower than it should have been, so that what was met may not be
 */
function unlessDoubted(of: Goal, doubts: readonly string[] = [], isEased = false): Goal {
  const isUnsure =
    (of.verdict === 'MISSED' && doubts.length > 0) || (of.verdict === 'met' && isEased);
  return isUnsure ? { ...of, verdict: 'unsure' } : of;
}

/** How far the dearest and the cheapest lie from their middle; undefined where noise has drowned them. */
function unevenness(rooms: NonNullable<Parts['rooms']>): number | undefined {
  const costs = placesOf(rooms)
    .filter((count) => count >= FLAT_FROM_ROOMS)
    .flatMap((count) => figuresAt(rooms, NAMES.earshotAtOnce, count)?.totalUs ?? []);
  const [least, most] = [Math.min(...costs), Math.max(...costs)];
  return costs.length < 2 || least <= 0 ? undefined : (most - least) / (most + least);
}

export function goalTable(goals: readonly Goal[]): string[] {
  return [
    heading(['goal', 'measured', 'verdict']),
    ...goals.map(({ goal: text, measured, verdict }) => row([text, measured, verdict])),
  ];
}
