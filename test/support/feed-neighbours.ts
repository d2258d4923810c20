// People over real nodes who befriend, block, hide and listen at random, while Redis, MongoDB and nodes come and go.
import type { FeedItem } from '../../protocol/schemas/feed.ts';
import type { EarshotProcess } from './earshot-process.ts';
import { FeedLedger } from './feed-ledger.ts';
import { FeedModel, type Played } from './feed-model.ts';
import type { Message } from './hub-world.ts';
import { SeededRandom } from './seeded-random.ts';
import { guestToken, WireClient, type GuestToken } from './wire-client.ts';

/** A client that plays alone says so again and again. */
const SAYS_EVERY_MS = 4_000;
const READS_EVERY_MS = 20;
const TRACK_MS = 3_600_000;
/** Shown after five, and told to the history a little later. */
const SURELY_KEPT_MS = 8_000;
const PRIVATE_MS = 3_600_000;

interface Neighbour {
  readonly n: number;
  readonly guest: GuestToken;
  node: EarshotProcess | undefined;
  client: WireClient | undefined;
  readonly held: Map<number, FeedItem>;
}

export class FeedNeighbours {
  readonly model: FeedModel;
  readonly ledger: FeedLedger;
  readonly acts: string[] = [];
  /** What the history has for certain, by author: played long enough, to the end, in the open, and not taken back. */
  readonly #kept = new Map<number, Set<string>>();
  /** What may be in the history, alike. */
  readonly #open = new Map<number, Set<string>>();
  /** What was private for some time: it stays so. */
  readonly #wasPrivate = new Set<string>();
  /** Whose removal was refused: it may have taken effect or not. */
  readonly #doubtful = new Set<string>();
  readonly #random: SeededRandom;
  readonly #nodes: () => readonly EarshotProcess[];
  readonly #people: readonly Neighbour[];
  readonly #timers: NodeJS.Timeout[];
  #clips = 0;

  private constructor(
    guests: readonly GuestToken[],
    nodes: () => readonly EarshotProcess[],
    seed: number,
  ) {
    this.#nodes = nodes;
    this.#random = new SeededRandom(seed);
    // Servers and nodes go and come here: whether a word came through before something was over is not known.
    this.model = new FeedModel(guests.length, Date.now, () => true);
    const numbers = new Map(guests.map(({ user }, i) => [user.id, i + 1]));
    this.ledger = new FeedLedger(this.model, (id) => numbers.get(id) ?? 0);
    this.#people = guests.map((guest, i) => ({
      ...{ n: i + 1, guest, node: undefined, client: undefined },
      held: new Map(),
    }));
    this.#timers = [
      setInterval(() => this.#sayAgain(), SAYS_EVERY_MS),
      setInterval(() => this.#read(), READS_EVERY_MS),
    ];
  }

  static async settle(
    count: number,
    nodes: () => readonly EarshotProcess[],
    seed: number,
  ): Promise<FeedNeighbours> {
    const guests: GuestToken[] = [];
    for (let n = 1; n <= count; n += 1)
      guests.push(await guestToken(nodes()[n % nodes().length]!.url, `Neighbour ${n}`));
    return new FeedNeighbours(guests, nodes, seed);
  }

  leave(): void {
    for (const timer of this.#timers) clearInterval(timer);
    for (const { client } of this.#people) client?.close();
  }

  /** Whoever has no socket gets one, to some node, and looks at the feed. */
  async everybodyComes(): Promise<void> {
    for (const person of this.#people) {
      if (person.client !== undefined) continue;
      person.node = this.#random.pick(this.#nodes());
      person.client = await WireClient.enter(person.node.url, person.guest);
      await this.#subscribe(person);
    }
  }

  async act(): Promise<void> {
    const act = this.#random.pick(ACTS);
    this.#read();
    const told = await this[act]();
    if (told !== undefined) this.acts.push(told);
    this.#read();
  }

  /** The node has died: what was played on it is over some time, and the history may not hear of it. */
  nodeDied(node: EarshotProcess): void {
    for (const person of this.#people) {
      if (person.node !== node) continue;
      person.client = undefined;
      person.node = undefined;
      person.held.clear();
      const { live } = this.model.person(person.n);
      this.#end(person.n, false);
      if (live !== undefined) this.acts.push(`${live.title} dies with its node`);
    }
  }

  /** What is not as it should be by now; empty where all is. */
  problems(): string[] {
    this.#read();
    this.model.look();
    const problems = [...this.ledger.violations];
    for (const { n: viewer, held, client } of this.#people) {
      if (client?.closed !== undefined) problems.push(`the socket of ${viewer} was closed`);
      for (const author of this.model.people.keys()) {
        const wrong = this.#wrong(author, viewer, held.get(author));
        if (wrong !== undefined) problems.push(`${viewer} of ${author}: ${wrong}`);
      }
    }
    return problems;
  }

  /** What a friend reads in the histories that is not as it should be. */
  async historyProblems(): Promise<string[]> {
    const problems: string[] = [];
    for (const author of this.model.people.keys()) {
      const viewer = [...this.model.people.keys()].find((n) => this.model.lets(author, n));
      if (viewer === undefined) continue;
      const titles = await this.#history(author, viewer);
      for (const [i, title] of titles.entries()) {
        if (titles.indexOf(title) !== i) problems.push(`${title} of ${author} is there twice`);
        if (this.#open.get(author)?.has(title) !== true)
          problems.push(`${title} of ${author} is there, and ought not to be`);
      }
      for (const title of this.#kept.get(author) ?? [])
        if (!titles.includes(title)) problems.push(`${title} of ${author} is missing`);
    }
    return problems;
  }

  /** All are friends of all. */
  async everybodyBefriends(): Promise<void> {
    for (const a of this.model.people.keys())
      for (const b of this.model.people.keys()) if (a < b) await this.#befriend(a, b);
  }

  /** Whoever is here and listens to nothing does, so that there is something to take away and to keep. */
  async everybodyListens(): Promise<void> {
    for (const person of this.#people) {
      if (person.client === undefined || this.model.person(person.n).live !== undefined) continue;
      this.acts.push(await this.#listen(person));
    }
  }

  // What people do.

  async listen(): Promise<string> {
    return this.#listen(this.#anybodyHere());
  }

  async stopListening(): Promise<string | undefined> {
    const person = this.#anybodyHere();
    const { live } = this.model.person(person.n);
    if (live === undefined) return undefined;
    this.#end(person.n, true);
    await this.#set(person, live.title, 0, 'stopped');
    return `${person.n} stops`;
  }

  async resubscribe(): Promise<string> {
    const person = this.#anybodyHere();
    await this.#subscribe(person);
    return `${person.n} subscribes again`;
  }

  async befriend(): Promise<string> {
    const [a, b] = this.#pair();
    return this.#befriend(a, b);
  }

  async unfriend(): Promise<string | undefined> {
    const [a, b] = this.#pair();
    if (!this.model.person(a).friends.has(b)) return undefined;
    await this.ledger.changing(
      () => this.model.part(a, b),
      () => this.#rest(a, 'DELETE', `/v1/friends/${this.#id(b)}`),
    );
    return `${a} and ${b} part`;
  }

  async block(): Promise<string> {
    const [a, b] = this.#pair();
    await this.ledger.changing(
      () => {
        this.model.part(a, b);
        this.model.person(a).blocked.add(b);
      },
      () => this.#rest(a, 'PUT', `/v1/blocks/${this.#id(b)}`),
    );
    return `${a} blocks ${b}`;
  }

  async unblock(): Promise<string | undefined> {
    const blocking = [...this.model.people].filter(([, { blocked }]) => blocked.size > 0);
    if (blocking.length === 0) return undefined;
    const [a, { blocked }] = this.#random.pick(blocking);
    const [b] = [...blocked];
    await this.#rest(a, 'DELETE', `/v1/blocks/${this.#id(b!)}`);
    blocked.delete(b!);
    return `${a} unblocks ${b}`;
  }

  async setAudience(): Promise<string> {
    const { n } = this.#anybodyHere();
    const person = this.model.person(n);
    const audience = this.#random.pick(['friends', 'chosen', 'nobody', 'friends'] as const);
    const chosen = [...person.friends].filter(() => this.#random.next() < 0.5);
    await this.ledger.changing(
      () => {
        person.audience = audience;
        person.chosen = new Set(chosen);
      },
      () =>
        this.#rest(n, 'PUT', '/v1/me/audience', {
          audience,
          userIds: chosen.map((each) => this.#id(each)),
        }),
    );
    return `${n} shows ${audience} [${chosen.join(' ')}]`;
  }

  async togglePrivate(): Promise<string> {
    const { n } = this.#anybodyHere();
    const person = this.model.person(n);
    const isOver = person.privateUntil > Date.now();
    const privateUntil = isOver ? -Infinity : Date.now() + PRIVATE_MS;
    await this.ledger.changing(
      () => {
        person.privateUntil = privateUntil;
        if (person.live === undefined) return;
        person.live.isPrivate = true;
        this.#wasPrivate.add(person.live.title);
        // It may not have been taken for an activity before this.
        if (isOver) this.#mayBeOpen(n, person.live.title);
      },
      () => this.#rest(n, 'PUT', '/v1/me/audience', { privateUntil: isOver ? null : privateUntil }),
    );
    return isOver ? `${n} is private no more` : `${n} is private`;
  }

  async removeSomething(): Promise<string | undefined> {
    const person = this.#anybodyHere();
    const { live } = this.model.person(person.n);
    if (live === undefined) return undefined;
    const reply = await person.client?.ask('activity.remove', { activityId: live.activityId });
    // Where the feed or the history is away nobody can promise it; what is asked again later is another story.
    if (reply?.type !== 'ok') {
      this.#doubtful.add(live.title);
      return `${person.n} cannot take back ${live.title}`;
    }
    live.isRemoved = true;
    this.model.person(person.n).live = undefined;
    this.#kept.get(person.n)?.delete(live.title);
    this.#open.get(person.n)?.delete(live.title);
    return `${person.n} takes back ${live.title}`;
  }

  #wrong(author: number, viewer: number, held: FeedItem | undefined): string | undefined {
    const { live, past } = this.model.person(author);
    if (!this.model.lets(author, viewer))
      return held === undefined ? undefined : `holds ${held.track.title} and may hold nothing`;
    const title = held?.track.title;
    if (title !== undefined && this.#doubtful.has(title)) return undefined;
    if (live !== undefined && this.#doubtful.has(live.title)) return undefined;
    // What was heard in private is not shown when that is over: only the next one is.
    const isHidden = live !== undefined && this.#wasPrivate.has(live.title);
    if (live !== undefined && !isHidden && Date.now() - live.begunAt > SURELY_KEPT_MS) {
      const isHeld = title === live.title && held?.state === 'playing';
      return isHeld ? undefined : `holds ${title} (${held?.state}) and not ${live.title}`;
    }
    if (held === undefined) return undefined;
    if (title === live?.title) {
      const mayBe = !isHidden || this.#open.get(author)?.has(title ?? '') === true;
      return mayBe ? undefined : `holds ${title}, which was begun in private`;
    }
    const known = past.find((each) => each.title === title);
    if (held.state !== 'ended') return `holds ${title}, as if it were playing`;
    return known === undefined || known.isRemoved ? `holds ${title}` : undefined;
  }

  #anybodyHere(): Neighbour {
    return this.#random.pick(this.#people.filter(({ client }) => client !== undefined));
  }

  #pair(): [number, number] {
    const a = 1 + this.#random.int(this.#people.length);
    const b = 1 + this.#random.int(this.#people.length);
    return a === b ? this.#pair() : [a, b];
  }

  #id(n: number): string {
    return this.#people[n - 1]!.guest.user.id;
  }

  async #listen(person: Neighbour): Promise<string> {
    this.#end(person.n, true);
    this.#clips += 1;
    const title = `Clip ${this.#clips}`;
    this.ledger.began(title);
    const begunAt = Date.now();
    const reply = await this.#set(person, title, 0, 'playing');
    const live: Played = {
      ...{ activityId: String(reply['activityId']), title, begunAt },
      ...{ wasPublic: false, isPrivate: false, isRemoved: false },
    };
    this.model.person(person.n).live = live;
    if (this.model.person(person.n).privateUntil < begunAt) this.#mayBeOpen(person.n, title);
    else this.#wasPrivate.add(title);
    return `${person.n} plays ${title}`;
  }

  #mayBeOpen(n: number, title: string): void {
    this.#open.set(n, (this.#open.get(n) ?? new Set()).add(title));
  }

  #end(n: number, isKept: boolean): void {
    const { live } = this.model.person(n);
    this.model.end(n);
    if (live === undefined || !isKept || Date.now() - live.begunAt < SURELY_KEPT_MS) return;
    if (!this.#doubtful.has(live.title) && !this.#wasPrivate.has(live.title))
      this.#kept.set(n, (this.#kept.get(n) ?? new Set()).add(live.title));
  }

  async #befriend(a: number, b: number): Promise<string> {
    const isBlocked = [
      [a, b],
      [b, a],
    ].some(([one, other]) => this.model.person(one!).blocked.has(other!));
    if (isBlocked) return `${a} and ${b} cannot be friends`;
    if (this.model.person(a).friends.has(b)) return `${a} and ${b} are friends already`;
    await this.ledger.changing(
      () => this.model.befriend(a, b),
      async () => {
        await this.#rest(a, 'POST', '/v1/friends/requests', { userId: this.#id(b) });
        await this.#rest(b, 'POST', `/v1/friends/requests/${this.#id(a)}/accept`);
      },
    );
    return `${a} and ${b} are friends`;
  }

  async #set(
    { n, client }: Neighbour,
    title: string,
    positionMs: number,
    state: 'playing' | 'stopped',
  ): Promise<Message> {
    const track = { title, artist: 'A', durationMs: TRACK_MS };
    const reply = await client?.ask('activity.set', { track, positionMs, state });
    if (reply?.type !== 'ok') throw new Error(`activity.set of ${n}: ${JSON.stringify(reply)}`);
    return reply;
  }

  #sayAgain(): void {
    for (const person of this.#people) {
      const { live } = this.model.person(person.n);
      if (live === undefined || person.client?.closed !== undefined) continue;
      if (person.client === undefined) continue;
      void this.#set(person, live.title, Date.now() - live.begunAt, 'playing').catch(
        () => undefined,
      );
    }
  }

  async #subscribe(person: Neighbour): Promise<void> {
    this.#read();
    const reply = await person.client?.ask('feed.subscribe', {});
    if (reply?.type === 'ok') this.ledger.take(person.n, person.held, reply);
    else if (reply?.['retryable'] !== true)
      throw new Error(`feed.subscribe of ${person.n}: ${JSON.stringify(reply)}`);
    this.#read();
  }

  /** Everything that has come, in its order. */
  #read(): void {
    for (const { n, client, held } of this.#people) {
      for (const push of client?.pushes.splice(0) ?? [])
        if (push.type === 'feed.items' || push.type === 'feed.snapshot')
          this.ledger.take(n, held, push);
    }
  }

  async #rest(n: number, method: string, path: string, body?: object): Promise<unknown> {
    const node = this.#random.pick(this.#nodes());
    const response = await fetch(node.url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.#people[n - 1]!.guest.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  async #history(author: number, viewer: number): Promise<string[]> {
    const titles: string[] = [];
    let cursor = '';
    for (;;) {
      const path = `/v1/users/${this.#id(author)}/history?limit=50${cursor}`;
      const page = (await this.#rest(viewer, 'GET', path)) as {
        readonly items: readonly { readonly track: { readonly title: string } }[];
        readonly next?: string;
      };
      titles.push(...page.items.map(({ track }) => track.title));
      if (page.next === undefined) return titles;
      cursor = `&cursor=${encodeURIComponent(page.next)}`;
    }
  }
}

const ACTS = [
  ...(['listen', 'listen', 'stopListening', 'removeSomething', 'resubscribe'] as const),
  ...(['befriend', 'befriend', 'befriend', 'befriend', 'unfriend', 'unfriend'] as const),
  ...(['block', 'unblock', 'setAudience', 'setAudience', 'togglePrivate'] as const),
];
