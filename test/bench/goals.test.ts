import { expect, test } from 'vitest';
import { NAMES } from '../../bench/curve-subjects.ts';
import type { DeliveryCurves } from '../../bench/curve-parts.ts';
import type { Delivery } from '../../bench/delivery.ts';
import { goalsOf, type Goal } from '../../bench/goals.ts';
import type { LimitsFigures } from '../../bench/limits-report.ts';
import { resultPage } from '../../bench/result-page.ts';

const DELIVERY: Delivery = {
  ...{ userUs: 1, systemUs: 7, totalUs: 8, frameUs: 8, eventsPerFrame: 1, bytesPerEvent: 650 },
  ...{ publishUs: 30, wholeUs: 9, besideUs: 0, arrived: 1, disorder: 0, eventsPerSecond: 1 },
  ...{ serverShare: 0.2, clientShare: 0.2 },
};

/** Rooms of 1,000, by what a delivery costs each. */
function sizes(costs: Readonly<Record<string, number>>): DeliveryCurves {
  return {
    ...{ at: '2026-01-02T03:04:05.000Z', loadBefore: [0, 0, 0], loadAfter: [1, 0, 0] },
    ...{ tookSeconds: 60, rounds: 2, leftOut: [] },
    series: Object.entries(costs).map(([subject, totalUs]) => ({
      subject,
      points: [{ x: 1_000, figures: { ...DELIVERY, totalUs }, runs: [] }],
    })),
  };
}

function verdictOf(goals: readonly Goal[], text: string): string | undefined {
  return goals.find(({ goal }) => goal.includes(text))?.verdict;
}

const RAW_GOAL = 'rooms of 1,000: a delivery costs at most 1.15';

test('the raw server is the cheaper one of its two ways', () => {
  const costs = { [NAMES.earshot]: 11, [NAMES.publish]: 12, [NAMES.sends]: 9 };
  expect(verdictOf(goalsOf({ sizes: sizes(costs) }), RAW_GOAL)).toBe('MISSED');
  const better = { ...costs, [NAMES.earshot]: 10 };
  expect(verdictOf(goalsOf({ sizes: sizes(better) }), RAW_GOAL)).toBe('met');
});

test('a cost that noise has made less than nothing meets no goal', () => {
  const costs = { [NAMES.earshot]: -1, [NAMES.publish]: 8 };
  expect(verdictOf(goalsOf({ sizes: sizes(costs) }), RAW_GOAL)).toBe('not measured');
});

test.each([
  [{ [NAMES.earshot]: 18, [NAMES.publish]: 16, [NAMES.sends]: 25 }, 'met'],
  [{ [NAMES.earshot]: 19, [NAMES.publish]: 16, [NAMES.sends]: 25 }, 'MISSED'],
  [{ [NAMES.earshot]: 18 }, 'not measured'],
])('the last listener is compared with the faster way of the raw server (%j)', (p99s, verdict) => {
  const { series: _, ...frame } = sizes({});
  const figures = { p50Ms: 9, maxMs: 30, serverShare: 0.1, clientShare: 0.1 };
  const series = Object.entries(p99s).map(([subject, p99Ms]) => ({
    subject,
    points: [{ x: 10, figures: { ...figures, p99Ms }, runs: [] }],
  }));
  expect(verdictOf(goalsOf({ last: { ...frame, series } }), 'until the last of')).toBe(verdict);
});

function atHalf(p99Ms: number, doubts: readonly string[]): LimitsFigures {
  const last = { count: 100, p50Ms: 1, p99Ms, maxMs: p99Ms };
  return {
    stadium: {
      ...{ listeners: 1_000, isHeld: true, isOfGenerator: false, heldPerSecond: 8 },
      ...{ brokeAtPerSecond: 9, gaveWay: [] },
      atHalf: { doubts, perSecond: 4, last, faults: 0 },
    },
    ...{ reconnects: undefined, leftOut: [] },
  };
}

test.each([
  [14, [], 'met'],
  [16, [], 'MISSED'],
  [16, ['it was late'], 'unsure'],
  [14, ['it was late'], 'met'],
])('%s ms to the last listener, doubts %j: %s', (p99Ms, doubts, verdict) => {
  expect(verdictOf(goalsOf({}, atHalf(p99Ms, doubts)), 'to the last of')).toBe(verdict);
});

test('what was not held, or not found to be the hub’s, meets no goal by its half', () => {
  const { stadium, ...rest } = atHalf(14, []);
  const told = (changes: object): string | undefined =>
    verdictOf(goalsOf({}, { ...rest, stadium: { ...stadium!, ...changes } }), 'to the last of');
  expect(told({})).toBe('met');
  expect(told({ isHeld: false })).toBe('not measured');
  expect(told({ isOfGenerator: true })).toBe('unsure');
});

test('who stayed and was not seen to hear anything meets no goal, and who was lost of them is lost', () => {
  const heard = { count: 0, p50Ms: null, p99Ms: null, maxMs: null };
  const stayed = { doubts: [], people: 200, faults: 0, lost: 3, heard, worstP99Ms: null };
  const goals = goalsOf(
    {},
    {
      ...{ stadium: undefined, leftOut: [] },
      reconnects: {
        ...{ people: 10_000, cutWithinSeconds: 1, faults: 0, lost: 0, doubts: [], stayed },
        resume: { count: 10_000, p50Ms: 1, p99Ms: 2, maxMs: 3 },
      },
    },
  );
  expect(verdictOf(goals, 'for those who stay')).toBe('not measured');
  expect(verdictOf(goals, 'nothing and nobody is lost')).toBe('MISSED');
});

test('the page says what has not run, and asks of nothing that is not there', () => {
  const page = resultPage({
    ...{ curves: undefined, limits: undefined, operations: undefined, plots: new Map() },
    others: new Map([['fanout', undefined]]),
  });
  expect(page).toContain('| fanout | not run |');
  expect(page).toContain('| curves, sizes | not run |');
  expect(page).toContain('| operations, soak | not run |');
  expect(page).not.toMatch(/NaN|undefined|\| met \|/);
});
