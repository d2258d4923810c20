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
  readonly participations: readonly Participation[];
  readonly plays: readonly Play[];
}

export interface Archive {
  /** Open public rooms, the most inhabited first. */
  publicRooms(limit: number): Promise<readonly RoomSummary[]>;
  /** Newest first. */
  sessionsOf(roomId: RoomId, limit: number): Promise<readonly SessionSummary[]>;
  session(sessionId: SessionId): Promise<SessionRecord | undefined>;
}
