// Owns the typed calls to the hub's REST interface; knows no socket.
import type { RoomCode, RoomId, TrackId } from '../../protocol/ids.ts';
import type { User } from '../../protocol/schemas/pushes.ts';
import type { Visibility } from '../../protocol/schemas/room.ts';
import { ListeningCalls } from './listening-calls.ts';
import { PeopleCalls } from './people-calls.ts';
import { restBlob, restCall, type RestCall, type RestCallOptions } from './rest-call.ts';

export interface TrackSummary {
  readonly id: TrackId;
  readonly title: string;
  readonly artist: string;
  readonly album?: string;
  readonly durationMs: number;
  readonly hasCover: boolean;
  readonly mimeType: string;
  readonly sizeBytes: number;
  /** What brings it to −18 LUFS, in dB; absent where the file has no such tag. */
  readonly gainDb?: number;
  /** The largest sample; 1 is full scale. */
  readonly peak?: number;
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
  /** Given once, to this device: its secret brings tokens from then on. */
  readonly device?: { readonly id: string; readonly secret: string };
}

export interface EarshotApiOptions {
  /** Where the hub is, e.g. `https://earshot.example`; `ws:` and `wss:` do as well. */
  readonly url: string;
  /** Read anew for each call. */
  readonly token?: () => string | undefined;
  readonly fetch?: typeof fetch;
  /** From the call to the whole answer, ms. */
  readonly timeoutMs?: number;
  /** Resolves after so many ms: for calls that wait until the hub takes more. */
  readonly wait?: (ms: number) => Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 15_000;

/** The hub's origin over http(s), without a slash at the end. */
export function httpBase(url: string): string {
  return url.replace(/^ws/i, 'http').replace(/\/+$/, '');
}

/** All calls reject with an `EarshotError`: the hub's refusal, or `connection_lost` or `timeout` where there was no answer. */
export class EarshotApi {
  readonly people: PeopleCalls;
  readonly listening: ListeningCalls;
  readonly #base: string;
  readonly #call: RestCall;

  constructor({
    url,
    token = () => undefined,
    fetch: fetchWith,
    timeoutMs,
    wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  }: EarshotApiOptions) {
    this.#base = httpBase(url);
    const options: RestCallOptions = {
      base: this.#base,
      token,
      fetch: fetchWith ?? ((...args) => fetch(...args)),
      timeoutMs: timeoutMs ?? DEFAULT_TIMEOUT_MS,
    };
    this.#call = restCall(options);
    this.people = new PeopleCalls(this.#call);
    this.listening = new ListeningCalls(this.#call, restBlob(options), wait);
  }

  /** @param device the label of this browser or app, to be given a secret that brings tokens from then on */
  createGuest(name: string, device?: string): Promise<GuestGrant> {
    const body = { name, ...(device === undefined ? {} : { device }) };
    return this.#call<GuestGrant>('POST', '/v1/guests', body);
  }

  /** A fresh token of the person whose device it is; `unauthorised` where the device was revoked. */
  tokenFor(deviceSecret: string): Promise<GuestGrant> {
    return this.#call<GuestGrant>('POST', '/v1/tokens', { deviceSecret });
  }

  /** Takes the account of the link to this device; `not_found` where the link was used or is too old. */
  redeemLink(code: string, label?: string): Promise<GuestGrant> {
    const body = label === undefined ? undefined : { label };
    return this.#call<GuestGrant>('POST', `/v1/links/${encodeURIComponent(code)}`, body);
  }

  me(): Promise<User> {
    return this.#call<User>('GET', '/v1/me');
  }

  /**
   * Of a guest. The new token carries the new name and ends when the old one does, which still names the same person. An operator's
   * people are renamed as well, and given no token.
   */
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
}
