// Owns the notice of a hub that stands still: it was asked, by whomever, and for a long time answered nobody. Knows no sockets.

export interface Stall {
  /** Which of the hubs. */
  readonly target: number;
  /** When it was first asked in vain, by the machine's clock. */
  readonly atMs: number;
  readonly lastedMs: number;
}

/** Below this it is slow, which the latencies tell. */
const LEAST_MS = 1_000;

export class HubSilence {
  readonly #target: number;
  readonly #told: (stall: Stall) => void;
  #askedAtMs: number | undefined;

  constructor(target: number, told: (stall: Stall) => void) {
    this.#target = target;
    this.#told = told;
  }

  asked(nowMs: number): void {
    this.#askedAtMs ??= nowMs;
  }

  /** The run is over: a hub that has been asked in vain until now is told of as well. */
  end(nowMs: number): void {
    this.came(nowMs);
  }

  /** Anything came from it. */
  came(nowMs: number): void {
    const atMs = this.#askedAtMs;
    if (atMs === undefined) return;
    this.#askedAtMs = undefined;
    if (nowMs - atMs >= LEAST_MS)
      this.#told({ target: this.#target, atMs, lastedMs: nowMs - atMs });
  }
}
