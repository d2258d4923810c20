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
  const elapsedMs = Math.max(0, nowMs - bucket.at);
  bucket.tokens = Math.min(limit.burst, bucket.tokens + (elapsedMs * limit.perSecond) / 1_000);
  bucket.at = Math.max(bucket.at, nowMs);
  if (bucket.tokens >= cost) {
    bucket.tokens -= cost;
    return 0;
  }
  return Math.ceil(((cost - bucket.tokens) * 1_000) / limit.perSecond);
}
