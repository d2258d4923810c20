// Owns one virtual person of the feed: listens alone, looks at what friends hear, and keeps account of every item that reaches them.
import type { FeedItem, FeedSnapshot } from '../../protocol/schemas/feed.ts';
import type { Push } from '../../protocol/schemas/pushes.ts';
import type { Arrivals } from '../ledger/arrivals.ts';
import type { Seat } from '../placement.ts';
import type { Ground } from './ground.ts';
import { machineNow } from '../machine-clock.ts';
import { pushOf } from './push-of.ts';
import { Session, unreadable, type SessionOwner } from './session.ts';

export interface FeedPersonOptions {
  readonly ground: Ground;
  readonly seat: Seat;
  readonly isPrivate: boolean;
  /** Whether this person may see items of another one, and whether those are nobody's to see. */
  readonly maySee: (userId: string) => boolean;
  readonly arrivals: Arrivals;
  /** This person's track, the `nth` one, is to be shown: friends have it from then on. */
  readonly onPlay: (activityId: string, intendedMs: number, nth: number) => void;
}

interface Held {
  readonly activityId: string;
  readonly seq: number;
  /** What this one took the place of, where that was told as well. */
  readonly before: string | undefined;
}

/** The hub shows a track once it has played for so long (FE4). */
export const SHOWN_AFTER_MS = 5_000;
/** It wants to hear of a track that goes on at least every 30 s (FE6). */
const REPEAT_MS = 25_000;
const TRACK_MS = 600_000;
const PRIVATE_MS = 3_600_000;

export class FeedPerson implements SessionOwner {
  readonly clock = undefined;
  readonly seat: Seat;
  readonly #options: FeedPersonOptions;
  readonly #session: Session;
  readonly #held = new Map<string, Held>();
  /** By person: what should have been shown by now, and was not. It may only be late. */
  readonly #awaited = new Map<string, string>();
  /** Infinity while there is no subscription. */
  #subscribedAtMs = Infinity;
  #plays = 0;
  #cancelRepeat: () => void = () => undefined;

  constructor(options: FeedPersonOptions) {
    this.#options = options;
    this.seat = options.seat;
    this.#session = new Session(options.ground, this);
  }

  get person(): number {
    return this.seat.person;
  }

  get isConnected(): boolean {
    return this.#session.isReady;
  }

  /** How many tracks it has begun, acknowledged or not. */
  get plays(): number {
    return this.#plays;
  }

  /** Looks at the feed. */
  get isJoined(): boolean {
    return Number.isFinite(this.#subscribedAtMs);
  }

  /** What is held of a person; undefined where it is nothing. */
  activityOf(userId: string): string | undefined {
    return this.#held.get(userId)?.activityId;
  }

  come(intendedMs: number): void {
    this.#session.come(intendedMs);
  }

  close(): void {
    this.#cancelRepeat();
    this.#session.go();
  }

  cut(intendedMs: number): void {
    this.#session.cut(intendedMs);
  }

  get unanswered(): number {
    return this.#session.unanswered;
  }

  /** @returns whether it has looked at the feed for so long, over one connection */
  hasLookedFor(ms: number, nowMs: number): boolean {
    return nowMs - this.#subscribedAtMs >= ms;
  }

  /** An item of somebody is surely shown by now: unless it was told already it is to come before the next one of theirs, or is missing. */
  shouldHave(userId: string, activityId: string): void {
    const held = this.#held.get(userId);
    if (held?.activityId === activityId || held?.before === activityId) return;
    this.#miss(userId);
    this.#awaited.set(userId, activityId);
  }

  /** @returns whether it should have been told of that, and was not yet */
  isAwaiting(userId: string, activityId: string): boolean {
    return this.#awaited.get(userId) === activityId;
  }

  /** Nothing comes any more: what is awaited is missing. */
  settle(): void {
    for (const userId of this.#awaited.keys()) this.#miss(userId);
  }

  /** Says nothing more of the track that plays; for the hub it plays on for a minute (FE6). */
  quiet(): void {
    this.#cancelRepeat();
  }

  /** Begins another track. */
  play(intendedMs: number): void {
    this.#plays += 1;
    this.#say(`Track ${this.seat.person} ${this.#plays}`, intendedMs, 0);
  }

  ready(intendedMs: number, isBack: boolean): void {
    const { ground, isPrivate } = this.#options;
    if (isPrivate && !isBack) {
      const privateUntil = Math.round(this.#session.roughHubTime(machineNow()) + PRIVATE_MS);
      this.#session.request('audience.set', { privateUntil }, (answer) => {
        if (answer.kind === 'refused') ground.counts.addRefusal(`audience.set ${answer.code}`);
      });
    }
    this.#session.request('feed.subscribe', {}, (answer, nowMs) => {
      if (answer.kind === 'refused') ground.counts.addRefusal(`feed.subscribe ${answer.code}`);
      if (answer.kind !== 'ok') return;
      this.#subscribedAtMs = nowMs;
      ground.counts.joined += 1;
      ground.latencies.record(isBack ? 'resume' : 'join', nowMs - intendedMs);
      this.#whole(answer.body as unknown as FeedSnapshot);
    });
  }

  push(payload: Buffer, nowMs: number): void {
    const { faults } = this.#options.ground;
    const push = pushOf(payload);
    if (push === undefined) {
      faults.add(unreadable(payload, this.seat.person));
      return;
    }
    // eslint-disable-next-line @typescript-eslint/switch-exhaustiveness-check -- the others tell nothing of the feed's items
    switch (push.type) {
      case 'feed.items':
      case 'feed.snapshot':
        if (this.isJoined) this.#onFeed(push, nowMs);
        else {
          const detail = `${push.type} without a subscription; person ${this.seat.person}`;
          faults.add({ kind: 'leaked', stream: 'feed', count: 1, detail });
        }
        break;
      case 'hub.draining':
        this.#session.drain(push.reconnectWithinMs);
        break;
      default:
        if (!push.type.startsWith('room.')) break;
        faults.add({
          ...{ kind: 'wrong_room', stream: 'frame', count: 1 },
          detail: `${push.type} to person ${this.seat.person}, who is in no room`,
        });
    }
  }

  lost(): void {
    this.#subscribedAtMs = Infinity;
    // What was on its way is told by the next subscription.
    this.#awaited.clear();
  }

  #onFeed(push: Extract<Push, { type: `feed.${string}` }>, nowMs: number): void {
    if (push.type === 'feed.snapshot') {
      this.#whole(push);
      return;
    }
    for (const { userId, activityId } of push.remove) {
      if (activityId === undefined || this.activityOf(userId) === activityId) {
        this.#held.delete(userId);
      }
    }
    for (const item of push.upsert) this.#item(item, nowMs);
  }

  #say(title: string, intendedMs: number, positionMs: number): void {
    const { ground, isPrivate, onPlay } = this.#options;
    const nth = this.#plays;
    const body = {
      track: { title, artist: 'Load', durationMs: TRACK_MS },
      positionMs,
      state: 'playing',
    } as const;
    const isSent = this.#session.request('activity.set', body, (answer, nowMs) => {
      if (answer.kind === 'broken') return;
      if (positionMs === 0) ground.latencies.record('feed.ack', nowMs - intendedMs);
      if (answer.kind === 'refused') {
        ground.counts.addRefusal(`activity.set ${answer.code}`);
        return;
      }
      const { activityId } = answer.body;
      if (typeof activityId === 'string' && positionMs === 0 && !isPrivate) {
        onPlay(activityId, intendedMs, nth);
      }
    });
    if (!isSent) ground.counts.unsent += 1;
    this.#cancelRepeat();
    this.#cancelRepeat = ground.agenda.after(REPEAT_MS, () => {
      this.#say(title, intendedMs, Math.round(machineNow() - intendedMs));
    });
  }

  #whole({ items }: FeedSnapshot): void {
    const before = new Map(this.#held);
    this.#held.clear();
    for (const item of items) {
      this.#mayHave(item);
      const { user, activityId, seq } = item;
      const last = before.get(user.id);
      // It stands for all that happened since (FE3), also for what it no longer shows.
      if (last?.activityId !== activityId) this.#awaited.delete(user.id);
      this.#hold(user.id, activityId, seq, last);
    }
  }

  #item(item: FeedItem, nowMs: number): void {
    const { ground, arrivals } = this.#options;
    const { user, activityId, seq } = item;
    this.#mayHave(item);
    ground.tally.feedItems += 1;
    const held = this.#held.get(user.id);
    if (held !== undefined && seq <= held.seq) {
      const kind = seq === held.seq ? 'twice' : 'out_of_order';
      const detail = `number ${seq} of ${user.id}; person ${this.seat.person}`;
      ground.faults.add({ kind, stream: 'feed', count: 1, detail });
      return;
    }
    if (held?.activityId !== activityId) arrivals.got(activityId, nowMs);
    this.#hold(user.id, activityId, seq, held);
  }

  #hold(userId: string, activityId: string, seq: number, last: Held | undefined): void {
    const isOther = last?.activityId !== activityId;
    this.#held.set(userId, { activityId, seq, before: isOther ? last?.activityId : last.before });
    if (!isOther) return;
    if (this.#awaited.get(userId) === activityId) this.#awaited.delete(userId);
    // Another one took the place of what is awaited.
    else this.#miss(userId);
  }

  #miss(userId: string): void {
    const activityId = this.#awaited.get(userId);
    if (activityId === undefined) return;
    this.#awaited.delete(userId);
    const detail = `${activityId} of ${userId}; person ${this.seat.person}`;
    this.#options.ground.faults.add({ kind: 'missing', stream: 'feed', count: 1, detail });
  }

  #mayHave({ user, activityId }: FeedItem): void {
    if (this.#options.maySee(user.id)) return;
    const detail = `${activityId} of ${user.id}; person ${this.seat.person}`;
    this.#options.ground.faults.add({ kind: 'leaked', stream: 'feed', count: 1, detail });
  }
}
