// The count of timers that are set.
import { describe, expect, it } from 'vitest';
import { pendingTimers, systemTimers } from '../../src/adapters/system/system-timers.ts';

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
});
