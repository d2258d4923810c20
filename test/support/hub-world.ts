// A hub over memory adapters and fake sockets, in which the test decides what happens when.
import type { RequestBody, RequestType } from '../../protocol/schemas/requests.ts';
import type { User } from '../../protocol/schemas/pushes.ts';
import type { TrackId, UserId } from '../../protocol/ids.ts';
import { encode } from '../../protocol/codec.ts';
import { MemoryArchive } from '../../src/adapters/memory/memory-archive.ts';
import { MemoryChatLog } from '../../src/adapters/memory/memory-chat-log.ts';
import { MemoryRoomLog } from '../../src/adapters/memory/memory-room-log.ts';
import { MemoryUsers } from '../../src/adapters/memory/memory-users.ts';
import { Hub } from '../../src/hub/hub.ts';
import { DEFAULT_HUB_OPTIONS, type HubOptions } from '../../src/hub/hub-options.ts';
import type { HubPorts } from '../../src/hub/hub-ports.ts';
import type { Authenticator } from '../../src/ports/authenticator.ts';
import type { Track } from '../../src/ports/catalogue.ts';
import type { Log, LogFields } from '../../src/ports/log.ts';
import type { Metrics } from '../../src/ports/metrics.ts';
import type { UpgradeRequest } from '../../src/ports/sockets.ts';
import { FakeSocket } from './fake-socket.ts';
import { ManualTime } from './manual-time.ts';
import { SeededRandom } from './seeded-random.ts';

/** A request's fields with ids as plain strings. */
type Loose<T> = {
  [K in keyof T]: T[K] extends string | undefined ? string | Extract<T[K], undefined> : T[K];
};

export type Message = Record<string, unknown> & { readonly type?: string; readonly id?: number };

export class RecordingLog implements Log {
  readonly lines: {
    readonly level: string;
    readonly message: string;
    readonly fields: LogFields;
  }[] = [];
  debug = (fields: LogFields, message: string) => this.#add('debug', fields, message);
  info = (fields: LogFields, message: string) => this.#add('info', fields, message);
  warn = (fields: LogFields, message: string) => this.#add('warn', fields, message);
  error = (fields: LogFields, message: string) => this.#add('error', fields, message);
  child = () => this;
  #add(level: string, fields: LogFields, message: string): void {
    this.lines.push({ level, message, fields });
  }
}

export const silentMetrics: Metrics = {
  counter: () => ({ add: () => undefined }),
  gauge: () => undefined,
  gauges: () => undefined,
  total: () => undefined,
  histogram: () => ({ observe: () => undefined }),
  exposition: () => Promise.resolve({ contentType: 'text/plain', body: '' }),
};

/** Tokens are `<userId>|<name>`, perhaps with `|<life ms>|<device id>`, or `expired`; what has no bar is invalid. */
export const plainAuthenticator: Authenticator = {
  verify: (token) => {
    if (token === 'expired') return Promise.resolve({ kind: 'expired' });
    const [id, name, lifeMs = '3600000', deviceId] = token.split('|');
    if (id === undefined || name === undefined)
      return Promise.resolve({ kind: 'invalid', reason: 'no bar' });
    const user: User = { id: id as UserId, name, guest: false };
    const endsAtMs = Number(lifeMs);
    const terms = { endsAtMs, ...(deviceId === undefined ? {} : { deviceId }) };
    return Promise.resolve({ kind: 'ok', user, expiresInMs: endsAtMs, terms });
  },
  issue: ({ id, name }, { endsAtMs = 3_600_000, deviceId } = {}) => {
    const device = deviceId === undefined ? '' : `|${deviceId}`;
    return Promise.resolve({ token: `${id}|${name}|${endsAtMs}${device}`, expiresInMs: endsAtMs });
  },
};

export function userId(n: number): UserId {
  return `00000000-0000-4000-9000-${n.toString(16).padStart(12, '0')}` as UserId;
}

export function trackId(n: number): TrackId {
  return `track${n}` as TrackId;
}

export function track(n: number, durationMs = 60_000): Track {
  return {
    id: trackId(n),
    title: `Title ${n}`,
    artist: `Artist ${n % 3}`,
    durationMs,
    mimeType: 'audio/wav',
    sizeBytes: 1_000,
    hasCover: false,
    // Of three tracks, one has tags that tell its loudness.
    ...(n === 2 ? { gainDb: -7.5, peak: 0.98 } : {}),
  };
}

const UPGRADE: UpgradeRequest = {
  remoteAddress: '127.0.0.1',
  origin: undefined,
  headers: new Map(),
  query: '',
};

export class HubWorld {
  readonly time: ManualTime;
  readonly random: SeededRandom;
  readonly log = new RecordingLog();
  readonly ports: HubPorts;
  hub: Hub;
  readonly options: HubOptions;
  #life = { isOver: false };

  constructor(
    options: Partial<HubOptions> = {},
    overrides: Partial<HubPorts> = {},
    seed = 1,
    time = new ManualTime(),
  ) {
    this.time = time;
    this.random = new SeededRandom(seed);
    const archive = new MemoryArchive();
    const tracks = new Map(Array.from({ length: 50 }, (_, n) => [trackId(n), track(n)]));
    this.ports = {
      roomLog: new MemoryRoomLog(archive),
      chatLog: new MemoryChatLog(),
      users: new MemoryUsers(),
      archive,
      authenticator: plainAuthenticator,
      catalogue: { get: (id) => tracks.get(id) },
      clock: this.time,
      timers: this.time,
      random: this.random,
      log: this.log,
      metrics: silentMetrics,
      ...overrides,
    };
    this.options = { ...DEFAULT_HUB_OPTIONS, ...options };
    this.hub = this.#newHub();
  }

  /** The hub dies with all its sockets, and another one takes over from the stores. Start it. */
  restart(): void {
    this.#life.isOver = true;
    void this.hub.stop();
    this.hub = this.#newHub();
  }

  /** A hub whose stores answer it no more once its life is over: the dead append nothing. */
  #newHub(): Hub {
    const life = { isOver: false };
    this.#life = life;
    const mortal = <T extends object>(store: T): T =>
      new Proxy(store, {
        get: (target, name) => {
          const member: unknown = Reflect.get(target, name);
          if (typeof member !== 'function') return member;
          return (...args: unknown[]): unknown =>
            life.isOver ? new Promise(() => undefined) : Reflect.apply(member, target, args);
        },
      });
    const { roomLog, chatLog } = this.ports;
    return new Hub(
      { ...this.ports, roomLog: mortal(roomLog), chatLog: mortal(chatLog) },
      this.options,
    );
  }

  /** A socket that has said nothing yet. */
  open(
    remoteAddress?: string,
    page?: { readonly origin: string; readonly host: string },
  ): TestClient {
    const socket = new FakeSocket(remoteAddress);
    const client = new TestClient(this, socket);
    const { hub } = this;
    socket.onClose = () => hub.closed(socket);
    this.hub.opened(socket, {
      ...UPGRADE,
      remoteAddress: socket.remoteAddress,
      ...(page === undefined
        ? {}
        : { origin: page.origin, headers: new Map([['host', page.host]]) }),
    });
    return client;
  }

  /** A connection whose hello was answered. */
  async connect(n: number, name = `User ${n}`): Promise<TestClient> {
    return this.connectBy(`${userId(n)}|${name}`);
  }

  async connectBy(token: string): Promise<TestClient> {
    const client = this.open();
    const reply = await client.ask('hello', {
      token,
      client: { name: 'test', version: '1' },
    });
    if (reply['type'] !== 'ok') throw new Error(`hello was refused: ${JSON.stringify(reply)}`);
    return client;
  }
}

export class TestClient {
  readonly world: HubWorld;
  readonly socket: FakeSocket;
  /** Pushes and replies that were received and not taken yet. */
  readonly inbox: Message[] = [];
  #id = 0;

  constructor(world: HubWorld, socket: FakeSocket) {
    this.world = world;
    this.socket = socket;
  }

  /** Sends a request and leaves time alone. @returns its id */
  send<T extends RequestType>(type: T, body: Loose<RequestBody<T>>): number {
    this.#id += 1;
    this.world.hub.message(this.socket, encode({ id: this.#id, type, ...body }), false);
    return this.#id;
  }

  /** Sends whatever, as it is. */
  sendRaw(data: Uint8Array | string, isBinary = false): void {
    this.world.hub.message(
      this.socket,
      typeof data === 'string' ? new TextEncoder().encode(data) : data,
      isBinary,
    );
  }

  /** Sends a request and lets everything settle at this very time. */
  async ask<T extends RequestType>(type: T, body: Loose<RequestBody<T>>): Promise<Message> {
    const id = this.send(type, body);
    await this.world.time.settle();
    this.#receive();
    const index = this.inbox.findIndex((message) => message.id === id);
    const [reply] = index < 0 ? [] : this.inbox.splice(index, 1);
    if (reply === undefined) throw new Error(`no reply to ${type}`);
    return reply;
  }

  /** The pushes of a type received so far, which are then forgotten. */
  take(type: string): Message[] {
    this.#receive();
    const taken = this.inbox.filter((message) => message.type === type);
    for (const message of taken) this.inbox.splice(this.inbox.indexOf(message), 1);
    return taken;
  }

  close(): void {
    this.socket.terminate();
  }

  #receive(): void {
    this.inbox.push(...(this.socket.take() as Message[]));
  }
}
