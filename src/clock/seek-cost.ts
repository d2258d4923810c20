// Owns what a seek is expected to cost on this device, learned from where past seeks landed; decides nothing.

const learningRate = 0.5;
const mostMs = 2_000;
/** Below nothing: what feeds a buffer that is played as a whole sounds earlier than half a buffer, which is what one reckons with. */
const leastMs = -100;
/** Decoders settle before their position is worth believing. */
const settleMs = 700;
/** If nothing was measured by then, something else happened meanwhile. */
const lostAfterMs = 10_000;

/**
 * A seek that aims at "now" lands late by its own cost, and the next one too. So it aims ahead by what is expected, and
 * what is left afterwards corrects the expectation (an exponential average, in control terms an iterative learning of
 * the feed-forward).
 */
export class SeekCost {
  #expectedMs: number;
  #pending: { readonly leadMs: number; fromMs: number } | null = null;

  constructor(expectedMs: number) {
    this.#expectedMs = clamp(expectedMs);
  }

  get expectedMs(): number {
    return this.#expectedMs;
  }

  begin(nowMs: number): void {
    this.#pending = { leadMs: this.#expectedMs, fromMs: nowMs };
  }

  /** Still buffering: the landing cannot be judged yet. */
  postpone(nowMs: number): void {
    if (this.#pending !== null) this.#pending.fromMs = nowMs;
  }

  cancel(): void {
    this.#pending = null;
  }

  /** `errorMs` as the servo's: positive is ahead. Ahead after a seek means that it cost less than it was given. */
  learn(errorMs: number, nowMs: number): void {
    const pending = this.#pending;
    if (pending === null || nowMs - pending.fromMs < settleMs) return;
    this.#pending = null;
    if (nowMs - pending.fromMs > lostAfterMs) return;
    const costMs = clamp(pending.leadMs - errorMs);
    this.#expectedMs += learningRate * (costMs - this.#expectedMs);
  }
}

function clamp(costMs: number): number {
  return Number.isFinite(costMs) ? Math.max(leastMs, Math.min(mostMs, costMs)) : 0;
}
