import { describe, expect, it } from 'vitest';
import { SeekCost } from '../../src/clock/seek-cost.ts';

/** Starts one after the other that cost `costMs`; how far off each lands. */
function landings(cost: SeekCost, costMs: number, count: number): number[] {
  return Array.from({ length: count }, (_, n) => {
    const atMs = n * 60_000;
    const errorMs = cost.expectedMs - costMs;
    cost.begin(atMs);
    cost.learn(errorMs, atMs + 1_000);
    return errorMs;
  });
}

describe('SeekCost', () => {
  it('learns what a device takes, also where it is less than nothing', () => {
    for (const costMs of [260, -12]) {
      const errors = landings(new SeekCost(8), costMs, 8);
      expect(Math.abs(errors.at(-1) ?? NaN)).toBeLessThan(2.5);
    }
  });

  it('does not believe a landing that is not settled, or comes too late', () => {
    const cost = new SeekCost(50);
    cost.begin(0);
    cost.learn(500, 300);
    cost.postpone(20_000);
    cost.learn(500, 31_000);
    expect(cost.expectedMs).toBe(50);
  });
});
