// What strangers and their pages can do at REST: other origins, headers that browsers obey, bodies made to hurt.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isDeeperThan } from '../../protocol/codec.ts';
import { MAX_DEPTH, MAX_SMALL_BODY_BYTES } from '../../src/http/body-bounds.ts';
import { loadPage, type Page } from '../../src/http/page.ts';
import type { SharedRates } from '../../src/ports/shared-rates.ts';
import { appOver, call } from '../support/http-calls.ts';
import { HubWorld, userId } from '../support/hub-world.ts';
import { SocialWorld } from '../support/social-world.ts';

const APP = 'https://app.example';
const EVIL = 'https://evil.example';
const TOKEN = `${userId(1)}|Ana`;
const GUEST = { json: { name: 'Ana' } };

const worldFor = (...origins: string[]) =>
  new HubWorld({
    isAllowedOrigin: (origin) => origin === undefined || origins.includes(origin),
  });

describe('a page of another origin', () => {
  it('may read what it asks for where it is allowed, and no other page is told so', async () => {
    const app = appOver(worldFor(APP));
    for (const target of ['/v1/rooms', '/nowhere', '/openapi.json']) {
      const { headers } = await call(app, target, { headers: { origin: APP } });
      expect(headers.get('access-control-allow-origin')).toBe(APP);
      expect(headers.get('access-control-expose-headers')).toContain('retry-after');
      expect(headers.get('vary')).toContain('origin');
      const foreign = await call(app, target, { headers: { origin: EVIL } });
      expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
      expect(foreign.headers.get('vary')).toContain('origin');
    }
  });

  it('asks before it sends a token, and is answered without the service being asked', async () => {
    const app = appOver(worldFor(APP));
    const ask = (origin: string) =>
      call(app, '/v1/me', {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'PATCH' },
      });
    const allowed = await ask(APP);
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-origin')).toBe(APP);
    expect(allowed.headers.get('access-control-allow-methods')).toContain('PATCH');
    expect(allowed.headers.get('access-control-allow-headers')).toContain('authorization');
    const refused = await ask(EVIL);
    expect(refused.status).toBe(403);
    expect(refused.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('is never any page, and never comes with cookies', async () => {
    const app = appOver(worldFor(APP));
    for (const origin of [APP, EVIL, 'null', '*'])
      for (const method of ['GET', 'OPTIONS']) {
        const { headers } = await call(app, '/v1/rooms', {
          method,
          headers: { origin, 'access-control-request-method': 'GET' },
        });
        expect(headers.get('access-control-allow-origin')).not.toBe('*');
        expect(headers.has('access-control-allow-credentials')).toBe(false);
      }
  });

  it.each([EVIL, 'null'])('changes nothing where it is not allowed (%s)', async (origin) => {
    const app = appOver(worldFor(APP));
    const { status, body } = await call(app, '/v1/guests', { ...GUEST, headers: { origin } });
    expect([status, body['code']]).toEqual([403, 'forbidden']);
    expect((await call(app, '/v1/guests', { ...GUEST, headers: { origin: APP } })).status).toBe(
      201,
    );
    expect((await call(app, '/v1/guests', GUEST)).status).toBe(201);
  });

  it('is by itself only a page of this very host', async () => {
    const app = appOver(new HubWorld());
    const from = (origin: string) =>
      call(app, '/v1/guests', { ...GUEST, headers: { origin, host: 'hub.example' } });
    expect((await from('http://hub.example')).status).toBe(201);
    expect((await from('http://hub.example.evil.example')).status).toBe(403);
  });
});

describe('every answer', () => {
  let page: Page | undefined;
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'earshot-page-'));
    await writeFile(path.join(dir, 'index.html'), '<!doctype html>');
    await writeFile(path.join(dir, 'docs.html'), '<!doctype html>');
    await mkdir(path.join(dir, 'assets'));
    await writeFile(path.join(dir, 'assets', 'worker.js'), '');
    page = await loadPage(dir);
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  it.each(['/v1/rooms', '/v1/me', '/healthz', '/openapi.json', '/metrics', '/nowhere', '/media/x'])(
    'that is data is never a document to a browser, nor sniffed: %s',
    async (target) => {
      const { headers } = await call(appOver(new HubWorld(), { page }), target, { token: TOKEN });
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.has('strict-transport-security')).toBe(false);
    },
  );

  it('of REST is kept by no cache', async () => {
    const { headers } = await call(appOver(new HubWorld()), '/v1/me', { token: TOKEN });
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it('with the page lets in scripts of this host alone, and no frame around it', async () => {
    const { headers } = await call(appOver(new HubWorld(), { page }), '/r/ABCD2345');
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toContain('unsafe');
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("base-uri 'none'");
    expect(headers.get('permissions-policy')).toContain('microphone=()');
    expect(headers.get('referrer-policy')).toBe('same-origin');
  });

  it('lets the page’s worker, which goes by the policy of its own script, reach this hub', async () => {
    const { headers } = await call(appOver(new HubWorld(), { page }), '/assets/worker.js');
    expect(headers.get('content-type')).toContain('text/javascript');
    expect(headers.get('content-security-policy')).toContain("connect-src 'self'");
  });

  it('over TLS asks to come by TLS alone', async () => {
    const app = appOver(new HubWorld());
    const response = await app(new Request('https://hub.example/healthz'), {
      remoteAddress: '192.0.2.1',
    });
    expect(response.headers.get('strict-transport-security')).toMatch(/^max-age=\d{8}$/);
  });
});

describe('a body', () => {
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

  it('is small where nothing large is taken in', async () => {
    const app = appOver(new HubWorld());
    const fits = JSON.stringify({ name: 'x'.repeat(MAX_SMALL_BODY_BYTES - 11) });
    expect((await call(app, '/v1/guests', { raw: fits })).status).toBe(400);
    const { status, body } = await call(app, '/v1/guests', { raw: `${fits} ` });
    expect([status, body['code']]).toEqual([413, 'too_large']);
  });

  it('is large where listens are taken in, and no deeper there', async () => {
    const social = new SocialWorld({ clock: { now: () => 1_700_000_000_000, timelineId: 1 } });
    await social.people(1);
    const json = (more: unknown) => ({
      listen_type: 'import',
      payload: Array.from({ length: 200 }, (_, n) => ({
        listened_at: 1_600_000_000 + n,
        track_metadata: {
          artist_name: 'artist',
          track_name: `track ${n}`,
          additional_info: more,
        },
      })),
    });
    const taken = await social.as(1, '/v1/me/listenbrainz', {
      json: json({ filler: 'x'.repeat(500), a: { b: [1e300] } }),
    });
    expect(taken.body).toMatchObject({ received: 200, added: 200 });
    const raw = JSON.stringify(json('here')).replace('"here"', nested(100_000));
    const deep = await social.as(1, '/v1/me/listenbrainz', { raw });
    expect(deep.status).toBe(400);
    expect(deep.body['detail']).toContain('deep');
  });

  it('is measured outside of texts', () => {
    const depthOf = (text: string): number => {
      let most = 0;
      while (isDeeperThan(most, new TextEncoder().encode(text))) most += 1;
      return most;
    };
    expect(depthOf(nested(MAX_DEPTH))).toBe(MAX_DEPTH);
    expect(depthOf('{"a":[{}],"b":[]}')).toBe(3);
    expect(depthOf('{"a":"[[[[","b\\\\":"\\"[[","c":"\\\\"}')).toBe(1);
    expect(depthOf('"no end [[[')).toBe(0);
    expect(depthOf(']]]]')).toBe(0);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'that is %s is a fault of who sends it, and not logged as one of ours',
    async (type) => {
      const world = new HubWorld();
      const { status, body } = await call(appOver(world), '/v1/guests', {
        ...GUEST,
        headers: { 'content-type': type },
      });
      expect([status, body['code']]).toEqual([400, 'bad_request']);
      expect(world.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
    },
  );

  it('reaches no prototype, whatever its keys are called', async () => {
    const social = new SocialWorld();
    const raw =
      '{"name":"Ana","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
    expect((await social.as(1, '/v1/me', { method: 'PATCH', raw })).status).toBe(400);
    const listen = `{"listened_at":1600000000,"__proto__":{"polluted":1},"track_metadata":{"artist_name":"a","track_name":"b","__proto__":{"polluted":1},"additional_info":{"__proto__":{"duration_ms":1},"constructor":{"prototype":{"polluted":1}}}}}`;
    const taken = await social.as(1, '/v1/me/listenbrainz', {
      raw: `{"listen_type":"import","payload":[${listen}]}`,
    });
    expect(taken.status).toBe(200);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(({} as Record<string, unknown>)['duration_ms']).toBeUndefined();
  });
});

describe('what is limited over all nodes', () => {
  it('is asked for only within the node’s own limit, and counts for guests, codes and secrets', async () => {
    const asked: string[] = [];
    let waitMs: number | undefined = 0;
    const sharedRates: SharedRates = {
      take: (kind, key, { burst }) => {
        asked.push(`${burst} ${kind} ${key}`);
        return Promise.resolve(waitMs);
      },
      settle: () => Promise.resolve(new Map()),
    };
    const social = new SocialWorld({ sharedRates });
    await social.people(1);
    const guest = () => call(social.app, '/v1/guests', GUEST);
    expect((await guest()).status).toBe(201);
    waitMs = 3_000;
    const refused = await guest();
    expect([refused.status, refused.body['retryAfterMs']]).toEqual([429, 3_000]);
    expect((await social.as(1, '/v1/people/ABCDEFGH')).status).toBe(429);
    const secret = { json: { deviceSecret: 'x'.repeat(43) } };
    expect((await call(social.app, '/v1/tokens', secret)).status).toBe(429);
    expect((await call(social.app, '/v1/links/ABCDEFGH', { json: {} })).status).toBe(429);
    // Nobody could be asked: the node's own limit, of three guests, counts alone.
    waitMs = undefined;
    // What was refused for all nodes has taken nothing of it.
    const statuses = [await guest(), await guest(), await guest()].map(({ status }) => status);
    expect(statuses).toEqual([201, 201, 429]);
    const from = '192.0.2.1';
    expect(asked).toEqual([
      ...[`3 guests ${from}`, `3 guests ${from}`, `20 codes ${from}`, `30 secrets ${from}`],
      ...[`30 secrets ${from}`, `3 guests ${from}`, `3 guests ${from}`],
    ]);
  });
});
