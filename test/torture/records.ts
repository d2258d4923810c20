// What the stores have of the rooms when a run is over, read past the service: rows of Postgres, streams of Redis.
import { createClient } from 'redis';
import type { RoomId, UserId } from '../../protocol/ids.ts';
import type { ChatItem } from '../../protocol/schemas/pushes.ts';
import { stateHash } from '../../protocol/state-hash.ts';
import { createOrm } from '../../src/adapters/postgres/orm.ts';
import { Sql } from '../../src/adapters/postgres/sql.ts';
import { RedisKeys } from '../../src/adapters/redis/redis-keys.ts';
import { evolve } from '../../src/domain/evolve.ts';
import type { RoomEvent } from '../../src/domain/room-event.ts';
import type { RoomState } from '../../src/domain/room-state.ts';
import type { ChatRecord, Ending, LogRecord, LoggedEvent } from './history.ts';
import { PARTITIONS } from './stage.ts';

export interface StoreRecords {
  readonly logs: readonly LogRecord[];
  readonly endings: readonly Ending[];
  readonly chats: readonly ChatRecord[];
}

interface EventRow {
  readonly epoch: number;
  readonly revision: number;
  readonly event: RoomEvent;
}

interface ChatRow {
  readonly seq: number;
  readonly at: number;
  readonly kind: 'message' | 'deletion';
  readonly user_id: UserId;
  readonly name: string | null;
  readonly text: string | null;
  readonly target: number | null;
}

export async function readPostgres(url: string, roomIds: readonly RoomId[]): Promise<StoreRecords> {
  const orm = await createOrm({ clientUrl: url, poolSize: 1 }, () => undefined);
  try {
    const sql = new Sql(orm);
    const logs: LogRecord[] = [];
    const endings: Ending[] = [];
    const chats: ChatRecord[] = [];
    for (const roomId of roomIds) {
      const events: LoggedEvent[] = await sql.rows<EventRow>(
        'select epoch, revision, event from room_event where room_id = ? order by revision, epoch',
        [roomId],
      );
      logs.push({ who: 'Postgres', roomId, isWhole: true, events });
      const [head] = await sql.rows<{ readonly epoch: number; readonly revision: number }>(
        'select epoch, revision from room where id = ?',
        [roomId],
      );
      let state: RoomState | undefined;
      for (const { event } of events) state = evolve(state, event);
      const hash = state === undefined ? 'none' : stateHash(state.public);
      const { epoch = 0, revision = 0 } = head ?? {};
      endings.push({ who: 'Postgres, replayed', roomId, epoch, revision, hash });
      const rows = await sql.rows<ChatRow>(
        'select seq, at, kind, user_id, name, text, target from chat_item where room_id = ? order by seq',
        [roomId],
      );
      chats.push({ who: 'Postgres', roomId, isWhole: true, items: rows.map(itemOf) });
    }
    return { logs, endings, chats };
  } finally {
    await orm.close(true);
  }
}

function itemOf({ seq, at, kind, user_id: userId, name, text, target }: ChatRow): ChatItem {
  return kind === 'message'
    ? { kind, seq, at, userId, name: name ?? '', text: text ?? '' }
    : { kind, seq, at, by: userId, target: target ?? 0 };
}

export async function readRedis(
  url: string,
  roomIds: readonly RoomId[],
): Promise<StoreRecords & { readonly waiting: number }> {
  const client = createClient({ url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const keys = new RedisKeys(PARTITIONS);
    const logs: LogRecord[] = [];
    const endings: Ending[] = [];
    for (const roomId of roomIds) {
      const room = await client.hGetAll(keys.room(roomId));
      const stream = (await client.xRange(keys.events(roomId), '-', '+')) ?? [];
      const events = stream.map(({ id, message }) => {
        const [epoch, revision] = id.split('-').map(Number);
        const event = JSON.parse(message['e'] ?? '') as RoomEvent;
        return { epoch: epoch ?? 0, revision: revision ?? 0, event };
      });
      logs.push({ who: 'Redis', roomId, isWhole: false, events });
      const epoch = Number(room['epoch']);
      const revision = Number(room['revision']);
      const snapshotRevision = Number(room['snapshotRevision']);
      const rest = events.filter(
        (each) => each.epoch === epoch && each.revision > snapshotRevision,
      );
      let state = JSON.parse(room['snapshot'] ?? '{}') as RoomState;
      for (const { event } of rest) state = evolve(state, event);
      endings.push({ who: 'Redis', roomId, epoch, revision, hash: stateHash(state.public) });
    }
    let waiting = 0;
    for (let p = 0; p < PARTITIONS; p += 1) waiting += await client.xLen(keys.outbox(p));
    return { logs, endings, chats: [], waiting };
  } finally {
    client.destroy();
  }
}
