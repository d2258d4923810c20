// The slowest that an answer may be taken, judged without a transport and in no time.
import { describe, expect, it } from 'vitest';
import { ANSWER_PACE, PACE_SWEEPS, TakenPace } from '../../src/ports/sockets.ts';

const sweepSeconds = ANSWER_PACE.windowMs / 1_000 / PACE_SWEEPS;

/** Seconds until the peer is cut, or undefined where it never is within a day. */
function cutAfter(takenBytes: (second: number) => number, isBehind = true): number | undefined {
  const pace = new TakenPace();
  for (let second = sweepSeconds; second <= 86_400; second += sweepSeconds)
    if (pace.isTooSlow(isBehind, Math.floor(takenBytes(second)), ANSWER_PACE)) return second;
  return undefined;
}

describe('the slowest that an answer may be taken', () => {
  it('is in three minutes what it was before: nothing', () => {
    expect(cutAfter(() => 0)).toBe(180);
    // What the kernels take at once is no credit for later.
    expect(cutAfter(() => 10_000_000)).toBe(195);
  });

  it('is a KiB a second', () => {
    expect(cutAfter((second) => second * 1_000)).toBeLessThanOrEqual(195);
    expect(cutAfter((second) => second * 1_100)).toBeUndefined();
  });

  it('is less than music, which a player takes a MiB at a time', () => {
    for (const kibPerSecond of [8, 16, 40]) {
      const taken = (second: number): number =>
        Math.floor((second * kibPerSecond) / 1024) * 1024 * 1024;
      expect(cutAfter(taken)).toBeUndefined();
    }
  });

  it('is no matter while nothing waits for the peer', () => {
    expect(cutAfter(() => 0, false)).toBeUndefined();
  });
});
