// Erasing a person: in an order in which a failure in the middle leaves them an account to ask with again. Knows stores; knows no HTTP.
import type { UserId } from '../../protocol/ids.ts';
import type { Accounts } from '../ports/accounts.ts';
import type { ActivityLog } from '../ports/activity-log.ts';
import type { Feed } from '../ports/feed.ts';
import type { Friends } from '../ports/friends.ts';
import type { Log } from '../ports/log.ts';
import type { Activities } from './activities.ts';
import type { FeedDesk } from './feed-desk.ts';

export interface ErasureDeps {
  readonly friends: Pick<Friends, 'erase'>;
  readonly accounts: Pick<Accounts, 'revokeAll'>;
  readonly activityLog: Pick<ActivityLog, 'erase'>;
  readonly feed: Pick<Feed, 'publish'>;
  readonly activities: Pick<Activities, 'forget'>;
  readonly desk: Pick<FeedDesk, 'tell'>;
  readonly log: Log;
}

export class Erasure {
  readonly #deps: ErasureDeps;

  constructor(deps: ErasureDeps) {
    this.#deps = deps;
  }

  /** Resolves when nothing is kept of the person any more. Rejects with `StoreUnavailable`: then ask again. Idempotent. */
  async erase(userId: UserId): Promise<void> {
    const { friends, accounts, activityLog, feed, activities, desk, log } = this.#deps;
    activities.forget(userId);
    await feed.publish(userId, undefined);
    await activityLog.erase(userId);
    await accounts.revokeAll(userId);
    const change = await friends.erase(userId);
    desk.tell(change);
    log.info({}, 'a person was erased');
  }
}
