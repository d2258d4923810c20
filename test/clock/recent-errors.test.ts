import { describe, expect, it } from 'vitest';
import { RecentErrors } from '../../src/clock/recent-errors.ts';

describe('RecentErrors', () => {
  it('leaves out the one reading of three that is a whole buffer off', () => {
    const errors = new RecentErrors();
    const read = [1.2, 1.1, 22.4, 1, 0.9, 0.8].map((errorMs) => errors.add(errorMs, 'a'));
    expect(read).toEqual([1.2, 1.1, 1.2, 1.1, 1, 0.9]);
  });

  it('begins anew with another piece of sound, and after a move', () => {
    const errors = new RecentErrors();
    for (const errorMs of [15, 15, 15]) errors.add(errorMs, 'a');
    expect(errors.add(-2, 'b')).toBe(-2);
    errors.add(-2, 'b');
    errors.add(-2, 'b');
    errors.clear();
    expect(errors.add(7, 'b')).toBe(7);
  });
});
