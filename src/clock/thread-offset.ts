// Owns how far the clock of another thread is from that of this one, proven from what they say to each other. Knows stamps, no threads.

import type { Exchange } from './exchange.ts';
import { StampQuantum } from './stamp-quantum.ts';

/** A question to the other thread and its answer. `asked` and `heard` are this thread's stamps, `taken` and `told` the other's, ms. */
export interface ThreadExchange {
  readonly askedMs: number;
  readonly takenMs: number;
  readonly toldMs: number;
  readonly heardMs: number;
}

export interface ThreadOffsetReading {
  /** The other thread's clock minus this one's. */
  readonly offsetMs: number;
  /** Proven: it is not further off than this. */
  readonly errorMs: number;
}

/**
 * Both threads read one crystal from two origins, so the offset between them does not change, and what was proven once
 * holds on: intervals are intersected as in the `Corridor`, without their ageing. What the platform claims, the difference of
 * the two `performance.timeOrigin`, is taken where it lies inside (exact in Chromium; elsewhere each is the wall clock of
 * its own start, which may have been set in between), else the end of the interval that is nearest to it.
 */
export class ThreadOffset {
  readonly #claimedMs: number;
  readonly #quantum = new StampQuantum();
  #upperMs = Infinity;
  #lowerMs = -Infinity;

  /** @param claimedMs what the platform says: the other's clock minus this one's */
  constructor(claimedMs: number) {
    this.#claimedMs = claimedMs;
  }

  observe({ askedMs, takenMs, toldMs, heardMs }: ThreadExchange): void {
    const upperMs = takenMs - askedMs;
    const lowerMs = toldMs - heardMs;
    for (const stamp of [askedMs, takenMs, toldMs, heardMs]) {
      if (!Number.isFinite(stamp)) return;
      this.#quantum.see(stamp);
    }
    if (heardMs < askedMs || toldMs < takenMs) return;
    const slackMs = 2 * this.#quantum.ms;
    if (upperMs + slackMs < this.#lowerMs || lowerMs - slackMs > this.#upperMs) {
      // It did change, whatever ought to be: what was proven before is worth nothing.
      this.#upperMs = upperMs;
      this.#lowerMs = lowerMs;
      return;
    }
    this.#upperMs = Math.min(this.#upperMs, upperMs);
    this.#lowerMs = Math.max(this.#lowerMs, lowerMs);
  }

  /** Undefined before the first exchange. Both are multiples of the stamps' grain, so that what is moved by them stays on it. */
  get reading(): ThreadOffsetReading | undefined {
    if (this.#upperMs === Infinity) return undefined;
    const grainMs = this.#quantum.ms;
    // Stamps of whole grains may contradict each other by one.
    const from = Math.min(this.#lowerMs, this.#upperMs);
    const to = Math.max(this.#lowerMs, this.#upperMs);
    const likelyMs = Number.isFinite(this.#claimedMs)
      ? Math.min(to, Math.max(from, this.#claimedMs))
      : (from + to) / 2;
    const offsetMs = Math.round(likelyMs / grainMs) * grainMs;
    const farthestMs = Math.max(to - offsetMs, offsetMs - from, 0);
    return { offsetMs, errorMs: (Math.ceil(farthestMs / grainMs - 1e-3) + 1) * grainMs };
  }

  /** An exchange that the other thread stamped, by this thread's clock: wider by what is not known of the offset, and as true. */
  toHere(exchange: Exchange): Exchange | undefined {
    const { reading } = this;
    if (reading === undefined) return undefined;
    const { offsetMs, errorMs } = reading;
    return {
      ...exchange,
      t0: exchange.t0 - offsetMs - errorMs,
      t3: exchange.t3 - offsetMs + errorMs,
    };
  }

  /** A moment by the other thread's clock, by this one's: as near as is known. */
  momentHere(otherMs: number): number | undefined {
    const { reading } = this;
    return reading === undefined ? undefined : otherMs - reading.offsetMs;
  }
}
