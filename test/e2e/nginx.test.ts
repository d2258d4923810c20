// Two nodes of one service behind nginx with the deployed configuration: sockets, addresses, media, and nodes that fail.
import { readFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { EarshotProcess, temporaryDir } from '../support/earshot-process.ts';
import { hasNginx, startNginx, type Nginx } from '../support/nginx.ts';
import { startPostgresServer } from '../support/postgres-server.ts';
import { orSkipped, startRedisServer } from '../support/redis-server.ts';
import { WireClient, guestToken, type GuestToken } from '../support/wire-client.ts';

/** Of the nodes (src/app.ts): they ping within it, and close who does not answer. */
const IDLE_TIMEOUT_SECONDS = 60;

const NODE = {
  TRUST_PROXY: 'on',
  GUEST_BURST: '60',
  GUESTS_PER_MINUTE: '1',
};

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** A request with whatever headers, also from another address of this machine. */
function ask(
  url: string,
  options: {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly from?: string;
  } = {},
): Promise<Answer> {
  const { method = 'GET', headers = {}, body, from } = options;
  return new Promise((resolve, reject) => {
    const asked = request(
      url,
      { method, headers, agent: false, ...(from === undefined ? {} : { localAddress: from }) },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString('latin1'),
          }),
        );
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}

const openSockets = (node: EarshotProcess): Promise<number> => node.metric('earshot_connections');

/** The `location` of the configuration, as text. */
function locationOf(config: string, head: string): string {
  const start = config.indexOf(`location ${head} {`);
  return start < 0 ? '' : config.slice(start, config.indexOf('\n    }', start));
}

const isThere = hasNginx();
const redis = isThere ? await orSkipped('Redis', () => startRedisServer()) : undefined;
const postgres = isThere ? await startPostgresServer() : undefined;
afterAll(async () => {
  await redis?.stop();
  await postgres?.stop();
});

describe.skipIf(redis === undefined || postgres === undefined)('two nodes behind nginx', () => {
  if (redis === undefined || postgres === undefined) return;
  let nodes: EarshotProcess[] = [];
  let nginx: Nginx;
  let ana: GuestToken;
  const cleanUps: (() => Promise<unknown>)[] = [];
  const afterEachOf: (() => unknown)[] = [];

  async function startNode(stores: Readonly<Record<string, string>>): Promise<EarshotProcess> {
    const temporary = await temporaryDir();
    const node = await EarshotProcess.start({ DATA_DIR: temporary.dir, ...NODE, ...stores });
    cleanUps.push(
      () => temporary.remove(),
      () => node.kill(),
    );
    return node;
  }

  /** The sockets of the test before are gone, so that those of this one can be counted. */
  async function nobodyIsLeft(): Promise<void> {
    await expect.poll(() => Promise.all(nodes.map(openSockets))).toEqual([0, 0]);
  }

  beforeAll(async () => {
    const stores = { REDIS_URL: redis.url, POSTGRES_URL: await postgres.createDatabase() };
    nodes = [await startNode(stores), await startNode(stores)];
    nginx = await startNginx(nodes.map(({ port }) => port));
    cleanUps.push(() => nginx.stop());
    ana = await guestToken(nginx.url, 'Ana');
  });
  afterEach(async () => {
    for (const end of afterEachOf.splice(0)) await end();
  });
  afterAll(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  });

  it('takes sockets to both of them, to the one that has fewer', async () => {
    await nobodyIsLeft();
    for (let n = 0; n < 10; n += 1) {
      const client = await WireClient.enter(nginx.url, await guestToken(nginx.url, `Guest ${n}`));
      afterEachOf.push(() => client.close());
    }
    expect(await Promise.all(nodes.map(openSockets))).toEqual([5, 5]);
  });

  it('carries the life of a room whose people are on both nodes', async () => {
    await nobodyIsLeft();
    const client = await WireClient.enter(nginx.url, ana);
    const other = await WireClient.enter(nginx.url, await guestToken(nginx.url, 'Ben'));
    afterEachOf.push(
      () => client.close(),
      () => other.close(),
    );
    expect(await Promise.all(nodes.map(openSockets))).toEqual([1, 1]);
    const made = await client.ask('room.create', { name: 'Kitchen' });
    const roomId = made?.['roomId'];
    expect(await client.ask('room.join', { roomId })).toMatchObject({ type: 'ok' });
    expect(await other.ask('room.join', { roomId })).toMatchObject({ type: 'ok' });
    await other.ask('chat.send', { roomId, text: 'hello' });
    const heard = await client.push(({ type }) => type === 'room.chat');
    expect(heard).toMatchObject({ items: [{ name: 'Ben', text: 'hello' }] });
  });

  it('waits longer for a silent socket than the nodes do', () => {
    const socket = locationOf(nginx.config, '= /v1/socket');
    for (const timeout of ['proxy_read_timeout', 'proxy_send_timeout']) {
      const seconds = Number(new RegExp(`${timeout} (\\d+)s;`).exec(socket)?.[1]);
      expect(seconds).toBeGreaterThan(2 * IDLE_TIMEOUT_SECONDS);
    }
  });

  it('tells nodes where a client really is, whatever the client claims', async () => {
    const come = (from: string, claimed: string) =>
      ask(`${nginx.url}/v1/guests`, {
        method: 'POST',
        from,
        headers: { 'content-type': 'application/json', 'x-forwarded-for': claimed },
        body: '{"name":"Eve"}',
      });
    // The nodes together let sixty guests come from one address, and one more a minute.
    const statuses: number[] = [];
    for (let n = 0; n < 125; n += 1)
      statuses.push((await come('127.0.0.7', `198.51.100.${n}`)).status);
    expect(statuses.slice(0, 60)).toEqual(Array.from({ length: 60 }, () => 201));
    const later = statuses.slice(60).filter((status) => status === 201);
    // Where a node could not ask the others in time, it let its own sixty in, and said so.
    const unasked = await Promise.all(
      nodes.map((node) => node.metric('earshot_shared_rates_unasked_total')),
    );
    const isTold = unasked.some((count) => count > 0);
    expect(later.length).toBeLessThan(isTold ? 65 : 5);
    expect(new Set(statuses)).toEqual(new Set([201, 429]));
    expect((await come('127.0.0.7', '203.0.113.1')).status).toBe(429);
    expect((await come('127.0.0.8', '127.0.0.7')).status).toBe(201);
  });

  it('serves ranges of media as they are, uncompressed, and logs no signature', async () => {
    const headers = { authorization: `Bearer ${ana.token}` };
    const found = await ask(`${nginx.url}/v1/tracks?q=`, { headers });
    const { tracks } = JSON.parse(found.body) as { tracks: { id: string; sizeBytes: number }[] };
    const largest = tracks.sort((a, b) => b.sizeBytes - a.sizeBytes)[0];
    const { body } = await ask(`${nginx.url}/v1/tracks/${largest?.id ?? ''}`, { headers });
    const { mediaUrl } = JSON.parse(body) as { mediaUrl: string };
    const whole = await ask(nginx.url + mediaUrl, { headers: { 'accept-encoding': 'gzip' } });
    expect(whole.status).toBe(200);
    expect(whole.body).toHaveLength(largest?.sizeBytes ?? 0);
    const part = await ask(nginx.url + mediaUrl, {
      headers: { range: 'bytes=100-199', 'accept-encoding': 'gzip' },
    });
    expect(part.status).toBe(206);
    expect(part.headers['content-range']).toBe(`bytes 100-199/${largest?.sizeBytes}`);
    expect(part.headers['content-encoding']).toBeUndefined();
    expect(part.body).toBe(whole.body.slice(100, 200));
    const { search, pathname } = new URL(nginx.url + mediaUrl);
    await expect.poll(() => readFile(nginx.accessLog, 'utf8')).toContain(pathname);
    expect(await readFile(nginx.accessLog, 'utf8')).not.toContain(search);
    expect(locationOf(nginx.config, '/media/')).toContain('proxy_max_temp_file_size 0;');
  });

  it('refuses what is too large, and keeps the nodes’ figures to itself', async () => {
    const large = await ask(`${nginx.url}/v1/guests`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'x'.repeat(600_000) }),
    });
    expect(large.status).toBe(413);
    expect(JSON.parse(large.body)).toMatchObject({ code: 'too_large', status: 413 });
    expect((await ask(`${nginx.url}/metrics`)).status).toBe(404);
    expect((await ask(`${nginx.url}/readyz`)).status).toBe(200);
  });

  it('passes by a node that says it cannot serve', async () => {
    const waiting = createServer((_, response) => {
      response.writeHead(503).end();
    });
    let asked = 0;
    waiting.on('request', () => (asked += 1));
    waiting.on('upgrade', (_, socket) => {
      asked += 1;
      socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n');
    });
    await new Promise<void>((resolve) => waiting.listen(0, '127.0.0.1', resolve));
    const address = waiting.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const front = await startNginx([port, nodes[0]?.port ?? 0]);
    afterEachOf.push(
      () => front.stop(),
      () => waiting.close(),
    );
    for (let n = 0; n < 5; n += 1) {
      expect((await ask(`${front.url}/v1/rooms`)).status).toBe(200);
      const client = await WireClient.enter(front.url, ana);
      client.close();
    }
    expect(asked).toBeGreaterThan(0);
  });

  it('goes on with page and media while the nodes answer REST that a store is away', async () => {
    const ports: number[] = [];
    for (let n = 0; n < 2; n += 1) {
      const node = createServer(({ url }, response) => {
        response.writeHead(/^\/(v1\/|readyz)/.test(url ?? '') ? 503 : 200).end('of a node');
      });
      await new Promise<void>((resolve) => node.listen(0, '127.0.0.1', resolve));
      afterEachOf.push(() => node.close());
      const address = node.address();
      ports.push(address !== null && typeof address === 'object' ? address.port : 0);
    }
    const front = await startNginx(ports);
    afterEachOf.push(() => front.stop());
    for (let n = 0; n < 3; n += 1) {
      for (const target of ['/v1/rooms', '/readyz'])
        expect((await ask(front.url + target)).status).toBe(503);
      for (const target of ['/media/track', '/', '/healthz'])
        expect(await ask(front.url + target)).toMatchObject({ status: 200, body: 'of a node' });
    }
  });

  it('goes on without a node that dies: its people come back to their room on the other', async () => {
    await nobodyIsLeft();
    const [first] = nodes;
    const guests = await Promise.all([1, 2, 3, 4].map((n) => guestToken(nginx.url, `G ${n}`)));
    const clients: WireClient[] = [];
    for (const guest of guests) clients.push(await WireClient.enter(nginx.url, guest));
    afterEachOf.push(() => clients.forEach((client) => client.close()));
    const made = await clients[0]?.ask('room.create', { name: 'Kitchen' });
    const roomId = made?.['roomId'];
    for (const client of clients) await client.ask('room.join', { roomId });
    expect(await Promise.all(nodes.map(openSockets))).toEqual([2, 2]);
    await first?.kill();
    await expect.poll(() => clients.filter(({ closed }) => closed !== undefined).length).toBe(2);
    const [stayed] = clients.filter(({ closed }) => closed === undefined);
    const said = await stayed?.ask('chat.send', { roomId, text: 'still here' });
    expect(said).toMatchObject({ type: 'ok' });
    for (const [n, client] of clients.entries()) {
      const guest = guests[n];
      if (client.closed === undefined || guest === undefined) continue;
      expect(client.closed.code).toBe(1006);
      const back = await WireClient.enter(nginx.url, guest);
      clients.push(back);
      const joined = await back.ask('room.join', { roomId });
      expect(joined).toMatchObject({ type: 'ok' });
      expect(JSON.stringify(joined)).toContain('still here');
    }
    for (let n = 0; n < 10; n += 1) expect((await ask(`${nginx.url}/v1/rooms`)).status).toBe(200);
  });

  it('says in the words of the service that no node answers', async () => {
    const front = await startNginx([1, 2]);
    afterEachOf.push(() => front.stop());
    for (const target of ['/v1/rooms', '/v1/socket', '/']) {
      const { status, headers, body } = await ask(front.url + target);
      expect(status).toBe(503);
      expect(headers['content-type']).toBe('application/problem+json');
      expect(headers['retry-after']).toBe('2');
      expect(JSON.parse(body)).toMatchObject({ code: 'unavailable', retryAfterMs: 2_000 });
    }
  });
});
