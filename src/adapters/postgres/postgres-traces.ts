// What the tables of rooms hold of a person: read whole, and taken out.
import type { HubMs, RoomId, SessionId, UserId } from '../../../protocol/ids.ts';
import { ERASED_NAME, withoutPerson } from '../../domain/forget-person.ts';
import { publicEvent } from '../../domain/public-event.ts';
import type { RoomEvent } from '../../domain/room-event.ts';
import type { RoomTrace, Traces } from '../../ports/traces.ts';
import type { Rows, Sql } from './sql.ts';

const PORTION = 500;

export class PostgresTraces implements Traces {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  async roomsOf(userId: UserId): Promise<readonly RoomId[]> {
    const text = `%${userId}%`;
    const rows = await this.#sql.rows<{ readonly id: RoomId }>(
      `select s.room_id as id from participation p join session s on s.id = p.session_id where p.user_id = ?
       union select room_id from chat_item where user_id = ?
       union select room_id from room_snapshot where state::text like ?
       union select room_id from room_event where event::text like ?
       union select room_id from lost_event where event::text like ?
       union select room_id from idempotency_key where key like ?`,
      [userId, userId, text, text, text, text],
    );
    return rows.map(({ id }) => id);
  }

  async *export(userId: UserId): AsyncIterable<RoomTrace> {
    yield* this.#stays(userId);
    yield* this.#messages(userId);
    for await (const roomId of this.#roomsStayedIn(userId)) yield* this.#acts(userId, roomId);
  }

  erase(roomId: RoomId, userId: UserId, as: UserId): Promise<void> {
    return this.#sql.transaction((rows) => forgetInRoom(rows, roomId, userId, as));
  }

  async *#stays(userId: UserId): AsyncIterable<RoomTrace> {
    interface Row {
      readonly id: string;
      readonly room_id: RoomId;
      readonly session_id: SessionId;
      readonly arrived_at: HubMs;
      readonly departed_at: HubMs | null;
    }
    const select = `select p.id, s.room_id, p.session_id, p.arrived_at, p.departed_at
      from participation p join session s on s.id = p.session_id
      where p.user_id = ? and (p.arrived_at, p.id) > (?::float8, ?::uuid)
      order by p.arrived_at, p.id limit ?`;
    let after: readonly [HubMs | string, string] = ['-infinity', NIL];
    for (;;) {
      const rows: Row[] = await this.#sql.rows<Row>(select, [userId, ...after, PORTION]);
      for (const row of rows) {
        const { room_id: roomId, session_id: sessionId, arrived_at: arrivedAt } = row;
        const departed = row.departed_at === null ? {} : { departedAt: row.departed_at };
        yield { kind: 'stay', roomId, sessionId, arrivedAt, ...departed };
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < PORTION) return;
      after = [last.arrived_at, last.id];
    }
  }

  async *#messages(userId: UserId): AsyncIterable<RoomTrace> {
    interface Row {
      readonly id: string;
      readonly room_id: RoomId;
      readonly at: HubMs;
      readonly text: string;
    }
    const select = `select id, room_id, at, text from chat_item
      where user_id = ? and kind = 'message' and not deleted and (at, id) > (?::float8, ?::uuid)
      order by at, id limit ?`;
    let after: readonly [HubMs | string, string] = ['-infinity', NIL];
    for (;;) {
      const rows: Row[] = await this.#sql.rows<Row>(select, [userId, ...after, PORTION]);
      for (const { room_id: roomId, at, text } of rows) yield { kind: 'message', roomId, at, text };
      const last = rows.at(-1);
      if (last === undefined || rows.length < PORTION) return;
      after = [last.at, last.id];
    }
  }

  async *#roomsStayedIn(userId: UserId): AsyncIterable<RoomId> {
    const select = `select distinct s.room_id as id from participation p join session s on s.id = p.session_id
      where p.user_id = ? and s.room_id > ?::uuid order by s.room_id limit ?`;
    let after: string = NIL;
    for (;;) {
      const rooms = await this.#sql.rows<{ readonly id: RoomId }>(select, [userId, after, PORTION]);
      for (const { id } of rooms) yield id;
      const last = rooms.at(-1);
      if (last === undefined || rooms.length < PORTION) return;
      after = last.id;
    }
  }

  async *#acts(userId: UserId, roomId: RoomId): AsyncIterable<RoomTrace> {
    interface Row {
      readonly epoch: number;
      readonly revision: number;
      readonly event: RoomEvent;
    }
    const select = `select epoch, revision, event from room_event
      where room_id = ? and (epoch, revision) > (?::int, ?::int) and event->>'by' = ?
      order by epoch, revision limit ?`;
    let after: readonly [number, number] = [0, 0];
    for (;;) {
      const rows: Row[] = await this.#sql.rows<Row>(select, [roomId, ...after, userId, PORTION]);
      for (const { event } of rows) yield { kind: 'act', roomId, event: publicEvent(event) };
      const last = rows.at(-1);
      if (last === undefined || rows.length < PORTION) return;
      after = [last.epoch, last.revision];
    }
  }
}

const NIL = '00000000-0000-0000-0000-000000000000';

/** Within a transaction, so that who reads the room meets one of the two, and never a mixture. */
export async function forgetInRoom(
  rows: Rows,
  roomId: RoomId,
  userId: UserId,
  as: UserId,
): Promise<void> {
  const text = `%${userId}%`;
  for (const table of ['room_event', 'lost_event'] as const) {
    const found = await rows<{ readonly event_id: string; readonly event: object }>(
      `select event_id, event from ${table} where room_id = ? and event::text like ?`,
      [roomId, text],
    );
    const events = found.map(({ event_id: id, event }) => ({
      id,
      event: withoutPerson(event, userId, as),
    }));
    await rows(
      `update ${table} e set event = n.event from jsonb_to_recordset(?::jsonb) as n(id text, event jsonb)
       where e.room_id = ? and e.event_id = n.id`,
      [JSON.stringify(events), roomId],
    );
  }
  const snapshots = await rows<{ readonly state: object }>(
    'select state from room_snapshot where room_id = ? and state::text like ? for update',
    [roomId, text],
  );
  for (const { state } of snapshots) {
    await rows('update room_snapshot set state = ?::jsonb where room_id = ?', [
      JSON.stringify(withoutPerson(state, userId, as)),
      roomId,
    ]);
  }
  await rows('delete from idempotency_key where room_id = ? and key like ?', [roomId, text]);
  await rows(
    `update participation p set user_id = ?, name = ? from session s
     where s.id = p.session_id and s.room_id = ? and p.user_id = ?`,
    [as, ERASED_NAME, roomId, userId],
  );
  await forgetInChat(rows, roomId, userId, as);
}

export async function forgetInChat(
  rows: Rows,
  roomId: RoomId,
  userId: UserId,
  as: UserId,
): Promise<void> {
  await rows(
    `update chat_item set user_id = ?, key = null, name = case when kind = 'message' then ? end,
       text = case when kind = 'message' then '' end, deleted = kind = 'message'
     where room_id = ? and user_id = ?`,
    [as, ERASED_NAME, roomId, userId],
  );
}
