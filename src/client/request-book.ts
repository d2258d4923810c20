// Owns the requests that have no answer yet: which reply belongs to which, how long each may take, and which of them survive the
// socket. Knows no socket.
import type { RequestBody, RequestType } from '../../protocol/schemas/requests.ts';
import type { ReplyBodies, Revised } from '../../protocol/schemas/pushes.ts';
import { EarshotError, refusalError } from './errors.ts';
import type { Platform, TimerHandle } from './platform.ts';
import { isKeyed, newKey } from './request-keys.ts';

/** Requests that change a room are answered with where it stands then; the rest with nothing. */
type UnansweredType =
  | 'auth.refresh'
  | 'room.leave'
  | 'ready'
  | 'sync.report'
  | 'reaction.send'
  | 'feed.unsubscribe'
  | 'activity.remove'
  | 'activity.react';

/** What the reply to a request of type `T` carries. */
export type ReplyOf<T extends RequestType> = T extends keyof ReplyBodies
  ? ReplyBodies[T]
  : T extends UnansweredType
    ? object
    : Revised;

export type Outcome<T extends RequestType> =
  | { readonly kind: 'ok'; readonly body: ReplyOf<T> }
  | { readonly kind: 'failed'; readonly error: EarshotError };

export interface RequestOptions {
  /** Makes it safe to send again: it survives the socket, and the hub does it once. Some types get one by themselves. */
  readonly key?: string;
  /** From now to the answer, with all waiting for a connection, ms. */
  readonly timeoutMs?: number;
  /** Gives up the waiting. What the hub has got by then it may still do. */
  readonly signal?: AbortSignal;
}

export interface SendOptions extends Omit<RequestOptions, 'signal'> {
  /** Never with a key, whatever the type: it is part of the conversation on this very socket. */
  readonly onThisSocketOnly?: boolean;
}

interface Pending {
  readonly id: number;
  readonly type: RequestType;
  readonly text: string;
  readonly isKeyed: boolean;
  readonly done: (outcome: Outcome<RequestType>) => void;
  readonly timer: TimerHandle;
  /** Sent on the socket of now. */
  isUnderWay: boolean;
}

const DEFAULT_TIMEOUT_MS = 15_000;

export class RequestBook {
  readonly #platform: Platform;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #maxFrameBytes = Infinity;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** A larger frame would cost the connection: it is refused here. */
  limitFrames(maxFrameBytes: number): void {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /**
   * Enters a request. `done` is called once, within the frame that answers it, so that what the reply brings is there before the
   * next push.
   * @returns the entry; undefined when `done` was called already
   */
  add<T extends RequestType>(
    type: T,
    body: RequestBody<T>,
    options: SendOptions,
    done: (outcome: Outcome<T>) => void,
  ): { readonly id: number; readonly isKeyed: boolean } | undefined {
    const id = this.#nextId;
    this.#nextId += 1;
    const given = (body as { readonly key?: string }).key ?? options.key;
    const key = options.onThisSocketOnly
      ? undefined
      : (given ?? (isKeyed(type) ? newKey(() => this.#platform.random()) : undefined));
    const text = JSON.stringify({ ...body, id, type, ...(key === undefined ? {} : { key }) });
    const bytes = new TextEncoder().encode(text).length;
    if (bytes > this.#maxFrameBytes) {
      const message = `a frame has at most ${this.#maxFrameBytes} bytes, this ${type} has ${bytes}`;
      done({ kind: 'failed', error: new EarshotError('too_large', message) });
      return undefined;
    }
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const timer = this.#platform.setTimeout(() => {
      this.fail(id, new EarshotError('timeout', `${type} was not answered within ${timeoutMs} ms`));
    }, timeoutMs);
    const entry: Pending = {
      id,
      type,
      text,
      isKeyed: key !== undefined,
      // The reply's shape is the type's: the book only keeps them side by side.
      done: done as Pending['done'],
      timer,
      isUnderWay: false,
    };
    this.#pending.set(id, entry);
    return entry;
  }

  /** The frame to send now, and from now on an answer is awaited. Undefined when it is sent or settled already. */
  take(id: number): string | undefined {
    const entry = this.#pending.get(id);
    if (entry === undefined || entry.isUnderWay) return undefined;
    entry.isUnderWay = true;
    return entry.text;
  }

  /** Those that wait for a connection, oldest first. */
  waiting(): number[] {
    return [...this.#pending.values()].filter((entry) => !entry.isUnderWay).map(({ id }) => id);
  }

  /** @returns whether anybody had asked */
  succeed(id: number, body: Readonly<Record<string, unknown>>): boolean {
    return this.#settle(id, { kind: 'ok', body: body as unknown as ReplyOf<RequestType> });
  }

  refuse(id: number, refusal: Readonly<Record<string, unknown>>): boolean {
    return this.#settle(id, { kind: 'failed', error: refusalError(refusal) });
  }

  fail(id: number, error: EarshotError): boolean {
    return this.#settle(id, { kind: 'failed', error });
  }

  /** The socket is gone: what has a key waits for the next one, the rest fails. */
  lost(): void {
    for (const entry of [...this.#pending.values()]) {
      if (entry.isKeyed) entry.isUnderWay = false;
      else this.fail(entry.id, connectionLost(entry.type));
    }
  }

  failAll(error: EarshotError): void {
    for (const id of [...this.#pending.keys()]) this.fail(id, error);
  }

  #settle(id: number, outcome: Outcome<RequestType>): boolean {
    const entry = this.#pending.get(id);
    if (entry === undefined) return false;
    this.#pending.delete(id);
    this.#platform.clearTimeout(entry.timer);
    entry.done(outcome);
    return true;
  }
}

export function connectionLost(type: RequestType): EarshotError {
  return new EarshotError(
    'connection_lost',
    `there is no connection for ${type}; whether the hub has done it is not known if it was sent`,
  );
}
