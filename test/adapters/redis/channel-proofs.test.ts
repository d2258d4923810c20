// When a node gives up the subscriptions that it has.
import { describe, expect, it } from 'vitest';
import { areLost } from '../../../src/adapters/redis/channel-proofs.ts';

describe('the channels of Redis', () => {
  it('are lost when one of them has missed two probes', () => {
    expect(areLost([0, 0], -Infinity, 4_500)).toBe(false);
    expect(areLost([0, 100], -Infinity, 4_501)).toBe(true);
    expect(areLost([100, 100], -Infinity, 4_501)).toBe(false);
  });

  it('made anew have until the second tick to be proven', () => {
    // Made anew by the tick of 6 s, or a moment later.
    for (const madeAnewAt of [6_000, 6_030]) {
      expect(areLost([0, 0], madeAnewAt, 8_000)).toBe(false);
      expect(areLost([0, 0], madeAnewAt, 10_000)).toBe(true);
    }
    expect(areLost([6_001, 6_001], 6_000, 10_000)).toBe(false);
  });
});
