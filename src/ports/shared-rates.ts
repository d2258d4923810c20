// The port to rates that all nodes count together: for what somebody would gain from by going from node to node.
import type { RateLimit } from '../domain/rate-limit.ts';

export interface SharedRates {
  /**
   * Takes `cost` from the bucket of `key` among those of `kind`, which refills as `limit` says. A cost below zero gives back.
   * Never rejects, and is never waited for long: a limit is worth less than the service that it guards.
   * @returns 0 when it was taken; else the wait in ms; undefined where nobody could be asked, which has been counted
   */
  take(kind: string, key: string, limit: RateLimit, cost: number): Promise<number | undefined>;

  /**
   * Takes what was given out already, from the buckets of many keys at once, all in one go. A bucket may go below zero by it.
   * Never rejects, and may take some seconds: nobody is to wait for it.
   * @param taken tokens, by key
   * @returns what is left in each; those for which nobody could be asked are missing, and have been counted
   */
  settle(
    kind: string,
    limit: RateLimit,
    taken: ReadonlyMap<string, number>,
  ): Promise<ReadonlyMap<string, number>>;
}
