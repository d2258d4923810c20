// What a record holds of a person that follows live logs from afar: it is asked when it has caught up with them. Knows no technology.
import type { Traces } from '../ports/traces.ts';

/** @param outbox what brings the record up to the logs; rejects with `StoreUnavailable` where that takes long */
export function followedTraces(record: Traces, outbox: { caughtUp(): Promise<void> }): Traces {
  return {
    async roomsOf(userId) {
      await outbox.caughtUp();
      return record.roomsOf(userId);
    },
    export: (userId) => record.export(userId),
    async erase(roomId, userId, as) {
      // What was told of before the logs forgot the person must not come after this.
      await outbox.caughtUp();
      await record.erase(roomId, userId, as);
    },
  };
}
