// Owns when each listener of this thread got a numbered thing, until it is known when that was meant to be sent. Knows no sockets.

/** What a latency from an act to those who hear of it is kept under. */
export interface ActMark {
  readonly act: string;
  /** When it was meant to be sent, by the machine's clock: not when it was. */
  readonly intendedMs: number;
}

export interface ArrivalSink {
  each(act: string, afterMs: number): void;
  /** The last listener of this thread got what is known by `key`. It is told later, and belongs to when the act was meant. */
  last(mark: ActMark, afterMs: number, key: string): void;
}

interface Arrival {
  readonly firstMs: number;
  lastMs: number;
  count: number;
  mark: ActMark | undefined;
  /** Until it is known what they are arrivals of. */
  times: number[];
}

/** Nobody waits longer than this for a number, nor for the answer that tells who caused it. */
export const SETTLED_AFTER_MS = 5_000;

/** The arrivals of one stream of one room. */
export class Arrivals {
  readonly #sink: ArrivalSink;
  readonly #pending = new Map<string, Arrival>();

  constructor(sink: ArrivalSink) {
    this.#sink = sink;
  }

  /** A listener got what is known by `key`. */
  got(key: string, atMs: number): void {
    const arrival = this.#pending.get(key);
    if (arrival === undefined) {
      this.#pending.set(key, {
        firstMs: atMs,
        lastMs: atMs,
        count: 1,
        mark: undefined,
        times: [atMs],
      });
      return;
    }
    arrival.count += 1;
    if (atMs > arrival.lastMs) arrival.lastMs = atMs;
    if (arrival.mark === undefined) arrival.times.push(atMs);
    else this.#sink.each(arrival.mark.act, atMs - arrival.mark.intendedMs);
  }

  /** `key` is what came of that act. The first that says so is believed: an act that changed nothing is answered with an older number. */
  mark(key: string, mark: ActMark, nowMs: number): void {
    const arrival = this.#pending.get(key);
    if (arrival === undefined) {
      const firstMs = Math.max(nowMs, mark.intendedMs);
      this.#pending.set(key, { firstMs, lastMs: -Infinity, count: 0, mark, times: [] });
      return;
    }
    if (arrival.mark !== undefined || arrival.firstMs < mark.intendedMs) return;
    arrival.mark = mark;
    for (const at of arrival.times) this.#sink.each(mark.act, at - mark.intendedMs);
    arrival.times = [];
  }

  /** Lets go of what is old enough to be complete, and tells when the last listener had it. */
  settle(nowMs: number): void {
    for (const [key, { firstMs, lastMs, count, mark }] of this.#pending) {
      if (nowMs - firstMs < SETTLED_AFTER_MS) return;
      this.#pending.delete(key);
      if (mark !== undefined && count > 0) {
        this.#sink.last(mark, lastMs - mark.intendedMs, key);
      }
    }
  }
}
