// Owns what a client holds of the feed: one item a friend, merged as the hub tells it (FE1–FE3). Knows no socket.
import type { UserId } from '../../protocol/ids.ts';
import type {
  AudienceView,
  FeedItem,
  FeedRemoval,
  FeedSnapshot,
} from '../../protocol/schemas/feed.ts';

export class FeedStore {
  readonly #items = new Map<UserId, FeedItem>();
  #audience: AudienceView | undefined;

  get audience(): AudienceView | undefined {
    return this.#audience;
  }

  set audience(audience: AudienceView | undefined) {
    this.#audience = audience;
  }

  /** The newest first. */
  items(): readonly FeedItem[] {
    return [...this.#items.values()].sort(
      (a, b) => b.at - a.at || (a.user.id < b.user.id ? -1 : 1),
    );
  }

  /** Takes the place of all that is held. */
  replace({ items, audience }: FeedSnapshot): void {
    this.#items.clear();
    for (const item of items) this.#items.set(item.user.id, item);
    this.#audience = audience;
  }

  /** What is removed goes first; an item that is not newer than the one that is held changes nothing. */
  merge(upsert: readonly FeedItem[], remove: readonly FeedRemoval[]): void {
    for (const { userId, activityId } of remove) {
      const held = this.#items.get(userId);
      if (activityId === undefined || held?.activityId === activityId) this.#items.delete(userId);
    }
    for (const item of upsert) {
      const held = this.#items.get(item.user.id);
      if (held === undefined || item.seq > held.seq) this.#items.set(item.user.id, item);
    }
  }

  clear(): void {
    this.#items.clear();
    this.#audience = undefined;
  }
}
