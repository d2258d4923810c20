// The people of this node who listen to something: which of it is shown of each, and what the feed is to say.
// Knows the feed, the history and whether somebody is in a private session; knows neither rooms nor viewers.
import type { HubMs, UserId } from '../../../protocol/ids.ts';
import type { JsonObject } from '../../../protocol/merge-patch.ts';
import { colourOf } from '../../domain/people.ts';
import type { Feed, FeedHead } from '../../ports/feed.ts';
import type { Friends } from '../../ports/friends.ts';
import type { HubClock } from '../../ports/hub-clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import { endsWithin, type Timers } from '../../ports/timers.ts';
import {
  isPlayed,
  isWaiting,
  newAuthor,
  shownOf,
  wordOf,
  type Author,
  type Candidate,
  type Source,
} from './activity-author.ts';
import { ActivityCandidates } from './activity-candidates.ts';
import type { ActivityHistory } from './activity-history.ts';
import type { ActivityPublisher } from './activity-publisher.ts';
import { AuthorHeads } from './author-heads.ts';
import { AuthorPolicies, type AuthorPolicy } from './author-policies.ts';
import {
  readLive,
  withheldIn,
  type Activity,
  type ActivityUser,
} from '../listening/live-activity.ts';

const MOST_EMOJIS = 20;

export interface ActivityAuthorsDeps {
  readonly feed: Feed;
  readonly friends: Pick<Friends, 'policies'>;
  readonly clock: HubClock;
  readonly random: Pick<Random, 'activityId'>;
  readonly timers: Timers;
  readonly log: Log;
  readonly publisher: ActivityPublisher;
  readonly history: ActivityHistory;
  /** As this node knows them, until their profile is read. */
  nameOf(userId: UserId): string;
}

export class ActivityAuthors {
  readonly #deps: ActivityAuthorsDeps;
  readonly #authors = new Map<UserId, Author>();
  readonly #candidates: ActivityCandidates;
  readonly #policies: AuthorPolicies;
  readonly #heads: AuthorHeads;
  readonly #stopDoubt: () => void;

  constructor(deps: ActivityAuthorsDeps) {
    this.#deps = deps;
    this.#candidates = new ActivityCandidates(deps);
    this.#policies = new AuthorPolicies({
      ...deps,
      learnt: (...learnt) => this.#learnt(...learnt),
    });
    this.#stopDoubt = deps.feed.onDoubt(() => this.#doubt());
    this.#heads = new AuthorHeads({
      ...deps,
      authors: () => this.#authors.keys(),
      seqOf: (userId) => deps.publisher.seqOf(userId),
      readFirst: (userId, head) => this.#readFirst(userId, head),
      compared: (userId, head) => this.#compared(userId, head),
    });
  }

  get size(): number {
    return this.#authors.size;
  }

  /**
   * From now on this person listens to this, there.
   * @param endedAt of what they listened to there before, where that is over; undefined where it goes on elsewhere
   */
  show(
    userId: UserId,
    source: Source,
    activity: Activity | undefined,
    endedAt: HubMs | undefined,
  ): void {
    const author = this.#authors.get(userId) ?? (activity && this.#enter(userId));
    if (author === undefined) return;
    const before = author.candidates.get(source);
    if (before !== undefined && before.activity.activityId !== activity?.activityId) {
      author.candidates.delete(source);
      if (endedAt !== undefined) this.#end(author, before, endedAt);
    }
    if (activity !== undefined && this.#candidates.take(author, source, activity))
      this.#ask(author);
    this.#say(author);
  }

  /**
   * Takes an activity back for good: from what is shown, on all nodes, and from the history.
   * Rejects where the history could not be told; it is then to be asked again.
   */
  async remove(userId: UserId, activityId: string): Promise<void> {
    const { feed, history, clock } = this.#deps;
    history.forget(userId, activityId);
    const author = this.#authors.get(userId);
    if (author !== undefined) {
      author.withheld.add(activityId, 'removed', clock.now());
      // Also where the feed is away and what follows fails: it must not be told when the feed is back.
      this.#say(author);
    }
    const [head] = await feed.heads([userId]);
    const live = readLive(head?.live?.item);
    // While nothing is live, viewers hold what was over last.
    if (author !== undefined || live === undefined || live.activityId === activityId) {
      const told = this.#authors.get(userId) ?? this.#enter(userId);
      told.withheld.add(activityId, 'removed', clock.now());
      if (live?.activityId === activityId) told.saidLive = activityId;
      told.isDue = true;
      this.#say(told);
    }
    await this.#deps.history.remove(userId, activityId);
  }

  /** The person is erased: nothing is told of them any more, not even an end. */
  forget(userId: UserId): void {
    const author = this.#authors.get(userId);
    if (author === undefined) return;
    author.candidates.clear();
    author.endings.clear();
    author.withheld.clear();
    this.#say(author);
  }

  /** Who sees this person, or a private session of theirs: told on this node, whether the feed can be reached or not. */
  policyChanged(userId: UserId, version: number): void {
    const author = this.#authors.get(userId);
    if (author !== undefined) this.#toldOf(author, version);
  }

  /** Resolves when what is to be said of this person goes by their policy as it is kept now; false where that could not be asked. */
  async isCurrent(userId: UserId): Promise<boolean> {
    const author = this.#authors.get(userId);
    if (author === undefined) return true;
    author.isInDoubt = true;
    this.#ask(author);
    await this.#policies.answered();
    return !isWaiting(author) || this.#authors.get(userId) !== author;
  }

  /** A friend has reacted: what is shown says how often. */
  reacted(userId: UserId, activityId: string, emoji: string): void {
    const author = this.#authors.get(userId);
    if (author === undefined || shownOf(author)?.activityId !== activityId) return;
    if (author.reactions?.activityId !== activityId) author.reactions = { activityId, counts: {} };
    const { counts } = author.reactions;
    const count = Object.hasOwn(counts, emoji) ? (counts[emoji] ?? 0) : 0;
    if (count === 0 && Object.keys(counts).length >= MOST_EMOJIS) return;
    counts[emoji] = count + 1;
    this.#say(author);
  }

  /** To be called every second. */
  tick(now: HubMs): void {
    for (const author of this.#authors.values()) {
      if (author.withheld.size > 0) {
        author.withheld.expire(now, (activityId) => isPlayed(author, activityId));
        if (author.withheld.size === 0) this.#say(author);
      }
      if (author.candidates.size + author.withheld.size + author.endings.size === 0)
        this.#leave(author);
    }
    this.#policies.tick(now);
    this.#heads.tick(now);
  }

  /**
   * Resolves when the history was told of all that is over: as private where it cannot be known within `patienceMs` whether it was.
   */
  async stop(patienceMs: number): Promise<void> {
    this.#stopDoubt();
    this.#heads.stop();
    for (const { subscription } of this.#authors.values()) subscription.stop();
    if (!(await endsWithin(this.#deps.timers, patienceMs, this.#policies.answered()))) {
      for (const author of this.#authors.values()) {
        author.isAsking = false;
        this.#candidates.settleEndings(author);
      }
    }
    this.#authors.clear();
  }

  #enter(userId: UserId): Author {
    const user = { id: userId, name: this.#deps.nameOf(userId), colour: colourOf(userId) };
    const subscription = this.#deps.feed.subscribe(
      userId,
      (head) => this.#hear(author, head),
      ({ type, activityId, emoji }) => {
        if (type !== 'activity.reacted') return;
        if (typeof activityId === 'string' && typeof emoji === 'string')
          this.reacted(userId, activityId, emoji);
      },
    );
    const author = newAuthor(user, subscription);
    author.subscription.ready.catch(() => undefined);
    this.#authors.set(userId, author);
    this.#heads.read(userId, author.subscription.ready);
    return author;
  }

  #leave(author: Author): void {
    if (!this.#deps.publisher.isTold(author.id)) return;
    author.subscription.stop();
    this.#authors.delete(author.id);
    this.#policies.forget(author.id);
    this.#heads.forget(author.id);
  }

  /** What nobody can be asked about is private until they can. */
  #end(author: Author, candidate: Candidate, endedAt: HubMs): void {
    author.endings.add(candidate, endedAt);
    this.#ask(author);
  }

  /** The word of a change may be lost with the node that was to tell it: what begins goes out by the policy as it is kept. */
  #ask(author: Author): void {
    author.isAsking = author.isUnanswered = true;
    this.#policies.ask(author.id);
  }

  #say(author: Author): void {
    const shown = shownOf(author);
    const isNews = shown !== undefined || author.endings.size > 0;
    const waits = isNews && isWaiting(author);
    // What was there before stays there while one waits, if it may.
    const { saidLive } = author;
    if (waits && (saidLive === undefined || !author.withheld.has(saidLive))) return;
    const live = waits ? undefined : shown;
    const { publisher, random } = this.#deps;
    const item = wordOf(author, live, publisher.seqOf(author.id), random);
    if (item === undefined) {
      publisher.want(author.id, undefined, author.policy?.version);
      author.said = author.saidLive = undefined;
      return;
    }
    const said = JSON.stringify(item);
    if (said === author.said && !author.isDue) return;
    author.said = said;
    author.isDue = false;
    author.saidLive = live?.activityId;
    publisher.want(author.id, item, author.policy?.version ?? 0);
  }

  #readFirst(id: UserId, head: FeedHead): void {
    const author = this.#authors.get(id);
    if (author === undefined) return;
    author.isRead = true;
    this.#hear(author, head);
    this.#candidates.check(author);
    this.#candidates.settleEndings(author);
    this.#say(author);
  }

  #compared(id: UserId, head: FeedHead): void {
    const author = this.#authors.get(id);
    if (author === undefined) return;
    this.#hear(author, head);
    this.#repair(author, head);
  }

  #hear(author: Author, head: FeedHead): void {
    if (this.#authors.get(author.id) !== author) return;
    this.#toldOf(author, head.policyVersion);
    const item = head.live?.item;
    const { feed, publisher } = this.#deps;
    const isOwn = head.live?.node === feed.nodeId;
    if (head.seq >= author.heard.seq) author.heard = { seq: head.seq, isOwn, item };
    const isNews = !isOwn && head.seq > publisher.seqOf(author.id);
    // Who is about to leave would keep alive what is about to be forgotten.
    const isHere = author.candidates.size + author.withheld.size > 0;
    if (isNews && isHere) this.#takeIn(author, item);
    if (author.withheld.size > 0) this.#say(author);
    if (isNews) this.#repair(author, head);
  }

  #toldOf(author: Author, version: number): void {
    if (version <= author.toldVersion) return;
    author.toldVersion = version;
    if (author.policy === undefined || author.policy.version < version) this.#ask(author);
  }

  /** Words of changed policies may have been lost. */
  #doubt(): void {
    for (const author of this.#authors.values()) {
      author.isInDoubt = true;
      this.#ask(author);
    }
  }

  /** What another node withholds is shown by none, and what goes on here began there. */
  #takeIn(author: Author, item: JsonObject | undefined): void {
    const { history, clock } = this.#deps;
    const { removed, hidden } = withheldIn(item);
    for (const activityId of removed) {
      author.withheld.add(activityId, 'removed', clock.now());
      if (!history.isRemoved(author.id, activityId)) history.forget(author.id, activityId);
    }
    for (const activityId of hidden) author.withheld.add(activityId, 'hidden', clock.now());
    const live = readLive(item);
    for (const [source, candidate] of author.candidates) {
      const { activity } = candidate;
      // They began with it there, before they came here.
      if (live?.activityId === activity.activityId && live.at < activity.at)
        author.candidates.set(source, { ...candidate, activity: { ...activity, at: live.at } });
    }
    this.#candidates.check(author);
  }

  /** Says again what the feed does not say any more: it was lost, or another node has taken its place that shows nothing. */
  #repair(author: Author, head: FeedHead): void {
    const { publisher } = this.#deps;
    if (author.said === undefined || !publisher.isTold(author.id)) return;
    const seq = publisher.seqOf(author.id);
    const item = head.live?.item;
    const isGone = item === undefined || (author.saidLive !== undefined && !readLive(item));
    if (head.seq < seq || (head.seq > seq && isGone)) publisher.repeat(author.id);
  }

  #learnt(
    id: UserId,
    user: ActivityUser | undefined,
    policy: AuthorPolicy | undefined,
    isLast: boolean,
  ): void {
    const author = this.#authors.get(id);
    if (author === undefined) return;
    author.user = user ?? author.user;
    if (isLast) author.isAsking = false;
    if (policy !== undefined) {
      if (isLast) author.isUnanswered = author.isInDoubt = false;
      author.policy = policy;
      // A change of which no word came.
      if (policy.version > author.toldVersion) author.isDue = true;
      this.#candidates.check(author);
    }
    this.#candidates.settleEndings(author);
    this.#say(author);
  }
}
