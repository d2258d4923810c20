// What a record holds of a person that follows live logs from afar: it is asked when it has caught up with them. Knows no technology.
import type { RoomId, UserId } from '../../protocol/ids.ts';
import type { Traces } from '../ports/traces.ts';

/** What the record has refused to take, and may be given again. Each method rejects with `StoreUnavailable`. */
export interface SetAside {
  /** Rooms of which something is set aside that names the person. */
  roomsOf(userId: UserId): Promise<readonly RoomId[]>;
  /** In what is set aside of a room, the person becomes `as`. */
  forget(roomId: RoomId, userId: UserId, as: UserId): Promise<void>;
}

/** @param outbox what brings the record up to the logs; rejects with `StoreUnavailable` where that takes long */
export function followedTraces(
  record: Traces,
  outbox: { caughtUp(): Promise<void> },
  setAside: SetAside,
): Traces {
  return {
    async roomsOf(userId) {
      await outbox.caughtUp();
      const rooms = await Promise.all([record.roomsOf(userId), setAside.roomsOf(userId)]);
      return [...new Set(rooms.flat())];
    },
    export: (userId) => record.export(userId),
    async erase(roomId, userId, as) {
      await setAside.forget(roomId, userId, as);
      // What was told of before the logs forgot the person, or was given to the record again just now, must not come after this.
      await outbox.caughtUp();
      await setAside.forget(roomId, userId, as);
      await record.erase(roomId, userId, as);
    },
  };
}
