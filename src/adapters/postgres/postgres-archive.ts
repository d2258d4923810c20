// The record of sessions, read from the tables that the room log writes.
import type {
  EntryId,
  RoomCode,
  RoomId,
  SessionId,
  TrackId,
  UserId,
} from '../../../protocol/ids.ts';
import type { Archive, RoomSummary, SessionRecord, SessionSummary } from '../../ports/archive.ts';
import { ParticipationSchema, PlaySchema, RoomSchema, SessionSchema } from './schema.ts';
import type { Sql } from './sql.ts';

interface SessionRow {
  readonly id: string;
  readonly roomId: string;
  readonly startedAt: number;
  readonly endedAt?: number | null | undefined;
}

function summaryOf({ id, roomId, startedAt, endedAt }: SessionRow): SessionSummary {
  return {
    sessionId: id as SessionId,
    roomId: roomId as RoomId,
    startedAt,
    ...(endedAt === null || endedAt === undefined ? {} : { endedAt }),
  };
}

export class PostgresArchive implements Archive {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  publicRooms(limit: number): Promise<readonly RoomSummary[]> {
    return this.#sql.managed(async (em) => {
      const rooms = await em.find(
        RoomSchema,
        { visibility: 'public', closedAt: null },
        { orderBy: { hereCount: 'desc', createdAt: 'desc' }, limit },
      );
      return rooms.map(({ id, code, name, hereCount, createdAt }) => ({
        roomId: id as RoomId,
        code: code as RoomCode,
        name,
        hereCount,
        createdAt,
      }));
    });
  }

  sessionsOf(roomId: RoomId, limit: number): Promise<readonly SessionSummary[]> {
    return this.#sql.managed(async (em) => {
      const orderBy = { startedAt: 'desc' } as const;
      const sessions = await em.find(SessionSchema, { roomId }, { orderBy, limit });
      return sessions.map(summaryOf);
    });
  }

  session(sessionId: SessionId): Promise<SessionRecord | undefined> {
    return this.#sql.managed(async (em) => {
      const session = await em.findOne(SessionSchema, { id: sessionId });
      if (session === null) return undefined;
      const participations = await em.find(
        ParticipationSchema,
        { sessionId },
        { orderBy: { arrivedAt: 'asc', epoch: 'asc', revision: 'asc', userId: 'asc' } },
      );
      const plays = await em.find(PlaySchema, { sessionId }, { orderBy: { startedAt: 'asc' } });
      return {
        ...summaryOf(session),
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
}
