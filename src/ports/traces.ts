// The port to what the record of rooms holds of a person: given out whole, and taken out of it. Knows nothing of friends and listens.
import type { HubMs, RoomId, SessionId, UserId } from '../../protocol/ids.ts';

/** Something of a person in a room. */
export type RoomTrace =
  | {
      readonly kind: 'stay';
      readonly roomId: RoomId;
      readonly sessionId: SessionId;
      readonly arrivedAt: HubMs;
      /** Absent while it lasts. */
      readonly departedAt?: HubMs;
    }
  | {
      readonly kind: 'message';
      readonly roomId: RoomId;
      readonly at: HubMs;
      readonly text: string;
    };

/** It trails what was acknowledged while appends are on their way here. Every method rejects with `StoreUnavailable`. */
export interface Traces {
  /** Rooms whose events, chat or sessions name this person. It reads all events there are: for what happens seldom. */
  roomsOf(userId: UserId): Promise<readonly RoomId[]>;
  /** Stays first, then messages, each oldest first. */
  export(userId: UserId): AsyncIterable<RoomTrace>;
  /**
   * In the record of a room, the person becomes `as`, who has no name and has said nothing: what happened can still be told, and nobody
   * can tell who it was. To be called after the room's log and chat have forgotten them. Idempotent.
   */
  erase(roomId: RoomId, userId: UserId, as: UserId): Promise<void>;
}
