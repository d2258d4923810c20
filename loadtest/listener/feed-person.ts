// Owns one virtual person of the feed: listens alone, looks at what friends hear, and keeps account of every item that reaches them.
import type { FeedItem, FeedSnapshot } from '../../protocol/schemas/feed.ts';
import type { Push } from '../../protocol/schemas/pushes.ts';
import type { Arrivals } from '../ledger/arrivals.ts';
import type { Seat } from '../placement.ts';
import type { Ground } from './ground.ts';
import { machineNow } from '../machine-clock.ts';
import { Session, objectOf, type SessionOwner } from './session.ts';

export interface FeedPersonOptions {
  readonly ground: Ground;
  readonly seat: Seat;
  readonly isPrivate: boolean;
  /** Whether this person may see items of another one, and whether those are nobody's to see. */
  readonly maySee: (userId: string) => boolean;
  readonly arrivals: Arrivals;
  /** This person's track is to be shown: friends have it from then on. */
  readonly onPlay: (activityId: string, intendedMs: number) => void;
}

interface Held {
  readonly activityId: string;
  readonly seq: number;
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
  #isSubscribed = false;
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

  /** Looks at the feed. */
  get isJoined(): boolean {
    return this.#isSubscribed;
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

  unanswered(nowMs: number): number {
    return this.#session.unanswered(nowMs);
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
      this.#isSubscribed = true;
      ground.counts.joined += 1;
      ground.latencies.record(isBack ? 'resume' : 'join', nowMs - intendedMs);
      this.#whole(answer.body as unknown as FeedSnapshot, nowMs);
    });
  }

  push(payload: Buffer, nowMs: number): void {
    const push = objectOf(payload) as Push | undefined;
    // eslint-disable-next-line @typescript-eslint/switch-exhaustiveness-check -- the others tell nothing of the feed's items
    switch (push?.type) {
      case 'feed.items':
        for (const { userId, activityId } of push.remove) {
          if (activityId === undefined || this.activityOf(userId) === activityId) {
            this.#held.delete(userId);
          }
        }
        for (const item of push.upsert) this.#item(item, nowMs);
        break;
      case 'feed.snapshot':
        this.#whole(push, nowMs);
        break;
      case 'hub.draining':
        this.#session.drain(push.reconnectWithinMs);
        break;
    }
  }

  lost(): void {
    this.#isSubscribed = false;
  }

  #say(title: string, intendedMs: number, positionMs: number): void {
    const { ground, isPrivate, onPlay } = this.#options;
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
        onPlay(activityId, intendedMs);
      }
    });
    if (!isSent) ground.counts.unsent += 1;
    this.#cancelRepeat();
    this.#cancelRepeat = ground.agenda.after(REPEAT_MS, () => {
      this.#say(title, intendedMs, Math.round(machineNow() - intendedMs));
    });
  }

  #whole({ items }: FeedSnapshot, nowMs: number): void {
    this.#held.clear();
    for (const item of items) this.#mayHave(item, nowMs);
    for (const { user, activityId, seq } of items) this.#held.set(user.id, { activityId, seq });
  }

  #item(item: FeedItem, nowMs: number): void {
    const { ground, arrivals } = this.#options;
    const { user, activityId, seq } = item;
    this.#mayHave(item, nowMs);
    ground.tally.feedItems += 1;
    const held = this.#held.get(user.id);
    if (held !== undefined && seq <= held.seq) {
      const kind = seq === held.seq ? 'twice' : 'out_of_order';
      const detail = `number ${seq} of ${user.id}; person ${this.seat.person}`;
      ground.faults.add({ kind, stream: 'feed', count: 1, detail, atMs: nowMs });
      return;
    }
    if (held?.activityId !== activityId) arrivals.got(activityId, nowMs);
    this.#held.set(user.id, { activityId, seq });
  }

  #mayHave({ user, activityId }: FeedItem, nowMs: number): void {
    if (this.#options.maySee(user.id)) return;
    const detail = `${activityId} of ${user.id}; person ${this.seat.person}`;
    this.#options.ground.faults.add({
      ...{ kind: 'leaked', stream: 'feed', count: 1, detail, atMs: nowMs },
    });
  }
}
