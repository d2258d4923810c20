import { expect, test } from 'vitest';
import { fitLine, type FitPoint } from '../../src/clock/linear-fit.ts';
import { SeededRandom } from './support/seeded-random.ts';

const flat = { mean: 0, sigma: 1e6 };

test('no points, no line', () => {
  expect(fitLine([], flat)).toBeNull();
});

test('one point gives its height and the prior’s slope', () => {
  const fit = fitLine([{ x: 5, y: 7, sigma: 1 }], { mean: 0.25, sigma: 0.1 })!;
  expect(fit.slope).toBeCloseTo(0.25, 12);
  expect(fit.slopeSigma).toBeCloseTo(0.1, 12);
  expect(fit.yAtMean).toBe(7);
});

test('points on a line give that line, far from the origin as well', () => {
  const points = Array.from({ length: 50 }, (_, index): FitPoint => {
    const x = 1.8e12 + index * 1_000;
    return { x, y: 3 + 40e-6 * (x - 1.8e12), sigma: 0.1 };
  });
  const fit = fitLine(points, flat)!;
  expect(fit.slope).toBeCloseTo(40e-6, 9);
  expect(fit.yAtMean).toBeCloseTo(3 + 40e-6 * 24_500, 6);
});

test('a narrow prior holds against few points and yields to many', () => {
  const points = (count: number): FitPoint[] =>
    Array.from({ length: count }, (_, x) => ({ x, y: x, sigma: 1 }));
  const prior = { mean: 0, sigma: 0.05 };
  expect(fitLine(points(3), prior)!.slope).toBeLessThan(0.1);
  expect(fitLine(points(60), prior)!.slope).toBeGreaterThan(0.95);
});

test('the stated sigma of the slope covers the truth, whether the noise was foreseen or not', () => {
  const random = new SeededRandom(3);
  for (const noise of [1, 5]) {
    let within = 0;
    for (let round = 0; round < 300; round += 1) {
      const points = Array.from({ length: 30 }, (_, x) => ({
        x,
        y: 0.5 * x + random.normal(noise),
        sigma: 1,
      }));
      const fit = fitLine(points, flat)!;
      if (Math.abs(fit.slope - 0.5) < 2 * fit.slopeSigma) within += 1;
    }
    expect(within / 300).toBeGreaterThan(0.9);
    expect(within / 300).toBeLessThan(0.995);
  }
});

test('a doubtful point weighs as little as its sigma says', () => {
  const points = Array.from({ length: 20 }, (_, x) => ({ x, y: 2 * x, sigma: 0.1 }));
  const fit = fitLine([...points, { x: 20, y: 500, sigma: 1e4 }], flat)!;
  expect(fit.slope).toBeCloseTo(2, 3);
});
