// Owns when the last of all listeners got a thing, in rooms and feeds that several threads have members of: each thread tells of its own
// last one only. Knows neither threads nor phases.
import type { LastSeen, SpreadMark } from './crew-messages.ts';
import { SETTLED_AFTER_MS } from './ledger/arrivals.ts';

interface Pending {
  readonly intendedMs: number;
  /** No thread tells of it later than this. */
  readonly settledAtMs: number;
  act: string;
  /** -Infinity until a thread tells. */
  afterMs: number;
}

/** Threads settle twice a second, and what they tell is on its way for a while. */
const GRACE_MS = 2_500;
/** After this it is known of an act that was answered in good time when its last listener had it. */
export const TOLD_AFTER_MS = SETTLED_AFTER_MS + GRACE_MS;

export class LastArrivals {
  readonly #pending = new Map<string, Pending>();

  /** Something came of an act: from now on threads may tell of it. The first that says so is believed, as in the threads. */
  mark(mark: SpreadMark, nowMs: number): void {
    const key = keyOf(mark);
    if (this.#pending.has(key)) return;
    const { act, intendedMs } = mark;
    const settledAtMs = Math.max(nowMs, intendedMs) + TOLD_AFTER_MS;
    this.#pending.set(key, { act, intendedMs, settledAtMs, afterMs: -Infinity });
  }

  /** The last listener of one thread got it. What was settled already is forgotten. */
  saw(seen: LastSeen): void {
    const pending = this.#pending.get(keyOf(seen));
    if (pending === undefined || seen.afterMs <= pending.afterMs) return;
    pending.afterMs = seen.afterMs;
    pending.act = seen.act;
  }

  /** Whether something is still to be told of what was meant before. */
  hasBefore(ms: number): boolean {
    for (const { intendedMs } of this.#pending.values()) if (intendedMs < ms) return true;
    return false;
  }

  /** Lets go of what is complete, and tells it. @param nowMs Infinity: all of it */
  settle(nowMs: number, tell: (act: string, afterMs: number, intendedMs: number) => void): void {
    for (const [key, { act, intendedMs, settledAtMs, afterMs }] of this.#pending) {
      if (nowMs < settledAtMs) continue;
      this.#pending.delete(key);
      if (afterMs > -Infinity) tell(act, afterMs, intendedMs);
    }
  }
}

function keyOf({ group, room, stream, key }: SpreadMark | LastSeen): string {
  return `${group} ${room} ${stream} ${key}`;
}
