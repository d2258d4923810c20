// The record of sessions in memory, told of each append by the room log beside it.
import type { HubMs, RoomId, SessionId } from '../../../protocol/ids.ts';
import type { RoomEvent } from '../../domain/room-event.ts';
import type { RoomState } from '../../domain/room-state.ts';
import {
  NOTHING_HEARD_IN_ROOM,
  sessionChanges,
  type ArrivalRow,
  type HeardRoom,
  type PlayRow,
} from '../../domain/session-record.ts';
import type { Archive, RoomSummary, SessionRecord, SessionSummary } from '../../ports/archive.ts';

interface Session {
  readonly roomId: RoomId;
  readonly startedAt: HubMs;
  readonly endedAt?: HubMs;
  readonly arrivals: readonly Omit<ArrivalRow, 'eventIndex'>[];
  readonly plays: readonly PlayRow[];
}

export class MemoryArchive implements Archive {
  readonly #rooms = new Map<RoomId, RoomState>();
  readonly #heard = new Map<RoomId, HeardRoom>();
  readonly #sessions = new Map<SessionId, Session>();

  /** Takes in one committed append. */
  record(roomId: RoomId, events: readonly RoomEvent[], after: RoomState): void {
    this.#rooms.set(roomId, after);
    const heard = this.#heard.get(roomId) ?? NOTHING_HEARD_IN_ROOM;
    const changes = sessionChanges(heard, events, after);
    if (changes.heard !== undefined) this.#heard.set(roomId, changes.heard);
    for (const { sessionId, at } of changes.started) {
      this.#sessions.set(sessionId, { roomId, startedAt: at, arrivals: [], plays: [] });
    }
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

  publicRooms(limit: number): Promise<readonly RoomSummary[]> {
    const open = [...this.#rooms.values()]
      .map((state) => state.public)
      .filter((room) => room.visibility === 'public' && room.closed === undefined)
      .sort((a, b) => b.hereCount - a.hereCount || b.createdAt - a.createdAt)
      .slice(0, limit);
    return Promise.resolve(
      open.map(({ id, code, name, hereCount, createdAt }) => ({
        roomId: id,
        code,
        name,
        hereCount,
        createdAt,
      })),
    );
  }

  sessionsOf(roomId: RoomId, limit: number): Promise<readonly SessionSummary[]> {
    const sessions = [...this.#sessions]
      .filter(([, session]) => session.roomId === roomId)
      .sort(([, a], [, b]) => b.startedAt - a.startedAt)
      .slice(0, limit);
    return Promise.resolve(sessions.map(([id, session]) => summaryOf(id, session)));
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

  #change(sessionId: SessionId, change: (session: Session) => Session): void {
    const session = this.#sessions.get(sessionId);
    if (session !== undefined) this.#sessions.set(sessionId, change(session));
  }
}

function summaryOf(sessionId: SessionId, session: Session): SessionSummary {
  const { roomId, startedAt, endedAt } = session;
  return { sessionId, roomId, startedAt, ...(endedAt === undefined ? {} : { endedAt }) };
}
