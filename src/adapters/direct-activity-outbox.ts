// The way to the activity log where it is as durable and as near as an outbox would be. Knows no store.
import type { ActivityLog, ActivityEntry } from '../ports/activity-log.ts';
import type { ActivityOutbox } from '../ports/activity-outbox.ts';

export class DirectActivityOutbox implements ActivityOutbox {
  readonly #log: Pick<ActivityLog, 'append'>;

  constructor(log: Pick<ActivityLog, 'append'>) {
    this.#log = log;
  }

  /** Nothing waits here. */
  forget(): Promise<void> {
    return Promise.resolve();
  }

  add(entries: readonly ActivityEntry[]): Promise<void> {
    return this.#log.append(entries);
  }
}
