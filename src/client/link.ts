// Owns being connected: opens sockets one after the other, says hello, waits between tries, and keeps the requests. Knows no room.
import { mayReconnect } from '../../protocol/close-codes.ts';
import type { ConnectionId } from '../../protocol/ids.ts';
import type { Push, ReplyBodies, User } from '../../protocol/schemas/pushes.ts';
import type { RequestBody, RequestType } from '../../protocol/schemas/requests.ts';
import { SOCKET_PATH } from '../../protocol/version.ts';
import { Backoff } from './backoff.ts';
import type { ConnectionState } from './connection-state.ts';
import { Connection, type FrameCounts } from './connection.ts';
import { EarshotError, closeCause, closeError } from './errors.ts';
import { isGreeting, type Inbound } from './inbound.ts';
import { Cell } from './observable.ts';
import type { Platform, TimerHandle } from './platform.ts';
import { RequestBook, connectionLost, type Outcome, type SendOptions } from './request-book.ts';
import { askToken, type TokenSource } from './token-source.ts';
import type { Wires } from './wire.ts';

type ClosedState = Extract<ConnectionState, { phase: 'closed' }>;

export interface LinkOptions {
  readonly url: string;
  readonly token: TokenSource;
  readonly client: { readonly name: string; readonly version: string };
  readonly platform: Platform;
  readonly wires: Wires;
  /** The hub knows who this is. What waits for a connection is sent when `ready` was called. */
  connected(user: User, ready: () => void): void;
  lost(): void;
  /** It will not come back. `byHub`: not because `close` was called. */
  closed(error: EarshotError, byHub: boolean): void;
  push(push: Push): void;
}

/** A connection that held for this long was a good one: the next wait is a short one again. */
const STEADY_MS = 10_000;
const CLOSED_HERE = 'closed';

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: EarshotError) => void;
}

export function socketUrl(url: string): string {
  return url.replace(/^http/i, 'ws').replace(/\/+$/, '') + SOCKET_PATH;
}

export class Link {
  readonly state = new Cell<ConnectionState>({ phase: 'idle' });
  readonly counts: FrameCounts = { malformed: 0, unknown: 0 };
  readonly #options: LinkOptions;
  readonly #platform: Platform;
  readonly #book: RequestBook;
  readonly #backoff: Backoff;
  #waiters: Waiter[] = [];
  #connection: Connection | undefined;
  #connectionId: ConnectionId | undefined;
  #connectedAt: number | undefined;
  #isReady = false;
  #attempt = 0;
  #lastToken = '';
  /** The hub's word on why `hello` was refused; the close that follows has only a code. */
  #refusal: EarshotError | undefined;
  #timer: TimerHandle;
  #drainTimer: TimerHandle;
  /** When `#drainTimer` fires, by the platform's performance clock. */
  #leaveAt = 0;
  /** Grows with each life of the link: what was awaited in an earlier one is of no interest. */
  #life = 0;
  #removers: (() => void)[] = [];

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#platform = options.platform;
    this.#book = new RequestBook(options.platform);
    this.#backoff = new Backoff({ random: () => options.platform.random() });
  }

  /** Resolves at the next `hello` that is answered; rejects when it will not be. */
  connect(): Promise<void> {
    const { phase } = this.state.value;
    if (phase === 'connected') return Promise.resolve();
    const connected = new Promise<void>((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
    if (phase === 'idle' || phase === 'closed') {
      this.#life += 1;
      this.#attempt = 0;
      this.#backoff.reset();
      this.#options.wires.start();
      this.#options.wires.setHidden(this.#platform.isHidden());
      this.#removers = [
        this.#platform.onNetworkChange(() => this.#onNetworkChange()),
        this.#platform.onVisibilityChange(() => this.#onVisibilityChange()),
      ];
      this.#open();
    }
    return connected;
  }

  close(): void {
    if (this.state.value.phase === 'closed') return;
    const error = new EarshotError('closed', 'the client was closed');
    this.#finish({ phase: 'closed', cause: CLOSED_HERE }, error);
  }

  /** Sends, or keeps until there is a connection if it carries a key, or fails. `done` is called once, maybe before this returns. */
  send<T extends RequestType>(
    type: T,
    body: RequestBody<T>,
    options: SendOptions,
    done: (outcome: Outcome<T>) => void,
  ): number | undefined {
    const { phase } = this.state.value;
    if (phase === 'idle' || phase === 'closed') {
      const message = phase === 'idle' ? 'connect first' : 'the client is closed';
      done({ kind: 'failed', error: new EarshotError('closed', message) });
      return undefined;
    }
    const entry = this.#book.add(type, body, options, done);
    if (entry === undefined) return undefined;
    if (phase === 'connected' && (this.#isReady || !entry.isKeyed)) this.#transmit(entry.id);
    else if (!entry.isKeyed) this.#book.fail(entry.id, connectionLost(type));
    return entry.id;
  }

  abandon(id: number): void {
    this.#book.fail(id, new EarshotError('closed', 'given up'));
  }

  #transmit(id: number): void {
    const text = this.#book.take(id);
    if (text !== undefined) this.#connection?.send(text);
  }

  #open(): void {
    this.#attempt += 1;
    this.#refusal = undefined;
    this.state.set({ phase: 'connecting', attempt: this.#attempt });
    const life = this.#life;
    this.#token().then(
      (token) => {
        if (life === this.#life) this.#openWith(token);
      },
      (error: unknown) => {
        if (life === this.#life) this.#onNoToken(error);
      },
    );
  }

  #token(): Promise<string> {
    return askToken(this.#options.token, this.#platform);
  }

  #onNoToken(error: unknown): void {
    if (error instanceof EarshotError && !error.retryable) {
      this.#finish({ phase: 'closed', cause: error.code }, error);
    } else {
      this.#wait('token', this.#backoff.next());
    }
  }

  #openWith(token: string): void {
    this.#lastToken = token;
    let connection: Connection | undefined;
    // What an earlier socket still says is of no interest, nor what one says that was just let go of.
    const isCurrent = (): boolean => connection !== undefined && connection === this.#connection;
    try {
      connection = new Connection({
        url: socketUrl(this.#options.url),
        platform: this.#platform,
        wires: this.#options.wires,
        counts: this.counts,
        listener: {
          opened: () => isCurrent() && this.#hello(),
          frame: (inbound) => isCurrent() && this.#onFrame(inbound),
          ended: (code, reason) => isCurrent() && this.#onEnd(code, reason),
          impossible: (message) => isCurrent() && this.#onImpossible(message),
        },
      });
    } catch (error) {
      this.#onImpossible(error instanceof Error ? error.message : 'no socket can be made', error);
      return;
    }
    this.#connection = connection;
  }

  #onImpossible(message: string, cause?: unknown): void {
    const error = new EarshotError('closed', message, { cause });
    this.#finish({ phase: 'closed', cause: 'no_socket' }, error);
  }

  #hello(): void {
    const body = {
      token: this.#lastToken,
      client: this.#options.client,
      ...(this.#connectionId === undefined ? {} : { replaces: this.#connectionId }),
    };
    const entry = this.#book.add('hello', body, { onThisSocketOnly: true }, (outcome) => {
      if (outcome.kind === 'ok' && isGreeting(outcome.body)) this.#onGreeting(outcome.body);
      else if (outcome.kind === 'failed') this.#refusal = outcome.error;
      else this.#connection?.end(1006, 'the hub’s greeting cannot be read');
    });
    if (entry !== undefined) this.#transmit(entry.id);
  }

  #onGreeting({ user, connectionId, limits, heartbeatMs, features }: ReplyBodies['hello']): void {
    const connection = this.#connection;
    connection?.greeted(heartbeatMs);
    this.#connectionId = connectionId;
    this.#connectedAt = this.#platform.performanceNow();
    this.#attempt = 0;
    this.#book.limitFrames(limits.maxFrameBytes);
    this.state.set({ phase: 'connected', user, connectionId, limits, features });
    const waiters = this.#waiters.splice(0);
    for (const { resolve } of waiters) resolve();
    this.#options.connected(user, () => {
      if (connection !== this.#connection) return;
      this.#isReady = true;
      for (const id of this.#book.waiting()) this.#transmit(id);
    });
  }

  #onFrame(inbound: Inbound): void {
    switch (inbound.kind) {
      case 'ok':
        this.#book.succeed(inbound.id, inbound.body);
        break;
      case 'error':
        if (inbound.id !== undefined) this.#book.refuse(inbound.id, inbound.refusal);
        break;
      case 'push':
        this.#onPush(inbound.push);
        break;
      case 'unknown':
      case 'malformed':
        break;
    }
  }

  #onPush(push: Push): void {
    if (push.type === 'session.expiring') this.#refresh();
    else if (push.type === 'hub.draining') this.#leaveWithin(push.reconnectWithinMs);
    else this.#options.push(push);
  }

  /** A fresh token for this socket. Where there is none the hub closes with `token_expired`, and the next try asks again. */
  #refresh(): void {
    if (typeof this.#options.token === 'string') return;
    const connection = this.#connection;
    this.#token().then(
      (token) => {
        if (connection !== this.#connection || this.state.value.phase !== 'connected') return;
        this.#lastToken = token;
        this.send('auth.refresh', { token }, { onThisSocketOnly: true }, () => undefined);
      },
      () => undefined,
    );
  }

  /**
   * The hub is about to stop: all its clients leave spread over the window, each at a moment of its own. Where the hub says so again, as one that
   * is to stop while an operator drains it, the sooner of both moments holds.
   */
  #leaveWithin(windowMs: number): void {
    const delayMs = this.#backoff.within(windowMs);
    const leaveAt = this.#platform.performanceNow() + delayMs;
    if (this.#drainTimer !== undefined) {
      if (leaveAt >= this.#leaveAt) return;
      this.#platform.clearTimeout(this.#drainTimer);
    }
    this.#leaveAt = leaveAt;
    this.#drainTimer = this.#platform.setTimeout(() => {
      this.#drainTimer = undefined;
      this.#drop();
      this.#wait('draining', 0);
    }, delayMs);
  }

  #onEnd(code: number, reason: string): void {
    const wasDraining = this.#drainTimer !== undefined;
    this.#drop();
    const cause = closeCause(code);
    const isHopeless = cause === 'token_expired' && typeof this.#options.token === 'string';
    if (!mayReconnect(code) || isHopeless) {
      this.#finish({ phase: 'closed', cause, code }, this.#refusal ?? closeError(code, reason));
      return;
    }
    const retryAfterMs = this.#refusal?.retryAfterMs ?? 0;
    this.#wait(wasDraining ? 'draining' : cause, this.#backoff.next(retryAfterMs));
  }

  /** Lets go of the socket, with what was under way on it. */
  #drop(): void {
    const connection = this.#connection;
    const wasConnected = this.#connectedAt !== undefined;
    if (
      this.#connectedAt !== undefined &&
      this.#platform.performanceNow() - this.#connectedAt >= STEADY_MS
    ) {
      this.#backoff.reset();
    }
    this.#connection = undefined;
    this.#connectedAt = undefined;
    this.#isReady = false;
    this.#clearTimers();
    connection?.end(1000, '');
    this.#book.lost();
    if (wasConnected) this.#options.lost();
  }

  #wait(cause: string, delayMs: number): void {
    const retryAt = this.#platform.performanceNow() + delayMs;
    this.state.set({ phase: 'waiting', attempt: this.#attempt + 1, retryAt, cause });
    this.#timer = this.#platform.setTimeout(() => {
      this.#timer = undefined;
      this.#open();
    }, delayMs);
  }

  #onNetworkChange(): void {
    const { value } = this.state;
    if (value.phase === 'connected') {
      this.#connection?.doubt();
    } else if (value.phase === 'waiting' && value.cause === 'network') {
      // The wait was for a network that is there now.
      this.#clearTimers();
      this.#open();
    }
  }

  #onVisibilityChange(): void {
    this.#options.wires.setHidden(this.#platform.isHidden());
    // A page that was hidden may have slept, and its timers with it.
    if (!this.#platform.isHidden()) this.#onNetworkChange();
  }

  #finish(state: ClosedState, error: EarshotError): void {
    this.#life += 1;
    this.#drop();
    this.#options.wires.stop();
    for (const remove of this.#removers.splice(0)) remove();
    this.state.set(state);
    this.#book.failAll(error);
    const waiters = this.#waiters.splice(0);
    for (const { reject } of waiters) reject(error);
    this.#options.closed(error, state.cause !== CLOSED_HERE);
  }

  #clearTimers(): void {
    if (this.#timer !== undefined) this.#platform.clearTimeout(this.#timer);
    if (this.#drainTimer !== undefined) this.#platform.clearTimeout(this.#drainTimer);
    this.#timer = undefined;
    this.#drainTimer = undefined;
  }
}
