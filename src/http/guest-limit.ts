// How many guests one address may make: a bucket for each address, forgotten once it is full again.
import { fullBucket, takeTokens, type RateLimit, type TokenBucket } from '../domain/rate-limit.ts';

const SWEEP_AT = 10_000;

export class GuestLimit {
  readonly #limit: RateLimit;
  readonly #now: () => number;
  readonly #buckets = new Map<string, TokenBucket>();

  /** @param now any monotonic clock, ms */
  constructor(limit: RateLimit, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  /** @returns 0 where one more guest may be made from `address`, else the wait in ms */
  take(address: string): number {
    const now = this.#now();
    if (this.#buckets.size >= SWEEP_AT) this.#forgetRested(now);
    let bucket = this.#buckets.get(address);
    if (bucket === undefined) {
      bucket = fullBucket(this.#limit, now);
      this.#buckets.set(address, bucket);
    }
    return takeTokens(bucket, this.#limit, 1, now);
  }

  #forgetRested(now: number): void {
    const restMs = (this.#limit.burst / this.#limit.perSecond) * 1_000;
    for (const [address, { at }] of this.#buckets) {
      if (now - at > restMs) this.#buckets.delete(address);
    }
  }
}
