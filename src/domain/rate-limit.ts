// The token bucket: how much somebody may do, and when they may do it again. Pure; time is passed in.

export interface RateLimit {
  /** Tokens that come back each second. */
  readonly perSecond: number;
  /** Tokens that a rested bucket holds. */
  readonly burst: number;
}

/** Mutable, as there is one for each connection and user, and it changes with each request. */
export interface TokenBucket {
  tokens: number;
  /** When `tokens` was right, ms on any monotonic clock. */
  at: number;
}

export function fullBucket(limit: RateLimit, nowMs: number): TokenBucket {
  return { tokens: limit.burst, at: nowMs };
}

/**
 * Takes `cost` tokens if they are there.
 * @returns 0 when they were taken; else the wait in ms after which they will be, and nothing is taken
 */
export function takeTokens(
  bucket: TokenBucket,
  limit: RateLimit,
  cost: number,
  nowMs: number,
): number {
  refill(bucket, limit, nowMs);
  if (bucket.tokens >= cost) {
    bucket.tokens -= cost;
    return 0;
  }
  return Math.ceil(((cost - bucket.tokens) * 1_000) / limit.perSecond);
}

function refill(bucket: TokenBucket, limit: RateLimit, nowMs: number): void {
  const elapsedMs = Math.max(0, nowMs - bucket.at);
  bucket.tokens = Math.min(limit.burst, bucket.tokens + (elapsedMs * limit.perSecond) / 1_000);
  bucket.at = Math.max(bucket.at, nowMs);
}

const FIRST_SWEEP_AT = 10_000;

/** A bucket for each key. One that is full again is forgotten, so that leaving and coming back gains nothing, and costs no memory. */
export class KeyedBuckets<Key> {
  readonly #limit: RateLimit;
  readonly #buckets = new Map<Key, TokenBucket>();
  #sweepAt = FIRST_SWEEP_AT;

  constructor(limit: RateLimit) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** As `takeTokens`, from the bucket of `key`. */
  take(key: Key, cost: number, nowMs: number): number {
    return takeTokens(this.#bucketOf(key, nowMs), this.#limit, cost, nowMs);
  }

  /**
   * Leaves at most `tokens`, which are below zero where more was taken than there was: the waits that `take` tells are right then, too.
   */
  lower(key: Key, tokens: number, nowMs: number): void {
    if (tokens >= this.#limit.burst) return;
    const bucket = this.#bucketOf(key, nowMs);
    refill(bucket, this.#limit, nowMs);
    bucket.tokens = Math.min(bucket.tokens, tokens);
  }

  /** Puts back what was taken for what then cost less. */
  giveBack(key: Key, cost: number): void {
    const bucket = this.#buckets.get(key);
    if (bucket !== undefined) bucket.tokens = Math.min(this.#limit.burst, bucket.tokens + cost);
  }

  #bucketOf(key: Key, nowMs: number): TokenBucket {
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      if (this.#buckets.size >= this.#sweepAt) this.#forgetRested(nowMs);
      bucket = fullBucket(this.#limit, nowMs);
      this.#buckets.set(key, bucket);
    }
    return bucket;
  }

  #forgetRested(nowMs: number): void {
    const { burst, perSecond } = this.#limit;
    for (const [key, { tokens, at }] of this.#buckets) {
      if (tokens + ((nowMs - at) * perSecond) / 1_000 >= burst) this.#buckets.delete(key);
    }
    // Not again before it could be worth it: a sweep looks at all of them.
    this.#sweepAt = Math.max(FIRST_SWEEP_AT, this.#buckets.size * 2);
  }
}
