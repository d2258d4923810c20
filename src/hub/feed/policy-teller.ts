// Tells all nodes that a person's policy has changed, until it is told. Knows the feed; knows nothing of what a policy says.
import type { UserId } from '../../../protocol/ids.ts';
import type { Feed } from '../../ports/feed.ts';
import type { Log } from '../../ports/log.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import type { Timers } from '../../ports/timers.ts';

export interface PolicyTellerDeps {
  readonly feed: Pick<Feed, 'tellPolicy'>;
  readonly timers: Timers;
  readonly log: Log;
}

const RETRY_MS = 1_000;

export class PolicyTeller {
  readonly #deps: PolicyTellerDeps;
  /** The newest version of each that is still to be told. */
  readonly #untold = new Map<UserId, number>();
  #cancel: (() => void) | undefined;
  #isStopped = false;

  constructor(deps: PolicyTellerDeps) {
    this.#deps = deps;
  }

  /** How many are still to be told. */
  get size(): number {
    return this.#untold.size;
  }

  tell(userId: UserId, version: number): void {
    if (this.#isStopped) return;
    this.#untold.set(userId, Math.max(version, this.#untold.get(userId) ?? 0));
    void this.#send(userId);
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }

  async #send(userId: UserId): Promise<void> {
    const version = this.#untold.get(userId);
    if (version === undefined) return;
    const { feed, log } = this.#deps;
    try {
      await feed.tellPolicy(userId, version);
      if (this.#untold.get(userId) === version) this.#untold.delete(userId);
    } catch (error) {
      const level = error instanceof StoreUnavailable ? 'debug' : 'error';
      log[level]({ err: error, userId }, 'a changed policy could not be told yet');
      this.#retryLater();
    }
  }

  #retryLater(): void {
    if (this.#isStopped) return;
    this.#cancel ??= this.#deps.timers.after(RETRY_MS, () => {
      this.#cancel = undefined;
      for (const userId of this.#untold.keys()) void this.#send(userId);
    });
  }
}
