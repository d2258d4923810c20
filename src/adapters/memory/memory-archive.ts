// The record of sessions in memory, told of each append by the room log beside it.
import type { HubMs, RoomId, SessionId, UserId } from '../../../protocol/ids.ts';
import { withoutPerson } from '../../domain/forget-person.ts';
import type { RoomEvent } from '../../domain/room-event.ts';
import type { RoomState } from '../../domain/room-state.ts';
import {
  NOTHING_HEARD_IN_ROOM,
  sessionChanges,
  type ArrivalRow,
  type HeardRoom,
  type PlayRow,
} from '../../domain/session-record.ts';
import { RECAP_EVENTS } from '../../domain/session-recap.ts';
import type {
  Archive,
  RoomPlace,
  RoomSummary,
  SessionPlace,
  SessionQuery,
  SessionRecord,
  SessionSummary,
} from '../../ports/archive.ts';
import type { RoomTrace } from '../../ports/traces.ts';

const RECAPPED: ReadonlySet<string> = new Set(RECAP_EVENTS);

interface Session {
  readonly roomId: RoomId;
  readonly startedAt: HubMs;
  readonly endedAt?: HubMs;
  readonly arrivals: readonly Omit<ArrivalRow, 'eventIndex'>[];
  readonly plays: readonly PlayRow[];
  /** Those that a recap tells. */
  readonly events: readonly RoomEvent[];
}

export class MemoryArchive implements Archive {
  readonly #rooms = new Map<RoomId, RoomState>();
  readonly #heard = new Map<RoomId, HeardRoom>();
  readonly #sessions = new Map<SessionId, Session>();
  /** When a room's visibility was last set. */
  readonly #doorSetAt = new Map<RoomId, HubMs>();

  /** Takes in one committed append. */
  record(roomId: RoomId, events: readonly RoomEvent[], after: RoomState): void {
    const sessionBefore = this.#rooms.get(roomId)?.public.session?.id;
    this.#rooms.set(roomId, after);
    const heard = this.#heard.get(roomId) ?? NOTHING_HEARD_IN_ROOM;
    const changes = sessionChanges(heard, events, after);
    if (changes.heard !== undefined) this.#heard.set(roomId, changes.heard);
    for (const { sessionId, at } of changes.started) {
      this.#sessions.set(sessionId, { roomId, startedAt: at, arrivals: [], plays: [], events: [] });
    }
    this.#keepEvents(roomId, sessionBefore, events);
    for (const { sessionId, userId, at } of changes.departures) {
      this.#change(sessionId, (session) => ({
        ...session,
        arrivals: session.arrivals.map((arrival) =>
          arrival.userId === userId && arrival.departedAt === undefined
            ? { ...arrival, departedAt: at }
            : arrival,
        ),
      }));
    }
    for (const { eventIndex: _, ...arrival } of changes.arrivals) {
      this.#change(arrival.sessionId, (session) => ({
        ...session,
        arrivals: [...session.arrivals, arrival],
      }));
    }
    for (const play of changes.plays) {
      this.#change(play.sessionId, (session) => ({ ...session, plays: [...session.plays, play] }));
    }
    for (const { sessionId, at } of changes.ended) {
      this.#change(sessionId, (session) => ({
        ...session,
        endedAt: session.endedAt ?? at,
        arrivals: session.arrivals.map((arrival) => ({
          ...arrival,
          departedAt: arrival.departedAt ?? at,
        })),
      }));
    }
  }

  publicRooms(limit: number, after?: RoomPlace): Promise<readonly RoomSummary[]> {
    const open = [...this.#rooms.values()]
      .map((state) => state.public)
      .filter((room) => room.visibility === 'public' && room.closed === undefined)
      .map(({ id, ...room }) => ({ roomId: id, ...room }))
      .filter((room) => after === undefined || byFullness(room, after) > 0)
      .sort(byFullness)
      .slice(0, limit);
    return Promise.resolve(
      open.map(({ roomId, code, name, hereCount, createdAt }) => ({
        ...{ roomId, code, name, hereCount, createdAt },
      })),
    );
  }

  sessionsOf(roomId: RoomId, query: SessionQuery): Promise<readonly SessionSummary[]> {
    const { limit, after, seenBy } = query;
    const sessions = [...this.#sessions]
      .filter(([, session]) => session.roomId === roomId && isSeenBy(session, seenBy))
      .map(([id, session]) => summaryOf(id, session))
      .filter((session) => after === undefined || byAge(session, after) > 0)
      .sort(byAge)
      .slice(0, limit);
    return Promise.resolve(sessions);
  }

  session(sessionId: SessionId): Promise<SessionRecord | undefined> {
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return Promise.resolve(undefined);
    return Promise.resolve({
      ...summaryOf(sessionId, session),
      participations: session.arrivals.map(({ sessionId: _, ...participation }) => participation),
      plays: session.plays.map(({ sessionId: _, ...play }) => play),
    });
  }

  summaries(sessionIds: readonly SessionId[]): Promise<readonly SessionSummary[]> {
    return Promise.resolve(
      sessionIds.flatMap((id) => {
        const session = this.#sessions.get(id);
        return session === undefined ? [] : [summaryOf(id, session)];
      }),
    );
  }

  async *sessionEvents(sessionId: SessionId): AsyncIterable<readonly RoomEvent[]> {
    const events = this.#sessions.get(sessionId)?.events ?? [];
    if (events.length > 0) yield await Promise.resolve(events);
  }

  tookPart(roomId: RoomId, userId: UserId): Promise<boolean> {
    const sessions = [...this.#sessions.values()];
    return Promise.resolve(
      sessions.some((session) => session.roomId === roomId && isSeenBy(session, { userId })),
    );
  }

  /** Whoever was in a room at the same time as this person, with the time of the latest such arrival. */
  companionsOf(userId: UserId): ReadonlyMap<UserId, HubMs> {
    const met = new Map<UserId, HubMs>();
    for (const { arrivals } of this.#sessions.values()) {
      for (const mine of arrivals.filter((arrival) => arrival.userId === userId)) {
        for (const other of arrivals) {
          const from = Math.max(mine.arrivedAt, other.arrivedAt);
          const to = Math.min(mine.departedAt ?? Infinity, other.departedAt ?? Infinity);
          if (other.userId === userId || from >= to) continue;
          met.set(other.userId, Math.max(met.get(other.userId) ?? from, from));
        }
      }
    }
    return met;
  }

  roomsOf(userId: UserId): RoomId[] {
    return [...this.#sessions.values()].flatMap(({ roomId, arrivals }) =>
      arrivals.some((arrival) => arrival.userId === userId) ? [roomId] : [],
    );
  }

  /** Oldest first. */
  staysOf(userId: UserId): RoomTrace[] {
    const stays = [...this.#sessions].flatMap(([sessionId, { roomId, arrivals }]) =>
      arrivals
        .filter((arrival) => arrival.userId === userId)
        .map(({ arrivedAt, departedAt }) => ({
          ...{ kind: 'stay' as const, roomId, sessionId, arrivedAt },
          ...(departedAt === undefined ? {} : { departedAt }),
        })),
    );
    return stays.sort((a, b) => a.arrivedAt - b.arrivedAt);
  }

  forget(roomId: RoomId, userId: UserId, as: UserId): void {
    const room = this.#rooms.get(roomId);
    if (room !== undefined) this.#rooms.set(roomId, withoutPerson(room, userId, as));
    for (const [id, session] of this.#sessions)
      if (session.roomId === roomId) this.#sessions.set(id, withoutPerson(session, userId, as));
  }

  publicSince(roomId: RoomId): Promise<HubMs | undefined> {
    const room = this.#rooms.get(roomId)?.public;
    if (room?.visibility !== 'public') return Promise.resolve(undefined);
    return Promise.resolve(this.#doorSetAt.get(roomId) ?? room.createdAt);
  }

  #keepEvents(
    roomId: RoomId,
    sessionBefore: SessionId | undefined,
    events: readonly RoomEvent[],
  ): void {
    let sessionId = sessionBefore;
    const kept: RoomEvent[] = [];
    const keep = (): void => {
      const told = kept.splice(0);
      if (sessionId === undefined || told.length === 0) return;
      this.#change(sessionId, (session) => ({ ...session, events: [...session.events, ...told] }));
    };
    for (const event of events) {
      if (event.type === 'SessionStarted' || event.type === 'SessionEnded') {
        keep();
        sessionId = event.type === 'SessionStarted' ? event.sessionId : undefined;
      } else if (RECAPPED.has(event.type)) {
        kept.push(event);
      } else if (event.type === 'RoomUpdated' && event.visibility !== undefined) {
        this.#doorSetAt.set(roomId, event.at);
      }
    }
    keep();
  }

  #change(sessionId: SessionId, change: (session: Session) => Session): void {
    const session = this.#sessions.get(sessionId);
    if (session !== undefined) this.#sessions.set(sessionId, change(session));
  }
}

function summaryOf(sessionId: SessionId, session: Session): SessionSummary {
  const { roomId, startedAt, endedAt, arrivals, plays } = session;
  return {
    ...{ sessionId, roomId, startedAt },
    ...(endedAt === undefined ? {} : { endedAt }),
    peopleCount: new Set(arrivals.map(({ userId }) => userId)).size,
    playCount: plays.length,
  };
}

function isSeenBy(session: Session, seenBy: SessionQuery['seenBy']): boolean {
  if (seenBy === undefined) return true;
  const { userId, publicSince } = seenBy;
  const isPublic = publicSince !== undefined && session.startedAt >= publicSince;
  return isPublic || session.arrivals.some((arrival) => arrival.userId === userId);
}

function descending(a: number | string, b: number | string): number {
  if (a === b) return 0;
  return a < b ? 1 : -1;
}

function byFullness(a: RoomPlace, b: RoomPlace): number {
  return (
    descending(a.hereCount, b.hereCount) ||
    descending(a.createdAt, b.createdAt) ||
    descending(a.roomId, b.roomId)
  );
}

function byAge(a: SessionPlace, b: SessionPlace): number {
  return descending(a.startedAt, b.startedAt) || descending(a.sessionId, b.sessionId);
}
