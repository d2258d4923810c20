// What a person may read of what others listened to, by the same rules as the live feed. Knows stores; knows no HTTP.
import type { UserId } from '../../../protocol/ids.ts';
import type { FeedItem } from '../../../protocol/schemas/feed.ts';
import type {
  ActivityLog,
  ActivityPlace,
  PageQuery,
  PastActivity,
} from '../../ports/activity-log.ts';
import type { Feed } from '../../ports/feed.ts';
import type { Friends, Grant } from '../../ports/friends.ts';
import type { HubClock } from '../../ports/hub-clock.ts';
import type { Presence } from '../../ports/presence.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import { personOf } from '../listening/live-activity.ts';
import { liveOf } from '../listening/live-head.ts';
import { isHidden, pastItem } from '../listening/past-item.ts';

export interface FeedHistoryDeps {
  readonly friends: Pick<Friends, 'grantsFor' | 'grantsOf' | 'profiles'>;
  readonly feed: Pick<Feed, 'heads'>;
  readonly activityLog: Pick<ActivityLog, 'feedPage' | 'historyPage'>;
  readonly clock: HubClock;
  readonly presence: Pick<Presence, 'aliveNodes'>;
}

export interface PlacedItem {
  /**
   * Undefined for what has been taken back, whose author is gone, or of whom nobody can say now what is taken back: its place is one of the
   * page's all the same.
   */
  readonly item: FeedItem | undefined;
  readonly place: ActivityPlace;
}

export interface PlacedActivity {
  /** As of `PlacedItem`. */
  readonly activity: PastActivity | undefined;
  readonly place: ActivityPlace;
}

type MaySee = Pick<Grant, 'privateUntil'>;

/** Every method rejects with `StoreUnavailable`. */
export class FeedHistory {
  readonly #deps: FeedHistoryDeps;

  constructor(deps: FeedHistoryDeps) {
    this.#deps = deps;
  }

  /** What the friends of `viewer` have listened to, the newest first; what is live is as it is now. */
  async recent(viewer: UserId, query: PageQuery): Promise<readonly PlacedItem[]> {
    const { friends, activityLog } = this.#deps;
    const authors = [...this.#seen(await friends.grantsFor(viewer)).keys()];
    if (authors.length === 0) return [];
    const past = await activityLog.feedPage(authors, query);
    return this.#items(viewer, past);
  }

  /**
   * What `author` has listened to; oneself sees private ones too.
   * @returns undefined where the viewer may not see it, which is not to be told from a person who is not there
   */
  async historyOf(
    viewer: UserId,
    author: UserId,
    query: PageQuery,
  ): Promise<readonly PlacedActivity[] | undefined> {
    const { activityLog, feed } = this.#deps;
    const isOwn = viewer === author;
    if (!isOwn && (await this.#grantOf(author, viewer)) === undefined) return undefined;
    const past = await activityLog.historyPage(author, { ...query, includePrivate: isOwn });
    if (isOwn) return past.map((activity) => ({ activity, place: placeOf(activity) }));
    const [head] = await feed.heads([author]);
    if (head === undefined) throw new StoreUnavailable('a part of the feed');
    // Who was shut out while it was read gets nothing of it.
    const grant = await this.#grantOf(author, viewer);
    if (grant === undefined) return undefined;
    return past.map((activity) => ({
      activity: isHidden(activity, head.live?.item, grant.privateUntil) ? undefined : activity,
      place: placeOf(activity),
    }));
  }

  async #items(viewer: UserId, past: readonly PastActivity[]): Promise<PlacedItem[]> {
    const { friends, feed, clock, presence } = this.#deps;
    const authors = [...new Set(past.map(({ userId }) => userId))];
    const [people, heads] = await Promise.all([friends.profiles(authors), feed.heads(authors)]);
    const known = new Map(people.map((person) => [person.userId, personOf(person)]));
    const headOf = new Map(authors.map((author, i) => [author, heads[i]]));
    // As in `historyOf`.
    const seen = this.#seen(await friends.grantsFor(viewer));
    return past.map((activity) => {
      const { userId, activityId: id } = activity;
      const [user, head, grant] = [known.get(userId), headOf.get(userId), seen.get(userId)];
      const place = placeOf(activity);
      if (user === undefined || grant === undefined || head === undefined)
        return { item: undefined, place };
      if (isHidden(activity, head.live?.item, grant.privateUntil))
        return { item: undefined, place };
      const { seq } = head;
      const live = liveOf(head, presence.aliveNodes, clock.now());
      const item = live?.activityId === id ? { ...live, seq } : pastItem(activity, user, seq);
      return { item, place };
    });
  }

  /** Those who let the viewer see something now. */
  #seen(grants: readonly Grant[]): Map<UserId, Grant> {
    const now = this.#deps.clock.now();
    const seen = grants.filter(({ may, privateUntil }) => may && (privateUntil ?? 0) <= now);
    return new Map(seen.map((grant) => [grant.author, grant]));
  }

  async #grantOf(author: UserId, viewer: UserId): Promise<MaySee | undefined> {
    const { may, privateUntil = 0 } = await this.#deps.friends.grantsOf(author, [viewer]);
    return may.has(viewer) && privateUntil <= this.#deps.clock.now() ? { privateUntil } : undefined;
  }
}

function placeOf({ at, activityId: id }: PastActivity): ActivityPlace {
  return { at, id };
}
