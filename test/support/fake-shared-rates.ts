// Rates of all nodes in the memory of a test: exact, at the test's own time, and away when the test says so.
import type { RateLimit } from '../../src/domain/rate-limit.ts';
import type { SharedRates } from '../../src/ports/shared-rates.ts';

export class FakeSharedRates implements SharedRates {
  /** What was settled, each call by itself. */
  readonly settled: ReadonlyMap<string, number>[] = [];
  isAway = false;
  /** Resolves before a settlement is answered, which has taken effect by then. */
  delay: () => Promise<void> = () => Promise.resolve();
  readonly #now: () => number;
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  take(kind: string, key: string, limit: RateLimit, cost: number): Promise<number | undefined> {
    if (this.isAway) return Promise.resolve(undefined);
    const bucket = this.#bucketOf(kind, key, limit);
    if (bucket.tokens < cost)
      return Promise.resolve(Math.ceil(((cost - bucket.tokens) * 1_000) / limit.perSecond));
    bucket.tokens = Math.min(limit.burst, bucket.tokens - cost);
    return Promise.resolve(0);
  }

  async settle(
    kind: string,
    limit: RateLimit,
    taken: ReadonlyMap<string, number>,
  ): Promise<ReadonlyMap<string, number>> {
    if (this.isAway) return new Map();
    this.settled.push(taken);
    const left = new Map<string, number>();
    for (const [key, cost] of taken) {
      const bucket = this.#bucketOf(kind, key, limit);
      bucket.tokens -= cost;
      left.set(key, bucket.tokens);
    }
    await this.delay();
    return left;
  }

  #bucketOf(kind: string, key: string, { perSecond, burst }: RateLimit) {
    const name = `${kind} ${key}`;
    const now = this.#now();
    const bucket = this.#buckets.get(name) ?? { tokens: burst, at: now };
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) * perSecond) / 1_000);
    bucket.at = now;
    this.#buckets.set(name, bucket);
    return bucket;
  }
}
