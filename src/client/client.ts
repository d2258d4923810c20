// Owns the SDK's entry: one person's connection to one hub, and the rooms that they are in.
import type { RoomId, UserId } from '../../protocol/ids.ts';
import type { Joined, Push, User } from '../../protocol/schemas/pushes.ts';
import type { RequestBody, RequestType } from '../../protocol/schemas/requests.ts';
import { ClientClock } from './client-clock.ts';
import { Feed } from './feed.ts';
import { EarshotError, isErrorCode } from './errors.ts';
import { isJoined } from './inbound.ts';
import type { ConnectionState } from './connection-state.ts';
import { Link } from './link.ts';
import { Listeners } from './listeners.ts';
import type { Observable } from './observable.ts';
import { platformWith, type Platform } from './platform.ts';
import type { Outcome, ReplyOf, RequestOptions } from './request-book.ts';
import { EarshotApi } from './rest.ts';
import { RoomReplica, isRoomPush, type RepairCounts } from './room-replica.ts';
import { Room } from './room.ts';
import { SocketWires } from './socket-wires.ts';
import type { TokenSource } from './token-source.ts';
import type { ProbeListener, Wires } from './wire.ts';
import { WorkerWires } from './worker-wires.ts';

export type { ConnectionState } from './connection-state.ts';
export type { ClientClock, ClockStatus } from './client-clock.ts';
export type { Observable } from './observable.ts';
export type { Feed, FeedSignal, FeedView, SoloListening } from './feed.ts';
export type { Platform } from './platform.ts';
export type { ReplyOf, RequestOptions } from './request-book.ts';
export type { Room, RoomView } from './room.ts';
export { EarshotError } from './errors.ts';
export { EarshotApi } from './rest.ts';

export interface EarshotClientOptions {
  /** Where the hub is, e.g. `https://earshot.example`. */
  readonly url: string;
  /** A function is asked anew before each connection and when the token is about to expire. */
  readonly token: TokenSource;
  /** Who is speaking, for the hub's records. */
  readonly client?: { readonly name: string; readonly version: string };
  /**
   * The thread that has the socket and the clock's probes. `worker`, the default: one of their own, so that neither a page that is busy nor
   * one that is hidden spoils the clock; the page where no worker starts. `page`: this thread.
   */
  readonly clockIn?: 'worker' | 'page';
  /** Parts that differ from the defaults, e.g. `{ WebSocket }` of the package `ws`. */
  readonly platform?: Partial<Platform>;
}

export interface RoomTarget {
  readonly roomId?: string;
  readonly code?: string;
  readonly invite?: string;
}

/** How often something was ignored or put right: for diagnosis. */
export interface ClientCounts extends RepairCounts {
  readonly malformedFrames: number;
  /** Frames of a type that this version does not know, or about a room that is not joined. */
  readonly unknownFrames: number;
}

interface Joining {
  readonly replica: RoomReplica;
  readonly room: Room;
}

export class EarshotClient {
  readonly api: EarshotApi;
  readonly clock: ClientClock;
  /** What friends listen to, and who sees what this person does. */
  readonly feed: Feed;
  readonly #platform: Platform;
  readonly #link: Link;
  readonly #rooms = new Map<RoomId, Joining>();
  readonly #admitted = new Listeners<
    [answer: { readonly roomId: RoomId; readonly accept: boolean }]
  >();
  readonly #repairs: RepairCounts = { holes: 0, mismatches: 0, chatHoles: 0 };
  #strayPushes = 0;
  #userId: UserId | undefined;

  constructor({ url, token, client, clockIn, platform }: EarshotClientOptions) {
    this.#platform = platformWith(platform);
    this.clock = new ClientClock(this.#platform);
    const wires = wiresIn(clockIn ?? 'worker', this.#platform, this.clock);
    this.clock.listenTo(wires);
    let lastToken = typeof token === 'string' ? token : undefined;
    const remembered =
      typeof token === 'string'
        ? token
        : async () => {
            lastToken = await token();
            return lastToken;
          };
    this.api = new EarshotApi({
      url,
      token: () => lastToken,
      fetch: this.#platform.fetch,
      wait: (ms) => new Promise((resolve) => this.#platform.setTimeout(resolve, ms)),
    });
    this.#link = new Link({
      url,
      token: remembered,
      client: client ?? { name: 'earshot-sdk', version: '0.1.0' },
      platform: this.#platform,
      wires,
      connected: (user, ready) => this.#onConnected(user, ready),
      lost: () => {
        this.clock.lost();
        this.feed.lost();
        for (const { replica } of this.#rooms.values()) replica.disconnected();
      },
      closed: (error, byHub) => {
        const code = isErrorCode(error.code) ? error.code : 'internal';
        const reason = byHub ? code : 'left';
        this.feed.closed(error);
        for (const { replica } of [...this.#rooms.values()]) replica.left(reason);
      },
      push: (push) => this.#onPush(push),
    });
    this.feed = new Feed({
      platform: this.#platform,
      request: (type, body, options) => this.request(type, body, options),
      send: (type, body, options, done) => this.#link.send(type, body, options, done),
    });
  }

  get connection(): Observable<ConnectionState> {
    return this.#link.state;
  }

  get counts(): ClientCounts {
    const { malformed, unknown } = this.#link.counts;
    const all = {
      ...this.#repairs,
      malformedFrames: malformed,
      unknownFrames: unknown + this.#strayPushes,
    };
    for (const { replica } of this.#rooms.values()) addRepairs(all, replica.repairs);
    return all;
  }

  /**
   * Connects and stays connected until `close`. Resolves when the hub has answered the first `hello`.
   * @throws EarshotError when it refuses for good
   */
  connect(): Promise<void> {
    return this.#link.connect();
  }

  /** Ends the connection and leaves all rooms; `connect` may be called again. */
  close(): void {
    this.#link.close();
  }

  /** Any request of the protocol. What carries a key, given or by its type, is sent again after a reconnect. */
  request<T extends RequestType>(
    type: T,
    body: RequestBody<T>,
    options: RequestOptions = {},
  ): Promise<ReplyOf<T>> {
    return this.#request(type, body, options, (outcome) => outcome);
  }

  /** Makes a room and is its host. */
  createRoom(body: RequestBody<'room.create'>): Promise<Room> {
    return this.#enter('room.create', body);
  }

  /** Enters a room; one that is joined already is given back as it is, brought up to date. */
  joinRoom({ roomId, code, invite }: RoomTarget): Promise<Room> {
    return this.#enter('room.join', {
      ...(roomId === undefined ? {} : { roomId }),
      ...(code === undefined ? {} : { code }),
      ...(invite === undefined ? {} : { invite }),
    });
  }

  /** Somebody has answered this person's knock. @returns the remover */
  onAdmitted(
    listener: (answer: { readonly roomId: RoomId; readonly accept: boolean }) => void,
  ): () => void {
    return this.#admitted.add(listener);
  }

  #request<T extends RequestType, R = ReplyOf<T>>(
    type: T,
    body: RequestBody<T>,
    { signal, ...options }: RequestOptions,
    /** Runs within the frame that brings the reply: before the next push. */
    onOutcome: (
      outcome: Outcome<T>,
    ) => { kind: 'ok'; body: R } | { kind: 'failed'; error: EarshotError },
  ): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(abortReason(signal));
        return;
      }
      const onAbort = (): void => {
        reject(abortReason(signal));
        if (id !== undefined) this.#link.abandon(id);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      const id = this.#link.send(type, body, options, (outcome) => {
        signal?.removeEventListener('abort', onAbort);
        const result = onOutcome(outcome);
        if (result.kind === 'ok') resolve(result.body);
        else reject(result.error);
      });
    });
  }

  #enter<T extends 'room.join' | 'room.create'>(type: T, body: RequestBody<T>): Promise<Room> {
    return this.#request<T, Room>(type, body, {}, (outcome) => {
      if (outcome.kind === 'failed') return outcome;
      const joined: unknown = outcome.body;
      if (isJoined(joined) && this.#userId !== undefined) {
        const room = this.#joined(joined, this.#userId);
        if (room !== undefined) return { kind: 'ok', body: room };
      }
      const error = new EarshotError('internal', `the hub’s answer to ${type} cannot be read`);
      return { kind: 'failed', error };
    });
  }

  #joined(joined: Joined, userId: UserId): Room | undefined {
    const known = this.#rooms.get(joined.roomId);
    if (known !== undefined) {
      known.replica.accept(joined);
      return known.room;
    }
    if (joined.snapshot === undefined) return undefined;
    const replica = new RoomReplica(joined, {
      userId,
      platform: this.#platform,
      send: (type, body, options, done) => this.#link.send(type, body, options, done),
      onLeft: () => {
        this.#rooms.delete(joined.roomId);
        addRepairs(this.#repairs, replica.repairs);
      },
    });
    const room = new Room({
      replica,
      clock: this.clock,
      userId,
      request: (type, body, options) => this.request(type, body, options),
    });
    this.#rooms.set(replica.id, { replica, room });
    return room;
  }

  #onConnected(user: User, ready: () => void): void {
    const isSomebodyElse = this.#userId !== undefined && this.#userId !== user.id;
    this.#userId = user.id;
    // A new token may be another person's: their rooms are not ours to go on with.
    if (isSomebodyElse) {
      for (const { replica } of [...this.#rooms.values()]) replica.left('unauthorised');
    }
    this.feed.connected(isSomebodyElse);
    let awaited = this.#rooms.size;
    if (awaited === 0) ready();
    for (const { replica } of [...this.#rooms.values()]) {
      replica.resume(() => {
        awaited -= 1;
        if (awaited === 0) ready();
      });
    }
  }

  #onPush(push: Push): void {
    if (!isRoomPush(push)) {
      this.feed.receive(push);
      return;
    }
    if (push.type === 'room.admitted') {
      this.#admitted.call({ roomId: push.roomId, accept: push.accept });
      return;
    }
    const joined = this.#rooms.get(push.roomId);
    if (joined === undefined) this.#strayPushes += 1;
    else joined.replica.receive(push);
  }
}

function wiresIn(thread: 'worker' | 'page', platform: Platform, listener: ProbeListener): Wires {
  const { startWorker, timeOriginMs = NaN, WebSocket } = platform;
  return thread === 'page' || startWorker === undefined || WebSocket === undefined
    ? new SocketWires(platform, listener)
    : new WorkerWires({ platform, startWorker, timeOriginMs, listener });
}

function addRepairs(sum: RepairCounts, { holes, mismatches, chatHoles }: RepairCounts): void {
  sum.holes += holes;
  sum.mismatches += mismatches;
  sum.chatHoles += chatHoles;
}

function abortReason(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new EarshotError('closed', 'the request was given up');
}
