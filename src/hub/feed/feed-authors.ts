// Those whom the viewers of this node look at, each as they may be seen: what a viewer may not see never leaves here.
// Knows viewers by no more than their ids; knows no sockets.
import type { UserId } from '../../../protocol/ids.ts';
import type { FeedItem, FeedRemoval } from '../../../protocol/schemas/feed.ts';
import type { ActivityLog } from '../../ports/activity-log.ts';
import type { Friends, Grant } from '../../ports/friends.ts';
import type { HubClock } from '../../ports/hub-clock.ts';
import type { Log } from '../../ports/log.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import type { Timers } from '../../ports/timers.ts';
import { AuthorGrants } from './author-grants.ts';
import {
  audienceOf,
  dropPrivate,
  isCertain,
  newAuthor,
  regroup,
  takeHead,
  takeLatest,
  visibleOf,
  type Author,
} from './feed-author.ts';
import { FeedLatest } from './feed-latest.ts';
import type { FeedView, SeenHead } from './feed-view.ts';

export interface FeedChange {
  readonly upsert: readonly FeedItem[];
  readonly remove: readonly FeedRemoval[];
}

/** Whoever looks; who comes back is another one. */
export interface FeedLooker {
  readonly id: UserId;
}

export interface FeedAuthorsDeps<V extends FeedLooker> {
  readonly friends: Pick<Friends, 'grantsOf' | 'profiles'>;
  readonly view: Pick<FeedView, 'watch'>;
  readonly activityLog: Pick<ActivityLog, 'latest'>;
  readonly clock: HubClock;
  readonly timers: Timers;
  readonly log: Log;
  /** The same change for all of them. */
  deliver(viewers: readonly V[], change: FeedChange): void;
}

/** What a timer may wait at most; a longer private session is looked at again then. */
const MOST_WAIT_MS = 86_400_000;

export class FeedAuthors<V extends FeedLooker> {
  readonly #deps: FeedAuthorsDeps<V>;
  readonly #authors = new Map<UserId, Author<V>>();
  /** Whom each viewer looks at: arrays, as there are many of them. */
  readonly #looked = new Map<V, readonly UserId[]>();
  readonly #grants: AuthorGrants<V>;
  readonly #latest: FeedLatest;
  #retracted = 0;
  #isStopped = false;

  constructor(deps: FeedAuthorsDeps<V>) {
    this.#deps = deps;
    this.#grants = new AuthorGrants<V>({
      ...deps,
      isLookedAt: (author) => this.#authors.get(author.id) === author,
      answered: (author, viewers, may) => {
        this.#regroup(author, viewers, may);
        this.#show(author);
      },
      unanswered: (author) => this.#close(author),
    });
    this.#latest = new FeedLatest({
      ...deps,
      isWanted: (id) => {
        const author = this.#authors.get(id);
        return author !== undefined && author.isLatestDue && author.item === undefined;
      },
      found: (id, past, user) => {
        const author = this.#authors.get(id);
        if (author !== undefined && takeLatest(author, past, user)) this.#show(author);
      },
    });
  }

  get size(): number {
    return this.#authors.size;
  }

  /** How many viewers look at how many authors, in all. */
  get ties(): number {
    let sum = 0;
    for (const { viewers } of this.#authors.values()) sum += viewers.size;
    return sum;
  }

  /** How often something that was shown has been taken away from viewers. */
  get retracted(): number {
    return this.#retracted;
  }

  /** How often a policy was asked for. */
  get asked(): number {
    return this.#grants.asked;
  }

  /**
   * From now on `viewer` looks at these authors, and at no others.
   * Resolves when what there is to see of them is known as far as it can be.
   */
  async look(viewer: V, grants: readonly Grant[]): Promise<void> {
    const wanted = new Map(grants.map((grant) => [grant.author, grant]));
    for (const id of this.#looked.get(viewer) ?? []) {
      const author = wanted.has(id) ? undefined : this.#authors.get(id);
      if (author !== undefined) this.#lose(author, viewer);
    }
    this.#looked.set(viewer, [...wanted.keys()]);
    const fresh = grants.filter(({ author }) => !this.#authors.has(author));
    this.#enter(fresh);
    for (const grant of grants) {
      const author = this.#authors.get(grant.author);
      if (author !== undefined) this.#admit(author, viewer, grant);
    }
    await this.settled(viewer);
  }

  /** Resolves when what there is to see for `viewer`, and who may, is known as far as it can be; undefined where it is. */
  settled(viewer: V): Promise<void> | undefined {
    const pending = new Set<Promise<void>>();
    for (const id of this.#looked.get(viewer) ?? []) {
      const author = this.#authors.get(id);
      if (author === undefined) continue;
      if (author.shown !== undefined && !isCertain(author)) this.#grants.ask(author);
      for (const each of [author.entering, author.reading, author.asking])
        if (each !== undefined) pending.add(each);
    }
    return pending.size === 0 ? undefined : Promise.all(pending).then(() => this.settled(viewer));
  }

  /** `viewer` looks at nobody any more; nothing is told of it. */
  leave(viewer: V): void {
    for (const id of this.#looked.get(viewer) ?? []) {
      const author = this.#authors.get(id);
      if (author === undefined || !author.viewers.delete(viewer)) continue;
      author.audience = undefined;
      this.#dropIfAlone(author);
    }
    this.#looked.delete(viewer);
  }

  /** Told on this node: what viewers may hold no more goes, also while the feed is away. */
  policyChanged(id: UserId, version: number): void {
    const author = this.#authors.get(id);
    if (author === undefined || version <= author.toldVersion) return;
    author.toldVersion = version;
    if (!isCertain(author)) this.#grants.ask(author);
  }

  /** Words about policies may have been lost: each is asked for again before anything more of its author leaves. */
  doubt(): void {
    for (const author of this.#authors.values()) author.isInDoubt = true;
  }

  /** What `viewer` holds now, or is to hold: in no order. */
  itemsFor(viewer: V): FeedItem[] {
    const items: FeedItem[] = [];
    for (const id of this.#looked.get(viewer) ?? []) {
      const author = this.#authors.get(id);
      if (author?.viewers.get(viewer) === true && author.shown !== undefined)
        items.push(author.shown);
    }
    return items;
  }

  stop(): void {
    this.#isStopped = true;
    this.#grants.stop();
    this.#latest.stop();
    for (const author of [...this.#authors.values()]) {
      author.viewers.clear();
      this.#dropIfAlone(author);
    }
  }

  #enter(grants: readonly Grant[]): void {
    if (grants.length === 0) return;
    const ids = grants.map(({ author }) => author);
    const early: (readonly [UserId, SeenHead])[] = [];
    const watch = this.#deps.view.watch(ids, (id, head) => {
      const author = this.#authors.get(id);
      // What is known on this node already is given before the authors are made.
      if (author === undefined) early.push([id, head]);
      else if (author.watch === watch) this.#hear(author, head);
    });
    for (const { author: id, version, privateUntil } of grants) {
      const author = newAuthor<V>(id, watch, { version, privateUntil });
      this.#authors.set(id, author);
    }
    for (const [id, head] of early) {
      const author = this.#authors.get(id);
      if (author?.watch === watch) this.#hear(author, head);
    }
    const entered = ids.flatMap((id) => this.#authors.get(id) ?? []);
    const entering = watch.ready
      // What is live comes as soon as it can be read.
      .catch((error: unknown) => this.#failed(error, 'what friends listen to could not be read'))
      .then(() => {
        for (const author of entered) author.entering = undefined;
      });
    for (const author of entered) author.entering = entering;
  }

  /** What somebody who listens to nothing now has listened to last. */
  #readLatest(author: Author<V>): void {
    const reading = this.#latest.read(author.id).then(() => {
      if (author.reading === reading) author.reading = undefined;
    });
    author.reading = reading;
  }

  #admit(author: Author<V>, viewer: V, grant: Grant): void {
    const isKnown = author.viewers.has(viewer);
    if (isKnown && grant.version <= author.version) return;
    if (!isKnown) {
      const isCurrent = grant.version === author.version && isCertain(author);
      author.viewers.set(viewer, isCurrent && grant.may);
      author.audience = undefined;
      // Others look at this author already: what they hold is not told anew.
      if (isCurrent && grant.may && author.shown !== undefined)
        this.#deliver([viewer], { upsert: [author.shown], remove: [] });
      if (isCurrent) return;
    }
    // One of the two was read before the policy changed.
    author.isInDoubt = true;
    this.#grants.ask(author);
  }

  #lose(author: Author<V>, viewer: V): void {
    const held = author.viewers.get(viewer) === true && author.shown !== undefined;
    author.viewers.delete(viewer);
    author.audience = undefined;
    if (held) this.#retract(author, [viewer]);
    this.#dropIfAlone(author);
  }

  #dropIfAlone(author: Author<V>): void {
    if (author.viewers.size > 0 || this.#authors.get(author.id) !== author) return;
    author.cancelPrivate?.();
    author.cancelAsk?.();
    author.watch.leave(author.id);
    this.#authors.delete(author.id);
  }

  #hear(author: Author<V>, head: SeenHead): void {
    takeHead(author, head, this.#deps.clock.now());
    if (author.isLatestDue && author.item === undefined) this.#readLatest(author);
    this.#show(author);
  }

  /** Brings those in the audience to what they are to hold, as soon as it is certain who they are. */
  #show(author: Author<V>): void {
    if (this.#authors.get(author.id) !== author) return;
    if (!isCertain(author)) {
      this.#grants.ask(author);
      return;
    }
    if (dropPrivate(author)) this.#readLatest(author);
    this.#watchPrivate(author);
    const item = visibleOf(author, this.#deps.clock.now());
    const before = author.shown;
    if (item === before) return;
    const viewers = audienceOf(author);
    author.shown = item;
    if (item !== undefined) {
      // Where a node has died its last word has no newer number, and whoever holds it would take this for an older one (FE2).
      const isNewer = before === undefined || item.seq > before.seq;
      const remove = isNewer ? [] : [{ userId: author.id, activityId: before.activityId }];
      this.#deliver(viewers, { upsert: [item], remove });
    } else if (before !== undefined) this.#retract(author, viewers);
  }

  #watchPrivate(author: Author<V>): void {
    author.cancelPrivate?.();
    author.cancelPrivate = undefined;
    const leftMs = (author.privateUntil ?? 0) - this.#deps.clock.now();
    if (leftMs <= 0) return;
    author.cancelPrivate = this.#deps.timers.after(
      Math.min(Math.ceil(leftMs), MOST_WAIT_MS),
      () => {
        // What is to be seen again is seen by the policy as it is kept: words of what has changed meanwhile may wait for the feed.
        author.isInDoubt = true;
        this.#show(author);
      },
    );
  }

  #regroup(author: Author<V>, asked: readonly V[], may: ReadonlySet<UserId>): void {
    const { lost, gained } = regroup(author, asked, may);
    if (author.shown === undefined) return;
    if (lost.length > 0) this.#retract(author, lost);
    // What they may see is what those hold who could see it before, or what comes next; a policy that is in doubt again shows nothing.
    const visible = visibleOf(author, this.#deps.clock.now());
    if (gained.length > 0 && visible === author.shown)
      this.#deliver(gained, { upsert: [author.shown], remove: [] });
  }

  /** Nobody can say who may see the author: nobody does. */
  #close(author: Author<V>): void {
    if (author.shown === undefined) return;
    author.shown = undefined;
    this.#retract(author, audienceOf(author));
  }

  #retract({ id }: Author<V>, viewers: readonly V[]): void {
    this.#retracted += 1;
    this.#deliver(viewers, { upsert: [], remove: [{ userId: id }] });
  }

  #deliver(viewers: readonly V[], change: FeedChange): void {
    if (viewers.length > 0 && !this.#isStopped) this.#deps.deliver(viewers, change);
  }

  #failed(error: unknown, message: string): void {
    const { log } = this.#deps;
    if (error instanceof StoreUnavailable) log.debug({ err: error }, message);
    else log.error({ err: error }, message);
  }
}
