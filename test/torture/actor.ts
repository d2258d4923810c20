// Somebody in some rooms: does what chance says, sends it again with the same key until it is answered, and writes down the answers.
import type { EntryId, RoomId, TrackId, UserId } from '../../protocol/ids.ts';
import type { RequestBody, RequestType } from '../../protocol/schemas/requests.ts';
import { stateHash } from '../../protocol/state-hash.ts';
import { EarshotClient, EarshotError, type Room } from '../../src/client/client.ts';
import type { RoomRequestType } from '../../src/client/room.ts';
import { newKey } from '../../src/client/request-keys.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import type { GuestToken } from '../support/wire-client.ts';
import type { ChatRecord, ClientRecord, CommandRecord, Ending, Mark, Outcome } from './history.ts';
import { SightBook, recordingSocket } from './recording-socket.ts';
import { pause } from './until.ts';

export interface ActorOptions {
  readonly name: string;
  readonly guest: GuestToken;
  readonly random: SeededRandom;
  readonly tracks: readonly TrackId[];
  /** Of the node that a connection opened now would reach. */
  readonly urlNow: () => string;
  /** ms since the run began. */
  readonly now: () => number;
}

interface Deed<T extends RoomRequestType = RoomRequestType> {
  readonly type: T;
  readonly body: Omit<RequestBody<T>, 'roomId' | 'key'>;
  readonly mark?: Mark;
}

/** What a refusal by these says is only that nobody knows. */
const UNSURE = new Set(['unavailable', 'internal', 'timeout', 'connection_lost']);
/** Nothing was done, and it may be asked again. */
const NOT_YET = new Set(['rate_limited', 'not_in_room']);
const TRY_MS = 20_000;
const PAUSE_MS = 400;
const MAX_UNDER_WAY = 20;
/** More makes every frame of the room large, and the run about that. */
const MANY_ENTRIES = 40;

export class Actor {
  readonly name: string;
  readonly userId: UserId;
  readonly client: EarshotClient;
  readonly commands: CommandRecord[] = [];
  readonly book = new SightBook();
  readonly #options: ActorOptions;
  readonly #rooms: Room[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #said = 0;
  #hasGivenUp = false;

  constructor(options: ActorOptions) {
    this.#options = options;
    this.name = options.name;
    this.userId = options.guest.user.id as UserId;
    const WebSocket = recordingSocket(this.book, options.urlNow);
    this.client = new EarshotClient({
      url: options.urlNow(),
      token: options.guest.token,
      platform: { WebSocket },
    });
  }

  get rooms(): readonly Room[] {
    return this.#rooms;
  }

  async create(name: string): Promise<RoomId> {
    const preset = this.#options.random.pick(['friends', 'party'] as const);
    const room = await this.client.createRoom({ name, preset, visibility: 'unlisted' });
    this.#rooms.push(room);
    return room.id;
  }

  async join(roomId: RoomId): Promise<void> {
    this.#rooms.push(await this.client.joinRoom({ roomId }));
  }

  /** Does one thing somewhere, unless too much of it waits already. */
  act(): void {
    if (this.#underWay.size >= MAX_UNDER_WAY || this.#rooms.length === 0) return;
    const room = this.#options.random.pick(this.#rooms);
    const deed = this.#deed(room);
    if (deed !== undefined) this.#start(room, deed);
  }

  /** Pauses whatever plays, where this one may, so that nothing moves by itself. */
  async pause(): Promise<void> {
    for (const room of this.#rooms) {
      try {
        await room.pause();
      } catch (error) {
        if (!(error instanceof EarshotError)) throw error;
      }
    }
  }

  /** Resolves when each command has its answer; those that have none after `patienceMs` stay unknown. */
  async settled(patienceMs: number): Promise<void> {
    const timer = setTimeout(() => (this.#hasGivenUp = true), patienceMs);
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    clearTimeout(timer);
    this.#hasGivenUp = false;
  }

  /** Asks the node for the whole room again. */
  async refresh(): Promise<void> {
    for (const room of this.#rooms) await this.client.joinRoom({ roomId: room.id });
  }

  /** Fetches the chat of each room from its beginning. */
  async readChat(): Promise<void> {
    for (const room of this.#rooms) {
      while (room.view.value.chat.hasOlder) await room.olderChat();
    }
  }

  endings(): Ending[] {
    return this.#rooms.map((room) => {
      const { epoch, revision, room: state } = room.view.value;
      return { who: this.name, roomId: room.id, epoch, revision, hash: stateHash(state) };
    });
  }

  chats(): ChatRecord[] {
    return this.#rooms.map((room) => {
      const { items, hasOlder } = room.view.value.chat;
      return { who: this.name, roomId: room.id, isWhole: !hasOlder, items };
    });
  }

  record(): ClientRecord[] {
    return [...this.book.sights].map(([roomId, sights]) => ({
      who: this.name,
      roomId,
      sights,
      mismatches: this.client.counts.mismatches,
    }));
  }

  #start(room: Room, deed: Deed): void {
    const done = this.#perform(room, deed).finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }

  async #perform(room: Room, { type, body, mark }: Deed): Promise<void> {
    const { random, now } = this.#options;
    const key = newKey(() => random.next());
    const at = Math.round(now());
    let tries = 0;
    let isSure = true;
    let outcome: Outcome | undefined;
    while (outcome === undefined) {
      tries += 1;
      try {
        const full = { ...body, roomId: room.id } as unknown as RequestBody<RequestType>;
        const reply = await this.client.request(type, full, {
          key,
          timeoutMs: TRY_MS,
        });
        outcome = { kind: 'ok', ...pickedFrom(reply) };
      } catch (error) {
        if (!(error instanceof EarshotError)) throw error;
        const { code, retryAfterMs } = error;
        if (UNSURE.has(code)) isSure = false;
        const isOver = this.#hasGivenUp || code === 'closed' || room.view.value.status === 'left';
        if (!UNSURE.has(code) && !NOT_YET.has(code)) outcome = { kind: 'refused', code, isSure };
        else if (isOver) outcome = isSure ? { kind: 'refused', code, isSure } : { kind: 'unknown' };
        else await pause(Math.max(retryAfterMs ?? 0, PAUSE_MS));
      }
    }
    const record = { roomId: room.id, userId: this.userId, type, key, at, tries, outcome };
    this.commands.push(mark === undefined ? record : { ...record, mark });
  }

  #deed(room: Room): Deed | undefined {
    const { random, tracks, name } = this.#options;
    const { room: state, status } = room.view.value;
    if (status === 'left') return undefined;
    const entryIds = Object.keys(state.queue) as EntryId[];
    this.#said += 1;
    const mark = `${name}-${this.#said}`;
    const rename: Deed = {
      type: 'room.update',
      body: { name: mark },
      mark: { kind: 'name', name: mark },
    };
    const say: Deed = {
      type: 'chat.send',
      body: { text: mark },
      mark: { kind: 'text', text: mark },
    };
    const trackIds = [random.pick(tracks), random.pick(tracks)].slice(0, 1 + random.int(2));
    const add: Deed = {
      type: 'queue.add',
      body: { trackIds, at: random.pick(['next', 'end']) },
      mark: { kind: 'entries' },
    };
    const deeds: Deed[] = state.hostId === this.userId ? [rename, rename, rename] : [];
    deeds.push(say, say, say, add, add, { type: 'playback.play', body: {} });
    if (random.int(20) === 0) deeds.push(rename);
    if (entryIds.length > 0) deeds.push(...deedsOnQueue(random, entryIds));
    const head = state.playback.timeline.at(-1);
    if (head !== undefined && 'entryId' in head) deeds.push(...deedsOnEntry(random, head.entryId));
    return random.pick(deeds);
  }
}

function deedsOnQueue(random: SeededRandom, entryIds: readonly EntryId[]): Deed[] {
  const one = random.pick(entryIds);
  const deeds: Deed[] = [
    { type: 'queue.move', body: { entryId: one, beforeEntryId: random.pick(entryIds) } },
    { type: 'vote.entry', body: { entryId: one, value: random.pick([-1, 0, 1] as const) } },
    { type: 'playback.jump', body: { to: one } },
    { type: 'playback.mode', body: { shuffle: random.next() < 0.5 } },
    { type: 'queue.remove', body: { entryIds: [one] } },
    { type: 'queue.undo', body: {} },
  ];
  const many = [...new Set(Array.from({ length: 20 }, () => random.pick(entryIds)))];
  const remove: Deed = { type: 'queue.remove', body: { entryIds: many } };
  return entryIds.length > MANY_ENTRIES ? [...deeds, remove, remove, remove] : deeds;
}

function deedsOnEntry(random: SeededRandom, entryId: EntryId): Deed[] {
  return [
    { type: 'playback.pause', body: { entryId } },
    { type: 'playback.skip', body: { entryId } },
    { type: 'playback.seek', body: { entryId, positionMs: random.int(20_000) } },
    { type: 'vote.skip', body: { entryId } },
  ];
}

/** What of a reply the checker looks at. */
function pickedFrom(reply: object): Omit<Extract<Outcome, { kind: 'ok' }>, 'kind'> {
  const { epoch, revision, entryIds, seq } = reply as Extract<Outcome, { kind: 'ok' }>;
  return {
    ...(epoch === undefined ? {} : { epoch }),
    ...(revision === undefined ? {} : { revision }),
    ...(entryIds === undefined ? {} : { entryIds }),
    ...(seq === undefined ? {} : { seq }),
  };
}
