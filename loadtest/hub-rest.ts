// Owns what the generator asks of a hub by REST, before and during a run: tracks, rooms, guests, readiness, metrics. Its errors name the
// address and what was answered.
import { Agent as PlainAgent, request as plainRequest } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import type { RoomId, TrackId } from '../protocol/ids.ts';
import type { Preset } from '../protocol/schemas/room.ts';
import type { Target } from './wire/lean-socket.ts';

export interface Somebody {
  readonly id: string;
  readonly token: string;
}

/** A hub that answered, and not with what was asked for. */
export class HubAnswerError extends Error {
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

const TIMEOUT_MS = 15_000;
const AT_ONCE = 16;
const MOST_TRIES = 20;

export class HubRest {
  readonly #target: Target;
  readonly #agent: PlainAgent | TlsAgent;

  constructor(target: Target) {
    this.#target = target;
    const { isSecure, ca, isInsecure } = target;
    const trust = { ...(ca === undefined ? {} : { ca }), rejectUnauthorized: isInsecure !== true };
    const keep = { keepAlive: true, maxSockets: AT_ONCE };
    this.#agent = isSecure ? new TlsAgent({ ...keep, ...trust }) : new PlainAgent(keep);
  }

  get address(): string {
    const { isSecure, authority, pathPrefix } = this.#target;
    return `${isSecure ? 'https' : 'http'}://${authority}${pathPrefix}`;
  }

  /** Ids of tracks that can be queued, at most 200. @throws where nobody answers, or it is no Earshot */
  async tracks(token: string): Promise<TrackId[]> {
    const { tracks } = await this.#json<{ tracks: { id: TrackId }[] }>(
      'GET',
      '/v1/tracks?limit=200',
      token,
    );
    return tracks.map(({ id }) => id);
  }

  async createRoom(token: string, name: string, preset: Preset): Promise<RoomId> {
    const draft = { name, preset, visibility: 'unlisted' };
    const { id } = await this.#json<{ id: RoomId }>('POST', '/v1/rooms', token, draft);
    return id;
  }

  async createGuest(name: string): Promise<Somebody> {
    const { user, token } = await this.#json<{ user: { id: string }; token: string }>(
      'POST',
      '/v1/guests',
      undefined,
      { name },
    );
    return { id: user.id, token };
  }

  /** Makes two people friends. Both are known to the hub from then on. */
  async befriend(asks: Somebody, accepts: Somebody): Promise<void> {
    await this.#json('POST', '/v1/friends/requests', asks.token, { userId: accepts.id });
    await this.#json('POST', `/v1/friends/requests/${asks.id}/accept`, accepts.token);
  }

  /** Makes somebody known to the hub, who came with a token of an operator's. */
  async introduce({ token }: Somebody): Promise<void> {
    await this.#json('PATCH', '/v1/me', token, {});
  }

  /** The metrics in the text format of Prometheus; undefined where the hub does not show them. */
  async metrics(): Promise<string | undefined> {
    const { status, text } = await this.#call('GET', '/metrics', undefined, undefined);
    return status === 200 ? text : undefined;
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Waits and asks again where the hub says that it was too often. */
  async #json<Body>(
    method: string,
    path: string,
    token: string | undefined,
    body?: object,
  ): Promise<Body> {
    for (let tries = 1; ; tries += 1) {
      const { status, text } = await this.#call(method, path, token, body);
      if (status >= 200 && status < 300)
        return (text === '' ? undefined : JSON.parse(text)) as Body;
      const { detail, retryAfterMs } = problemOf(text);
      if (status === 429 && tries < MOST_TRIES && retryAfterMs <= TIMEOUT_MS) {
        await new Promise((resolve) => setTimeout(resolve, Math.max(50, retryAfterMs)));
        continue;
      }
      const words = `${method} ${this.address}${path} was answered with ${status}: ${detail}`;
      throw new HubAnswerError(words, status);
    }
  }

  #call(
    method: string,
    path: string,
    token: string | undefined,
    body: object | undefined,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const { isSecure, host, port, authority, pathPrefix } = this.#target;
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers: Record<string, string | number> = { host: authority, accept: '*/*' };
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    if (payload !== undefined) {
      headers['content-type'] = 'application/json';
      headers['content-length'] = Buffer.byteLength(payload);
    }
    const options = {
      method,
      host,
      port,
      path: `${pathPrefix}${path}`,
      headers,
      agent: this.#agent,
    };
    return new Promise((resolve, reject) => {
      const request = (isSecure ? tlsRequest : plainRequest)(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() });
        });
      });
      request.setTimeout(TIMEOUT_MS, () =>
        request.destroy(new Error(`no answer in ${TIMEOUT_MS} ms`)),
      );
      request.on('error', (error) => {
        reject(new Error(`${this.address} cannot be reached: ${error.message || String(error)}`));
      });
      request.end(payload);
    });
  }
}

/** What a problem document says, or the beginning of whatever else was sent. */
function problemOf(text: string): { readonly detail: string; readonly retryAfterMs: number } {
  try {
    const { detail, title, retryAfterMs } = JSON.parse(text) as Record<string, unknown>;
    const told = detail ?? title;
    return {
      detail: typeof told === 'string' ? told : text.slice(0, 200),
      retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : 0,
    };
  } catch {
    return { detail: text.slice(0, 200) || 'nothing', retryAfterMs: 0 };
  }
}

/** Calls for each item, some at once, and keeps the order of the results. @param isOver whether the rest is left out */
export async function eachOf<Item, Result>(
  items: readonly Item[],
  call: (item: Item) => Promise<Result>,
  isOver: () => boolean = () => false,
): Promise<Result[]> {
  const results = new Map<number, Result>();
  let at = 0;
  const work = async (): Promise<void> => {
    for (let i = at; i < items.length && !isOver(); i = at) {
      at += 1;
      results.set(i, await call(items[i] as Item));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return [...results].sort(([a], [b]) => a - b).map(([, result]) => result);
}
