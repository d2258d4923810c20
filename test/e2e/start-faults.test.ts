// Servers that go away in the very moment of a start: at every word that a process says to them before it serves.
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { CutProxy } from '../support/cut-proxy.ts';
import { EarshotProcess, startToFail } from '../support/earshot-process.ts';
import { startRedisServer } from '../support/redis-server.ts';
import { SharedServers } from '../support/shared-servers.ts';
import { guestToken } from '../support/wire-client.ts';

const servers = await SharedServers.start();
afterAll(async () => servers?.stop());

const proxies: CutProxy[] = [];
afterEach(async () => {
  for (const proxy of proxies.splice(0)) await proxy.stop();
});

/** The same address by way of a proxy. */
async function throughProxy(url: string): Promise<{ url: string; proxy: CutProxy }> {
  const to = new URL(url);
  const proxy = await CutProxy.to(Number(to.port));
  proxies.push(proxy);
  to.port = String(proxy.port);
  return { url: to.href, proxy };
}

describe.skipIf(servers === undefined)('a start that is cut off', () => {
  if (servers === undefined) return;

  async function comesUp(env: Record<string, string> & { DATA_DIR: string }): Promise<void> {
    const node = await EarshotProcess.start(env);
    try {
      expect((await fetch(`${node.url}/readyz`)).status).toBe(200);
      expect((await guestToken(node.url, 'Ana')).token).toBeDefined();
      expect(node.lines.filter(({ level }) => level === 'error')).toEqual([]);
      expect(await node.end('SIGTERM')).toBe(0);
    } finally {
      await node.kill();
    }
  }

  it('from Postgres, where a process is alone on it, is tried again', async () => {
    const { REDIS_URL: _none, TOKEN_SECRET: _made, ...env } = await servers.env();
    const { url, proxy } = await throughProxy(await servers.postgres.createDatabase());
    proxy.cutAt('advisory', 'version()', 'heartbeat', 'token_secret', 'here_count > 0');
    await comesUp({ ...env, POSTGRES_URL: url });
    expect(proxy.unsent).toEqual([]);
  });

  it('from Redis or from Postgres beside it, is tried again', async () => {
    const { TOKEN_SECRET: _made, ...env } = await servers.env();
    const postgres = await throughProxy(servers.databaseUrl);
    postgres.proxy.cutAt('version()', 'hub_time', 'token_secret');
    const redis = await throughProxy(servers.redis.url);
    redis.proxy.cutAt('HELLO', 'EVALSHA', "'memory'", "'TIME'", 'ssubscribe');
    await comesUp({ ...env, POSTGRES_URL: postgres.url, REDIS_URL: redis.url });
    expect(postgres.proxy.unsent).toEqual([]);
    expect(redis.proxy.unsent).toEqual([]);
  });
});

describe.skipIf(servers === undefined)('a server that must not be used', () => {
  if (servers === undefined) return;

  async function saidOf(env: Record<string, string>): Promise<string> {
    const { code, stderr } = await startToFail({ ...(await servers!.env()), ...env });
    expect(code).toBe(1);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    return stderr;
  }

  it('is named in one line: a Postgres that knows neither the person nor the database', async () => {
    const wrong = new URL(servers.databaseUrl);
    wrong.pathname = '/nowhere';
    expect(await saidOf({ POSTGRES_URL: wrong.href })).toContain('"nowhere" does not exist');
    wrong.username = 'nobody';
    const said = await saidOf({ POSTGRES_URL: wrong.href });
    expect(said).toContain('nobody');
    expect(said).toContain('POSTGRES_URL');
    expect(said).not.toContain(wrong.password);
  });

  it('is named in one line, without its password: a MongoDB whose address is none', async () => {
    const said = await saidOf({ MONGODB_URL: 'mongodb://ana:hu@sh:qu@iet@127.0.0.1:1/' });
    expect(said).toMatch(/^earshot: MONGODB_URL: .*percent-encoded/);
    expect(said).not.toMatch(/hu@|sh:qu|iet/);
    expect(await saidOf({ MONGODB_URL: 'mongodb://127.0.0.1:1/?nonsense=1' })).toContain(
      'MONGODB_URL: option nonsense is not supported',
    );
  });

  it('is named in one line: a Redis that evicts', async () => {
    const evicting = await startRedisServer([
      '--maxmemory',
      '100mb',
      '--maxmemory-policy',
      'allkeys-lru',
    ]);
    try {
      expect(await saidOf({ REDIS_URL: evicting.url })).toContain('noeviction');
    } finally {
      await evicting.stop();
    }
  });
});
