// The rooms' log in Postgres: appends of all rooms committed in groups, snapshots beside them. Knows nothing of who asks.
import type { EventId, HubMs, RoomCode, RoomId, UserId } from '../../../protocol/ids.ts';
import type { JsonObject } from '../../../protocol/merge-patch.ts';
import { erasedFrom } from '../../domain/evolve-members.ts';
import { evolve } from '../../domain/evolve.ts';
import type { RoomEvent } from '../../domain/room-event.ts';
import type { RoomState } from '../../domain/room-state.ts';
import {
  NOTHING_HEARD_IN_ROOM,
  concernsPlayback,
  type HeardRoom,
} from '../../domain/session-record.ts';
import {
  NO_ROOM,
  StoreUnavailable,
  isSameHead,
  type AppendResult,
  type Head,
  type IdempotencyRecord,
  type InhabitedRoom,
  type LoadedRoom,
  type ReadResult,
  type RoomLog,
} from '../../ports/room-log.ts';
import { appendStatement, emptyWrites, type Statement } from './append-statement.ts';
import { addWrites, headAfter, type Append } from './append-writes.ts';
import { GroupCommit } from './group-commit.ts';
import { HeardRooms } from './heard-rooms.ts';
import type { PostgresKv } from './postgres-kv.ts';
import { forgetInRoom } from './postgres-traces.ts';
import { isRaced, toIntColumn, type Rows, type Sql } from './sql.ts';

const HEARTBEAT_KEY = 'heartbeat';
/** Who is further behind takes a snapshot: it is smaller than so many events. */
const MAX_READ_EVENTS = 1_000;
const MAX_APPENDS_PER_COMMIT = 500;
/** Of some hundred bytes to a few kilobytes each. */
const MAX_HEARD_ROOMS = 5_000;
const PURGE_EVERY_MS = 60_000;
const VACUUM_EVERY_MS = 600_000;

interface HeadRow {
  readonly id: string;
  readonly epoch: number;
  readonly revision: number;
  readonly event_id: string;
}

function headOf(row: Omit<HeadRow, 'id'> | undefined): Head {
  if (row === undefined) return NO_ROOM;
  return { epoch: row.epoch, revision: row.revision, eventId: row.event_id as EventId };
}

async function loadRoom(rows: Rows, roomId: RoomId): Promise<LoadedRoom | undefined> {
  interface Row extends Omit<HeadRow, 'id'> {
    readonly state: RoomState;
    readonly events: readonly RoomEvent[];
  }
  // One statement, so that the snapshot, the events after it and the head are of one moment.
  const [row] = await rows<Row>(
    `select r.epoch, r.revision, r.event_id, s.state, coalesce((
       select jsonb_agg(e.event order by e.revision) from room_event e
       where e.room_id = r.id and e.epoch = r.epoch and e.revision > s.revision and e.revision <= r.revision), '[]') as events
     from room r join room_snapshot s on s.room_id = r.id and s.epoch = r.epoch where r.id = ?`,
    [roomId],
  );
  if (row === undefined) return undefined;
  return { head: headOf(row), state: row.events.reduce<RoomState>(evolve, row.state) };
}

/** The room goes on from `state` at its head under that epoch. */
async function writeEpoch(
  rows: Rows,
  roomId: RoomId,
  { head: { revision, eventId } }: LoadedRoom,
  epoch: number,
  state: RoomState,
): Promise<void> {
  await rows('update room set epoch = ? where id = ?', [epoch, roomId]);
  await rows(
    'update room_snapshot set epoch = ?, revision = ?, event_id = ?, state = ?::jsonb where room_id = ?',
    [epoch, revision, eventId, JSON.stringify(state), roomId],
  );
}

export class PostgresRoomLog implements RoomLog {
  readonly #sql: Sql;
  readonly #kv: PostgresKv;
  readonly #commits: GroupCommit<Append, AppendResult>;
  readonly #heard = new HeardRooms(MAX_HEARD_ROOMS);
  /** The newest hub time that this log was told of: a log has no clock of its own. */
  #now: HubMs = 0;
  #purgedAt: HubMs = 0;
  #vacuumedAt: HubMs | undefined;
  readonly #vacuums: boolean;

  /** @param vacuums whether to clean up dead rows: the embedded database has nobody else who does */
  constructor(sql: Sql, kv: PostgresKv, { vacuums }: { readonly vacuums: boolean }) {
    this.#vacuums = vacuums;
    this.#sql = sql;
    this.#kv = kv;
    this.#commits = new GroupCommit({
      commit: (appends) => this.#commit(appends),
      laneOf: ({ roomId }) => roomId,
      maxItems: MAX_APPENDS_PER_COMMIT,
    });
  }

  load(roomId: RoomId): Promise<LoadedRoom | undefined> {
    return loadRoom((text, bindings) => this.#sql.rows(text, bindings), roomId);
  }

  append(
    roomId: RoomId,
    expected: Head,
    events: readonly RoomEvent[],
    after: RoomState,
    keys: readonly IdempotencyRecord[],
  ): Promise<AppendResult> {
    return this.#commits.add({ roomId, expected, events, after, keys });
  }

  async read(
    roomId: RoomId,
    after: { readonly epoch: number; readonly revision: number; readonly eventId?: EventId | '' },
  ): Promise<ReadResult> {
    interface Row extends Omit<HeadRow, 'id'> {
      readonly events: readonly RoomEvent[];
      readonly after_id: string | null;
    }
    const epoch = toIntColumn(after.epoch);
    const revision = toIntColumn(after.revision);
    const [row] = await this.#sql.rows<Row>(
      `select r.epoch, r.revision, r.event_id, coalesce((
         select jsonb_agg(e.event order by e.revision) from room_event e
         where e.room_id = r.id and e.epoch = r.epoch and e.revision > ? and e.revision <= r.revision
           and r.revision - ? <= ?), '[]') as events,
         (select event_id from room_event a where a.room_id = r.id and a.epoch <= ? and a.revision = ?
          order by a.epoch desc limit 1) as after_id
       from room r where r.id = ?`,
      [revision, revision, MAX_READ_EVENTS, epoch, revision, roomId],
    );
    if (row === undefined) return { kind: 'gone' };
    const head = headOf(row);
    const behind = head.revision - after.revision;
    const isWhole = behind >= 0 && row.events.length === behind;
    if (!isWhole || after.epoch !== head.epoch || after.revision < 0) return { kind: 'gone' };
    // An epoch begins behind an event of the one before.
    const afterId = behind === 0 ? head.eventId : (row.after_id ?? '');
    if (after.eventId !== undefined && after.eventId !== afterId) return { kind: 'gone' };
    return { kind: 'events', head, events: row.events };
  }

  /** It loses nothing, so there is nothing to put back. */
  async restore(roomId: RoomId): Promise<LoadedRoom> {
    const room = await this.load(roomId);
    if (room === undefined) throw new StoreUnavailable(`the log of room ${roomId}`);
    return room;
  }

  forget(roomId: RoomId, userId: UserId, as: UserId): Promise<void> {
    return this.#sql.transaction(async (rows) => {
      // Whoever appends meanwhile waits, and finds another epoch then.
      const locked = await rows('select id from room where id = ? for update', [roomId]);
      if (locked.length === 0) return;
      const room = await loadRoom(rows, roomId);
      if (room === undefined) return;
      const state = erasedFrom(room.state, userId, as);
      await writeEpoch(rows, roomId, room, room.head.epoch + 1, state);
      await forgetInRoom(rows, roomId, userId, as);
    });
  }

  /**
   * All rooms go on under another epoch: this is an older state than somebody may have seen. The more they are raised the later it is, so
   * that of two restores of the same backup none is taken for the other.
   * @returns how many rooms there are
   */
  async beginEpochs(raise: number): Promise<number> {
    const rooms = await this.#sql.rows<{ readonly id: RoomId }>('select id from room order by id');
    for (const { id } of rooms)
      await this.#sql.transaction(async (rows) => {
        const room = await loadRoom(rows, id);
        if (room !== undefined)
          await writeEpoch(rows, id, room, room.head.epoch + raise, room.state);
      });
    return rooms.length;
  }

  async heads(roomIds: readonly RoomId[]): Promise<readonly Head[]> {
    const headById = await this.#headsById(roomIds);
    return roomIds.map((roomId) => headById.get(roomId) ?? NO_ROOM);
  }

  async recall(roomId: RoomId, key: string): Promise<JsonObject | undefined> {
    const [row] = await this.#sql.rows<{ readonly reply: JsonObject }>(
      'select reply from idempotency_key where room_id = ? and key = ? and expires_at > ?',
      [roomId, key, this.#now],
    );
    return row?.reply;
  }

  async findByCode(code: RoomCode): Promise<RoomId | undefined> {
    const [row] = await this.#sql.rows<{ readonly id: RoomId }>(
      'select id from room where code = ?',
      [code],
    );
    return row?.id;
  }

  async inhabited(): Promise<readonly InhabitedRoom[]> {
    const heartbeat = await this.#kv.get(HEARTBEAT_KEY);
    const beatAt = typeof heartbeat === 'number' ? heartbeat : -Infinity;
    const rows = await this.#sql.rows<{ readonly id: RoomId; readonly last_at: number }>(
      'select id, last_at from room where here_count > 0 order by id',
    );
    return rows.map(({ id, last_at }) => ({ roomId: id, aliveAt: Math.max(beatAt, last_at) }));
  }

  async heartbeat(at: HubMs): Promise<void> {
    this.#now = Math.max(this.#now, at);
    await this.#kv.set(HEARTBEAT_KEY, at);
    if (at - this.#purgedAt < PURGE_EVERY_MS) return;
    this.#purgedAt = at;
    await this.#sql.rows('delete from idempotency_key where expires_at <= ?', [at]);
    if (!this.#vacuums || at - (this.#vacuumedAt ?? -Infinity) < VACUUM_EVERY_MS) return;
    this.#vacuumedAt = at;
    await this.#sql.rows('vacuum (analyze) room, room_snapshot, idempotency_key, kv');
  }

  /** One process writes here, so there is nobody else to tell of. */
  subscribe(): () => void {
    return () => undefined;
  }

  async #commit(appends: readonly Append[]): Promise<readonly AppendResult[]> {
    const heard = await this.#heardBefore(appends);
    const writes = emptyWrites();
    const heardAfter = new Map<Append, HeardRoom | undefined>();
    for (const append of appends) {
      const before = heard.get(append.roomId) ?? NOTHING_HEARD_IN_ROOM;
      heardAfter.set(append, addWrites(writes, append, before));
    }
    const done = await this.#write(appendStatement(writes));
    const missed = appends.filter(({ roomId }) => !done.has(roomId));
    const reasons = await this.#whyNot(missed);
    return appends.map((append) => {
      const reason = reasons.get(append);
      if (reason !== undefined) return reason;
      this.#now = Math.max(this.#now, append.after.lastAt);
      const head = headAfter(append);
      this.#heard.moved(append.roomId, append.expected, head, heardAfter.get(append));
      return { kind: 'committed', head };
    });
  }

  async #write({ text, bindings }: Statement): Promise<ReadonlySet<string>> {
    try {
      const rows = await this.#sql.rows<{ readonly id: string }>(text, bindings);
      return new Set(rows.map(({ id }) => id));
    } catch (error) {
      // Two writers locked the same rooms in another order; the other one is through by now.
      if (!isRaced(error)) throw error;
      const rows = await this.#sql.rows<{ readonly id: string }>(text, bindings);
      return new Set(rows.map(({ id }) => id));
    }
  }

  /**
   * What was heard in the rooms whose playback is concerned. It belongs to the head at which it is read: if that is not the expected
   * one any more when the append is written, nothing is written.
   */
  async #heardBefore(appends: readonly Append[]): Promise<ReadonlyMap<RoomId, HeardRoom>> {
    const concerned = appends.filter(
      ({ events, expected }) => !isSameHead(expected, NO_ROOM) && concernsPlayback(events),
    );
    const known = new Map<RoomId, HeardRoom>();
    const unknown: RoomId[] = [];
    for (const { roomId, expected } of concerned) {
      const heard = this.#heard.at(roomId, expected);
      if (heard === undefined) unknown.push(roomId);
      else known.set(roomId, heard);
    }
    if (unknown.length === 0) return known;
    const rows = await this.#sql.rows<{ readonly id: RoomId; readonly heard: HeardRoom | null }>(
      'select id, heard from room where id = any(?::uuid[])',
      [unknown],
    );
    for (const { id, heard } of rows) known.set(id, heard ?? NOTHING_HEARD_IN_ROOM);
    return known;
  }

  async #whyNot(missed: readonly Append[]): Promise<ReadonlyMap<Append, AppendResult>> {
    const reasons = new Map<Append, AppendResult>();
    if (missed.length === 0) return reasons;
    const headById = await this.#headsById(missed.map(({ roomId }) => roomId));
    for (const append of missed) {
      reasons.set(
        append,
        (await this.#usedKey(append)) ?? {
          kind: 'conflict',
          head: headById.get(append.roomId) ?? NO_ROOM,
        },
      );
    }
    return reasons;
  }

  async #headsById(roomIds: readonly RoomId[]): Promise<ReadonlyMap<string, Head>> {
    const heads = await this.#sql.rows<HeadRow>(
      'select id, epoch, revision, event_id from room where id = any(?::uuid[])',
      [roomIds],
    );
    return new Map(heads.map((row) => [row.id, headOf(row)]));
  }

  async #usedKey({ roomId, events, keys }: Append): Promise<AppendResult | undefined> {
    if (keys.length === 0) return undefined;
    const [row] = await this.#sql.rows<{ readonly key: string; readonly reply: JsonObject }>(
      `select key, reply from idempotency_key where room_id = ? and key = any(?::text[]) and expires_at > ?
       order by array_position(?::text[], key) limit 1`,
      [roomId, keys.map(({ key }) => key), events[0]?.at ?? 0, keys.map(({ key }) => key)],
    );
    return row === undefined ? undefined : { kind: 'duplicate', key: row.key, reply: row.reply };
  }
}
