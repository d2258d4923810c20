// Owns the notice of a hub that stands still: it was asked, by whomever, and for a long time answered nobody. Knows no sockets.
import type { OwnPauses } from './own-pauses.ts';

export interface Stall {
  /** Which of the hubs. */
  readonly target: number;
  /** When it was first asked in vain, by the machine's clock. */
  readonly atMs: number;
  /** Without what this thread itself stood still. */
  readonly lastedMs: number;
}

/** Below this it is slow, which the latencies tell. */
const LEAST_MS = 1_000;

export class HubSilence {
  readonly #target: number;
  readonly #pauses: Pick<OwnPauses, 'upTo'>;
  readonly #told: (stall: Stall) => void;
  #stoodStillUntilMs = -Infinity;
  #asked: { readonly atMs: number; readonly pausedMs: number } | undefined;

  /** @param pauses of the thread that asks: what was answered meanwhile is read after them, and is not the hub's delay */
  constructor(target: number, pauses: Pick<OwnPauses, 'upTo'>, told: (stall: Stall) => void) {
    this.#target = target;
    this.#pauses = pauses;
    this.#told = told;
  }

  asked(nowMs: number): void {
    this.#asked ??= { atMs: nowMs, pausedMs: this.#pauses.upTo(nowMs) };
  }

  /** Whether it has stood still at any time since then, by what is known now: what it does by its clock may be late. */
  stoodStillSince(sinceMs: number, nowMs: number): boolean {
    const isSilent = this.#asked !== undefined && nowMs - this.#asked.atMs >= LEAST_MS;
    return isSilent || this.#stoodStillUntilMs > sinceMs;
  }

  /** The run is over: a hub that has been asked in vain until now is told of as well. */
  end(nowMs: number): void {
    this.came(nowMs);
  }

  /** Anything came from it. */
  came(nowMs: number): void {
    if (this.#asked === undefined) return;
    const { atMs, pausedMs } = this.#asked;
    this.#asked = undefined;
    if (nowMs - atMs < LEAST_MS) return;
    const lastedMs = nowMs - atMs - (this.#pauses.upTo(nowMs) - pausedMs);
    if (lastedMs < LEAST_MS) return;
    this.#stoodStillUntilMs = nowMs;
    this.#told({ target: this.#target, atMs, lastedMs });
  }
}
