// Those who were erased while a node was not told so: what it has told of them since goes as well, tried until it has. Knows stores; knows nobody who
// is connected.
import type { UserId } from '../../protocol/ids.ts';
import type { ActivityLog } from '../ports/activity-log.ts';
import type { ActivityOutbox } from '../ports/activity-outbox.ts';
import type { Feed } from '../ports/feed.ts';
import type { HubClock } from '../ports/hub-clock.ts';
import type { Log } from '../ports/log.ts';
import { StoreUnavailable } from '../ports/room-log.ts';
import type { Timers } from '../ports/timers.ts';

export interface MissedErasuresDeps {
  readonly feed: Pick<Feed, 'forget'>;
  readonly activityOutbox: Pick<ActivityOutbox, 'forget'>;
  readonly activityLog: Pick<ActivityLog, 'erase'>;
  readonly clock: HubClock;
  readonly timers: Timers;
  readonly log: Log;
}

const RETRY_MS = 5_000;

export class MissedErasures {
  readonly #deps: MissedErasuresDeps;
  readonly #due = new Set<UserId>();
  #pass: Promise<void> | undefined;
  #cancel: (() => void) | undefined;
  #isStopped = false;

  constructor(deps: MissedErasuresDeps) {
    this.#deps = deps;
  }

  /** To be called once this node tells nothing more of the person. */
  erase(userId: UserId): void {
    this.#due.add(userId);
    this.#start();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }

  #start(): void {
    if (this.#isStopped || this.#cancel !== undefined) return;
    this.#pass ??= this.#eraseDue().finally(() => {
      this.#pass = undefined;
    });
  }

  async #eraseDue(): Promise<void> {
    const { feed, activityOutbox, activityLog, clock, log } = this.#deps;
    for (const userId of this.#due) {
      try {
        await feed.forget(userId);
        await activityOutbox.forget(userId);
        await activityLog.erase(userId, clock.now());
        this.#due.delete(userId);
        log.info({ userId }, 'what was told of a person after they were erased is erased too');
      } catch (error) {
        const level = error instanceof StoreUnavailable ? 'debug' : 'error';
        log[level](
          { userId, err: error },
          'what was told of an erased person could not be erased yet',
        );
      }
    }
    if (this.#due.size > 0 && !this.#isStopped)
      this.#cancel = this.#deps.timers.after(RETRY_MS, () => {
        this.#cancel = undefined;
        this.#start();
      });
  }
}
