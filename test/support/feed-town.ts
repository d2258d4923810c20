// People of several hubs who befriend, block, hide and listen at random, beside a model of what each may see; every frame, and what is read, is checked.
import { MemoryActivityLog } from '../../src/adapters/memory/memory-activity-log.ts';
import { MemoryFeeds } from '../../src/adapters/memory/memory-feed.ts';
import { MemoryFriends } from '../../src/adapters/memory/memory-friends.ts';
import type { Change } from '../../src/ports/friends.ts';
import { StoreUnavailable } from '../../src/ports/room-log.ts';
import { FeedModel, type HiddenIn } from './feed-model.ts';
import { track, trackId, userId, type HubWorld, type TestClient } from './hub-world.ts';
import { UNHURRIED } from './kitchen.ts';
import { KeepingOutbox } from './listening-world.ts';
import { NodesWorld } from './nodes-world.ts';
import { SeededRandom } from './seeded-random.ts';
import { authorOf, TownLedger, type Seat } from './town-ledger.ts';
import { TownRooms } from './town-rooms.ts';

/** Ticks and sweeps that a change may have to wait for. */
const SETTLES_MS = 1_100;
/** As a client does while it plays. */
const SAYS_EVERY_MS = 15_000;
/** Comparisons come every half minute, retries every few seconds. */
const HEALS_MS = 45_000;
/** Whoever listens in a room is looked at every five seconds. */
const GRACE_ENDS_MS = 22_000;
/** Of one person, for one thing that is done. */
const MOST_WORDS = 6;
const LEAST_BETWEEN_WORDS_MS = 5_000;
/** By then it has been told, whatever it is. */
const MOVES_AFTER_MS = 14_000;
const READ_AT_ONCE = 50;
const FRESH = { wasPublic: false, isPrivate: false, isRemoved: false };
const FRIENDS_LIMIT = {
  friends: 50,
  openRequests: 50,
  requestsPerDay: 10_000,
  blocked: 50,
  shownRequests: 50,
};

export interface TownOptions {
  readonly people: number;
  readonly nodes: number;
  readonly seed: number;
  readonly hasFaults: boolean;
}

export class FeedTown {
  readonly #options: TownOptions;
  readonly #random: SeededRandom;
  /** Of its own: who reads changes nothing of what happens. */
  readonly #readers: SeededRandom;
  readonly #nodes = new NodesWorld(UNHURRIED);
  readonly #activityLog = new MemoryActivityLog();
  readonly #outbox = new KeepingOutbox(this.#activityLog);
  readonly #friends = new MemoryFriends(this.#nodes.users, this.#nodes.archive, FRIENDS_LIMIT);
  readonly #worlds = new Map<string, HubWorld>();
  readonly #seats = new Map<number, Seat>();
  readonly #model: FeedModel;
  readonly #ledger: TownLedger;
  readonly #rooms: TownRooms;
  readonly #feeds: MemoryFeeds;
  readonly #joined = new Map<string, ReturnType<MemoryFeeds['join']>>();
  /** When each came over another node last. */
  readonly #movedAt = new Map<number, number>();
  #isFaulty = false;
  #nodesMade = 0;
  #clips = 0;
  #saidAt = 0;
  /** What was done, for whoever reads a failure. */
  readonly acts: string[] = [];
  /** How many items reached viewers. */
  get shown(): number {
    return this.#ledger.shown;
  }

  constructor(options: TownOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    this.#readers = new SeededRandom(options.seed);
    const now = (): number => this.#nodes.time.now();
    this.#feeds = new MemoryFeeds({ now, deliver: (_to, message) => this.#deliver(message) });
    // Whoever listens is asked about again before anything is told that could not be told before.
    const isBlind = (where: HiddenIn): boolean =>
      where === 'room' &&
      (this.#feeds.isAway ||
        this.#outbox.isAway ||
        this.#nodes.withoutPostgres.size > 0 ||
        this.#loses > 0);
    this.#model = new FeedModel(options.people, now, isBlind);
    this.#rooms = new TownRooms(this.#model, now);
    this.#ledger = new TownLedger(this.#model, () => this.#isFaulty);
    this.#nodes.portsOf = (nodeId) => {
      const feed = this.#feeds.join(nodeId);
      this.#joined.set(nodeId, feed);
      return {
        feed,
        // Long enough for a whole town.
        catalogue: { get: (id) => ({ ...track(Number(id.slice(5))), durationMs: 3_600_000 }) },
        friends: this.#friends,
        activityLog: this.#activityLog,
        activityOutbox: this.#outbox,
      };
    };
  }

  async start(): Promise<void> {
    for (const n of this.#model.people.keys())
      await this.#nodes.users.save({ id: userId(n), name: `User ${n}`, guest: true });
    for (let i = 0; i < this.#options.nodes; i += 1) await this.#startNode();
  }

  /** One thing happens, and all that follows from it; then every viewer is looked at. */
  async step(): Promise<void> {
    this.#ledger.note();
    const acts = this.#options.hasFaults ? [...ACTS, ...FAULTS] : ACTS;
    const act = acts[Math.floor(this.#random.next() * acts.length)];
    if (act === undefined) return;
    const numbers = this.#isFaulty ? undefined : this.#numbers();
    const from = this.#nodes.time.now();
    const told = await this[act]();
    if (told !== undefined) this.acts.push(`${this.#nodes.time.now()} ${told}`);
    await this.#advance(SETTLES_MS);
    this.#ledger.note();
    this.#checkFrames();
    await this.#checkRead();
    if (this.#isFaulty) return;
    this.#checkHeld();
    if (numbers !== undefined) this.#checkWords(numbers, this.#nodes.time.now() - from);
  }

  /** All that was broken is whole again, and after a while all is as it should be. */
  async heal(): Promise<void> {
    this.#isFaulty = false;
    this.#bringBack();
    this.#loses = 0;
    for (const feed of this.#joined.values()) feed.doubt();
    await this.#advance(HEALS_MS);
    this.#ledger.note();
    this.#checkFrames();
    this.#ledger.note();
    this.#checkHeld();
    for (const viewer of this.#model.people.keys()) await this.#checkRead(viewer);
  }

  // What people do.

  async connect(): Promise<string | undefined> {
    const n = this.#anybody();
    if (this.#seats.has(n)) return undefined;
    const [nodeId, world] = this.#pick([...this.#worlds]) ?? [];
    if (nodeId === undefined || world === undefined) return undefined;
    const client = await world.connect(n);
    this.#seats.set(n, { n, node: nodeId, client, held: undefined });
    return `${n} connects to ${nodeId}`;
  }

  subscribe(): Promise<string | undefined> {
    const seat = this.#pick([...this.#seats.values()].filter(({ held }) => held === undefined));
    return this.#follow(seat);
  }

  async resubscribe(): Promise<string | undefined> {
    return this.#follow(this.#pick([...this.#seats.values()]));
  }

  async #follow(seat: Seat | undefined): Promise<string | undefined> {
    if (seat === undefined) return undefined;
    this.#ledger.takeFrames(seat);
    const reply = await seat.client.ask('feed.subscribe', {});
    if (reply['type'] !== 'ok') {
      if (!this.#isFaulty) throw new Error(`feed.subscribe: ${JSON.stringify(reply)}`);
      return undefined;
    }
    seat.held = new Map();
    this.#ledger.replace(seat, reply);
    return `${seat.n} subscribes`;
  }

  async unsubscribe(): Promise<string | undefined> {
    const seat = this.#pick([...this.#seats.values()].filter(({ held }) => held !== undefined));
    if (seat === undefined) return undefined;
    await seat.client.ask('feed.unsubscribe', {});
    this.#ledger.takeFrames(seat);
    seat.held = undefined;
    return `${seat.n} unsubscribes`;
  }

  async listen(): Promise<string | undefined> {
    const seat = this.#pickStaying([...this.#seats.values()]);
    if (seat === undefined) return undefined;
    await this.#rooms.leave(seat.n);
    this.#clips = (this.#clips % 40) + 1;
    this.#model.end(seat.n);
    const track = { title: `Clip ${this.#clips}`, artist: 'A', durationMs: 3_600_000 };
    const word = { track, positionMs: 0, state: 'playing' as const };
    const reply = await seat.client.ask('activity.set', word);
    const activityId = String(reply['activityId']);
    this.#model.begin(seat.n, {
      activityId,
      title: track.title,
      begunAt: this.#nodes.time.now(),
      ...FRESH,
    });
    return `${seat.n} plays ${track.title} (${activityId.slice(-4)})`;
  }

  async stopListening(): Promise<string | undefined> {
    const seat = this.#pickStaying([...this.#seats.values()].filter(({ n }) => this.#isAlone(n)));
    if (seat === undefined) return undefined;
    this.#model.end(seat.n);
    const track = { trackId: trackId(1) };
    await seat.client.ask('activity.set', { track, positionMs: 0, state: 'stopped' });
    return `${seat.n} stops`;
  }

  async removeSomething(): Promise<string | undefined> {
    const seat = this.#pick([...this.#seats.values()]);
    if (seat === undefined) return undefined;
    const person = this.#model.person(seat.n);
    const all = [...person.past, ...(person.live === undefined ? [] : [person.live])];
    const played = this.#pick(all);
    if (played === undefined || played.isRemoved) return undefined;
    const reply = await seat.client.ask('activity.remove', { activityId: played.activityId });
    // Where a store is away it may have been removed or not; the same is asked again, as a client would.
    if (reply['type'] !== 'ok') {
      this.#bringBack();
      await seat.client.ask('activity.remove', { activityId: played.activityId });
    }
    // Of a room they may have heard it twice.
    for (const each of all) if (each.activityId === played.activityId) each.isRemoved = true;
    person.hasHidden = true;
    return `${seat.n} takes back ${played.title}`;
  }

  /** No effect: it is another person's. */
  async removeOfAnother(): Promise<string | undefined> {
    const seat = this.#pick([...this.#seats.values()]);
    const [a, b] = this.#pair();
    const { live } = this.#model.person(seat?.n === a ? b : a);
    if (seat === undefined || live === undefined) return undefined;
    await seat.client.ask('activity.remove', { activityId: live.activityId });
    return `${seat.n} tries to take back ${live.title} of another`;
  }

  async openRoom(): Promise<string | undefined> {
    const seat = this.#pickStaying([...this.#seats.values()]);
    if (seat === undefined || this.#rooms.of(seat.n) !== undefined) return undefined;
    await this.#stopAlone(seat);
    return this.#rooms.open(seat.n, seat.client);
  }

  async joinRoom(): Promise<string | undefined> {
    const seat = this.#pickStaying([...this.#seats.values()]);
    const room = this.#pick(this.#rooms.settled);
    if (seat === undefined || room === undefined || this.#rooms.of(seat.n) !== undefined)
      return undefined;
    await this.#stopAlone(seat);
    return this.#rooms.join(room, seat.n, seat.client);
  }

  async leaveRoom(): Promise<string | undefined> {
    const seat = this.#pickStaying([...this.#seats.values()]);
    if (seat === undefined || this.#rooms.of(seat.n) === undefined) return undefined;
    await this.#rooms.leave(seat.n);
    return `${seat.n} leaves the room`;
  }

  async skipInRoom(): Promise<string | undefined> {
    const room = this.#pick(this.#rooms.settled);
    return room === undefined ? undefined : this.#rooms.skip(room);
  }

  async toggleRoom(): Promise<string | undefined> {
    const room = this.#pick(this.#rooms.settled);
    return room === undefined ? undefined : this.#rooms.toggle(room);
  }

  /** The socket is lost, and they are back over another node at once, with what they listened to. */
  async changeNode(): Promise<string | undefined> {
    const seat = this.#pickStaying([...this.#seats.values()]);
    if (seat === undefined) return undefined;
    const { n } = seat;
    const { live } = this.#model.person(n);
    // What nobody knows of yet is another one there.
    if (live !== undefined && this.#nodes.time.now() - live.begunAt < MOVES_AFTER_MS)
      return undefined;
    const [node, world] = this.#pick([...this.#worlds].filter(([id]) => id !== seat.node)) ?? [];
    if (node === undefined || world === undefined) return undefined;
    const room = this.#rooms.of(n);
    this.#ledger.takeFrames(seat);
    seat.client.close();
    const moved: Seat = { n, node, client: await world.connect(n), held: undefined };
    this.#seats.set(n, moved);
    this.#movedAt.set(n, this.#nodes.time.now());
    if (room === undefined) await this.#sayAgain(n, moved.client);
    else await this.#rooms.moveTo(room, n, moved.client);
    if (seat.held !== undefined) await this.#follow(moved);
    return `${n} moves to ${node}`;
  }

  async #stopAlone({ n, client }: Seat): Promise<void> {
    if (!this.#isAlone(n)) return;
    this.#model.end(n);
    const word = { track: { trackId: trackId(1) }, positionMs: 0, state: 'stopped' as const };
    await client.ask('activity.set', word);
  }

  async befriend(): Promise<string | undefined> {
    const [a, b] = this.#pair();
    const now = this.#nodes.time.now();
    this.#tell(await this.#friends.request(userId(a), userId(b), now));
    const change = await this.#friends.accept(userId(b), userId(a), now);
    this.#tell(change);
    const { outcome } = await this.#friends.request(userId(a), userId(b), now);
    if (outcome === 'already') this.#model.befriend(a, b);
    return `${a} and ${b} are friends`;
  }

  async unfriend(): Promise<string | undefined> {
    const [a, b] = this.#pair();
    this.#tell(await this.#friends.remove(userId(a), userId(b)));
    this.#model.part(a, b);
    return `${a} and ${b} part`;
  }

  async block(): Promise<string | undefined> {
    const [a, b] = this.#pair();
    this.#tell(await this.#friends.block(userId(a), userId(b), this.#nodes.time.now()));
    this.#model.part(a, b);
    this.#model.person(a).blocked.add(b);
    return `${a} blocks ${b}`;
  }

  async unblock(): Promise<string | undefined> {
    const [a, b] = this.#pair();
    this.#tell(await this.#friends.unblock(userId(a), userId(b)));
    this.#model.person(a).blocked.delete(b);
    return `${a} unblocks ${b}`;
  }

  async setAudience(): Promise<string | undefined> {
    const n = this.#anybody();
    const person = this.#model.person(n);
    const audience = this.#pick(['friends', 'chosen', 'nobody', 'friends'] as const) ?? 'friends';
    const chosen = [...person.friends].filter(() => this.#random.next() < 0.5);
    this.#tell(
      await this.#friends.setAudience(userId(n), { audience, chosen: chosen.map(userId) }),
    );
    person.audience = audience;
    person.chosen = new Set(chosen);
    return `${n} shows ${audience} [${chosen.join(' ')}]`;
  }

  async goPrivate(): Promise<string | undefined> {
    const n = this.#anybody();
    const forMs = 2_000 + Math.floor(this.#random.next() * 20_000);
    const privateUntil = this.#nodes.time.now() + forMs;
    this.#tell(await this.#friends.setAudience(userId(n), { privateUntil }));
    this.#model.person(n).privateUntil = privateUntil;
    this.#model.look();
    return `${n} is private for ${forMs} ms`;
  }

  async endPrivate(): Promise<string | undefined> {
    const n = this.#anybody();
    this.#model.look();
    const person = this.#model.person(n);
    const privateUntil = Math.min(person.privateUntil, this.#nodes.time.now());
    if (privateUntil === -Infinity) return undefined;
    // As a hub does: what was heard in it is known by its end.
    this.#tell(await this.#friends.setAudience(userId(n), { privateUntil }));
    person.privateUntil = privateUntil;
    return `${n} is private no more`;
  }

  async wait(): Promise<string | undefined> {
    const ms = 1_000 + Math.floor(this.#random.next() * 12_000);
    await this.#advance(ms);
    return `${ms} ms pass`;
  }

  /** Without a word, as when the network is gone; what they played ends after the grace. */
  async disconnect(): Promise<string | undefined> {
    const seat = this.#pickStaying([...this.#seats.values()]);
    if (seat === undefined) return undefined;
    this.#ledger.takeFrames(seat);
    seat.client.close();
    this.#seats.delete(seat.n);
    this.#rooms.lose(seat.n);
    this.#model.lose(seat.n);
    await this.#advance(GRACE_ENDS_MS);
    this.#model.end(seat.n);
    return `${seat.n} is gone`;
  }

  // What breaks.

  async loseMessages(): Promise<string> {
    this.#break();
    this.#loses = this.#random.next() * 0.6;
    await Promise.resolve();
    return `messages are lost: ${this.#loses.toFixed(2)}`;
  }

  async feedAway(): Promise<string> {
    this.#break();
    this.#feeds.isAway = !this.#feeds.isAway;
    // A connection that is back says that messages may have been lost.
    if (!this.#feeds.isAway) for (const feed of this.#joined.values()) feed.doubt();
    await Promise.resolve();
    return this.#feeds.isAway ? 'the feed is away' : 'the feed is back';
  }

  async outboxAway(): Promise<string> {
    this.#break();
    this.#outbox.isAway = !this.#outbox.isAway;
    await Promise.resolve();
    return this.#outbox.isAway ? 'the history is away' : 'the history is back';
  }

  async loseAndFindPostgres(): Promise<string | undefined> {
    const nodeId = this.#pick([...this.#worlds.keys()]);
    if (nodeId === undefined) return undefined;
    this.#break();
    const { withoutPostgres } = this.#nodes;
    const isBack = withoutPostgres.delete(nodeId);
    if (!isBack) withoutPostgres.add(nodeId);
    await Promise.resolve();
    return `${nodeId} ${isBack ? 'reaches' : 'does not reach'} Postgres`;
  }

  async killNode(): Promise<string | undefined> {
    if (this.#worlds.size < 2) return undefined;
    const nodeId = this.#pick([...this.#worlds.keys()]);
    if (nodeId === undefined) return undefined;
    this.#break();
    for (const seat of [...this.#seats.values()]) {
      if (seat.node !== nodeId) continue;
      this.#ledger.takeFrames(seat);
      this.#seats.delete(seat.n);
      this.#rooms.lose(seat.n);
      this.#model.end(seat.n);
      // Nobody could tell the history that it is over, or that it was at all.
      this.#model.person(seat.n).hasHidden = true;
    }
    this.#nodes.kill(nodeId);
    this.#nodes.withoutPostgres.delete(nodeId);
    this.#worlds.delete(nodeId);
    this.#joined.delete(nodeId);
    this.#nodes.bury(nodeId);
    await this.#startNode();
    return `${nodeId} dies`;
  }

  #loses = 0;

  /** All stores, for all nodes. */
  #bringBack(): void {
    this.#feeds.isAway = false;
    this.#outbox.isAway = false;
    this.#nodes.withoutPostgres.clear();
  }

  /** What is over may be lost to the history, and is read when somebody comes, and not before. */
  #break(): void {
    this.#isFaulty = true;
    for (const person of this.#model.people.values()) person.hasHidden = true;
  }

  #deliver(message: () => void): void {
    if (this.#isFaulty && this.#random.next() < this.#loses) return;
    message();
  }

  async #startNode(): Promise<void> {
    this.#nodesMade += 1;
    const nodeId = `node${this.#nodesMade}`;
    this.#worlds.set(nodeId, await this.#nodes.start(nodeId));
  }

  async #sayAgain(n: number, client: TestClient): Promise<void> {
    const { live } = this.#model.person(n);
    if (live === undefined || this.#rooms.of(n) !== undefined) return;
    const track = { title: live.title, artist: 'A', durationMs: 3_600_000 };
    const positionMs = this.#nodes.time.now() - live.begunAt;
    const reply = await client.ask('activity.set', { track, positionMs, state: 'playing' });
    const activityId = String(reply['activityId']);
    if (activityId === live.activityId) return;
    // Where the feed is away another node cannot know what it was.
    if (!this.#isFaulty) throw new Error(`${n} goes on with ${live.title} as ${activityId}`);
    this.#model.end(n);
    const begunAt = this.#nodes.time.now();
    this.#model.begin(n, { ...live, activityId, begunAt, ...FRESH });
  }

  /** In parts, so that what happens at a limit is seen there. */
  async #advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1_000) {
      await this.#nodes.time.advance(Math.min(1_000, left));
      this.#model.look();
      this.#rooms.tick();
      if (this.#nodes.time.now() - this.#saidAt < SAYS_EVERY_MS) continue;
      this.#saidAt = this.#nodes.time.now();
      for (const { n, client } of this.#seats.values()) await this.#sayAgain(n, client);
    }
  }

  #tell(change: Change<string>): void {
    if (this.#isFaulty && this.#loses > 0) {
      for (const { userId: of } of change.policies) this.#ledger.unheard.add(authorOf(of));
    }
    const world = this.#pick([...this.#worlds.values()]);
    world?.hub.feed?.desk.tell(change);
  }

  #anybody(): number {
    return 1 + Math.floor(this.#random.next() * this.#options.people);
  }

  #pair(): [number, number] {
    const a = this.#anybody();
    const b = this.#anybody();
    return a === b ? this.#pair() : [a, b];
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#random.next() * items.length)];
  }

  /** Until the grace has ended the node that somebody has left says again what they have stopped over the other one. */
  #pickStaying(seats: readonly Seat[]): Seat | undefined {
    const now = this.#nodes.time.now();
    return this.#pick(
      seats.filter(({ n }) => now - (this.#movedAt.get(n) ?? -Infinity) >= GRACE_ENDS_MS),
    );
  }

  #isAlone(n: number): boolean {
    return this.#model.person(n).live !== undefined && this.#rooms.of(n) === undefined;
  }

  #checkFrames(): void {
    for (const seat of this.#seats.values()) this.#ledger.takeFrames(seat);
  }

  #checkHeld(): void {
    for (const seat of this.#seats.values()) {
      const problem = this.#ledger.wrongIn(seat);
      if (problem === undefined) continue;
      const head = JSON.stringify(this.#feeds.head(userId(problem.author)));
      const seats = [...this.#seats.values()].map(({ n, node }) => `${n}@${node}`).join(' ');
      throw new Error(`${problem.told}\n${head}\n${seats}`);
    }
  }

  /** What somebody reads over REST now, of any node. */
  async #checkRead(viewer = this.#readers.pick([...this.#model.people.keys()])): Promise<void> {
    const [nodeId, world] = this.#readers.pick([...this.#worlds]);
    const history = world.hub.feed?.history;
    if (history === undefined) return;
    const reader = `${viewer} (read from ${nodeId})`;
    try {
      const page = await history.recent(userId(viewer), { limit: READ_AT_ONCE });
      for (const { item } of page) {
        if (item === undefined) continue;
        const { activityId, state, user, track } = item;
        this.#ledger.checkRead(reader, viewer, authorOf(user.id), { activityId, state, track });
      }
      for (const author of this.#model.people.keys()) {
        if (author === viewer) continue;
        const query = { limit: READ_AT_ONCE };
        const past = await history.historyOf(userId(viewer), userId(author), query);
        for (const { activity } of past ?? [])
          if (activity !== undefined) this.#ledger.checkRead(reader, viewer, author, activity);
      }
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }

  /** The number of each author's head. */
  #numbers(): Map<number, number> {
    const people = [...this.#model.people.keys()];
    return new Map(people.map((n) => [n, this.#feeds.head(userId(n)).seq]));
  }

  /** Nodes that contradict each other would do so for ever. */
  #checkWords(before: ReadonlyMap<number, number>, ms: number): void {
    for (const [n, seq] of this.#numbers()) {
      const words = seq - (before.get(n) ?? 0);
      if (before.get(n) === 0 || words <= MOST_WORDS + ms / LEAST_BETWEEN_WORDS_MS) continue;
      throw new Error(`the feed is told of ${n} ${words} times in ${ms} ms`);
    }
  }
}

/** Those that are listed more often happen more often. */
const ACTS = [
  'connect',
  'connect',
  'connect',
  'subscribe',
  'subscribe',
  'resubscribe',
  'unsubscribe',
  'listen',
  'listen',
  'listen',
  'stopListening',
  'removeSomething',
  'removeSomething',
  'removeOfAnother',
  'openRoom',
  'joinRoom',
  'joinRoom',
  'leaveRoom',
  'skipInRoom',
  'toggleRoom',
  'changeNode',
  'changeNode',
  'befriend',
  'befriend',
  'befriend',
  'befriend',
  'unfriend',
  'block',
  'unblock',
  'setAudience',
  'goPrivate',
  'endPrivate',
  'wait',
  'wait',
  'wait',
  'disconnect',
] as const;
const FAULTS = [
  'loseMessages',
  'feedAway',
  'outboxAway',
  'loseAndFindPostgres',
  'killNode',
] as const;
