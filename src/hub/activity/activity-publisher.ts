// What the feed is to say of each person of this node: at most once a second each, the latest wins, told again until it is there;
// what takes something away is told at once.
// Knows the feed; knows neither rooms nor who may see it.
import type { HubMs, UserId } from '../../../protocol/ids.ts';
import type { JsonObject } from '../../../protocol/merge-patch.ts';
import type { Feed } from '../../ports/feed.ts';
import type { HubClock } from '../../ports/hub-clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import type { Timers } from '../../ports/timers.ts';
import { isWithheld, readLive, withheldIn } from '../listening/live-activity.ts';

export interface ActivityPublisherDeps {
  readonly feed: Pick<Feed, 'publish'>;
  readonly clock: HubClock;
  readonly timers: Timers;
  readonly log: Log;
  readonly metrics: Metrics;
  /**
   * Whether what is wanted of the author is so by their policy as it is kept now: asked before a word of what is live is said again that could
   * not be said before, as its author may have gone private meanwhile. What only takes away does not wait for it. What is to be said may change before it resolves.
   */
  isCurrent(author: UserId): Promise<boolean>;
}

/** Of one person. */
const LEAST_BETWEEN_MS = 1_000;
const RETRY_MS = 1_000;
/** A large room changes its track for all at once: the store is asked for so many at a time. */
const MOST_UNDER_WAY = 100;

interface Wanted {
  /** What it is to be; undefined for nothing. */
  item: JsonObject | undefined;
  policyVersion: number;
  /** Not told yet, or not for sure. */
  isDirty: boolean;
  isUnderWay: boolean;
  /** It could not be told for some time. */
  isLate: boolean;
  /** How often it has taken away what was told: that does not wait for the next turn. */
  withdrawals: number;
  notBefore: HubMs;
  /** The number that the last word got. */
  seq: number;
}

export class ActivityPublisher {
  readonly #deps: ActivityPublisherDeps;
  readonly #wanted = new Map<UserId, Wanted>();
  /** Those that are dirty and not under way, in the order in which they became so. */
  readonly #queue = new Set<UserId>();
  #underWay = 0;
  #cancel: (() => void) | undefined;
  /** When the timer strikes, hub time. */
  #sendsAt = 0;
  #isStopped = false;
  #isAway = false;
  #published = 0;
  #failures = 0;

  constructor(deps: ActivityPublisherDeps) {
    this.#deps = deps;
    deps.metrics.total(
      { name: 'earshot_activities_published_total', help: 'Activities told to the feed.' },
      () => this.#published,
    );
    deps.metrics.total(
      {
        name: 'earshot_activity_publish_failures_total',
        help: 'Times the feed could not be told of an activity; it is told again.',
      },
      () => this.#failures,
    );
  }

  /** How many people are said to listen, or are still to be said not to. */
  get size(): number {
    return this.#wanted.size;
  }

  /** The number of the last word about a person that the feed has taken; 0 where there is none. */
  seqOf(author: UserId): number {
    return this.#wanted.get(author)?.seq ?? 0;
  }

  /** Whether the feed has taken all that there is to say of a person. */
  isTold(author: UserId): boolean {
    const wanted = this.#wanted.get(author);
    return wanted === undefined || (!wanted.isDirty && !wanted.isUnderWay);
  }

  /** From now on the feed is to say this of the author: undefined takes away what this node has said. */
  want(author: UserId, item: JsonObject | undefined, policyVersion = 0): void {
    const wanted = this.#wanted.get(author);
    if (wanted === undefined) {
      if (item === undefined) return;
      this.#wanted.set(author, {
        item,
        policyVersion,
        isDirty: true,
        isUnderWay: false,
        isLate: false,
        withdrawals: 0,
        notBefore: 0,
        seq: 0,
      });
    } else {
      // Nothing is said once.
      if (item === undefined && wanted.item === undefined) return;
      if (withholdsMore(wanted.item, item)) {
        wanted.withdrawals += 1;
        wanted.notBefore = 0;
      }
      wanted.item = item;
      wanted.policyVersion = Math.max(wanted.policyVersion, policyVersion);
      wanted.isDirty = true;
    }
    this.#enqueue(author);
  }

  /** Says it again: the feed has lost it. */
  repeat(author: UserId): void {
    const wanted = this.#wanted.get(author);
    if (wanted === undefined) return;
    wanted.isDirty = true;
    this.#enqueue(author);
  }

  /** Forgets those of whom nothing is said any more. Not at once: they may be back within the second. */
  prune(): void {
    const now = this.#deps.clock.now();
    for (const [author, { item, isDirty, isUnderWay, notBefore }] of this.#wanted) {
      if (item === undefined && !isDirty && !isUnderWay && notBefore <= now) {
        this.#wanted.delete(author);
      }
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#queue.clear();
  }

  #enqueue(author: UserId): void {
    const wanted = this.#wanted.get(author);
    if (this.#isStopped || wanted === undefined || wanted.isUnderWay) return;
    this.#queue.add(author);
    // Of all the others the timer knows already: a large room must not be walked through for each who is in it.
    if (this.#cancel === undefined) this.#sendSoon();
    else this.#sendAt(wanted.notBefore);
  }

  #sendSoon(): void {
    if (this.#isStopped || this.#queue.size === 0 || this.#underWay >= MOST_UNDER_WAY) return;
    if (this.#cancel !== undefined) return;
    const now = this.#deps.clock.now();
    let earliest = Infinity;
    for (const author of this.#queue) {
      earliest = Math.min(earliest, this.#wanted.get(author)?.notBefore ?? 0);
      if (earliest <= now) break;
    }
    this.#sendAt(earliest);
  }

  #sendAt(earliest: HubMs): void {
    if (this.#cancel !== undefined && this.#sendsAt <= earliest) return;
    const now = this.#deps.clock.now();
    this.#cancel?.();
    this.#sendsAt = Math.max(now, earliest);
    this.#cancel = this.#deps.timers.after(this.#sendsAt - now, () => {
      this.#cancel = undefined;
      this.#send();
    });
  }

  #send(): void {
    // Timers may fire a little early against hub time.
    const now = this.#deps.clock.now() + 1;
    for (const author of [...this.#queue]) {
      if (this.#underWay >= MOST_UNDER_WAY) break;
      const wanted = this.#wanted.get(author);
      if (wanted === undefined) this.#queue.delete(author);
      else if (wanted.notBefore <= now) void this.#tell(author, wanted);
    }
    this.#sendSoon();
  }

  async #tell(author: UserId, wanted: Wanted): Promise<void> {
    const { feed, clock } = this.#deps;
    this.#queue.delete(author);
    this.#underWay += 1;
    wanted.isUnderWay = true;
    try {
      const isLive = (): boolean => readLive(wanted.item) !== undefined;
      if (wanted.isLate && isLive() && !(await this.#deps.isCurrent(author)) && isLive())
        throw new StoreUnavailable('the policy of who listens');
      wanted.isDirty = false;
      const { withdrawals } = wanted;
      wanted.seq = await feed.publish(author, wanted.item, wanted.policyVersion);
      wanted.isLate = false;
      wanted.notBefore = wanted.withdrawals > withdrawals ? 0 : clock.now() + LEAST_BETWEEN_MS;
      this.#published += 1;
      this.#isAway = false;
    } catch (error) {
      // Whether it took effect is unknown: the latest word is said again.
      wanted.isDirty = wanted.isLate = true;
      wanted.notBefore = clock.now() + RETRY_MS;
      this.#failed(author, error);
    }
    this.#underWay -= 1;
    wanted.isUnderWay = false;
    if (wanted.isDirty) this.#enqueue(author);
    this.#sendSoon();
  }

  #failed(author: UserId, error: unknown): void {
    this.#failures += 1;
    const { log } = this.#deps;
    if (!(error instanceof StoreUnavailable)) {
      log.error({ err: error, userId: author }, 'an activity could not be told to the feed');
    } else if (!this.#isAway) {
      log.warn({ err: error }, 'the feed cannot be told what people listen to; it is tried again');
    }
    this.#isAway = true;
  }
}

function withholdsMore(before: JsonObject | undefined, after: JsonObject | undefined): boolean {
  const told = withheldIn(before);
  const { removed, hidden } = withheldIn(after);
  return [...removed, ...hidden].some((id) => !isWithheld(told, id));
}
