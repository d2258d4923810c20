// Rates of REST that count over all nodes: each node's own bucket first, which refuses without asking anybody, then the shared one.
import { KeyedBuckets, type RateLimit } from '../domain/rate-limit.ts';
import type { SharedRates } from '../ports/shared-rates.ts';

/**
 * For what is rare and worth going from node to node for. What everybody does all the time stays with `KeyedBuckets`: it would cost a
 * question to Redis each time.
 */
export class SharedBuckets<Key extends string> {
  readonly #own: KeyedBuckets<Key>;
  readonly #shared: SharedRates | undefined;
  readonly #kind: string;
  readonly #limit: RateLimit;

  /** @param shared undefined where this node is alone */
  constructor(kind: string, limit: RateLimit, shared: SharedRates | undefined) {
    this.#own = new KeyedBuckets(limit);
    this.#shared = shared;
    this.#kind = kind;
    this.#limit = limit;
  }

  /** @returns 0 when it was taken, else the wait in ms */
  async take(key: Key, cost: number, nowMs: number): Promise<number> {
    const waitMs = this.#own.take(key, cost, nowMs);
    if (waitMs > 0 || this.#shared === undefined) return waitMs;
    const sharedMs = (await this.#shared.take(this.#kind, key, this.#limit, cost)) ?? 0;
    // Who waits as they were told must find place here, too.
    if (sharedMs > 0) this.#own.giveBack(key, cost);
    return sharedMs;
  }

  /** Puts back what was taken for what then cost less. */
  async giveBack(key: Key, cost: number): Promise<void> {
    this.#own.giveBack(key, cost);
    if (cost > 0) await this.#shared?.take(this.#kind, key, this.#limit, -cost);
  }
}
