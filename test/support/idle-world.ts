// Nodes over one Redis and one Postgres for tests of rooms that leave the one for the other, and rooms that nobody needs.
import { expect } from 'vitest';
import type { RoomId } from '../../protocol/ids.ts';
import { createOrm } from '../../src/adapters/postgres/orm.ts';
import { Sql } from '../../src/adapters/postgres/sql.ts';
import type { ChatDraft } from '../../src/ports/chat-log.ts';
import { ANA, gathering } from './gathering.ts';
import { SILENT } from './postgres-stores.ts';
import { asked } from './redis-server.ts';
import type { RoomScript } from './room-fixtures.ts';
import { openSharedLogs, type SharedLogs } from './shared-logs.ts';

const SOON = { timeout: 20_000 };

export const says = (text: string): ChatDraft => ({ kind: 'message', ...ANA, text });

export class IdleWorld {
  readonly partitions = 4;
  readonly #redisUrl: string;
  readonly #createDatabase: () => Promise<string>;
  #postgresUrl: string | undefined;
  readonly #opened: SharedLogs[] = [];

  /** @param redisUrl several by commas: a cluster */
  constructor(redisUrl: string, createDatabase: () => Promise<string>) {
    this.#redisUrl = redisUrl;
    this.#createDatabase = createDatabase;
  }

  /** Its outbox is not worked on yet. */
  async node(idleMs = 0): Promise<SharedLogs> {
    this.#postgresUrl ??= await this.#createDatabase();
    const node = await openSharedLogs({
      redisUrl: this.#redisUrl,
      postgresUrl: this.#postgresUrl,
      partitions: this.partitions,
      maxOutboxEntries: 100_000,
      idleMs,
      log: SILENT,
    });
    this.#opened.push(node);
    return node;
  }

  /** Ends the nodes, and empties Redis. */
  async stop(): Promise<void> {
    for (const node of this.#opened.splice(0)) await node.stop();
    for (const url of this.#redisUrl.split(',')) await asked(url, ['FLUSHALL']);
  }

  /** One command on one key. */
  command(
    { redis }: Pick<SharedLogs, 'redis'>,
    key: string,
    name: string,
    ...words: readonly string[]
  ): Promise<unknown> {
    return redis.eval('return redis.call(ARGV[1], KEYS[1], unpack(ARGV, 2))', {
      keys: [key],
      arguments: [name, ...words],
    });
  }

  async allArrived(logs: SharedLogs): Promise<void> {
    const waiting = async (): Promise<number> => {
      const lengths = Array.from({ length: this.partitions }, (_, partition) =>
        this.command(logs, logs.keys.outbox(partition), 'XLEN'),
      );
      return (await Promise.all(lengths)).reduce<number>((sum, each) => sum + Number(each), 0);
    };
    await expect.poll(waiting, SOON).toBe(0);
  }

  async isHere({ live }: SharedLogs, { roomId }: { readonly roomId: RoomId }): Promise<boolean> {
    const [head] = await live.roomLog.heads([roomId]);
    const { lastSeq } = await live.chatLog.after(roomId, 0, 1);
    // The chat never stays alone.
    expect(head?.revision === 0 && lastSeq > 0).toBe(false);
    return head?.revision !== 0;
  }

  /** A room in which something has happened, with four items of chat, and nobody in it any more. */
  async emptied({ roomLog, chatLog }: SharedLogs): Promise<RoomScript> {
    const room = await gathering(roomLog);
    for (const text of ['m1', 'm2', 'm3']) await chatLog.append(room.roomId, says(text), room.at);
    const deletion: ChatDraft = { kind: 'deletion', by: ANA.userId, target: 2 };
    await chatLog.append(room.roomId, deletion, room.at);
    room.at = 25_000;
    await room.append(roomLog, [room.departed(ANA)]);
    return room;
  }

  /** Such a room that has left. */
  async left(logs: SharedLogs): Promise<RoomScript> {
    logs.outbox.start();
    const room = await this.emptied(logs);
    await this.allArrived(logs);
    await logs.idleRooms.sweep();
    expect(await this.isHere(logs, room)).toBe(false);
    return room;
  }

  /** The events that the archive has of a room, each once and under a number of its own. */
  async recorded(roomId: RoomId): Promise<readonly string[]> {
    const orm = await createOrm(
      { clientUrl: this.#postgresUrl ?? '', poolSize: 1 },
      () => undefined,
    );
    try {
      const rows = await new Sql(orm).rows<{
        readonly revision: number;
        readonly event_id: string;
      }>('select revision, event_id from room_event where room_id = ? order by revision, epoch', [
        roomId,
      ]);
      expect(rows.map(({ revision }) => revision)).toEqual(rows.map((_, i) => i + 1));
      const ids = rows.map(({ event_id }) => event_id);
      expect(new Set(ids).size).toBe(ids.length);
      return ids;
    } finally {
      await orm.close(true);
    }
  }

  /** The archive and Redis have the room as the script knows it. */
  async expectArchived(logs: SharedLogs, room: RoomScript): Promise<void> {
    await this.allArrived(logs);
    const { head, state, roomId } = room;
    expect(await logs.kept.roomLog.load(roomId)).toEqual({ head, state });
    expect(await logs.live.roomLog.load(roomId)).toMatchObject({ head, state });
  }
}
