// The record of sessions, read from the tables that the room log writes.
import type {
  EntryId,
  HubMs,
  RoomCode,
  RoomId,
  SessionId,
  TrackId,
  UserId,
} from '../../../protocol/ids.ts';
import type { RoomEvent } from '../../domain/room-event.ts';
import { RECAP_EVENTS } from '../../domain/session-recap.ts';
import type {
  Archive,
  RoomPlace,
  RoomSummary,
  SessionQuery,
  SessionRecord,
  SessionSummary,
} from '../../ports/archive.ts';
import { ParticipationSchema, PlaySchema } from './schema.ts';
import type { Sql } from './sql.ts';

const EVENTS_AT_ONCE = 500;
/** Beyond the last event of any log. */
const NO_END = { epoch: 2 ** 31 - 1, revision: 2 ** 31 - 1 };

interface SessionRow {
  readonly id: string;
  readonly room_id: string;
  readonly started_at: number;
  readonly ended_at: number | null;
  readonly people: number;
  readonly plays: number;
}

interface EventPlace {
  readonly epoch: number;
  readonly revision: number;
}

const SUMMARY = `s.id, s.room_id, s.started_at, s.ended_at,
  (select count(distinct user_id)::int from participation p where p.session_id = s.id) as people,
  (select count(*)::int from play y where y.session_id = s.id) as plays`;

const TOOK_PART = `exists (select from participation p where p.session_id = s.id and p.user_id = ?)`;

export class PostgresArchive implements Archive {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  async publicRooms(limit: number, after?: RoomPlace): Promise<readonly RoomSummary[]> {
    interface Row {
      readonly id: string;
      readonly code: string;
      readonly name: string;
      readonly here_count: number;
      readonly created_at: number;
    }
    const rows = await this.#sql.rows<Row>(
      `select id, code, name, here_count, created_at from room
       where visibility = 'public' and closed_at is null
         ${after === undefined ? '' : 'and (here_count, created_at, id) < (?, ?::float8, ?::uuid)'}
       order by here_count desc, created_at desc, id desc limit ?`,
      [...(after === undefined ? [] : [after.hereCount, after.createdAt, after.roomId]), limit],
    );
    return rows.map((row) => ({
      roomId: row.id as RoomId,
      code: row.code as RoomCode,
      name: row.name,
      hereCount: row.here_count,
      createdAt: row.created_at,
    }));
  }

  async sessionsOf(roomId: RoomId, query: SessionQuery): Promise<readonly SessionSummary[]> {
    const { limit, after, seenBy } = query;
    const rows = await this.#sql.rows<SessionRow>(
      `select ${SUMMARY} from session s where s.room_id = ?
         ${after === undefined ? '' : 'and (s.started_at, s.id) < (?::float8, ?::uuid)'}
         ${seenBy === undefined ? '' : `and (s.started_at >= ?::float8 or ${TOOK_PART})`}
       order by s.started_at desc, s.id desc limit ?`,
      [
        roomId,
        ...(after === undefined ? [] : [after.startedAt, after.sessionId]),
        ...(seenBy === undefined ? [] : [seenBy.publicSince ?? 'infinity', seenBy.userId]),
        limit,
      ],
    );
    return rows.map(summaryOf);
  }

  async session(sessionId: SessionId): Promise<SessionRecord | undefined> {
    const [row] = await this.#sql.rows<SessionRow>(
      `select ${SUMMARY} from session s where s.id = ?`,
      [sessionId],
    );
    if (row === undefined) return undefined;
    return this.#sql.managed(async (em) => {
      const participations = await em.find(
        ParticipationSchema,
        { sessionId },
        { orderBy: { arrivedAt: 'asc', epoch: 'asc', revision: 'asc', userId: 'asc' } },
      );
      const plays = await em.find(PlaySchema, { sessionId }, { orderBy: { startedAt: 'asc' } });
      return {
        ...summaryOf(row),
        participations: participations.map(({ userId, name, arrivedAt, departedAt }) => ({
          userId: userId as UserId,
          name,
          arrivedAt,
          ...(departedAt === null || departedAt === undefined ? {} : { departedAt }),
        })),
        plays: plays.map(({ entryId, trackId, title, artist, startedAt, endedAt }) => ({
          entryId: entryId as EntryId,
          trackId: trackId as TrackId,
          title,
          artist,
          startedAt,
          endedAt,
        })),
      };
    });
  }

  async summaries(sessionIds: readonly SessionId[]): Promise<readonly SessionSummary[]> {
    const rows = await this.#sql.rows<SessionRow>(
      `select ${SUMMARY} from session s where s.id = any(?::uuid[])`,
      [sessionIds],
    );
    return rows.map(summaryOf);
  }

  async *sessionEvents(sessionId: SessionId): AsyncIterable<readonly RoomEvent[]> {
    const span = await this.#spanOf(sessionId);
    if (span === undefined) return;
    const { roomId, to } = span;
    let { from } = span;
    for (;;) {
      const rows: (EventPlace & { readonly event: RoomEvent })[] = await this.#sql.rows(
        `select epoch, revision, event from room_event
         where room_id = ? and (epoch, revision) > (?, ?) and (epoch, revision) < (?, ?)
           and type in (${RECAP_EVENTS.map((type) => `'${type}'`).join(', ')})
         order by epoch, revision limit ?`,
        [roomId, from.epoch, from.revision, to.epoch, to.revision, EVENTS_AT_ONCE],
      );
      if (rows.length > 0) yield rows.map(({ event }) => event);
      const last = rows.at(-1);
      if (last === undefined || rows.length < EVENTS_AT_ONCE) return;
      from = last;
    }
  }

  async tookPart(roomId: RoomId, userId: UserId): Promise<boolean> {
    const rows = await this.#sql.rows(
      `select s.id from session s where s.room_id = ? and ${TOOK_PART} limit 1`,
      [roomId, userId],
    );
    return rows.length > 0;
  }

  async publicSince(roomId: RoomId): Promise<HubMs | undefined> {
    const [row] = await this.#sql.rows<{ readonly since: number }>(
      `select coalesce((
         select max(e.at) from room_event e
         where e.room_id = r.id and e.type = 'RoomUpdated' and e.event->>'visibility' is not null
       ), r.created_at) as since from room r where r.id = ? and r.visibility = 'public'`,
      [roomId],
    );
    return row?.since;
  }

  /** Between which events of its room's log a session lies; undefined where the log does not hold its beginning. */
  async #spanOf(
    sessionId: SessionId,
  ): Promise<
    { readonly roomId: RoomId; readonly from: EventPlace; readonly to: EventPlace } | undefined
  > {
    interface Row extends EventPlace {
      readonly room_id: RoomId;
      readonly type: string;
    }
    const rows = await this.#sql.rows<Row>(
      `select e.room_id, e.epoch, e.revision, e.type from session s join room_event e on e.room_id = s.room_id
       where s.id = ? and e.event->>'sessionId' = ?
         and e.type in ('SessionStarted', 'SessionEnded')
         and e.at between s.started_at and coalesce(s.ended_at, 'infinity')`,
      [sessionId, sessionId],
    );
    const from = rows.find(({ type }) => type === 'SessionStarted');
    const to = rows.find(({ type }) => type === 'SessionEnded') ?? NO_END;
    return from === undefined ? undefined : { roomId: from.room_id, from, to };
  }
}

function summaryOf(row: SessionRow): SessionSummary {
  const { id, room_id, started_at: startedAt, ended_at: endedAt } = row;
  return {
    sessionId: id as SessionId,
    roomId: room_id as RoomId,
    startedAt,
    ...(endedAt === null ? {} : { endedAt }),
    peopleCount: row.people,
    playCount: row.plays,
  };
}
