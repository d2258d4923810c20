// What the fuzzer of REST begins with, against the OpenAPI document: seeds of routes that are gone, or of fields that have other names, fuzz nothing.
import { beforeAll, describe, expect, it } from 'vitest';
import {
  REST_SEEDS,
  SEEDS_BESIDE,
  SEEDS_WITH_HEADERS,
  SEEDS_WITH_MUCH,
  textOf,
  type RestSeed,
} from './rest-seeds.ts';
import { RestWorld, routeOf, routesOf, type Route } from './rest-world.ts';

interface Done {
  readonly seed: string;
  readonly who: string;
  readonly route: string | undefined;
  readonly status: number;
}

const nameOf = ({ method, path }: Route): string => `${method} ${path}`;

/** Each in a world that no other has changed. */
async function doneBy(seeds: readonly RestSeed[], routes: readonly Route[]): Promise<Done[]> {
  const all: Done[] = [];
  for (const seed of seeds) {
    const world = await RestWorld.create();
    const performed = await world.perform(new TextEncoder().encode(textOf(seed)));
    if (performed === undefined) throw new Error(`no request: ${seed[0]}`);
    const route = routeOf(routes, performed);
    all.push({
      ...{ seed: seed[0], who: performed.who, status: performed.answer.status },
      route: route === undefined ? undefined : nameOf(route),
    });
  }
  return all;
}

describe('the seeds of REST', () => {
  let routes: readonly Route[];
  let done: readonly Done[];

  beforeAll(async () => {
    const { social } = await RestWorld.create();
    routes = await routesOf(social.app);
    done = await doneBy(REST_SEEDS, routes);
  });

  it('lead to a route each', () => {
    expect(done.filter(({ route }) => route === undefined)).toEqual([]);
  });

  it('do what each route of the document is for', () => {
    expect(routes.length).toBeGreaterThan(40);
    const succeeded = new Set(done.filter(({ status }) => status < 400).map(({ route }) => route));
    expect(routes.map(nameOf).filter((route) => !succeeded.has(route))).toEqual([]);
  });

  it('are refused where the token lacks the role of an operator, or was revoked, and nowhere else', () => {
    const refused = done.filter(({ status }) => status >= 400);
    const forbidden = refused.filter(({ status }) => status === 403).map(({ route }) => route);
    const ofOperators = routes.map(nameOf).filter((route) => route.includes('/v1/operator/'));
    expect([...new Set(forbidden)].sort()).toEqual(ofOperators.sort());
    const others = refused.filter(({ status }) => status !== 403);
    expect(others.map(({ seed, status }) => [seed, status])).toEqual([['GET /v1/me revoked', 401]]);
  });

  it('beside the document are of what is there all the same, but for one', async () => {
    const beside = await doneBy(SEEDS_BESIDE, []);
    expect(beside.map(({ seed, status }) => [seed, status])).toEqual([
      // There is no cover, and the signature is none.
      ['GET /v1/tracks/track2/cover', 404],
      ['GET /media/track1?expires=1&signature=a', 403],
      ['GET /openapi.json', 200],
      ['GET /asyncapi.json', 200],
      ['GET /metrics', 200],
      ['GET /nowhere', 404],
      ['OPTIONS /v1/me', 404],
      ['HEAD /v1/feed', 200],
    ]);
  });

  it('with headers of much of the same are answered as if those were not there', async () => {
    const told = await doneBy(SEEDS_WITH_MUCH, []);
    expect(told.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200, 400]);
  });

  it('with headers have them read', async () => {
    const told = await doneBy(SEEDS_WITH_HEADERS, []);
    expect(told.map(({ seed, status }) => [...seed.split('\n'), status])).toEqual([
      ['GET @media nobody', 200],
      ['GET @media nobody', 'Range: bytes=10-19', 206],
      ['GET @media nobody', 'Range: bytes = - 5', 'If-Range: "tag"', 206],
      ['GET @media nobody', 'Range: bytes=0-1', 'If-Range: Thu, 02 Jan 2020 03:04:05 GMT', 206],
      ['GET @media nobody', 'Range: bytes=0-1', 'If-Range: "old"', 200],
      ['GET @media nobody', 'Range: bytes=0-1,5-6', 200],
      ['GET @media nobody', 'Range: bytes=200-', 416],
      ['GET @media nobody', 'If-None-Match: *', 304],
      ['HEAD @media nobody', 'If-Modified-Since: Thu, 02 Jan 2020 03:04:05 GMT', 304],
      ['GET /v1/tracks/track1/cover nobody', 200],
      ['GET /v1/tracks/track1/cover nobody', 'If-None-Match: W/"old", "tag"', 304],
      ['GET / nobody', 'Accept-Encoding: br, gzip;q=0.5', 200],
      ['GET /index.html nobody', 'Accept-Encoding: identity', 200],
      ['GET /v1/rooms nobody', 'X-Forwarded-For: 192.0.2.7, [2001:db8::1]:443', 200],
      ['GET /v1/rooms nobody', 'X-Forwarded-For: ::ffff:192.0.2.7, fe80::1%eth0', 200],
      ['PATCH /v1/me', 'Content-Type: application/json; charset=utf-8', 200],
      ['PATCH /v1/me', 'Content-Type: text/plain;charset=utf-16', 400],
      ['PATCH /v1/me', 'Content-Type: multipart/form-data; boundary=x', 400],
    ]);
  });
});
