// REST over the application itself: what it answers, and how it refuses.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { OpenAPIHono } from '@hono/zod-openapi';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createPromMetrics } from '../../src/adapters/system/prom-metrics.ts';
import type { HttpApp } from '../../src/http/http-app.ts';
import { COVER_RATE } from '../../src/http/media-route.ts';
import { loadPage } from '../../src/http/page.ts';
import type { Catalogue } from '../../src/ports/catalogue.ts';
import { appOver, call } from '../support/http-calls.ts';
import { HubWorld, trackId, userId } from '../support/hub-world.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

const TOKEN = `${userId(1)}|Ana`;

describe('guests', () => {
  it('get a token for a name, by which they are known', async () => {
    const app = appOver(new HubWorld());
    const { status, body, headers } = await call(app, '/v1/guests', { json: { name: '  Ana ' } });
    expect(status).toBe(201);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body['user']).toMatchObject({ name: 'Ana', guest: true });
    const me = await call(app, '/v1/me', { token: body['token'] as string });
    expect(me.body).toEqual(body['user']);
  });

  it('may change their name, which then counts whatever the old token says', async () => {
    const app = appOver(new HubWorld());
    const made = await call(app, '/v1/guests', { json: { name: 'Ana' } });
    const token = made.body['token'] as string;
    const renamed = await call(app, '/v1/me', { method: 'PATCH', json: { name: 'Anna' }, token });
    expect(renamed.body['user']).toMatchObject({ name: 'Anna' });
    expect((await call(app, '/v1/me', { token })).body).toMatchObject({ name: 'Anna' });
  });

  it.each([
    ['an empty name', { name: '   ' }, 'name'],
    ['a name that turns its reader round', { name: 'a\u202eb' }, 'name'],
    ['a name of 65 characters', { name: 'x'.repeat(65) }, 'name'],
    ['no name', {}, 'name'],
    ['a number for a name', { name: 7 }, 'name'],
  ])('are refused with %s', async (_, json, field) => {
    const { status, body, headers } = await call(appOver(new HubWorld()), '/v1/guests', { json });
    expect(status).toBe(400);
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(body).toMatchObject({ code: 'bad_request', status: 400 });
    expect(body['detail']).toMatch(new RegExp(`^${field}: `));
  });

  it('are refused a body that is not JSON', async () => {
    const { status, body } = await call(appOver(new HubWorld()), '/v1/guests', { raw: '{"name":' });
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'bad_request' });
  });

  it('are limited by address, and told when to come back', async () => {
    const app = appOver(new HubWorld());
    const make = (from: string) => call(app, '/v1/guests', { json: { name: 'Ana' }, from });
    for (let n = 0; n < 3; n += 1) expect((await make('192.0.2.9')).status).toBe(201);
    const { status, body, headers } = await make('192.0.2.9');
    expect(status).toBe(429);
    expect(body).toMatchObject({ code: 'rate_limited' });
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await make('192.0.2.10')).status).toBe(201);
  });

  it('are counted by the forwarded address where the proxy is trusted, and only there', async () => {
    const make = (app: HttpApp, forwarded: string) =>
      call(app, '/v1/guests', { json: { name: 'Ana' }, headers: { 'x-forwarded-for': forwarded } });
    const trusting = appOver(new HubWorld({ trustProxy: { kind: 'hops', count: 1 } }));
    for (let n = 0; n < 5; n += 1)
      expect((await make(trusting, `198.51.100.${n}`)).status).toBe(201);
    const wary = appOver(new HubWorld());
    const statuses = [];
    for (let n = 0; n < 5; n += 1) statuses.push((await make(wary, `198.51.100.${n}`)).status);
    expect(statuses).toEqual([201, 201, 201, 429, 429]);
  });

  it('get none where guests are switched off', async () => {
    const app = appOver(new HubWorld(), { guests: false });
    const { status, body } = await call(app, '/v1/guests', { json: { name: 'Ana' } });
    expect([status, body['code']]).toEqual([403, 'guests_disabled']);
  });
});

describe('a token', () => {
  it('has a rate over REST and sockets together, and rooms cost more than looks', async () => {
    const world = new HubWorld({ userRate: { perSecond: 1, burst: 25 } });
    const app = appOver(world);
    const make = () => call(app, '/v1/rooms', { json: { name: 'Kitchen' }, token: TOKEN });
    expect([(await make()).status, (await make()).status]).toEqual([201, 201]);
    const { status, body } = await make();
    expect(status).toBe(429);
    expect(body).toMatchObject({ code: 'rate_limited', retryAfterMs: 5_000 });
    expect((await call(app, '/v1/me', { token: TOKEN })).status).toBe(200);
    const client = await world.connect(1);
    const roomId = '00000000-0000-4000-8000-000000000001';
    for (let n = 0; n < 4; n += 1) await client.ask('room.leave', { roomId });
    expect(await client.ask('room.leave', { roomId })).toMatchObject({
      code: 'rate_limited',
    });
  });

  it.each([
    ['none', undefined],
    ['one that is invalid', 'nonsense'],
    ['one that has expired', 'expired'],
  ])('is needed: %s is answered 401', async (_, token) => {
    const app = appOver(new HubWorld());
    const { status, body, headers } = await call(
      app,
      '/v1/tracks',
      token === undefined ? {} : { token },
    );
    expect([status, body['code']]).toEqual([401, 'unauthorised']);
    expect(headers.get('www-authenticate')).toBe('Bearer');
    if (token !== undefined) expect(JSON.stringify(body)).not.toContain(`"${token}"`);
  });
});

describe('tracks', () => {
  it('come with their loudness where the file tells it', async () => {
    const app = appOver(new HubWorld());
    const tagged = await call(app, `/v1/tracks/${trackId(2)}`, { token: TOKEN });
    expect(tagged.body).toMatchObject({ gainDb: -7.5, peak: 0.98 });
    const plain = await call(app, `/v1/tracks/${trackId(1)}`, { token: TOKEN });
    expect(plain.body).not.toHaveProperty('gainDb');
    expect(plain.body).not.toHaveProperty('peak');
  });

  it('are searched, in pages', async () => {
    const app = appOver(new HubWorld());
    const { body } = await call(app, '/v1/tracks?q=title&offset=1&limit=1', { token: TOKEN });
    expect(body).toMatchObject({ total: 3, tracks: [{ id: trackId(2), title: 'Title 2' }] });
  });

  it.each(['limit=0', 'limit=201', 'offset=-1', 'limit=x'])('refuse the page %s', async (query) => {
    const { status, body } = await call(appOver(new HubWorld()), `/v1/tracks?${query}`, {
      token: TOKEN,
    });
    expect(status).toBe(400);
    expect(body['detail']).toMatch(/^(?:limit|offset): /);
  });

  it('come with a signed URL, which the media route takes as it is', async () => {
    const app = appOver(new HubWorld());
    const { body } = await call(app, `/v1/tracks/${trackId(1)}`, { token: TOKEN });
    expect(body['mediaUrl']).toMatch(new RegExp(`^/media/${trackId(1)}\\?`));
    // The file behind this made-up catalogue is missing; the signature is not.
    expect((await call(app, body['mediaUrl'] as string)).status).toBe(404);
    expect((await call(app, `/media/${trackId(1)}`)).status).toBe(403);
    expect((await call(app, '/v1/tracks/nope', { token: TOKEN })).status).toBe(404);
  });
});

describe('covers', () => {
  it('are limited by address, whatever is asked of them, and told when to come back', async () => {
    const cover = { mimeType: 'image/png', bytes: new Uint8Array(9), etag: '"tag"' };
    const asked: string[] = [];
    const catalogue = {
      cover: (id: string) => {
        asked.push(id);
        return Promise.resolve(cover);
      },
    } as unknown as Catalogue;
    const app = appOver(new HubWorld({ userRate: { perSecond: 1, burst: 1 } }), { catalogue });
    const ask = (from: string, init = {}) => call(app, '/v1/tracks/one/cover', { from, ...init });
    const ways = [{}, { method: 'HEAD' }, { headers: { 'if-none-match': '"tag"' } }];
    const answers = [];
    // Some are given back while they are used up, hardly as many again.
    for (let n = 0; n < COVER_RATE.burst * 3 && answers.at(-1)?.status !== 429; n += 1)
      answers.push(await ask('192.0.2.9', ways[n % ways.length]));
    expect(answers.length).toBeGreaterThan(COVER_RATE.burst);
    expect(asked).toHaveLength(answers.length - 1);
    expect(answers.at(-1)?.status).toBe(429);
    expect(Number(answers.at(-1)?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await ask('192.0.2.10')).status).toBe(200);
  });
});

describe('rooms', () => {
  it('are made, and found by id and by code as it is typed', async () => {
    const app = appOver(new HubWorld());
    const made = await call(app, '/v1/rooms', {
      json: { name: 'Kitchen', visibility: 'public' },
      token: TOKEN,
    });
    expect(made.status).toBe(201);
    const { id, code } = made.body as { id: string; code: string };
    expect((await call(app, `/v1/rooms/${id}`)).body).toEqual(made.body);
    expect((await call(app, `/v1/rooms/${code.toLowerCase()}`)).body).toEqual(made.body);
    expect((await call(app, '/v1/rooms')).body).toMatchObject({ rooms: [{ id, name: 'Kitchen' }] });
    expect((await call(app, '/v1/rooms/nope')).status).toBe(404);
  });
});

describe('operations', () => {
  it('tell life, readiness with its reasons, and metrics', async () => {
    const world = new HubWorld();
    expect((await call(appOver(world), '/healthz')).body).toEqual({ ok: true });
    expect((await call(appOver(world), '/readyz')).status).toBe(200);
    const draining = await call(appOver(world, { notReady: () => ['draining'] }), '/readyz');
    expect([draining.status, draining.body]).toEqual([
      503,
      { ready: false, reasons: ['draining'], away: [] },
    ]);
    // Rooms go on without it, so visitors are not sent elsewhere: all nodes would send them.
    const away = [{ store: 'mongodb', awayMs: 7_000 }];
    const lacking = await call(appOver(world, { awayStores: () => away }), '/readyz');
    expect([lacking.status, lacking.body]).toEqual([200, { ready: true, reasons: [], away }]);
    expect((await call(appOver(world), '/metrics')).status).toBe(200);
  });

  it('tell readiness among the metrics, as it is when they are looked at', async () => {
    const reasons: string[] = [];
    const app = appOver(new HubWorld(), {
      metrics: createPromMetrics(),
      notReady: () => reasons,
      awayStores: () => [{ store: 'mongodb', awayMs: 7_000 }],
    });
    const ready = async () =>
      /^earshot_ready (\d)$/m.exec((await call(app, '/metrics')).body['text'] as string)?.[1];
    expect(await ready()).toBe('1');
    reasons.push('draining');
    expect(await ready()).toBe('0');
    reasons.pop();
    expect(await ready()).toBe('1');
  });

  it('describe themselves: every path of the document is answered, and both documents are JSON', async () => {
    const app = appOver(new HubWorld());
    const { body } = await call(app, '/openapi.json');
    expect(Object.keys(body['paths'] as object).sort()).toEqual([
      '/healthz',
      '/readyz',
      '/v1/guests',
      '/v1/me',
      '/v1/rooms',
      '/v1/rooms/{room}',
      '/v1/rooms/{room}/sessions',
      '/v1/sessions/{id}',
      '/v1/tracks',
      '/v1/tracks/{trackId}',
    ]);
    expect((await call(app, '/asyncapi.json')).body).toMatchObject({ asyncapi: '3.0.0' });
  });

  it('describe REST in one text, which is made once, at the first question', async () => {
    // All that is known of the routes, which the document is made of.
    const registry = Object.getPrototypeOf(new OpenAPIHono().openAPIRegistry) as {
      readonly definitions: unknown;
    };
    const made = vi.spyOn(registry, 'definitions', 'get');
    cleanUps.push(() => {
      made.mockRestore();
      return Promise.resolve();
    });
    const app = appOver(new HubWorld());
    expect(made).not.toHaveBeenCalled();
    const answers = [await call(app, '/openapi.json'), await call(app, '/openapi.json')];
    const [first, second] = answers;
    expect(second?.body).toEqual(first?.body);
    expect(answers.map(({ headers }) => headers.get('content-type'))).toEqual([
      'application/json',
      'application/json',
    ]);
    expect(made).toHaveBeenCalledTimes(1);
  });

  it('log a failure with the route and who asked, and count what they refuse by its code', async () => {
    const world = new HubWorld();
    const metrics = createPromMetrics();
    const create = (): never => {
      throw new TypeError('of ours');
    };
    const app = appOver(world, { metrics, rooms: { create } as never });
    const asked = await call(app, '/v1/rooms', { token: TOKEN, json: { name: 'Kitchen' } });
    expect(asked.status).toBe(500);
    expect((await call(app, '/v1/me')).status).toBe(401);
    expect(world.log.lines).toMatchObject([
      { level: 'error', fields: { method: 'POST', route: '/v1/rooms', userId: userId(1) } },
    ]);
    const { body } = await metrics.exposition();
    expect(body).toContain('earshot_http_refused_total{code="internal"} 1');
    expect(body).toContain('earshot_http_refused_total{code="unauthorised"} 1');
  });

  it('answer what is not there with a problem', async () => {
    const { status, body } = await call(appOver(new HubWorld()), '/v2/nothing');
    expect([status, body['code']]).toEqual([404, 'not_found']);
  });
});

describe('the page', () => {
  async function withPage(): Promise<HttpApp> {
    const dir = await mkdtemp(path.join(tmpdir(), 'earshot-page-'));
    cleanUps.push(() => rm(dir, { recursive: true }));
    await mkdir(path.join(dir, 'assets'));
    await writeFile(path.join(dir, 'index.html'), '<!doctype html><title>Earshot</title>');
    await writeFile(path.join(dir, 'docs.html'), '<!doctype html><title>Docs</title>');
    await writeFile(path.join(dir, 'assets', 'app-abc.js'), `/* ${'x'.repeat(5_000)} */`);
    return appOver(new HubWorld(), { page: await loadPage(dir) });
  }

  it('is at the root and at every room’s link, under a strict policy', async () => {
    const app = await withPage();
    for (const target of ['/', '/r/ABCD2345', '/r/ABCD2345?invite=x']) {
      const { status, headers, body } = await call(app, target);
      expect(status).toBe(200);
      expect(body['text']).toContain('Earshot');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('content-security-policy')).not.toContain('unsafe');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    }
    expect((await call(app, '/docs')).body['text']).toContain('Docs');
  });

  it('has assets that are kept for ever, compressed where that helps, and known again', async () => {
    const app = await withPage();
    const plain = await call(app, '/assets/app-abc.js');
    expect(plain.headers.get('cache-control')).toContain('immutable');
    const packed = await call(app, '/assets/app-abc.js', {
      headers: { 'accept-encoding': 'gzip' },
    });
    expect(packed.headers.get('content-encoding')).toBe('gzip');
    expect(Number(packed.headers.get('content-length'))).toBeLessThan(500);
    const again = await call(app, '/assets/app-abc.js', {
      headers: { 'if-none-match': plain.headers.get('etag') ?? '' },
    });
    expect(again.status).toBe(304);
  });

  it('serves nothing outside its folder', async () => {
    const app = await withPage();
    for (const target of [
      '/../package.json',
      '/assets/../../package.json',
      '/%2e%2e/package.json',
      '/assets/',
    ]) {
      expect((await call(app, target)).status).toBe(404);
    }
  });
});
