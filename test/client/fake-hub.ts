// A hub that says what the test tells it to, behind sockets whose every frame the test sees; time stands still until it is moved.
import { answerProbe, isProbe } from '../../protocol/clock-frames.ts';
import type { UserId } from '../../protocol/ids.ts';
import type { PublicRoom } from '../../protocol/schemas/room.ts';
import { stateHash } from '../../protocol/state-hash.ts';
import { EarshotClient, type EarshotClientOptions } from '../../src/client/client.ts';
import type { EarshotError } from '../../src/client/errors.ts';
import type { Platform, SocketConstructor, SocketLike } from '../../src/client/platform.ts';
import type { Room } from '../../src/client/room.ts';
import { ManualTime } from '../support/manual-time.ts';
import { FakeWorker } from './fake-worker.ts';
import { publicRoom } from './room-fixture.ts';

export type Fields = Record<string, unknown>;

export const ANA = '00000000-0000-4000-9000-000000000001' as UserId;
export const BEN = '00000000-0000-4000-9000-000000000002' as UserId;
/** How far hub time is ahead of the client's. */
export const HUB_AHEAD_MS = 5_000_000;

type Listener = (event: Fields) => void;

/** Where the client has its socket. */
export type Thread = 'page' | 'worker';

/** One socket of the client, seen from the hub. */
export class FakePeer {
  readonly url: string;
  readonly protocols: readonly string[];
  readonly hub: FakeHub;
  readonly thread: Thread;
  readonly probes: Uint8Array[] = [];
  isClosedByClient = false;
  /** What it says does not arrive. */
  isSilenced = false;
  /** Requests that were sent and not taken yet. */
  readonly inbox: Fields[] = [];
  readonly #listeners = new Map<string, Listener[]>();

  constructor(hub: FakeHub, thread: Thread, url: string, protocols: readonly string[]) {
    this.hub = hub;
    this.thread = thread;
    this.url = url;
    this.protocols = protocols;
  }

  listen(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  received(data: string | Uint8Array): void {
    if (typeof data === 'string') {
      this.inbox.push(JSON.parse(data) as Fields);
      return;
    }
    if (!isProbe(data)) throw new Error('a binary frame of a client is a probe');
    this.probes.push(data);
    const now = this.hub.time.now() + HUB_AHEAD_MS;
    if (this.hub.answersProbes) this.binary(answerProbe(data, 7, now, now));
  }

  open(): void {
    this.#emit('open', {});
  }

  close(code: number, reason = ''): void {
    this.#emit('close', { code, reason });
  }

  /** What the socket's callback throws comes out here, and fails the test. */
  data(data: unknown): void {
    this.#emit('message', { data });
  }

  text(message: object): void {
    this.data(JSON.stringify(message));
  }

  binary(bytes: Uint8Array): void {
    this.data(bytes.slice().buffer);
  }

  /** The oldest request of that type which was not taken yet. */
  take(type: string): Fields {
    const index = this.inbox.findIndex((request) => request.type === type);
    const [request] = index < 0 ? [] : this.inbox.splice(index, 1);
    if (request === undefined) {
      const types = this.inbox.map((each) => String(each.type)).join(', ');
      throw new Error(`no ${type} was sent, but: ${types}`);
    }
    return request;
  }

  has(type: string): boolean {
    return this.inbox.some((request) => request.type === type);
  }

  ok(request: Fields, body: object = {}): void {
    this.text({ ...body, id: request.id, type: 'ok' });
  }

  refuse(request: Fields, code: string, more: object = {}): void {
    const refusal = { type: 'error', code, message: `refused: ${code}`, retryable: false };
    this.text({ id: request.id, ...refusal, ...more });
  }

  greet(more: object = {}): void {
    this.open();
    this.ok(this.take('hello'), greeting(more));
  }

  #emit(type: string, event: Fields): void {
    if (this.isSilenced) return;
    for (const listener of this.#listeners.get(type) ?? []) listener(event);
  }
}

function greeting(more: object): object {
  return {
    user: { id: ANA, name: 'Ana', guest: true },
    connectionId: 'connection1',
    hub: { now: 0, timelineId: 7 },
    limits: {
      maxFrameBytes: 16_384,
      maxQueueEntries: 1_000,
      maxRoomMembers: 100,
      maxRoomsPerConnection: 5,
      requestsPerSecond: 20,
      requestBurst: 60,
    },
    heartbeatMs: 25_000,
    features: ['rooms'],
    ...more,
  };
}

export class FakeHub {
  /** Where the clients of a hub have their sockets that is not told. */
  static thread: Thread = 'page';
  readonly time = new ManualTime();
  /** All that were started. */
  readonly workers: FakeWorker[] = [];
  readonly peers: FakePeer[] = [];
  answersProbes = true;
  /** How long the device has slept in all: the wall clock went on, the monotonic one did not. */
  sleptMs = 0;
  /** What making a socket fails with. */
  socketError: Error | undefined;
  isHidden = false;
  /** What `random` gives. */
  chance = 0.5;
  readonly platform: Platform;
  readonly #network = new Set<() => void>();
  readonly #visibility = new Set<() => void>();

  constructor(thread = FakeHub.thread) {
    const { time } = this;
    this.platform = {
      WebSocket: socketClass(this, 'page'),
      startWorker: thread === 'page' ? undefined : () => this.#startWorker(),
      timeOriginMs: 0,
      fetch: () => Promise.reject(new Error('no REST here')),
      performanceNow: () => time.now(),
      wallNow: () => time.now() + 1_700_000_000_000 + this.sleptMs,
      setTimeout: (callback, delayMs) => time.after(delayMs, callback),
      clearTimeout: (cancel) => (cancel as (() => void) | undefined)?.(),
      random: () => this.chance,
      isHidden: () => this.isHidden,
      onVisibilityChange: (listener) => added(this.#visibility, listener),
      onNetworkChange: (listener) => added(this.#network, listener),
    };
  }

  client(options: Partial<EarshotClientOptions> = {}): EarshotClient {
    return new EarshotClient({
      url: 'https://hub.test',
      token: () => 'token',
      platform: this.platform,
      ...options,
    });
  }

  get worker(): FakeWorker {
    const worker = this.workers.at(-1);
    if (worker === undefined) throw new Error('no worker was started');
    return worker;
  }

  #startWorker(): FakeWorker {
    const worker = new FakeWorker({ ...this.platform, WebSocket: socketClass(this, 'worker') });
    this.workers.push(worker);
    return worker;
  }

  /** The newest socket. */
  get peer(): FakePeer {
    const peer = this.peers.at(-1);
    if (peer === undefined) throw new Error('no socket was opened');
    return peer;
  }

  /** Listeners on the surroundings that are still there. */
  get watchers(): number {
    return this.#network.size + this.#visibility.size;
  }

  networkChanges(): void {
    for (const listener of [...this.#network]) listener();
  }

  hide(isHidden: boolean): void {
    this.isHidden = isHidden;
    for (const listener of [...this.#visibility]) listener();
  }

  /** A client whose hello was answered. */
  async connected(options: Partial<EarshotClientOptions> = {}): Promise<EarshotClient> {
    const client = this.client(options);
    const connected = client.connect();
    await this.time.settle();
    this.peer.greet();
    await connected;
    return client;
  }

  /** A connected client in one room. */
  async inRoom(
    joined: object = joinedWith(publicRoom()),
  ): Promise<{ client: EarshotClient; room: Room }> {
    const client = await this.connected();
    const joining = client.joinRoom({ code: 'ABCDEFGH' });
    this.peer.ok(this.peer.take('room.join'), joined);
    return { client, room: await joining };
  }
}

/** The reply to a join that brings the whole room. */
export function joinedWith(
  room: PublicRoom,
  more: Fields = {},
  at = { epoch: 1, revision: 10 },
): Fields {
  return {
    roomId: room.id,
    snapshot: { roomId: room.id, ...at, hash: stateHash(room), room },
    presence: { version: 3, count: 1, members: { [ANA]: { name: 'Ana', role: 'host' } } },
    you: { role: 'host', votes: {}, skipVotes: [] },
    chat: { items: [], lastSeq: 0, gap: false },
    ...more,
  };
}

function added(set: Set<() => void>, listener: () => void): () => void {
  set.add(listener);
  return () => set.delete(listener);
}

function socketClass(hub: FakeHub, thread: Thread): SocketConstructor {
  return class implements SocketLike {
    binaryType = 'blob';
    readonly #peer: FakePeer;
    constructor(url: string, protocols: string[]) {
      if (hub.socketError !== undefined) throw hub.socketError;
      this.#peer = new FakePeer(hub, thread, url, protocols);
      hub.peers.push(this.#peer);
    }
    addEventListener(type: string, listener: unknown): void {
      this.#peer.listen(type, listener as Listener);
    }
    send(data: string | Uint8Array): void {
      this.#peer.received(data);
    }
    close(): void {
      this.#peer.isClosedByClient = true;
    }
  };
}

/** What a promise that must fail fails with. */
export function failure(promise: Promise<unknown>): Promise<EarshotError> {
  return promise.then(
    () => {
      throw new Error('it was expected to fail');
    },
    (error: unknown) => error as EarshotError,
  );
}

/** The hub's socket dies and a new one is greeted; the rejoin is left to the test. */
export async function reconnect(hub: FakeHub): Promise<void> {
  hub.peer.close(1006);
  await hub.time.advance(1_000);
  hub.peer.greet();
}
