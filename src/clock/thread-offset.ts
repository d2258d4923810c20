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
 * the two `performance.timeOrigin`, narrows the estimate where it agrees (in Chromium it is right to a grain of the stamps; elsewhere
 * each is the wall clock of its own start, which may have been set in between). It never narrows the proof.
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

  /** How coarse the stamps of the two are, ms. */
  get grainMs(): number {
    return this.#quantum.ms;
  }

  /** Undefined before the first exchange. */
  get reading(): ThreadOffsetReading | undefined {
    if (this.#upperMs === Infinity) return undefined;
    const grainMs = this.#quantum.ms;
    const upperMs = this.#upperMs + grainMs;
    const lowerMs = this.#lowerMs - grainMs;
    let to = Math.min(upperMs, this.#claimedMs + grainMs);
    let from = Math.max(lowerMs, this.#claimedMs - grainMs);
    // No number, or not true.
    if (!(from <= to)) [from, to] = [lowerMs, upperMs];
    const offsetMs = (from + to) / 2;
    return { offsetMs, errorMs: Math.max(upperMs - offsetMs, offsetMs - lowerMs) };
  }

  /**
   * An exchange that the other thread stamped, by this thread's clock: wider by what is not known of the offset, and as true. Moved
   * stamps do not show how coarse they are, so that is in it too.
   */
  toHere(exchange: Exchange): Exchange | undefined {
    const { reading } = this;
    if (reading === undefined) return undefined;
    const { offsetMs, errorMs } = reading;
    return {
      ...exchange,
      t0: exchange.t0 - offsetMs - errorMs,
      t3: exchange.t3 - offsetMs + errorMs + this.#quantum.ms,
    };
  }

  /** A moment by the other thread's clock, by this one's: as near as is known. */
  momentHere(otherMs: number): number | undefined {
    const { reading } = this;
    return reading === undefined ? undefined : otherMs - reading.offsetMs;
  }
}
