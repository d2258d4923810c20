// What each person of a town was ever sent, holds and reads, beside what the model lets them. Knows no hub.
import type { FeedItem, FeedRemoval } from '../../protocol/schemas/feed.ts';
import type { FeedModel, MayHold } from './feed-model.ts';
import { userId, type Message, type TestClient } from './hub-world.ts';

export interface Seat {
  readonly n: number;
  readonly node: string;
  readonly client: TestClient;
  /** Undefined while the feed is not followed. */
  held: Map<string, FeedItem> | undefined;
}

export class TownLedger {
  readonly #model: FeedModel;
  readonly #isFaulty: () => boolean;
  /** Everything that each pair may have held since all was last in order. */
  #allowed = new Map<string, Set<string>>();
  /** Authors whose policy changed while words about it may be lost, and pairs who were friends since all was in order. */
  readonly unheard = new Set<number>();
  readonly #befriended = new Set<string>();
  /** How many items reached viewers. */
  shown = 0;

  constructor(model: FeedModel, isFaulty: () => boolean) {
    this.#model = model;
    this.#isFaulty = isFaulty;
  }

  /** Remembers what each pair may hold at this moment. */
  note(): void {
    this.#model.look();
    if (!this.#isFaulty()) {
      this.#allowed = new Map();
      this.unheard.clear();
      this.#befriended.clear();
    }
    this.#remember();
  }

  #remember(): void {
    for (const author of this.#model.people.keys()) {
      this.#forbid(author);
      for (const viewer of this.#model.people.keys()) {
        if (this.#model.person(author).friends.has(viewer))
          this.#befriended.add(`${author}>${viewer}`);
        const { live, ended } = this.#model.mayHold(author, viewer);
        if (live.size + ended.size === 0) continue;
        const key = `${author}>${viewer}`;
        const allowed = this.#allowed.get(key) ?? new Set();
        for (const each of [...live, ...ended]) allowed.add(each);
        this.#allowed.set(key, allowed);
      }
    }
  }

  /** What was heard in a private session is let by nothing that was before it, but where a node cannot have heard of it. */
  #forbid(author: number): void {
    if (this.unheard.has(author)) return;
    const ofSessions = this.#model.ofSessions(author);
    if (ofSessions.length === 0) return;
    for (const viewer of this.#model.people.keys()) {
      const allowed = this.#allowed.get(`${author}>${viewer}`);
      for (const activityId of ofSessions) allowed?.delete(activityId);
    }
  }

  /** By SPEC FE1–FE3. */
  takeFrames(seat: Seat): void {
    const { client, held } = seat;
    for (const push of takeInOrder(client)) {
      if (held === undefined) {
        const items = [...((push['upsert'] ?? push['items'] ?? []) as FeedItem[])];
        if (items.length > 0) throw new Error(`${seat.n} gets items without following the feed`);
        continue;
      }
      if (push['type'] === 'feed.snapshot') this.replace(seat, push);
      else this.#merge(seat, push);
    }
  }

  replace(seat: Seat, message: Message): void {
    seat.held?.clear();
    for (const item of message['items'] as FeedItem[]) this.#take(seat, item);
  }

  #merge(seat: Seat, push: Message): void {
    for (const { userId: of, activityId } of push['remove'] as FeedRemoval[]) {
      const held = seat.held?.get(of);
      if (activityId === undefined || held?.activityId === activityId) seat.held?.delete(of);
    }
    for (const item of push['upsert'] as FeedItem[]) {
      const held = seat.held?.get(item.user.id);
      if (held === undefined || item.seq > held.seq) this.#take(seat, item);
    }
  }

  /** The ledger: nothing is ever taken in that may not be. */
  #take(seat: Seat, item: FeedItem): void {
    this.shown += 1;
    seat.held?.set(item.user.id, item);
    const author = authorOf(item.user.id);
    this.#remember();
    const pair = `${author}>${seat.n}`;
    if (this.#allowed.get(pair)?.has(item.activityId) === true) return;
    // Where words are lost and nobody knows, a node goes by what it heard last; but never for who is no friend.
    if (this.unheard.has(author) && this.#befriended.has(pair)) return;
    throw new Error(
      `${seat.n} (on ${seat.node}) is shown ${item.track.title} (${item.activityId}, ${item.state}) of ${author} and may not see it: ${this.#model.describe(author)}`,
    );
  }

  /** What is wrong with what is held by now; undefined where nothing is. */
  wrongIn({ n, node, held }: Seat): { readonly author: number; readonly told: string } | undefined {
    if (held === undefined) return undefined;
    for (const author of this.#model.people.keys()) {
      const problem = wrong(held.get(userId(author)), this.#model.mayHold(author, n));
      if (problem !== undefined) {
        const told = `${n} (on ${node}) of ${author}: ${problem}\n${this.#model.describe(author)}`;
        return { author, told };
      }
    }
    return undefined;
  }

  /** Whoever reads is let in by the store itself, whatever words are lost. */
  checkRead(
    reader: string,
    viewer: number,
    author: number,
    read: Pick<FeedItem, 'activityId'> & {
      readonly state?: string;
      readonly track: { readonly title: string };
    },
  ): void {
    this.#remember();
    const isLet =
      this.#model.lets(author, viewer) && !this.#model.ofSessions(author).includes(read.activityId);
    if (isLet && this.#allowed.get(`${author}>${viewer}`)?.has(read.activityId) === true) return;
    const what = `${read.track.title} (${read.activityId}, ${read.state ?? 'past'})`;
    throw new Error(`${reader} reads ${what} of ${author}: ${this.#model.describe(author)}`);
  }
}

export function authorOf(id: string): number {
  return Number.parseInt(id.slice(-12), 16);
}

/** What is wrong with what is held; undefined where nothing is. */
function wrong(held: FeedItem | undefined, may: MayHold): string | undefined {
  const isLive = held !== undefined && held.state !== 'ended';
  if (held === undefined) {
    return may.mustHold === undefined ? undefined : `holds nothing, not ${may.mustHold}`;
  }
  const allowed = isLive ? may.live.has(held.activityId) : may.ended.has(held.activityId);
  if (!allowed) return `holds ${held.track.title} (${held.activityId}, ${held.state})`;
  if (may.mustHold !== undefined && held.activityId !== may.mustHold)
    return `holds ${held.activityId} and not ${may.mustHold}`;
  return undefined;
}

/** The pushes of the feed in the order in which they came. */
function takeInOrder(client: TestClient): Message[] {
  // Moves what has come into the inbox.
  client.take('');
  const isFeeds = ({ type }: Message): boolean => type === 'feed.items' || type === 'feed.snapshot';
  const taken = client.inbox.filter(isFeeds);
  for (const message of taken) client.inbox.splice(client.inbox.indexOf(message), 1);
  return taken;
}
