// Curves of which some places are measured again.
import { expect, test } from 'vitest';
import { renewed, type Curves } from '../../bench/curve.ts';

interface Cost {
  readonly us: number;
}

function curves(at: string, costs: Readonly<Record<string, readonly [x: number, us: number][]>>) {
  return {
    ...{ at, loadBefore: [1], loadAfter: [2], tookSeconds: 60, rounds: 2, leftOut: [] },
    series: Object.entries(costs).map(([subject, points]) => ({
      subject,
      points: points.map(([x, us]) => ({ x, figures: { us }, runs: [] })),
    })),
  } satisfies Curves<Cost>;
}

test('what was measured again takes the place of what was there, and the rest stays', () => {
  const before = curves('then', {
    hub: [
      [1, 10],
      [5, 20],
      [9, 30],
    ],
  });
  const anew = curves('now', { hub: [[5, 21]], other: [[5, 40]] });
  const { at, tookSeconds, series } = renewed(before, anew);
  expect([at, tookSeconds]).toEqual(['then', 120]);
  expect(
    series.map(({ subject, points }) => [subject, points.map(({ x, figures }) => [x, figures.us])]),
  ).toEqual([
    [
      'hub',
      [
        [1, 10],
        [5, 21],
        [9, 30],
      ],
    ],
    ['other', [[5, 40]]],
  ]);
});

test('of nothing all is new', () => {
  const anew = curves('now', { hub: [[5, 21]] });
  expect(renewed(undefined, anew)).toBe(anew);
});
