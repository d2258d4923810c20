// How a process ends: everything in its turn, within a time, and with a word about what was not done.
import { describe, expect, it } from 'vitest';
import { Deadline, endAll, endWithinMs, type Stop } from '../../src/ending.ts';
import { logRecorder, type Line } from '../support/log-recorder.ts';
import { ManualTime } from '../support/manual-time.ts';

function ending(withinMs: number) {
  const time = new ManualTime();
  const lines: Line[] = [];
  const deadline = new Deadline(withinMs, time, () => time.now());
  const end = (stops: Stop[]) => endAll(stops, deadline, logRecorder(lines));
  return { time, lines, end };
}

describe('an end', () => {
  it('stops the last first, one after the other, and says what time is left', async () => {
    const { time, lines, end } = ending(1_000);
    const told: (readonly [string, number])[] = [];
    const stops: Stop[] = [
      ({ leftMs }) => {
        told.push(['first', leftMs]);
      },
      async ({ leftMs }) => {
        await new Promise<void>((resolve) => time.after(400, resolve));
        told.push(['second', leftMs]);
      },
    ];
    const ended = end(stops);
    await time.advance(400);
    expect(await ended).toBe(true);
    expect(told).toEqual([
      ['second', 1_000],
      ['first', 600],
    ]);
    expect(lines).toEqual([]);
    expect(stops).toEqual([]);
    expect(time.waiting).toBe(0);
  });

  it('goes on after a part that fails, and is no good one', async () => {
    const { lines, end } = ending(1_000);
    let isStopped = false;
    const stops: Stop[] = [
      () => {
        isStopped = true;
      },
      () => Promise.reject(new Error('broken')),
    ];
    expect(await end(stops)).toBe(false);
    expect(isStopped).toBe(true);
    expect(lines).toMatchObject([{ level: 'error', err: { message: 'broken' } }]);
  });

  it('is no good one where something was lost, which its part has told', async () => {
    const { lines, end } = ending(1_000);
    expect(await end([({ lost }) => lost()])).toBe(false);
    expect(lines).toEqual([]);
  });

  it('is over when its time is, with one line, whatever is still under way', async () => {
    const { time, lines, end } = ending(1_000);
    const ended = end([() => undefined, () => new Promise(() => undefined), () => undefined]);
    await time.advance(999);
    expect(lines).toEqual([]);
    await time.advance(1);
    expect(await ended).toBe(false);
    expect(lines).toMatchObject([{ level: 'error', parts: 2 }]);
  });

  it('is given what is left until the process is killed, after the longest window', () => {
    const image = { leastMs: 2_000, mostMs: 8_000 };
    expect(endWithinMs(image)).toBe(9_500);
    const compose = { leastMs: 8_000, mostMs: 10_000 };
    expect(endWithinMs(compose)).toBeLessThan(20_000);
    const afterPreStopMs = 45_000 - 5_000;
    const kubernetes = { leastMs: 20_000, mostMs: 30_000 };
    expect(endWithinMs(kubernetes)).toBeLessThan(afterPreStopMs);
    expect(endWithinMs({ leastMs: 40_000, mostMs: 30_000 })).toBe(49_000);
  });
});
