// How busy a room is, and so for how long news may wait for more. Knows no sockets and no news.

/** Below this many events a second everything is sent at once. */
const BUSY_PER_SECOND = 20;
/** From here on the whole window is used. */
const BUSIEST_PER_SECOND = 60;
/** The rate is that of about the last half second. */
const AVERAGE_MS = 500;

/**
 * An adaptive window. A send costs the kernel the same whatever is in it, so what comes within a few milliseconds leaves together where there
 * is much of it. In a quiet room nothing would come to share the send, and waiting would only be late.
 */
export class RoomPace {
  readonly #mostMs: number;
  #perSecond = 0;
  #atMs = -Infinity;

  /** @param mostMs the longest that anything waits; 0: nothing ever does */
  constructor(mostMs: number) {
    this.#mostMs = mostMs;
  }

  /** So many events have come. @returns how long they may wait for more, ms: by what came before, so that a lone burst leaves at once */
  came(events: number, nowMs: number): number {
    // An exponential average of the rate: each event adds its share, and all of it fades.
    this.#perSecond *= Math.exp(-Math.max(0, nowMs - this.#atMs) / AVERAGE_MS);
    const share = (this.#perSecond - BUSY_PER_SECOND) / (BUSIEST_PER_SECOND - BUSY_PER_SECOND);
    this.#perSecond += (events * 1_000) / AVERAGE_MS;
    this.#atMs = nowMs;
    return this.#mostMs * Math.max(0, Math.min(1, share));
  }
}
