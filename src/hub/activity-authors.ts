// The people of this node who listen to something: which of it is shown of each, what the history is told, what is private.
// Knows the feed, the history and whether somebody is in a private session; knows neither rooms nor viewers.
import type { HubMs, UserId } from '../../protocol/ids.ts';
import { colourOf } from '../domain/people.ts';
import type { Feed, FeedHead, FeedSubscription } from '../ports/feed.ts';
import type { Friends } from '../ports/friends.ts';
import type { HubClock } from '../ports/hub-clock.ts';
import type { Log } from '../ports/log.ts';
import { StoreUnavailable } from '../ports/room-log.ts';
import type { ActivityHistory } from './activity-history.ts';
import type { ActivityPublisher } from './activity-publisher.ts';
import { AuthorPolicies, type AuthorPolicy } from './author-policies.ts';
import {
  liveItem,
  readLive,
  removedId,
  tombstone,
  type Activity,
  type ActivityUser,
} from './live-activity.ts';

export interface ActivityAuthorsDeps {
  readonly feed: Feed;
  readonly friends: Pick<Friends, 'policies'>;
  readonly clock: HubClock;
  readonly log: Log;
  readonly publisher: ActivityPublisher;
  readonly history: ActivityHistory;
  /** As this node knows them, until their profile is read. */
  nameOf(userId: UserId): string;
}

/** Where somebody listens: a room's id, or alone. */
export type Source = string;

const COMPARE_MS = 30_000;
const COMPARED_AT_ONCE = 1_000;
/** Nodes that missed it see it when they compare. */
const TOMBSTONE_MS = 600_000;
const MOST_EMOJIS = 20;

interface Candidate {
  readonly activity: Activity;
  /** Of whatever began later it is higher. */
  readonly order: number;
  /** Undefined while nobody could be asked: until then it counts as private. */
  isPrivate: boolean | undefined;
}

interface Author {
  readonly id: UserId;
  user: ActivityUser;
  readonly candidates: Map<Source, Candidate>;
  /** What is known of a private session; undefined until it was asked. */
  policy: AuthorPolicy | undefined;
  /** The newest version that was told of. */
  toldVersion: number;
  /** Whether something began since the policy was last asked for: it is not told before the answer, or before there can be none. */
  isAsking: boolean;
  readonly subscription: FeedSubscription;
  /** Of what is shown. */
  reactions: { readonly activityId: string; readonly counts: Record<string, number> } | undefined;
  /** What the feed was last asked to say, to say the same only once. */
  said: string | undefined;
  /** Until when the feed says that something was removed, if nothing comes after it. */
  removedUntil: HubMs | undefined;
}

export class ActivityAuthors {
  readonly #deps: ActivityAuthorsDeps;
  readonly #authors = new Map<UserId, Author>();
  readonly #policies: AuthorPolicies;
  readonly #stopDoubt: () => void;
  #order = 0;
  #compareAt = 0;
  #compareFrom = 0;

  constructor(deps: ActivityAuthorsDeps) {
    this.#deps = deps;
    this.#policies = new AuthorPolicies({
      ...deps,
      learnt: (userId, user, policy) => this.#learnt(userId, user, policy),
    });
    this.#stopDoubt = deps.feed.onDoubt(() => void this.#compare([...this.#authors.keys()]));
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
    const isRemoved =
      activity !== undefined && this.#deps.history.isRemoved(userId, activity.activityId);
    const now = isRemoved ? undefined : activity;
    const author = this.#authors.get(userId) ?? (now && this.#enter(userId));
    if (author === undefined) return;
    const before = author.candidates.get(source);
    if (before !== undefined && before.activity.activityId !== now?.activityId) {
      if (endedAt !== undefined) this.#record(author, before, endedAt);
      author.candidates.delete(source);
    }
    if (now !== undefined) this.#take(author, source, now);
    this.#say(author);
  }

  /**
   * Takes an activity back for good: from what is shown, on all nodes, and from the history.
   * Rejects where the history could not be told; it is then to be asked again.
   */
  async remove(userId: UserId, activityId: string): Promise<void> {
    this.#deps.history.forget(userId, activityId);
    const author = this.#authors.get(userId);
    const isShownHere =
      author !== undefined && this.#shown(author)?.activity.activityId === activityId;
    if (author !== undefined) {
      this.#dropRemoved(author, activityId);
      // Also where the feed is away and what follows fails: it must not be told when the feed is back.
      this.#say(author);
    }
    const [head] = await this.#deps.feed.heads([userId]);
    const item = head?.live?.item;
    const live = item === undefined ? undefined : readLive(item);
    // While nothing is live, viewers hold what was over last.
    if (isShownHere || live === undefined || live.activityId === activityId) {
      const told = this.#authors.get(userId) ?? this.#enter(userId);
      told.removedUntil = this.#deps.clock.now() + TOMBSTONE_MS;
      this.#deps.publisher.want(userId, tombstone(activityId));
      told.said = undefined;
    }
    await this.#deps.history.remove(userId, activityId);
  }

  /** The person is erased: nothing is told of them any more, not even an end. */
  forget(userId: UserId): void {
    const author = this.#authors.get(userId);
    if (author === undefined) return;
    author.candidates.clear();
    author.removedUntil = undefined;
    this.#say(author);
  }

  /** A friend has reacted: what is shown says how often. */
  reacted(userId: UserId, activityId: string, emoji: string): void {
    const author = this.#authors.get(userId);
    if (author === undefined || this.#shown(author)?.activity.activityId !== activityId) return;
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
      const until = author.policy?.privateUntil;
      if (until !== undefined && until <= now && author.said === undefined) this.#say(author);
      if (author.removedUntil !== undefined && author.removedUntil <= now) {
        author.removedUntil = undefined;
        this.#say(author);
      }
      if (author.candidates.size === 0 && author.removedUntil === undefined) this.#leave(author);
    }
    this.#policies.tick(now);
    if (now >= this.#compareAt) this.#compareSome(now);
  }

  stop(): void {
    this.#stopDoubt();
    for (const { subscription } of this.#authors.values()) subscription.stop();
    this.#authors.clear();
  }

  #enter(userId: UserId): Author {
    const author: Author = {
      id: userId,
      user: { id: userId, name: this.#deps.nameOf(userId), colour: colourOf(userId) },
      candidates: new Map(),
      policy: undefined,
      toldVersion: 0,
      isAsking: false,
      subscription: this.#deps.feed.subscribe(
        userId,
        (head) => this.#hear(author, head),
        ({ type, activityId, emoji }) => {
          if (type !== 'activity.reacted') return;
          if (typeof activityId === 'string' && typeof emoji === 'string')
            this.reacted(userId, activityId, emoji);
        },
      ),
      reactions: undefined,
      said: undefined,
      removedUntil: undefined,
    };
    author.subscription.ready.catch(() => undefined);
    this.#authors.set(userId, author);
    return author;
  }

  #leave(author: Author): void {
    if (!this.#deps.publisher.isTold(author.id)) return;
    author.subscription.stop();
    this.#authors.delete(author.id);
    this.#policies.forget(author.id);
  }

  #take(author: Author, source: Source, activity: Activity): void {
    const before = author.candidates.get(source);
    if (before !== undefined) {
      // They began with it when they first did, whatever the room did to it since.
      const went = { ...activity, at: before.activity.at };
      const candidate = { ...before, activity: went };
      author.candidates.set(source, candidate);
      this.#checkPrivate(author, candidate);
      return;
    }
    this.#order += 1;
    const candidate: Candidate = { activity, order: this.#order, isPrivate: undefined };
    author.candidates.set(source, candidate);
    if (author.policy !== undefined || activity.isHidden) {
      candidate.isPrivate = activity.isHidden || this.#isInPrivate(author);
    }
    this.#ask(author);
    author.removedUntil = undefined;
    this.#record(author, candidate);
  }

  /** What was private once stays so; what was not may become so while it lasts. */
  #checkPrivate(author: Author, candidate: Candidate): void {
    if (candidate.isPrivate === true) return;
    const isKnown = author.policy !== undefined || candidate.activity.isHidden;
    if (!isKnown) return;
    const isPrivate = candidate.activity.isHidden || this.#isInPrivate(author);
    if (candidate.isPrivate === isPrivate) return;
    const wasTaken = candidate.isPrivate !== undefined || !isPrivate;
    candidate.isPrivate = isPrivate;
    if (wasTaken) this.#record(author, candidate);
  }

  #isInPrivate({ policy }: Author): boolean {
    return (policy?.privateUntil ?? 0) > this.#deps.clock.now();
  }

  #record(author: Author, { activity, isPrivate }: Candidate, endedAt?: HubMs): void {
    this.#deps.history.played(author.id, activity, isPrivate ?? true, endedAt);
  }

  /** What plays comes before what is paused, and of two the one that began later. */
  #shown(author: Author): Candidate | undefined {
    let best: Candidate | undefined;
    for (const candidate of author.candidates.values()) {
      if (candidate.activity.isHidden) continue;
      if (best === undefined || isBefore(candidate, best)) best = candidate;
    }
    return best;
  }

  /** The word of a change may be lost with the node that was to tell it: what begins goes out by the policy as it is kept. */
  #ask(author: Author): void {
    author.isAsking = true;
    this.#policies.ask(author.id);
  }

  #say(author: Author): void {
    const shown = this.#isInPrivate(author) ? undefined : this.#shown(author)?.activity;
    if (shown !== undefined && author.isAsking) return;
    if (shown === undefined) {
      // What was removed goes on being said to be so: whoever missed it would take it for something that has just ended.
      if (author.removedUntil === undefined)
        this.#deps.publisher.want(author.id, undefined, author.policy?.version);
      author.said = undefined;
      return;
    }
    // Whoever sees what comes after it does not hold what was removed.
    author.removedUntil = undefined;
    const { reactions } = author;
    const counts = reactions?.activityId === shown.activityId ? reactions.counts : {};
    const item = liveItem(shown, author.user, counts);
    const said = JSON.stringify(item);
    if (said === author.said) return;
    author.said = said;
    this.#deps.publisher.want(author.id, item, author.policy?.version ?? 0);
  }

  #hear(author: Author, head: FeedHead): void {
    if (this.#authors.get(author.id) !== author) return;
    if (head.policyVersion > author.toldVersion) {
      author.toldVersion = head.policyVersion;
      if (author.policy === undefined || author.policy.version < head.policyVersion) {
        this.#policies.ask(author.id);
      }
    }
    const removed = head.live === undefined ? undefined : removedId(head.live.item);
    if (removed !== undefined && !this.#deps.history.isRemoved(author.id, removed)) {
      this.#deps.history.forget(author.id, removed);
      this.#dropRemoved(author, removed);
      author.said = undefined;
      this.#say(author);
    }
    if (head.seq > this.#deps.publisher.seqOf(author.id)) this.#repair(author, head);
  }

  /** Says again what the feed does not say any more: it was lost, or another node has ended what it had said after us. */
  #repair(author: Author, head: FeedHead): void {
    const { publisher } = this.#deps;
    if (author.said === undefined || !publisher.isTold(author.id)) return;
    const seq = publisher.seqOf(author.id);
    if (head.seq < seq || (head.seq > seq && head.live === undefined)) publisher.repeat(author.id);
  }

  #dropRemoved(author: Author, activityId: string): void {
    for (const [source, { activity }] of author.candidates) {
      if (activity.activityId === activityId) author.candidates.delete(source);
    }
  }

  #learnt(id: UserId, user: ActivityUser | undefined, policy: AuthorPolicy | undefined): void {
    const author = this.#authors.get(id);
    if (author === undefined) return;
    author.user = user ?? author.user;
    author.isAsking = false;
    if (policy !== undefined) {
      author.policy = policy;
      // A change of which no word came.
      if (policy.version > author.toldVersion) author.said = undefined;
      for (const candidate of author.candidates.values()) this.#checkPrivate(author, candidate);
    }
    this.#say(author);
  }

  #compareSome(now: HubMs): void {
    this.#compareAt = now + COMPARE_MS;
    const all = [...this.#authors.keys()];
    const from = this.#compareFrom < all.length ? this.#compareFrom : 0;
    this.#compareFrom = from + COMPARED_AT_ONCE;
    void this.#compare(all.slice(from, from + COMPARED_AT_ONCE));
  }

  async #compare(ids: readonly UserId[]): Promise<void> {
    const { feed, log } = this.#deps;
    for (let i = 0; i < ids.length; i += COMPARED_AT_ONCE) {
      const part = ids.slice(i, i + COMPARED_AT_ONCE);
      const told = part.map((id) => this.#deps.publisher.seqOf(id));
      try {
        const heads = await feed.heads(part);
        part.forEach((id, n) => {
          const [author, head] = [this.#authors.get(id), heads[n]];
          // What was said meanwhile is newer than the answer.
          if (author === undefined || head === undefined) return;
          if (this.#deps.publisher.seqOf(id) !== told[n]) return;
          this.#hear(author, head);
          this.#repair(author, head);
        });
      } catch (error) {
        const level = error instanceof StoreUnavailable ? 'debug' : 'error';
        log[level]({ err: error }, 'what people listen to could not be compared with the feed');
      }
    }
  }
}

function isBefore(a: Candidate, b: Candidate): boolean {
  const [playsA, playsB] = [a.activity.state === 'playing', b.activity.state === 'playing'];
  return playsA === playsB ? a.order > b.order : playsA;
}
