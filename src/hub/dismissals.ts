// Letting go of a person, or of one of their devices, on every node: whatever sockets they have anywhere close for good. Knows no store of accounts.
import type { JsonObject } from '../../protocol/merge-patch.ts';
import type { UserId } from '../../protocol/ids.ts';
import type { Feed, FeedSubscription } from '../ports/feed.ts';
import type { Log } from '../ports/log.ts';
import { StoreUnavailable } from '../ports/room-log.ts';
import type { Timers } from '../ports/timers.ts';
import type { Connection } from './connection.ts';
import { hearNodes, tellNodes } from './node-words.ts';
import type { Outbox } from './outbox.ts';

const DISMISSED = 'account.dismissed';
const RETRY_MS = 1_000;
/** Beyond it the oldest are not told any more: each node finds by itself who is gone (src/hub/standing-watch.ts). */
const MOST_UNTOLD = 10_000;

export interface DismissalsDeps {
  readonly feed: Pick<Feed, 'signal' | 'subscribe'>;
  readonly outbox: Pick<Outbox, 'close'>;
  readonly timers: Timers;
  readonly log: Log;
  connectionsOf(userId: UserId): Iterable<Connection>;
  /** What this node holds of somebody who is no more. */
  forget(userId: UserId): void;
  /** Looks whether those whom this person is connected as may still be, and lets go of those who may not. */
  look(userId: UserId): void;
  /** Whoever is being let in at this moment is not. */
  turnAway(userId: UserId, deviceId?: string): void;
}

export class Dismissals {
  readonly #deps: DismissalsDeps;
  readonly #subscription: FeedSubscription;
  /** By whom they are about, the oldest first. */
  readonly #untold = new Map<string, JsonObject>();
  #cancel: (() => void) | undefined;
  #isStopped = false;

  constructor(deps: DismissalsDeps) {
    this.#deps = deps;
    this.#subscription = hearNodes(deps.feed, (signal) => this.#heard(signal));
  }

  /**
   * To be called when the account is about to go, and once it has gone: on every node. Resolves when it was told or could not be; then it
   * is told again until it is. Never rejects.
   */
  person(userId: UserId): Promise<void> {
    this.here(userId);
    return this.#tell({ type: DISMISSED, userId });
  }

  /** To be called once the device has the account no more, so that it cannot come back. Never rejects, as `person`. */
  device(userId: UserId, deviceId: string): Promise<void> {
    this.here(userId, deviceId);
    return this.#tell({ type: DISMISSED, userId, deviceId });
  }

  /** Lets go of the person, or of their device alone, on this node. To let go twice does nothing. */
  here(userId: UserId, deviceId?: string): void {
    this.#deps.turnAway(userId, deviceId);
    if (deviceId === undefined) this.#dismissPerson(userId);
    else this.#dismissDevice(userId, deviceId);
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
    this.#subscription.stop();
  }

  async #tell(signal: JsonObject): Promise<void> {
    if (await this.#isTold(signal)) return;
    const { userId } = signal;
    this.#deps.log.warn({ userId }, 'the other nodes could not be told yet to let somebody go');
    this.#untold.set(keyOf(signal), signal);
    const [oldest] = this.#untold.keys();
    if (oldest !== undefined && this.#untold.size > MOST_UNTOLD) this.#untold.delete(oldest);
    this.#tellLater();
  }

  #tellLater(): void {
    if (this.#isStopped || this.#untold.size === 0) return;
    this.#cancel ??= this.#deps.timers.after(RETRY_MS, () => void this.#tellAgain());
  }

  async #tellAgain(): Promise<void> {
    for (const [key, signal] of [...this.#untold]) {
      // While the first cannot be told, the others cannot either.
      if (!(await this.#isTold({ ...signal, isLate: true }))) break;
      if (this.#untold.get(key) === signal) this.#untold.delete(key);
    }
    this.#cancel = undefined;
    this.#tellLater();
  }

  async #isTold(signal: JsonObject): Promise<boolean> {
    try {
      await tellNodes(this.#deps.feed, signal);
      return true;
    } catch (error) {
      const level = error instanceof StoreUnavailable ? 'debug' : 'error';
      this.#deps.log[level](
        { userId: signal['userId'], err: error },
        'a dismissal could not be told',
      );
      return false;
    }
  }

  /** Also what this node itself has told: to let go twice does nothing. */
  #heard({ type, userId, deviceId, isLate }: JsonObject): void {
    if (type !== DISMISSED || typeof userId !== 'string') return;
    // An operator's person who was erased may have come back since.
    if (isLate === true) this.#deps.look(userId as UserId);
    else this.here(userId as UserId, typeof deviceId === 'string' ? deviceId : undefined);
  }

  #dismissPerson(userId: UserId): void {
    for (const connection of [...this.#deps.connectionsOf(userId)])
      this.#deps.outbox.close(connection, 'revoked', 'the account was erased');
    this.#deps.forget(userId);
  }

  #dismissDevice(userId: UserId, deviceId: string): void {
    for (const connection of [...this.#deps.connectionsOf(userId)]) {
      const { session } = connection;
      if (session.phase === 'active' && session.terms.deviceId === deviceId)
        this.#deps.outbox.close(connection, 'revoked', 'the device was revoked');
    }
  }
}

function keyOf({ userId, deviceId }: JsonObject): string {
  return JSON.stringify([userId, deviceId]);
}
