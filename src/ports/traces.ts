// The port to what the record of rooms holds of a person: given out whole, and taken out of it. Knows nothing of friends and listens.
import type { HubMs, RoomId, SessionId, UserId } from '../../protocol/ids.ts';
import type { PublicEvent } from '../../protocol/schemas/events.ts';

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
    }
  | {
      /** What they did: queued, voted, played, allowed. */
      readonly kind: 'act';
      readonly roomId: RoomId;
      /** As the room was told of it: without what opens a door. */
      readonly event: PublicEvent;
    };

/** It trails what was acknowledged while appends are on their way here. Every method rejects with `StoreUnavailable`. */
export interface Traces {
  /** Rooms whose events, chat or sessions name this person. It reads all events there are: for what happens seldom. */
  roomsOf(userId: UserId): Promise<readonly RoomId[]>;
  /** Stays first, then messages, each oldest first; then what they did, room by room, in each the oldest first. It reads all events of those rooms. */
  export(userId: UserId): AsyncIterable<RoomTrace>;
  /**
   * In the record of a room, the person becomes `as`, who has no name and has said nothing: what happened can still be told, and nobody
   * can tell who it was. To be called after the room's log and chat have forgotten them. Idempotent.
   */
  erase(roomId: RoomId, userId: UserId, as: UserId): Promise<void>;
}
