// The port to what was: the record of sessions, who was there and what was played. Written from the log's events alone.
import type {
  EntryId,
  HubMs,
  RoomCode,
  RoomId,
  SessionId,
  TrackId,
  UserId,
} from '../../protocol/ids.ts';
import type { RoomEvent } from '../domain/room-event.ts';

export interface RoomSummary {
  readonly roomId: RoomId;
  readonly code: RoomCode;
  readonly name: string;
  readonly hereCount: number;
  readonly createdAt: HubMs;
}

export interface SessionSummary {
  readonly sessionId: SessionId;
  readonly roomId: RoomId;
  readonly startedAt: HubMs;
  /** Absent while it lasts. */
  readonly endedAt?: HubMs;
  /** Different people who were there. */
  readonly peopleCount: number;
  readonly playCount: number;
}

/** Where a page of rooms ended. */
export type RoomPlace = Pick<RoomSummary, 'hereCount' | 'createdAt' | 'roomId'>;
/** Where a page of sessions ended. */
export type SessionPlace = Pick<SessionSummary, 'startedAt' | 'sessionId'>;

export interface SessionQuery {
  readonly limit: number;
  /** Only those after it in the order of the list. */
  readonly after?: SessionPlace;
  /** Only sessions that this person took part in or that began at `publicSince` or later, whichever of the two are given. */
  readonly seenBy?: { readonly userId: UserId; readonly publicSince?: HubMs };
}

export interface Participation {
  readonly userId: UserId;
  readonly name: string;
  readonly arrivedAt: HubMs;
  /** Absent while they are there. */
  readonly departedAt?: HubMs;
}

/** One stretch in which an entry was heard, from its start or the return to it until it was paused, left or over. */
export interface Play {
  readonly entryId: EntryId;
  readonly trackId: TrackId;
  readonly title: string;
  readonly artist: string;
  readonly startedAt: HubMs;
  readonly endedAt: HubMs;
}

export interface SessionRecord extends SessionSummary {
  /** In order of arrival. */
  readonly participations: readonly Participation[];
  /** In order of their start. What sounds at this moment is not among them. */
  readonly plays: readonly Play[];
}

/** What is read trails what was acknowledged while appends are on their way here. Every method rejects with `StoreUnavailable`. */
export interface Archive {
  /**
   * Open public rooms: the most inhabited first, then the newest, then by id. The places move with who comes and goes, so over several
   * pages a room may be met twice or not at all.
   */
  publicRooms(limit: number, after?: RoomPlace): Promise<readonly RoomSummary[]>;
  /** The newest first, then by id. Over several pages none is left out or met twice, whatever begins meanwhile. */
  sessionsOf(roomId: RoomId, query: SessionQuery): Promise<readonly SessionSummary[]>;
  session(sessionId: SessionId): Promise<SessionRecord | undefined>;
  /** In no order; without those that are not known. */
  summaries(sessionIds: readonly SessionId[]): Promise<readonly SessionSummary[]>;
  /**
   * What happened in a session, as far as its recap tells it (`RECAP_EVENTS`), in the order of the log and in portions, so that a long
   * session is never held whole. Nothing for a session that is not known.
   */
  sessionEvents(sessionId: SessionId): AsyncIterable<readonly RoomEvent[]>;
  /** Whether this person has been in any session of the room. */
  tookPart(roomId: RoomId, userId: UserId): Promise<boolean>;
  /** Since when the room has been public without a break; undefined where it is not, or is not known. */
  publicSince(roomId: RoomId): Promise<HubMs | undefined>;
}
