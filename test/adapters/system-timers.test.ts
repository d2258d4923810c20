import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pendingTimers, systemTimers } from '../../src/adapters/system/system-timers.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe('a timer', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
  afterEach(() => vi.useRealTimers());

  it.each([1, 999.5, 59_999, 60_001, 61_000.25, 3 * 60_000 + 7, HOUR_MS - 1, 40 * DAY_MS])(
    'of %d ms fires then, once, and not before',
    (delayMs) => {
      const before = pendingTimers();
      let fired = 0;
      systemTimers.after(delayMs, () => (fired += 1));
      expect(pendingTimers()).toBe(before + 1);
      vi.advanceTimersByTime(Math.max(0, Math.ceil(delayMs) - 1));
      expect(fired).toBe(0);
      // Nothing is sooner than a millisecond to Node.js.
      vi.advanceTimersByTime(1);
      expect(fired).toBe(1);
      expect(pendingTimers()).toBe(before);
      vi.advanceTimersByTime(2 * DAY_MS);
      expect(fired).toBe(1);
    },
  );

  it.each([0, 30_000, HOUR_MS - 30_000, HOUR_MS - 1])(
    'of an hour that is cancelled after %d ms never fires',
    (afterMs) => {
      const before = pendingTimers();
      let fired = 0;
      const cancel = systemTimers.after(HOUR_MS, () => (fired += 1));
      vi.advanceTimersByTime(afterMs);
      cancel();
      cancel();
      vi.advanceTimersByTime(2 * HOUR_MS);
      expect(fired).toBe(0);
      expect(pendingTimers()).toBe(before);
    },
  );

  it('that is far is set with one of few delays, as Node.js keeps a list for each', () => {
    const set = vi.spyOn(globalThis, 'setTimeout');
    for (let ms = 0; ms < 5_000; ms += 1) systemTimers.after(HOUR_MS - ms, () => undefined)();
    expect(set).toHaveBeenCalledTimes(5_000);
    expect(new Set(set.mock.calls.map(([, delayMs]) => delayMs)).size).toBeLessThanOrEqual(6);
    set.mockRestore();
  });
});
