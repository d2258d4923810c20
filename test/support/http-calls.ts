// REST over the application itself, on the stores and the hub of a test's world.
import { createHttpApp, type HttpApp } from '../../src/http/http-app.ts';
import type { HttpDeps } from '../../src/http/http-deps.ts';
import { createMediaSignature } from '../../src/http/media-signature.ts';
import type { Catalogue } from '../../src/ports/catalogue.ts';
import { track, type HubWorld } from './hub-world.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

export function appOver(world: HubWorld, overrides: Partial<HttpDeps> = {}): HttpApp {
  const tracks = [1, 2, 3].map((n) => track(n));
  const catalogue: Catalogue = {
    get: (id) => tracks.find((each) => each.id === id),
    search: (query, { offset, limit }) => {
      const found = tracks.filter(({ title }) => title.toLowerCase().includes(query.toLowerCase()));
      return { tracks: found.slice(offset, offset + limit), total: found.length };
    },
    open: () => Promise.resolve(undefined),
    cover: () => Promise.resolve(undefined),
    onChange: () => () => undefined,
    stop: () => Promise.resolve(),
  };
  return createHttpApp({
    ...world.ports,
    rooms: world.hub.rooms,
    catalogue,
    options: { ...world.options, guestRate: { perSecond: 0.5, burst: 3 } },
    signature: createMediaSignature({ key: 'a key of at least sixteen bytes' }),
    page: undefined,
    social: undefined,
    guests: true,
    takeRate: (userId, cost) => world.hub.takeRate(userId, cost),
    notReady: () => [],
    awayStores: () => [],
    ...overrides,
  });
}

/** @param init `json` becomes the body, `token` the authorization */
export async function call(
  app: HttpApp,
  target: string,
  init: {
    method?: string;
    json?: unknown;
    raw?: string;
    token?: string;
    headers?: Record<string, string>;
    from?: string;
  } = {},
): Promise<Answer> {
  const body = init.raw ?? (init.json === undefined ? undefined : JSON.stringify(init.json));
  const response = await app(
    new Request(`http://hub.example${target}`, {
      method: init.method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(init.token === undefined ? {} : { authorization: `Bearer ${init.token}` }),
        ...init.headers,
      },
      ...(body === undefined ? {} : { body }),
    }),
    { remoteAddress: init.from ?? '192.0.2.1' },
  );
  const text = await response.text();
  // The answer to a HEAD has the type of what it leaves out.
  const isJson = text !== '' && (response.headers.get('content-type') ?? '').includes('json');
  return {
    status: response.status,
    headers: response.headers,
    body: (isJson ? JSON.parse(text) : { text }) as Record<string, unknown>,
  };
}
