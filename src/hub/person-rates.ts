// How much of their rate each person has left: judged here at once, and settled with the other nodes a little later.
// Knows no connections, and waits for nobody.
import type { UserId } from '../../protocol/ids.ts';
import { KeyedBuckets, type RateLimit } from '../domain/rate-limit.ts';
import type { SharedRates } from '../ports/shared-rates.ts';
import type { Timers } from '../ports/timers.ts';

/** What is taken within this window is told as one. Until then each node gives out what it has: the window bounds what comes of it. */
const SETTLE_MS = 250;
/** So much of the rate is each node's to give without telling, so that who does what people do costs Redis nothing. */
const UNTOLD_PART = 1 / 10;
/** What is told late finds a bucket that did not refill, as it was full: it holds what comes back in two windows more. */
const LATE_MS = 2 * SETTLE_MS;
/** More would keep Redis from what people wait for; the rest comes next. */
const PEOPLE_AT_ONCE = 1_000;

export interface PersonRatesParts {
  /** What the buckets in Redis are called by. */
  readonly kind: string;
  readonly limit: RateLimit;
  /** Undefined where this node is alone. */
  readonly shared: SharedRates | undefined;
  readonly timers: Pick<Timers, 'after'>;
  /** Any monotonic clock, ms. */
  readonly now: () => number;
}

/**
 * A person has one rate, whichever nodes they are on. Each node has a bucket of its own, which alone decides: no request waits for Redis.
 * What it gave out is taken from a bucket in Redis afterwards; where that is more than was there, the node's own is lowered to it, and
 * refuses until the debt is paid off. So over N nodes somebody has N bursts once, and in the long run their rate and the parts untold.
 * Without Redis each node counts alone; what it gave out then is nobody's debt. What is said of people holds for addresses, too.
 */
export class PersonRates<Key extends string = UserId> {
  readonly #parts: PersonRatesParts;
  readonly #own: KeyedBuckets<Key>;
  readonly #untold: KeyedBuckets<Key>;
  readonly #sharedLimit: RateLimit;
  /** What is to be told, in the order in which it began. */
  readonly #owed = new Map<Key, number>();
  #isSettling = false;
  #cancelTimer: (() => void) | undefined;
  #isStopped = false;

  constructor(parts: PersonRatesParts) {
    const { perSecond, burst } = parts.limit;
    this.#parts = parts;
    this.#own = new KeyedBuckets(parts.limit);
    this.#untold = new KeyedBuckets({
      perSecond: perSecond * UNTOLD_PART,
      burst: burst * UNTOLD_PART,
    });
    this.#sharedLimit = { perSecond, burst: burst + (perSecond * LATE_MS) / 1_000 };
  }

  /** @returns 0 where `cost` was taken, else the wait in ms */
  take(key: Key, cost: number): number {
    const nowMs = this.#parts.now();
    const waitMs = this.#own.take(key, cost, nowMs);
    if (waitMs > 0 || this.#parts.shared === undefined) return waitMs;
    if (this.#untold.take(key, cost, nowMs) > 0) {
      this.#owed.set(key, (this.#owed.get(key) ?? 0) + cost);
      this.#settleSoon();
    }
    return 0;
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer?.();
  }

  #settleSoon(): void {
    if (this.#isSettling || this.#isStopped) return;
    this.#cancelTimer ??= this.#parts.timers.after(SETTLE_MS, () => {
      this.#cancelTimer = undefined;
      void this.#settle();
    });
  }

  async #settle(): Promise<void> {
    const taken = new Map<Key, number>();
    for (const [key, cost] of this.#owed) {
      if (taken.size === PEOPLE_AT_ONCE) break;
      taken.set(key, cost);
      this.#owed.delete(key);
    }
    const askedAt = this.#parts.now();
    this.#isSettling = true;
    const left = await this.#parts.shared?.settle(this.#parts.kind, this.#sharedLimit, taken);
    this.#isSettling = false;
    const nowMs = this.#parts.now();
    const backSince = (Math.max(0, nowMs - askedAt) * this.#sharedLimit.perSecond) / 1_000;
    for (const [told, tokens] of left ?? []) {
      // What was taken meanwhile is not in it yet, nor what came back.
      const key = told as Key;
      this.#own.lower(key, tokens + backSince - (this.#owed.get(key) ?? 0), nowMs);
    }
    if (this.#owed.size > 0) this.#settleSoon();
  }
}
