// What the feed says of the listening people of this node: read when one comes, and compared from time to time.
// Knows the feed; knows nothing of what anybody listens to.
import type { HubMs, UserId } from '../../../protocol/ids.ts';
import type { Feed, FeedHead } from '../../ports/feed.ts';
import type { Log } from '../../ports/log.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';

export interface AuthorHeadsDeps {
  readonly feed: Pick<Feed, 'heads' | 'onDoubt'>;
  readonly log: Log;
  /** All who are on this node. */
  authors(): Iterable<UserId>;
  /** The number of the last word that this node has had taken. */
  seqOf(author: UserId): number;
  /** The first head of somebody who has come, read once all that is told of them arrives. */
  readFirst(author: UserId, head: FeedHead): void;
  compared(author: UserId, head: FeedHead): void;
}

const COMPARE_MS = 30_000;
const AT_ONCE = 1_000;

export class AuthorHeads {
  readonly #deps: AuthorHeadsDeps;
  /** Those who have come and were not read yet, with when their subscription stands. */
  readonly #unread = new Map<UserId, Promise<void>>();
  readonly #stopDoubt: () => void;
  #isReading = false;
  #compareAt = 0;
  #compareFrom = 0;

  constructor(deps: AuthorHeadsDeps) {
    this.#deps = deps;
    this.#stopDoubt = deps.feed.onDoubt(() => void this.#compare([...deps.authors()]));
  }

  /** Read together with all who come in the same tick, and again until it is done. */
  read(author: UserId, ready: Promise<void>): void {
    this.#unread.set(author, ready);
    void this.#readUnread();
  }

  forget(author: UserId): void {
    this.#unread.delete(author);
  }

  /** To be called every second. */
  tick(now: HubMs): void {
    if (this.#unread.size > 0) void this.#readUnread();
    if (now < this.#compareAt) return;
    this.#compareAt = now + COMPARE_MS;
    const all = [...this.#deps.authors()];
    const from = this.#compareFrom < all.length ? this.#compareFrom : 0;
    this.#compareFrom = from + AT_ONCE;
    void this.#compare(all.slice(from, from + AT_ONCE));
  }

  stop(): void {
    this.#stopDoubt();
    this.#unread.clear();
  }

  async #readUnread(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      await Promise.resolve();
      let isAway = false;
      while (!isAway && this.#unread.size > 0) isAway = !(await this.#readSome());
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#isReading = false;
    }
  }

  /** @returns false where some could not be read: the next tick tries again */
  async #readSome(): Promise<boolean> {
    const part = [...this.#unread].slice(0, AT_ONCE);
    // What was told before the subscription stood is in the head, and what is told after it is heard.
    await Promise.allSettled(part.map(([, ready]) => ready));
    const heads = await this.#deps.feed.heads(part.map(([id]) => id));
    for (const [i, [id, ready]] of part.entries()) {
      const head = heads[i];
      // Who was forgotten and has come again waits for a reading of their own.
      if (head === undefined || this.#unread.get(id) !== ready) continue;
      this.#unread.delete(id);
      this.#deps.readFirst(id, head);
    }
    return heads.every((head) => head !== undefined);
  }

  async #compare(ids: readonly UserId[]): Promise<void> {
    const { feed } = this.#deps;
    for (let i = 0; i < ids.length; i += AT_ONCE) {
      const part = ids.slice(i, i + AT_ONCE);
      const told = part.map((id) => this.#deps.seqOf(id));
      try {
        const heads = await feed.heads(part);
        part.forEach((id, n) => {
          const head = heads[n];
          // What was said meanwhile is newer than the answer.
          if (head !== undefined && this.#deps.seqOf(id) === told[n]) this.#deps.compared(id, head);
        });
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  #failed(error: unknown): void {
    const level = error instanceof StoreUnavailable ? 'debug' : 'error';
    this.#deps.log[level](
      { err: error },
      'what the feed says of those who listen could not be read',
    );
  }
}
