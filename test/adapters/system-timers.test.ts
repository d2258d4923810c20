// Timers of Node.js as the port promises them: the count of those that are set, when they fire, and what is left of those that were cancelled.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pendingTimers, systemTimers } from '../../src/adapters/system/system-timers.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe('the timers of the system', () => {
  it('count what is set, until it fires or is cancelled, each once', async () => {
    const before = pendingTimers();
    const cancel = systemTimers.after(60_000, () => undefined);
    const stop = systemTimers.every(60_000, () => undefined);
    const fired = new Promise<number>((resolve) => {
      systemTimers.after(1, () => resolve(pendingTimers()));
    });
    expect(pendingTimers()).toBe(before + 3);
    // Nothing else keeps this process from ending.
    const kept = setTimeout(() => undefined, 10_000);
    expect(await fired).toBe(before + 2);
    clearTimeout(kept);
    cancel();
    cancel();
    stop();
    expect(pendingTimers()).toBe(before);
  });

  it.each([
    ['once', (ms: number) => systemTimers.after(ms - 0.5, () => undefined)],
    ['again and again', (ms: number) => systemTimers.every(ms, () => undefined)],
  ])('leave Node.js no list of a delay when they are cancelled (%s)', (_, set) => {
    const delayMs = HOUR_MS + 17;
    const list = listOf(delayMs);
    // Of one that is merely cleared the list is still there, and taken by the next.
    expect(listOf(delayMs)).toBe(list);
    set(delayMs)();
    expect(listOf(delayMs)).not.toBe(list);
  });
});

describe('a timer', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  it.each([-5, 0, 1, 2, 999.5, 60_000, HOUR_MS - 1, 2 ** 31 - 1, 2 ** 31, 80 * DAY_MS])(
    'of %d ms fires then, once, and not before',
    (delayMs) => {
      const before = pendingTimers();
      let fired = 0;
      systemTimers.after(delayMs, () => (fired += 1));
      expect(pendingTimers()).toBe(before + 1);
      // Nothing is sooner than a millisecond to Node.js.
      const dueMs = Math.max(1, Math.ceil(delayMs));
      vi.advanceTimersByTime(dueMs - 1);
      expect(fired).toBe(0);
      vi.advanceTimersByTime(1);
      expect(fired).toBe(1);
      expect(pendingTimers()).toBe(before);
      vi.advanceTimersByTime(200 * DAY_MS);
      expect(fired).toBe(1);
    },
  );

  it.each([0, 1, 24, 26, 49])('of 50 days that is cancelled after %d never fires', (days) => {
    const before = pendingTimers();
    let fired = 0;
    const cancel = systemTimers.after(50 * DAY_MS, () => (fired += 1));
    vi.advanceTimersByTime(days * DAY_MS);
    cancel();
    cancel();
    vi.advanceTimersByTime(200 * DAY_MS);
    expect(fired).toBe(0);
    expect(pendingTimers()).toBe(before);
  });

  it.each([
    { aheadMs: 5_000, restMs: 25 * DAY_MS + 3 - (2 ** 31 - 1) - 5_000 },
    { aheadMs: 2 * DAY_MS, restMs: 1 },
  ])('that is looked at $aheadMs ms late still fires in time, or at once', (late) => {
    let fired = 0;
    systemTimers.after(25 * DAY_MS + 3, () => (fired += 1));
    const { performance } = globalThis;
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + late.aheadMs);
    vi.advanceTimersByTime(2 ** 31 - 1 + late.restMs - 1);
    expect(fired).toBe(0);
    vi.advanceTimersByTime(1);
    expect(fired).toBe(1);
  });
});

/** In which list Node.js has a timer of that delay that keeps no process alive; it is cleared at once. */
function listOf(delayMs: number): unknown {
  const timer = setTimeout(() => undefined, delayMs).unref();
  const list: unknown = Reflect.get(timer, '_idleNext');
  clearTimeout(timer);
  return list;
}
