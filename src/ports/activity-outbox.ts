// The port between what the hub tells of listening and the activity log: durable, so that the log may be away. Knows no store.
import type { UserId } from '../../protocol/ids.ts';
import type { ActivityEntry } from './activity-log.ts';

/** It holds as many entries as it may: nothing was taken. */
export class ActivityOutboxFull extends Error {
  override readonly name = 'ActivityOutboxFull';
}

export interface ActivityOutbox {
  /**
   * Durable when it resolves: the entries reach the activity log, at least once, also when this node dies.
   * Rejects with `ActivityOutboxFull`, never where all that is told takes something back, or with `StoreUnavailable`; whether they were taken is then unknown, and they may be told again.
   */
  add(entries: readonly ActivityEntry[]): Promise<void>;
  /** The person is erased: what waits about them is not told any more. Rejects with `StoreUnavailable` */
  forget(userId: UserId): Promise<void>;
}
