import { describe, expect, test } from 'vitest';
import { AudioFit } from '../../src/clock/audio-fit.ts';
import { SeededRandom } from './support/seeded-random.ts';

const frameSec = 128 / 48_000;

interface Playing {
  readonly skewPpm: number;
  readonly fromMs: number;
  readonly forMs: number;
  /** Context seconds at `fromMs`. */
  readonly startSec: number;
  readonly late?: number;
}

/** Context time as the crystal has it. */
function contextSec({ skewPpm, fromMs, startSec }: Playing, localMs: number): number {
  return startSec + ((localMs - fromMs) / 1_000) * (1 + skewPpm * 1e-6);
}

/** Feeds four pairs a second, in steps of 128 frames, some of them stamped late. */
function play(fit: AudioFit, random: SeededRandom, playing: Playing): string[] {
  const outcomes: string[] = [];
  for (let at = playing.fromMs; at < playing.fromMs + playing.forMs; at += 250) {
    const readAt = at + random.uniform(0, 20);
    const shown = Math.floor(contextSec(playing, readAt) / frameSec) * frameSec;
    const late = random.chance(playing.late ?? 0) ? random.uniform(5, 80) : 0;
    outcomes.push(fit.add({ localMs: readAt + late, contextSec: shown }));
  }
  return outcomes;
}

describe('AudioFit', () => {
  test.each([-80, 12, 80])('finds a skew of %d ppm through the steps of 128 frames', (skewPpm) => {
    const fit = new AudioFit();
    const playing = { skewPpm, fromMs: 5_000, forMs: 90_000, startSec: 0.5 };
    play(fit, new SeededRandom(1), playing);
    expect(fit.steady).toBe(true);
    expect(Math.abs(fit.skewPpm - skewPpm)).toBeLessThan(12);
    // Half a quantum of the floor is a constant that the mean cannot tell from latency.
    const truth = contextSec(playing, 95_000) - frameSec / 2;
    expect(Math.abs(fit.contextSecAt(95_000)! - truth) * 1_000).toBeLessThan(0.5);
    expect(fit.errorMs).toBeLessThan(0.5);
  });

  test('maps both ways', () => {
    const fit = new AudioFit();
    play(fit, new SeededRandom(2), { skewPpm: 50, fromMs: 0, forMs: 30_000, startSec: 1 });
    for (const at of [0, 29_000, 60_000]) {
      expect(fit.localMsAt(fit.contextSecAt(at)!)).toBeCloseTo(at, 6);
    }
  });

  test('one pair maps already, at rate one', () => {
    const fit = new AudioFit();
    expect(fit.contextSecAt(3)).toBeNull();
    expect(fit.localMsAt(3)).toBeNull();
    expect(fit.errorMs).toBe(Infinity);
    fit.add({ localMs: 1_000, contextSec: 2 });
    expect(fit.contextSecAt(1_500)).toBeCloseTo(2.5, 6);
  });

  test('late stamps do not pull', () => {
    const fit = new AudioFit();
    const playing = { skewPpm: 20, fromMs: 0, forMs: 60_000, startSec: 1, late: 0.2 };
    play(fit, new SeededRandom(3), playing);
    const truth = contextSec(playing, 60_000) - frameSec / 2;
    expect(Math.abs(fit.contextSecAt(60_000)! - truth) * 1_000).toBeLessThan(1.5);
  });

  test('a gap in the context is noticed with the third pair and begins a new line', () => {
    const fit = new AudioFit();
    const random = new SeededRandom(4);
    play(fit, random, { skewPpm: 20, fromMs: 0, forMs: 30_000, startSec: 1 });
    const after = { skewPpm: 20, fromMs: 30_500, forMs: 9_500, startSec: 31 };
    const outcomes = play(fit, random, after);
    expect(outcomes.slice(0, 4)).toEqual(['outlier', 'outlier', 'reset', 'added']);
    const truth = contextSec(after, 40_000) - frameSec / 2;
    expect(Math.abs(fit.contextSecAt(40_000)! - truth) * 1_000).toBeLessThan(1);
    expect(fit.resets).toBe(1);
    expect(Math.abs(fit.skewPpm - 20)).toBeLessThan(30);
  });

  test('a context that starts over is a new line at once', () => {
    const fit = new AudioFit();
    const random = new SeededRandom(5);
    play(fit, random, { skewPpm: 0, fromMs: 0, forMs: 10_000, startSec: 50 });
    expect(fit.add({ localMs: 11_000, contextSec: 0.3 })).toBe('reset');
    expect(fit.contextSecAt(11_500)).toBeCloseTo(0.8, 3);
  });

  test('a told suspend forgets the position and keeps the rate', () => {
    const fit = new AudioFit();
    play(fit, new SeededRandom(6), { skewPpm: 60, fromMs: 0, forMs: 60_000, startSec: 1 });
    fit.reset();
    expect(fit.contextSecAt(70_000)).toBeNull();
    expect(fit.steady).toBe(false);
    expect(fit.add({ localMs: 90_000, contextSec: 61 })).toBe('added');
    expect(Math.abs(fit.skewPpm - 60)).toBeLessThan(15);
  });

  test('nonsense is ignored', () => {
    const fit = new AudioFit();
    expect(fit.add({ localMs: NaN, contextSec: 1 })).toBe('ignored');
    expect(fit.add({ localMs: 1, contextSec: Infinity })).toBe('ignored');
    expect(fit.add({ localMs: 1, contextSec: 0 })).toBe('ignored');
    expect(fit.add({ localMs: 1_000, contextSec: 1 })).toBe('added');
    expect(fit.add({ localMs: 1_010, contextSec: 1.01 })).toBe('ignored');
  });
});
