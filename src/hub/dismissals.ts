// Letting go of a person, or of one of their devices, on every node: whatever sockets they have anywhere close for good. Knows no store of accounts.
import type { JsonObject } from '../../protocol/merge-patch.ts';
import type { UserId } from '../../protocol/ids.ts';
import type { Feed, FeedSubscription } from '../ports/feed.ts';
import type { Log } from '../ports/log.ts';
import { StoreUnavailable } from '../ports/room-log.ts';
import type { Connection } from './connection.ts';
import type { Outbox } from './outbox.ts';

/** Nobody has this id: what is signalled to it is for the nodes, each of which listens. */
const EVERY_NODE = '00000000-0000-0000-0000-000000000000' as UserId;
const DISMISSED = 'account.dismissed';

export interface DismissalsDeps {
  readonly feed: Pick<Feed, 'signal' | 'subscribe'>;
  readonly outbox: Pick<Outbox, 'close'>;
  readonly log: Log;
  connectionsOf(userId: UserId): Iterable<Connection>;
  /** What this node holds of somebody who is no more. */
  forget(userId: UserId): void;
}

export class Dismissals {
  readonly #deps: DismissalsDeps;
  readonly #subscription: FeedSubscription;

  constructor(deps: DismissalsDeps) {
    this.#deps = deps;
    this.#subscription = deps.feed.subscribe(
      EVERY_NODE,
      () => undefined,
      (signal) => this.#heard(signal),
    );
    // It is tried until it stands: a node that cannot hear yet serves all the same.
    this.#subscription.ready.catch((error: unknown) => {
      if (!(error instanceof StoreUnavailable)) throw error;
    });
  }

  /** To be called once the account is about to go: on every node. Never rejects: a node that cannot be told is not. */
  person(userId: UserId): Promise<void> {
    this.#dismissPerson(userId);
    return this.#tell({ type: DISMISSED, userId });
  }

  /** To be called once the device has the account no more, so that it cannot come back. Never rejects, as `person`. */
  device(userId: UserId, deviceId: string): Promise<void> {
    this.#dismissDevice(userId, deviceId);
    return this.#tell({ type: DISMISSED, userId, deviceId });
  }

  stop(): void {
    this.#subscription.stop();
  }

  async #tell(signal: JsonObject): Promise<void> {
    try {
      await this.#deps.feed.signal(EVERY_NODE, signal);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      this.#deps.log.warn({ err: error }, 'the other nodes could not be told to let somebody go');
    }
  }

  /** Also what this node itself has told: to let go twice does nothing. */
  #heard({ type, userId, deviceId }: JsonObject): void {
    if (type !== DISMISSED || typeof userId !== 'string') return;
    if (typeof deviceId === 'string') this.#dismissDevice(userId as UserId, deviceId);
    else this.#dismissPerson(userId as UserId);
  }

  #dismissPerson(userId: UserId): void {
    for (const connection of [...this.#deps.connectionsOf(userId)])
      this.#deps.outbox.close(connection, 'revoked', 'the account was erased');
    this.#deps.forget(userId);
  }

  #dismissDevice(userId: UserId, deviceId: string): void {
    for (const connection of [...this.#deps.connectionsOf(userId)]) {
      const { session } = connection;
      if (session.phase === 'active' && session.deviceId === deviceId)
        this.#deps.outbox.close(connection, 'revoked', 'the device was revoked');
    }
  }
}
