// What this node knows of the authors that its people look at: one head each, neither gap nor duplicate. Knows nothing of who may see it.
import type { UserId } from '../../../protocol/ids.ts';
import type { NodeId } from '../../ports/bus.ts';
import { NO_FEED_HEAD, type Feed, type FeedHead, type FeedSubscription } from '../../ports/feed.ts';
import type { Log } from '../../ports/log.ts';
import type { Presence } from '../../ports/presence.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import { isOfDeadNode } from '../listening/live-head.ts';

/** An author's head as viewers are to see it: what a dead node has published is gone. */
export interface SeenHead extends FeedHead {
  /** Whether changes before this one were never seen here: what they were is in the history alone. */
  readonly isAfterHole: boolean;
}

export type FeedViewer = (author: UserId, head: SeenHead) => void;

export interface Watch {
  /**
   * Resolves when the viewer was given a head of every author that it asked for. Rejects with `StoreUnavailable`; those that are missing
   * are then given as soon as they can be read. It need not be awaited.
   */
  readonly ready: Promise<void>;
  /** From here on nothing is given any more of this author. Idempotent. */
  leave(author: UserId): void;
  /** Leaves all. */
  stop(): void;
}

export interface FeedViewOptions {
  readonly feed: Feed;
  readonly presence: Pick<Presence, 'aliveNodes' | 'onNodes'>;
  readonly log: Log;
}

/** A node has thousands of authors: so many that are in no doubt are compared at once, the next ones at the next time. */
const COMPARED_AT_ONCE = 1_000;

interface Author {
  readonly id: UserId;
  readonly viewers: Set<FeedViewer>;
  readonly subscription: FeedSubscription;
  /** The newest that was told or read. */
  head: FeedHead | undefined;
  /** Whether a head was read after the subscription stood: before, what is known may be old, and is given to nobody. */
  isRead: boolean;
  /** The first reading, which all who come meanwhile wait for. */
  reading: Promise<void> | undefined;
  /** The doubt that the last reading came after. */
  readInDoubt: number;
  /** Whether its node was alive when the head was last given. */
  wasAlive: boolean;
  /** The dead node that the last comparison found; one that has just come may not be known to live yet. */
  suspect: NodeId | undefined;
}

export class FeedView {
  readonly #options: FeedViewOptions;
  readonly #authors = new Map<UserId, Author>();
  readonly #stops: (() => void)[];
  #doubts = 0;
  /** Where the next comparison goes on, as a place in the authors' order. */
  #next = 0;

  constructor(options: FeedViewOptions) {
    this.#options = options;
    this.#stops = [
      options.feed.onDoubt(() => this.#doubt()),
      options.presence.onNodes(({ died }) => this.#nodesChanged(new Set(died))),
    ];
  }

  /** How many authors are looked at. */
  get size(): number {
    return this.#authors.size;
  }

  /**
   * Gives the viewer the head of each author once, and from then on every newer one, never an older one or the same again. The same
   * number comes twice only where a node has died, or is found alive after all. May call the viewer before it returns.
   */
  watch(ids: readonly UserId[], viewer: FeedViewer): Watch {
    // One of its own, as a viewer may look at an author twice.
    const own: FeedViewer = (id, head) => viewer(id, head);
    const watched = [...new Set(ids)].map((id) => this.#enter(id));
    const unread: Author[] = [];
    for (const author of watched) {
      author.viewers.add(own);
      if (author.isRead) own(author.id, this.#seen(author, false));
      else unread.push(author);
    }
    const ready = this.#begin(unread);
    ready.catch((error: unknown) => this.#failed(error));
    const leave = (author: Author): void => {
      if (author.viewers.delete(own) && author.viewers.size === 0) this.#leave(author);
    };
    return {
      ready,
      leave: (id) => watched.filter((author) => author.id === id).forEach(leave),
      stop: () => watched.forEach(leave),
    };
  }

  /**
   * Compares what is held with the heads: all that are in doubt, and some of the others. To be called every few seconds.
   * Rejects with nothing: a store that is away is asked again the next time.
   */
  async sweep(): Promise<void> {
    const all = [...this.#authors.values()];
    const doubtful = all.filter((author) => !this.#isCertain(author));
    const start = this.#next < all.length ? this.#next : 0;
    const turn = all.slice(start, start + COMPARED_AT_ONCE).filter((each) => this.#isCertain(each));
    this.#next = start + COMPARED_AT_ONCE;
    try {
      await this.#read([...doubtful, ...turn]);
    } catch (error) {
      this.#failed(error);
    }
    this.#clearDead(all);
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
    for (const author of [...this.#authors.values()]) this.#leave(author);
  }

  #isCertain({ isRead, readInDoubt }: Author): boolean {
    return isRead && readInDoubt === this.#doubts;
  }

  #enter(id: UserId): Author {
    const known = this.#authors.get(id);
    if (known !== undefined) return known;
    const author: Author = {
      id,
      viewers: new Set(),
      subscription: this.#options.feed.subscribe(id, (head) => this.#take(author, head)),
      head: undefined,
      isRead: false,
      reading: undefined,
      readInDoubt: -1,
      wasAlive: true,
      suspect: undefined,
    };
    this.#authors.set(id, author);
    return author;
  }

  #leave(author: Author): void {
    author.subscription.stop();
    author.viewers.clear();
    if (this.#authors.get(author.id) === author) this.#authors.delete(author.id);
  }

  async #begin(authors: readonly Author[]): Promise<void> {
    const fresh = authors.filter(({ reading }) => reading === undefined);
    if (fresh.length > 0) {
      const reading = this.#readWhereReady(fresh);
      for (const author of fresh) author.reading = reading;
      const over = (): void => {
        for (const author of fresh) author.reading = undefined;
      };
      reading.then(over, over);
    }
    await Promise.all([...new Set(authors.map(({ reading }) => reading ?? Promise.resolve()))]);
    if (authors.some(({ isRead, viewers }) => !isRead && viewers.size > 0)) {
      throw new StoreUnavailable('a part of the feed');
    }
  }

  /** The order that leaves no gap: first the subscription stands, then the head is read, and what was told meanwhile is merged. */
  async #readWhereReady(authors: readonly Author[]): Promise<void> {
    const stand = await Promise.allSettled(authors.map(({ subscription }) => subscription.ready));
    await this.#read(authors.filter((_, i) => stand[i]?.status === 'fulfilled'));
  }

  async #read(authors: readonly Author[]): Promise<void> {
    if (authors.length === 0) return;
    // What is read before a doubt says nothing about what is lost after it.
    const doubts = this.#doubts;
    const heads = await this.#options.feed.heads(authors.map(({ id }) => id));
    for (const [i, author] of authors.entries()) {
      const head = heads[i];
      // An author that was left and entered again is another one, with a reading of its own.
      if (head === undefined || this.#authors.get(author.id) !== author) continue;
      author.readInDoubt = Math.max(author.readInDoubt, doubts);
      if (author.isRead) this.#take(author, head);
      else this.#readFirst(author, head);
    }
  }

  #readFirst(author: Author, head: FeedHead): void {
    author.isRead = true;
    author.head = author.head === undefined ? head : newer(author.head, head);
    this.#give(author, false);
  }

  /** Merges what was told or read, in whatever order it comes. */
  #take(author: Author, head: FeedHead): void {
    const before = author.head;
    if (before !== undefined && head.seq <= before.seq) return;
    author.head = before === undefined ? head : newer(before, head);
    if (author.isRead) this.#give(author, before !== undefined && head.seq !== before.seq + 1);
  }

  #give(author: Author, isAfterHole: boolean): void {
    const seen = this.#seen(author, isAfterHole);
    author.wasAlive = this.#isAlive(author);
    for (const viewer of [...author.viewers]) {
      try {
        viewer(author.id, seen);
      } catch (error) {
        this.#options.log.error({ err: error, author: author.id }, 'a viewer of the feed failed');
      }
    }
  }

  #seen(author: Author, isAfterHole: boolean): SeenHead {
    const { seq, live, policyVersion } = author.head ?? NO_FEED_HEAD;
    return { seq, live: this.#isAlive(author) ? live : undefined, policyVersion, isAfterHole };
  }

  #isAlive({ head }: Author): boolean {
    return !isOfDeadNode(head, this.#options.presence.aliveNodes);
  }

  #doubt(): void {
    this.#doubts += 1;
    // Those that were never read wait for their subscription, or for the next sweep.
    this.#read([...this.#authors.values()].filter(({ isRead }) => isRead)).catch((error: unknown) =>
      this.#failed(error),
    );
  }

  #nodesChanged(died: ReadonlySet<NodeId>): void {
    for (const author of [...this.#authors.values()]) {
      if (author.isRead && author.wasAlive !== this.#isAlive(author)) this.#give(author, false);
      const node = this.#isAlive(author) ? undefined : author.head?.live?.node;
      if (node !== undefined && died.has(node)) this.#clear(author, node);
    }
  }

  /** What was published by a node of which nobody has seen that it died, as before this one started. */
  #clearDead(authors: readonly Author[]): void {
    for (const author of authors) {
      const node = this.#isAlive(author) ? undefined : author.head?.live?.node;
      if (node !== undefined && node === author.suspect) this.#clear(author, node);
      author.suspect = node;
    }
  }

  #clear({ id }: Author, node: NodeId): void {
    this.#options.feed.clear(id, node).catch((error: unknown) => this.#failed(error));
  }

  #failed(error: unknown): void {
    const { log } = this.#options;
    if (error instanceof StoreUnavailable) log.debug({ err: error }, 'the feed is away');
    else log.error({ err: error }, 'the feed could not be read');
  }
}

/** The later of two, with the newest version of the policy: a store that lost it must not widen what may be seen. */
function newer(a: FeedHead, b: FeedHead): FeedHead {
  const later = a.seq > b.seq ? a : b;
  const policyVersion = Math.max(a.policyVersion, b.policyVersion);
  return later.policyVersion === policyVersion ? later : { ...later, policyVersion };
}
