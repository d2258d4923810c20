// How changes of the feed leave for connections: one frame for all of them, and a snapshot for whoever cannot take it now.
// Knows connections and frames; knows nobody who looks.
import type { Timers } from '../../ports/timers.ts';
import type { Frame } from '../../ports/sockets.ts';
import type { Connection } from '../connection.ts';
import type { FeedChange } from './feed-authors.ts';
import { frameOf } from '../frame.ts';
import type { Outbox } from '../outbox.ts';

export interface FeedDeliveryDeps {
  readonly outbox: Pick<Outbox, 'enqueueStream'>;
  readonly timers: Pick<Timers, 'atEndOfTick'>;
}

export class FeedDelivery {
  readonly #deps: FeedDeliveryDeps;
  /** Whose reply has not left yet: what comes meanwhile is told by a snapshot. */
  readonly #entering = new Map<Connection, { isStale: boolean }>();
  /** Those that are behind, and get a snapshot when they have caught up. */
  readonly #owed = new Set<Connection>();
  #delivered = 0;
  #withheld = 0;

  constructor(deps: FeedDeliveryDeps) {
    this.#deps = deps;
  }

  /** How many changes were sent, one for each connection. */
  get delivered(): number {
    return this.#delivered;
  }

  /** How many were not, as the connection was behind. */
  get withheld(): number {
    return this.#withheld;
  }

  /**
   * A reply with all that there is to see leaves for it in this tick.
   * @param changed called after it has left, where there is something else to see by then
   */
  enter(connection: Connection, changed: () => void): void {
    this.#owed.delete(connection);
    const entering = { isStale: false };
    this.#entering.set(connection, entering);
    this.#deps.timers.atEndOfTick(() => {
      if (this.#entering.get(connection) !== entering) return;
      this.#entering.delete(connection);
      if (entering.isStale) changed();
    });
  }

  /** Idempotent. */
  leave(connection: Connection): void {
    this.#owed.delete(connection);
    this.#entering.delete(connection);
  }

  /** A connection that was behind has caught up. @returns whether it is owed a snapshot, which is then to be sent */
  drained(connection: Connection): boolean {
    return this.#owed.delete(connection);
  }

  deliver(
    viewers: readonly { readonly connections: readonly Connection[] }[],
    change: FeedChange,
  ): void {
    let frame: Frame | undefined;
    for (const { connections } of viewers) {
      for (const connection of connections) {
        const entering = this.#entering.size > 0 ? this.#entering.get(connection) : undefined;
        if (entering !== undefined) {
          entering.isStale = true;
          continue;
        }
        frame ??= frameOf({ type: 'feed.items', ...change });
        if (this.#deps.outbox.enqueueStream(connection, frame)) this.#delivered += 1;
        else {
          this.#withheld += 1;
          this.#owed.add(connection);
        }
      }
    }
  }
}
