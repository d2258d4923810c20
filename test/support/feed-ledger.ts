// What each viewer was shown of each author, frame by frame, beside when it might be: whatever began after somebody was shut out never
// reaches them, whoever is away.
import type { FeedItem, FeedRemoval } from '../../protocol/schemas/feed.ts';
import type { FeedModel } from './feed-model.ts';
import type { Message } from './hub-world.ts';

type Pair = `${number}>${number}`;

export class FeedLedger {
  readonly #model: FeedModel;
  readonly #authorOf: (userId: string) => number;
  /** When an author last let a viewer see, by `performance.now()`. */
  readonly #lastAllowed = new Map<Pair, number>();
  /** When each play was asked for, by its title: no two have the same. */
  readonly #begunAt = new Map<string, number>();
  /** What was shown and might not be. */
  readonly violations: string[] = [];
  shown = 0;

  constructor(model: FeedModel, authorOf: (userId: string) => number) {
    this.#model = model;
    this.#authorOf = authorOf;
  }

  /** To be called before it is sent. */
  began(title: string): void {
    this.#begunAt.set(title, performance.now());
  }

  /** Runs what changes who may see whom: until it is acknowledged, both what was and what comes hold. */
  async changing(change: () => void, ask: () => Promise<unknown>): Promise<void> {
    const before = this.#allowed();
    change();
    this.note();
    await ask();
    const now = performance.now();
    for (const pair of before) this.#lastAllowed.set(pair, now);
  }

  note(): void {
    const now = performance.now();
    for (const pair of this.#allowed()) this.#lastAllowed.set(pair, now);
  }

  /** Takes a message in, by SPEC FE1–FE3. @param held what the viewer holds, by author */
  take(viewer: number, held: Map<number, FeedItem>, message: Message): void {
    this.note();
    if (message['type'] === 'feed.items') {
      for (const { userId, activityId } of message['remove'] as FeedRemoval[]) {
        const author = this.#authorOf(userId);
        if (activityId === undefined || held.get(author)?.activityId === activityId)
          held.delete(author);
      }
      for (const item of message['upsert'] as FeedItem[]) {
        const before = held.get(this.#authorOf(item.user.id));
        if (before === undefined || item.seq > before.seq) this.#hold(viewer, held, item);
      }
      return;
    }
    held.clear();
    for (const item of message['items'] as FeedItem[]) this.#hold(viewer, held, item);
  }

  #hold(viewer: number, held: Map<number, FeedItem>, item: FeedItem): void {
    this.shown += 1;
    const author = this.#authorOf(item.user.id);
    held.set(author, item);
    const begunAt = this.#begunAt.get(item.track.title) ?? Infinity;
    const allowedAt = this.#lastAllowed.get(`${author}>${viewer}`) ?? -Infinity;
    if (allowedAt < begunAt)
      this.violations.push(`${viewer} is shown ${item.track.title} (${item.state}) of ${author}`);
  }

  #allowed(): Pair[] {
    const pairs: Pair[] = [];
    for (const author of this.#model.people.keys()) {
      for (const viewer of this.#model.people.keys())
        if (this.#model.lets(author, viewer)) pairs.push(`${author}>${viewer}`);
    }
    return pairs;
  }
}
