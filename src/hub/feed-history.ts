// What a person may read of what others listened to, by the same rules as the live feed. Knows stores; knows no HTTP.
import type { UserId } from '../../protocol/ids.ts';
import type { FeedItem } from '../../protocol/schemas/feed.ts';
import type { ActivityLog, ActivityPlace, PageQuery, PastActivity } from '../ports/activity-log.ts';
import type { Feed } from '../ports/feed.ts';
import type { Friends } from '../ports/friends.ts';
import type { HubClock } from '../ports/hub-clock.ts';
import { isWithheld, personOf, readLive, withheldIn } from './live-activity.ts';
import { pastItem } from './past-item.ts';

export interface FeedHistoryDeps {
  readonly friends: Pick<Friends, 'grantsFor' | 'grantsOf' | 'profiles'>;
  readonly feed: Pick<Feed, 'heads'>;
  readonly activityLog: Pick<ActivityLog, 'feedPage' | 'historyPage'>;
  readonly clock: HubClock;
}

export interface PlacedItem {
  /** Undefined for what has been taken back, or whose author is gone: its place is one of the page's all the same. */
  readonly item: FeedItem | undefined;
  readonly place: ActivityPlace;
}

/** Every method rejects with `StoreUnavailable`. */
export class FeedHistory {
  readonly #deps: FeedHistoryDeps;

  constructor(deps: FeedHistoryDeps) {
    this.#deps = deps;
  }

  /** What the friends of `viewer` have listened to, the newest first; what is live is as it is now. */
  async recent(viewer: UserId, query: PageQuery): Promise<readonly PlacedItem[]> {
    const { friends, activityLog, clock } = this.#deps;
    const now = clock.now();
    const grants = await friends.grantsFor(viewer);
    const seen = grants.filter(({ may, privateUntil }) => may && (privateUntil ?? 0) <= now);
    const authors = seen.map(({ author }) => author);
    if (authors.length === 0) return [];
    const past = await activityLog.feedPage(authors, query);
    return this.#items(past);
  }

  /**
   * What `author` has listened to; oneself sees private ones too.
   * @returns undefined where the viewer may not see it, which is not to be told from a person who is not there
   */
  async historyOf(
    viewer: UserId,
    author: UserId,
    query: PageQuery,
  ): Promise<readonly PastActivity[] | undefined> {
    const { friends, activityLog, clock } = this.#deps;
    const isOwn = viewer === author;
    if (!isOwn) {
      const { may, privateUntil } = await friends.grantsOf(author, [viewer]);
      if (!may.has(viewer) || (privateUntil ?? 0) > clock.now()) return undefined;
    }
    return activityLog.historyPage(author, { ...query, includePrivate: isOwn });
  }

  async #items(past: readonly PastActivity[]): Promise<PlacedItem[]> {
    const authors = [...new Set(past.map(({ userId }) => userId))];
    const [people, heads] = await Promise.all([
      this.#deps.friends.profiles(authors),
      this.#deps.feed.heads(authors),
    ]);
    const known = new Map(people.map((person) => [person.userId, personOf(person)]));
    const headOf = new Map(authors.map((author, i) => [author, heads[i]]));
    return past.map((activity) => {
      const { userId, activityId: id, at } = activity;
      const user = known.get(userId);
      const head = headOf.get(userId);
      const said = head?.live?.item;
      const live = readLive(said);
      // What was removed, or hidden, may lie in the history until an outbox has brought the word there.
      const isRemoved = isWithheld(withheldIn(said), id);
      const seq = head?.seq ?? 0;
      const isLive = live?.activityId === id;
      const item =
        user === undefined || isRemoved
          ? undefined
          : isLive
            ? { ...live, seq }
            : pastItem(activity, user, seq);
      return { item, place: { at, id } };
    });
  }
}
