// What the archive has refused for good, in all partitions: looked at, given to it again, or forgotten. Knows not why it was refused.
import type { RoomId, UserId } from '../../../protocol/ids.ts';
import type { ArchiveEntry } from '../../ports/archive-writer.ts';
import { entryOf, fieldsWithout } from './outbox-entry.ts';
import { runScript, type RedisCommands } from './redis-commands.ts';
import type { RedisKeys } from './redis-keys.ts';
import { DROP, RETRY, REWRITE, SET_ASIDE } from './reject-scripts.ts';

const ENTRIES_AT_ONCE = 100;

/** Where an entry that was set aside lies. */
export interface RejectId {
  /** One that there is. */
  readonly partition: number;
  /** An id of a stream. */
  readonly id: string;
}

export interface Reject extends RejectId {
  /** Its id in the outbox. */
  readonly was: string;
  /** Why the archive refused it. */
  readonly reason: string;
  /** Of the entry itself, names and values in turn. */
  readonly fields: readonly string[];
  /** Undefined where it cannot be read. */
  readonly entry: ArchiveEntry | undefined;
}

type Raw = readonly [id: string, fields: readonly string[]];

export class RedisRejects {
  readonly #redis: RedisCommands;
  readonly #keys: RedisKeys;

  constructor(redis: RedisCommands, keys: RedisKeys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  /** All of them, in the order in which each partition's were refused. Rejects with `StoreUnavailable`. */
  async *all(): AsyncIterable<Reject> {
    for (let partition = 0; partition < this.#keys.partitions; partition += 1) {
      yield* this.#ofPartition(partition);
    }
  }

  /**
   * Gives an entry to the archive again, which whichever node works on its partition then does.
   * @returns false where there is none. Rejects with `StoreUnavailable`
   */
  async retry({ partition, id }: RejectId): Promise<boolean> {
    const reject = await this.#find(partition, id);
    if (reject === undefined) return false;
    const keys = this.#keys;
    const names = [keys.rejected(partition), keys.outbox(partition), keys.changed(partition)];
    const roomId: RoomId | '' = reject.entry?.roomId ?? '';
    return (await runScript(this.#redis, RETRY, names, [id, roomId])) === 1;
  }

  /**
   * Forgets an entry.
   * @returns it; undefined where there is none. Rejects with `StoreUnavailable`
   */
  async drop({ partition, id }: RejectId): Promise<Reject | undefined> {
    const reject = await this.#find(partition, id);
    const names = [this.#keys.rejected(partition)];
    const isDropped = (await runScript(this.#redis, DROP, names, [id])) === 1;
    return isDropped ? reject : undefined;
  }

  /** Rooms of which something is set aside that names the person. Rejects with `StoreUnavailable` */
  async roomsOf(userId: UserId): Promise<readonly RoomId[]> {
    const rooms = new Set<RoomId>();
    for await (const { entry, fields } of this.all())
      if (entry !== undefined && isNamedIn(fields, userId)) rooms.add(entry.roomId);
    return [...rooms];
  }

  /**
   * In what is set aside of a room the person becomes `as`; what cannot be read, lies where that room's would and names them is dropped.
   * The order of the room's entries stays. What is given to the archive again meanwhile is as it was. Rejects with `StoreUnavailable`
   */
  async forget(roomId: RoomId, userId: UserId, as: UserId): Promise<void> {
    const partition = this.#keys.partitionOf(roomId);
    const names = [this.#keys.rejected(partition)];
    // By their ids: what is rewritten moves to the end, and each may be large.
    const moved: string[] = [];
    for await (const { id, entry, fields, reason } of this.#ofPartition(partition)) {
      const isNamed = isNamedIn([reason, ...fields], userId);
      if (entry === undefined) {
        if (isNamed) await runScript(this.#redis, DROP, names, [id]);
      } else if (entry.roomId === roomId && (isNamed || moved.length > 0)) moved.push(id);
    }
    for (const id of moved) {
      const reject = await this.#find(partition, id);
      if (reject === undefined) continue;
      const { was, reason, fields } = reject;
      const after = fieldsWithout(fields, userId, as);
      const head = ['id', was, 'reason', reason.replaceAll(userId, as)];
      await runScript(this.#redis, REWRITE, names, [id, ...head, ...after]);
    }
  }

  async *#ofPartition(partition: number): AsyncIterable<Reject> {
    for (let from = '-'; ;) {
      const found = await this.#from(partition, from, ENTRIES_AT_ONCE);
      for (const reject of found) {
        from = `(${reject.id}`;
        yield reject;
      }
      if (found.length < ENTRIES_AT_ONCE) return;
    }
  }

  async #find(partition: number, id: string): Promise<Reject | undefined> {
    const [found] = await this.#from(partition, id, 1);
    return found?.id === id ? found : undefined;
  }

  async #from(partition: number, id: string, most: number): Promise<readonly Reject[]> {
    const names = [this.#keys.rejected(partition)];
    const reply = await runScript(this.#redis, SET_ASIDE, names, [id, String(most)]);
    return (reply as readonly Raw[]).map((raw) => rejectOf(partition, raw));
  }
}

function isNamedIn(texts: readonly string[], userId: UserId): boolean {
  return texts.some((text) => text.includes(userId));
}

function rejectOf(partition: number, [id, [, was = '', , reason = '', ...fields]]: Raw): Reject {
  return { partition, id, was, reason, fields, entry: readable(fields) };
}

function readable(fields: readonly string[]): ArchiveEntry | undefined {
  try {
    return entryOf(fields);
  } catch {
    // That it cannot be read is why it was refused: the reason tells.
    return undefined;
  }
}
