// How a thread of the generator waits: awake for a while after what it read, and honest about how busy it was.
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { BusyPoll } from '../../loadtest/busy-poll.ts';
import { LoopWatch } from '../../loadtest/loop-watch.ts';
import { machineNow } from '../../loadtest/machine-clock.ts';

const READ_EVERY_MS = 20;
const READS = 8;

/** Reads now and then, and nothing else. @returns the share of the time that the loop did not sleep, and what the watch says of it */
async function reading(poll: BusyPoll): Promise<{ awake: number; busyShare: number }> {
  const watch = new LoopWatch(poll);
  const before = performance.eventLoopUtilization();
  for (let read = 0; read < READS; read += 1) {
    poll.read(machineNow());
    await pause(READ_EVERY_MS);
  }
  const { utilization } = performance.eventLoopUtilization(before);
  const { busyShare } = watch.take();
  watch.stop();
  return { awake: utilization, busyShare };
}

describe('a thread that polls', () => {
  it('stays awake between one thing and the next, and does not call that busy', async () => {
    const { awake, busyShare } = await reading(new BusyPoll(4 * READ_EVERY_MS));
    expect(awake).toBeGreaterThan(0.9);
    expect(busyShare).toBeLessThan(0.5);
  });

  it('sleeps where nothing came for longer than it looks', async () => {
    const poll = new BusyPoll(1);
    poll.read(machineNow());
    await pause(40);
    const before = performance.eventLoopUtilization();
    await pause(200);
    expect(performance.eventLoopUtilization(before).utilization).toBeLessThan(0.5);
  });

  it('sleeps at once where it was not asked to', async () => {
    const { awake } = await reading(new BusyPoll(0));
    expect(awake).toBeLessThan(0.5);
  });
});
