// What people who listen to nothing now have listened to last: read for many at once, and again until it is there.
// Knows the history and profiles; knows nobody who looks.
import type { UserId } from '../../../protocol/ids.ts';
import type { Person } from '../../../protocol/schemas/feed.ts';
import type { ActivityLog, PastActivity } from '../../ports/activity-log.ts';
import type { Friends } from '../../ports/friends.ts';
import type { Log } from '../../ports/log.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import type { Timers } from '../../ports/timers.ts';
import { personOf } from '../listening/live-activity.ts';

export interface FeedLatestDeps {
  readonly activityLog: Pick<ActivityLog, 'latest'>;
  readonly friends: Pick<Friends, 'profiles'>;
  readonly timers: Timers;
  readonly log: Log;
  /** Whether it is still to be known of this person. */
  isWanted(userId: UserId): boolean;
  /** @param past undefined where the history has nothing that may be shown */
  found(userId: UserId, past: PastActivity | undefined, user: Person): void;
}

const READ_AGAIN_MS = 1_000;

export class FeedLatest {
  readonly #deps: FeedLatestDeps;
  readonly #gathered = new Set<UserId>();
  readonly #missed = new Set<UserId>();
  #batch: Promise<void> | undefined;
  #cancel: (() => void) | undefined;
  #isStopped = false;

  constructor(deps: FeedLatestDeps) {
    this.#deps = deps;
  }

  /** All who are asked for in one tick are read together. Resolves when that has been tried once; where it failed, it is tried again. */
  read(userId: UserId): Promise<void> {
    this.#gathered.add(userId);
    this.#batch ??= Promise.resolve().then(() => this.#readGathered());
    return this.#batch;
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }

  async #readGathered(): Promise<void> {
    const { activityLog, friends } = this.#deps;
    const ids = [...this.#gathered].filter((userId) => this.#deps.isWanted(userId));
    this.#gathered.clear();
    this.#batch = undefined;
    if (ids.length === 0) return;
    try {
      const [latest, people] = await Promise.all([activityLog.latest(ids), friends.profiles(ids)]);
      for (const person of people) {
        const { userId } = person;
        if (this.#deps.isWanted(userId))
          this.#deps.found(userId, latest.get(userId), personOf(person));
      }
    } catch (error) {
      const level = error instanceof StoreUnavailable ? 'debug' : 'error';
      this.#deps.log[level]({ err: error }, 'what friends listened to last could not be read');
      for (const userId of ids) this.#missed.add(userId);
      this.#readAgainLater();
    }
  }

  #readAgainLater(): void {
    if (this.#isStopped) return;
    this.#cancel ??= this.#deps.timers.after(READ_AGAIN_MS, () => {
      this.#cancel = undefined;
      for (const userId of this.#missed) void this.read(userId);
      this.#missed.clear();
    });
  }
}
