// Owns the typed calls to the hub's REST interface; knows no socket.
import type { RoomCode, RoomId, TrackId } from '../../protocol/ids.ts';
import type { User } from '../../protocol/schemas/pushes.ts';
import type { Visibility } from '../../protocol/schemas/room.ts';
import { EarshotError, isErrorCode } from './errors.ts';
import { isRecord } from './inbound.ts';

export interface TrackSummary {
  readonly id: TrackId;
  readonly title: string;
  readonly artist: string;
  readonly album?: string;
  readonly durationMs: number;
  readonly hasCover: boolean;
  readonly mimeType: string;
  readonly sizeBytes: number;
}

export interface TrackDetail extends TrackSummary {
  /** Signed: an audio element takes it as it is. */
  readonly mediaUrl: string;
  readonly mediaUrlExpiresInMs: number;
}

export interface RoomSummary {
  readonly id: RoomId;
  readonly code: RoomCode;
  readonly name: string;
  readonly visibility: Visibility;
  readonly hereCount: number;
  /** Hub time, ms. */
  readonly createdAt: number;
}

export interface GuestGrant {
  readonly token: string;
  readonly expiresInMs: number;
  readonly user: User;
}

export interface EarshotApiOptions {
  /** Where the hub is, e.g. `https://earshot.example`; `ws:` and `wss:` do as well. */
  readonly url: string;
  /** Read anew for each call. */
  readonly token?: () => string | undefined;
  readonly fetch?: typeof fetch;
  /** From the call to the whole answer, ms. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 15_000;

/** The hub's origin over http(s), without a slash at the end. */
export function httpBase(url: string): string {
  return url.replace(/^ws/i, 'http').replace(/\/+$/, '');
}

/** All calls reject with an `EarshotError`: the hub's refusal, or `connection_lost` or `timeout` where there was no answer. */
export class EarshotApi {
  readonly #base: string;
  readonly #token: () => string | undefined;
  readonly #fetch: typeof fetch;
  readonly #timeoutMs: number;

  constructor({ url, token = () => undefined, fetch: fetchWith, timeoutMs }: EarshotApiOptions) {
    this.#base = httpBase(url);
    this.#token = token;
    this.#fetch = fetchWith ?? ((...args) => fetch(...args));
    this.#timeoutMs = timeoutMs ?? DEFAULT_TIMEOUT_MS;
  }

  createGuest(name: string): Promise<GuestGrant> {
    return this.#call<GuestGrant>('POST', '/v1/guests', { name });
  }

  me(): Promise<User> {
    return this.#call<User>('GET', '/v1/me');
  }

  /** The new token carries the new name; the old one still names the same person. */
  rename(name: string): Promise<GuestGrant> {
    return this.#call<GuestGrant>('PATCH', '/v1/me', { name });
  }

  tracks(
    query: string,
    page: { offset?: number; limit?: number } = {},
  ): Promise<{ tracks: TrackSummary[]; total: number }> {
    const search = new URLSearchParams({ q: query });
    if (page.offset !== undefined) search.set('offset', String(page.offset));
    if (page.limit !== undefined) search.set('limit', String(page.limit));
    return this.#call('GET', `/v1/tracks?${search.toString()}`);
  }

  track(id: TrackId): Promise<TrackDetail> {
    return this.#call<TrackDetail>('GET', `/v1/tracks/${encodeURIComponent(id)}`);
  }

  /** For an `img` as it is. */
  coverUrl(id: TrackId): string {
    return `${this.#base}/v1/tracks/${encodeURIComponent(id)}/cover`;
  }

  async publicRooms(): Promise<RoomSummary[]> {
    const { rooms } = await this.#call<{ rooms: RoomSummary[] }>('GET', '/v1/rooms');
    return rooms;
  }

  room(idOrCode: string): Promise<RoomSummary> {
    return this.#call<RoomSummary>('GET', `/v1/rooms/${encodeURIComponent(idOrCode)}`);
  }

  async #call<T>(method: string, path: string, body?: object): Promise<T> {
    const token = this.#token();
    const headers: Record<string, string> = { accept: 'application/json' };
    if (token !== undefined) headers.authorization = `Bearer ${token}`;
    if (body !== undefined) headers['content-type'] = 'application/json';
    const signal = AbortSignal.timeout(this.#timeoutMs);
    let response: Response;
    let text: string;
    try {
      response = await this.#fetch(this.#base + path, {
        method,
        headers,
        signal,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      text = await response.text();
    } catch (error) {
      const message = `${method} ${path} had no answer`;
      throw signal.aborted
        ? new EarshotError('timeout', `${message} within ${this.#timeoutMs} ms`, { cause: error })
        : new EarshotError('connection_lost', message, { cause: error });
    }
    const value = parse(text);
    if (!response.ok) throw problemError(response.status, value);
    if (!isRecord(value)) {
      throw new EarshotError('internal', `${method} ${path} was answered with no JSON object`, {
        status: response.status,
      });
    }
    return value as T;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A problem+json of the hub, or whatever a proxy before it says. */
function problemError(status: number, value: unknown): EarshotError {
  const problem = isRecord(value) ? value : {};
  const { code, detail, retryAfterMs } = problem;
  return new EarshotError(
    isErrorCode(code) ? code : status >= 502 && status <= 504 ? 'unavailable' : 'internal',
    typeof detail === 'string' ? detail : `the answer was ${status}`,
    { status, ...(typeof retryAfterMs === 'number' ? { retryAfterMs } : {}) },
  );
}
