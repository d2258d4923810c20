// The port to randomness and ids, so that a test can replay what happened.
import type {
  ConnectionId,
  EntryId,
  EventId,
  InviteCode,
  RoomCode,
  RoomId,
  SessionId,
} from '../../protocol/ids.ts';

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** @param seed the same seed gives the same id; for requests that must make one room however often they come */
  roomId(seed?: string): RoomId;
  roomCode(): RoomCode;
  /** A uuid: the same for the same seed, on every node; another one each time without it. */
  activityId(seed?: string): string;
  sessionId(): SessionId;
  connectionId(): ConnectionId;
  entryId(): EntryId;
  eventId(): EventId;
  inviteCode(): InviteCode;
}
