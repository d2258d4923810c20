// The goals that the curves are measured against, and whether each is met.
import { heading, row } from './append-child.ts';
import { BUSY, FLAT_FROM_ROOMS, UNWEIGHED } from './curve-parts.ts';
import type { Parts } from './curve-report.ts';
import { SI, kilobytesEach, rawAt } from './curve-tables.ts';
import { NAMES } from './curve-subjects.ts';
import { figuresAt, placesOf } from './curve.ts';
import type { Delivery } from './delivery.ts';

export interface Goal {
  readonly goal: string;
  readonly measured: string;
  readonly verdict: 'met' | 'MISSED' | 'not measured';
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

/** @param value NaN or undefined: it was not measured */
function goal(text: string, value: number | undefined, most: number, unit = ''): Goal {
  if (value === undefined || Number.isNaN(value))
    return { goal: text, measured: '–', verdict: 'not measured' };
  const measured = `${value.toFixed(2)}${unit}`;
  return { goal: text, measured, verdict: value <= most ? 'met' : 'MISSED' };
}

function ratio(
  of: Delivery | undefined,
  to: Delivery | undefined,
  figure: 'totalUs' | 'userUs' = 'totalUs',
): number | undefined {
  return of === undefined || to === undefined ? undefined : of[figure] / to[figure];
}

export function goalsOf({ sizes, rooms, busy, memory }: Parts): Goal[] {
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
  ];
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
