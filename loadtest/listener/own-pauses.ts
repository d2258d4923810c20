// Owns how long this thread itself stood still, stopped or busy with one thing, so that it is not taken for the hub's silence. Knows no timers.

/** How often the thread shows that it runs. */
export const TURN_EVERY_MS = 100;
/** Up to this a turn is late as timers are. */
const LATE_MS = TURN_EVERY_MS * 2;

export class OwnPauses {
  #turnedAtMs: number;
  #pausedMs = 0;

  constructor(nowMs: number) {
    this.#turnedAtMs = nowMs;
  }

  /** The loop has come round: to be called every `TURN_EVERY_MS`. */
  turned(nowMs: number): void {
    this.#pausedMs = this.upTo(nowMs);
    this.#turnedAtMs = nowMs;
  }

  /** All pauses until now, ms: also the one that just ended, as sockets may be read before the timers are due. */
  upTo(nowMs: number): number {
    const sinceMs = nowMs - this.#turnedAtMs;
    return this.#pausedMs + (sinceMs > LATE_MS ? sinceMs - TURN_EVERY_MS : 0);
  }
}
