// The way to the activity log where it is as durable and as near as an outbox would be. Knows no store.
import type { UserId } from '../../protocol/ids.ts';
import type { ActivityEntry, ActivityLog } from '../ports/activity-log.ts';
import type { ActivityOutbox } from '../ports/activity-outbox.ts';

export class DirectActivityOutbox implements ActivityOutbox {
  readonly #log: Pick<ActivityLog, 'append'>;
  readonly #former: Pick<ActivityOutbox, 'forget'> | undefined;

  /** @param former an outbox that was used before, and may still hold what it was told */
  constructor(log: Pick<ActivityLog, 'append'>, former?: Pick<ActivityOutbox, 'forget'>) {
    this.#log = log;
    this.#former = former;
  }

  /** Nothing waits here. */
  async forget(userId: UserId): Promise<void> {
    await this.#former?.forget(userId);
  }

  add(entries: readonly ActivityEntry[]): Promise<void> {
    return this.#log.append(entries);
  }
}
