// How long so many people are given to leave.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drainWindow } from '../../src/hub/drain-window.ts';

const TERMS = { leastMs: 2_000, perSecond: 1_000, mostMs: 8_000 };

describe('the window of a drain', () => {
  it('is the least for few people', () => {
    expect(drainWindow(TERMS, 0)).toEqual({ windowMs: 2_000, neededMs: 0 });
    expect(drainWindow(TERMS, 2_000)).toEqual({ windowMs: 2_000, neededMs: 2_000 });
    expect(drainWindow({ ...TERMS, leastMs: 0 }, 1)).toEqual({ windowMs: 1, neededMs: 1 });
  });

  it('grows with them, by the rate at which they are let in elsewhere', () => {
    expect(drainWindow(TERMS, 5_000)).toEqual({ windowMs: 5_000, neededMs: 5_000 });
    expect(drainWindow({ ...TERMS, perSecond: 3_000 }, 10_000)).toEqual({
      ...{ windowMs: 3_334, neededMs: 3_334 },
    });
  });

  it('ends where whoever ends the process would not wait longer', () => {
    expect(drainWindow(TERMS, 50_000)).toEqual({ windowMs: 8_000, neededMs: 50_000 });
  });

  it('stays what somebody chose where that is longer than it may grow', () => {
    const terms = { ...TERMS, leastMs: 60_000 };
    expect(drainWindow(terms, 0).windowMs).toBe(60_000);
    expect(drainWindow(terms, 50_000).windowMs).toBe(60_000);
    expect(drainWindow({ ...TERMS, mostMs: 0 }, 50_000).windowMs).toBe(2_000);
  });

  it('lets no more in at once than the rate, unless the longest ends it', () => {
    const ms = fc.nat(600_000);
    fc.assert(
      fc.property(
        fc.record({ leastMs: ms, perSecond: fc.integer({ min: 1, max: 100_000 }), mostMs: ms }),
        fc.nat(100_000),
        (terms, connections) => {
          const { windowMs, neededMs } = drainWindow(terms, connections);
          expect(windowMs).toBeLessThanOrEqual(Math.max(terms.leastMs, terms.mostMs));
          expect(windowMs).toBeGreaterThanOrEqual(terms.leastMs);
          if (windowMs < neededMs) expect(windowMs).toBe(Math.max(terms.leastMs, terms.mostMs));
          else expect(connections).toBeLessThanOrEqual((windowMs / 1_000) * terms.perSecond + 1e-6);
        },
      ),
    );
  });
});
