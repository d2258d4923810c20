// Owns how long to wait before the next try; knows no socket and no timer.

export interface BackoffOptions {
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** The window of the first try, ms. */
  readonly baseMs?: number;
  /** No window is larger, ms. */
  readonly capMs?: number;
}

const DEFAULT_BASE_MS = 500;
const DEFAULT_CAP_MS = 30_000;
/** A short cut is the common one: somebody listens, and should not wait long once it is over. */
const EAGER_CAP_MS = 4_000;
const EAGER_TRIES = 10;

/**
 * Full jitter: the n-th wait is uniform between nothing and `min(cap, base · 2ⁿ)`, so that the clients of a hub that
 * was restarted come back spread over the window. The first ten windows, some half a minute, are of 4 s at most. (Brooker, *Exponential Backoff And Jitter*, 2015.)
 */
export class Backoff {
  readonly #random: () => number;
  readonly #baseMs: number;
  readonly #capMs: number;
  #attempt = 0;

  constructor({ random, baseMs = DEFAULT_BASE_MS, capMs = DEFAULT_CAP_MS }: BackoffOptions) {
    this.#random = random;
    this.#baseMs = baseMs;
    this.#capMs = capMs;
  }

  /** Tries since the last `reset`. */
  get attempt(): number {
    return this.#attempt;
  }

  /** The next wait, ms; never shorter than what the hub asked for. */
  next(atLeastMs = 0): number {
    // 2^40 · 500 ms is beyond every cap; the exponent is bounded so that it never becomes Infinity.
    const capMs = this.#attempt < EAGER_TRIES ? Math.min(EAGER_CAP_MS, this.#capMs) : this.#capMs;
    const windowMs = Math.min(capMs, this.#baseMs * 2 ** Math.min(this.#attempt, 40));
    this.#attempt += 1;
    return atLeastMs + this.#random() * windowMs;
  }

  /** A random moment of a window that the hub gave, ms. */
  within(windowMs: number): number {
    return this.#random() * Math.max(0, windowMs);
  }

  reset(): void {
    this.#attempt = 0;
  }
}
