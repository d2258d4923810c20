import { describe, expect, it } from 'vitest';
import { ThreadOffset } from '../../src/clock/thread-offset.ts';
import { SeededRandom } from '../support/seeded-random.ts';

/** Two threads: the same time read from two origins on a grain. Messages between them take what they take. */
class Threads {
  readonly trueOffsetMs: number;
  readonly offset: ThreadOffset;
  readonly #random: SeededRandom;
  readonly #grainMs: number;
  #nowMs = 5_000;

  constructor(seed: number, { grainMs = 0.1, claimErrorMs = 0, trueOffsetMs = -376.312 } = {}) {
    this.#random = new SeededRandom(seed);
    this.#grainMs = grainMs;
    this.trueOffsetMs = trueOffsetMs;
    this.offset = new ThreadOffset(trueOffsetMs + claimErrorMs);
  }

  here(): number {
    return Math.floor(this.#nowMs / this.#grainMs) * this.#grainMs;
  }

  there(): number {
    return Math.floor((this.#nowMs + this.trueOffsetMs) / this.#grainMs) * this.#grainMs;
  }

  pass(mostMs: number): void {
    this.#nowMs += this.#random.next() * mostMs;
  }

  /** Mostly quick; now and then one of the two is busy. */
  compare(): void {
    const askedMs = this.here();
    this.pass(this.#random.next() < 0.3 ? 60 : 0.3);
    const takenMs = this.there();
    this.pass(0.01);
    const toldMs = this.there();
    this.pass(this.#random.next() < 0.3 ? 60 : 0.3);
    this.offset.observe({ askedMs, takenMs, toldMs, heardMs: this.here() });
    this.pass(20);
  }
}

const seeds = Array.from({ length: 40 }, (_, seed) => seed + 1);
const grains = [1, 0.1, 0.02, 0.005];

describe('the offset between two threads', () => {
  it('knows nothing before they have spoken', () => {
    const offset = new ThreadOffset(5);
    expect(offset.reading).toBeUndefined();
    expect(offset.toHere({ t0: 1, t1: 2, t2: 2, t3: 3, timelineId: 1 })).toBeUndefined();
    expect(offset.momentHere(1)).toBeUndefined();
  });

  it.each(grains)(
    'is proven at any time, whatever the platform claims (grain %f ms)',
    (grainMs) => {
      for (const seed of seeds) {
        for (const claimErrorMs of [0, 0.2, -40, 86_400_000, NaN]) {
          const threads = new Threads(seed, { grainMs, claimErrorMs });
          for (let n = 0; n < 30; n += 1) {
            threads.compare();
            const { offsetMs, errorMs } = threads.offset.reading!;
            expect(Math.abs(offsetMs - threads.trueOffsetMs)).toBeLessThanOrEqual(errorMs + 1e-9);
          }
        }
      }
    },
  );

  it('is as good as the grain after a few words, where the claim is right', () => {
    for (const seed of seeds) {
      const threads = new Threads(seed);
      for (let n = 0; n < 12; n += 1) threads.compare();
      const { offsetMs, errorMs } = threads.offset.reading!;
      expect(Math.abs(offsetMs - threads.trueOffsetMs)).toBeLessThanOrEqual(0.1);
      expect(errorMs).toBeLessThanOrEqual(0.5);
    }
  });

  it('keeps what was proven: a busy page makes it no worse', () => {
    const threads = new Threads(3);
    for (let n = 0; n < 30; n += 1) threads.compare();
    const before = threads.offset.reading!;
    const askedMs = threads.here();
    threads.pass(2_000);
    const takenMs = threads.there();
    threads.pass(2_000);
    threads.offset.observe({ askedMs, takenMs, toldMs: takenMs, heardMs: threads.here() });
    expect(threads.offset.reading).toEqual(before);
  });

  it('begins anew where the two clocks came apart', () => {
    const threads = new Threads(4);
    for (let n = 0; n < 10; n += 1) threads.compare();
    threads.offset.observe({ askedMs: 9_000, takenMs: 9_500, toldMs: 9_500, heardMs: 9_000.2 });
    const { offsetMs, errorMs } = threads.offset.reading!;
    expect(Math.abs(offsetMs - 500)).toBeLessThanOrEqual(errorMs);
    expect(errorMs).toBeLessThan(0.5);
  });

  it('believes no stamps that are impossible', () => {
    const offset = new ThreadOffset(0);
    offset.observe({ askedMs: NaN, takenMs: 1, toldMs: 1, heardMs: 1 });
    offset.observe({ askedMs: 5, takenMs: 1, toldMs: 1, heardMs: 4 });
    offset.observe({ askedMs: 5, takenMs: 2, toldMs: 1, heardMs: 6 });
    expect(offset.reading).toBeUndefined();
  });

  it('moves an exchange so that what it proved stays true', () => {
    const hubAheadMs = 1_000_000;
    for (const seed of seeds) {
      const threads = new Threads(seed, { claimErrorMs: seed % 2 === 0 ? 0 : 0.4 });
      for (let n = 0; n < 1 + (seed % 5); n += 1) threads.compare();
      // The probe leaves and comes back at once: nothing is left of the interval but what the threads add.
      const t0 = threads.there();
      const trueHere = t0 - threads.trueOffsetMs;
      const stamp = trueHere + hubAheadMs;
      const moved = threads.offset.toHere({ t0, t1: stamp, t2: stamp, t3: t0, timelineId: 1 })!;
      expect(moved.t1 - moved.t0).toBeGreaterThanOrEqual(hubAheadMs - 1e-6);
      expect(moved.t2 - moved.t3).toBeLessThanOrEqual(hubAheadMs + 1e-6);
      expect(moved).toMatchObject({ t1: stamp, t2: stamp, timelineId: 1 });
      expect(moved.t3 - moved.t0).toBeLessThanOrEqual(2 * threads.offset.reading!.errorMs + 0.11);
    }
  });
});
