// A stop of a real process whose stores do not answer any more: it ends by itself, says what is lost, and gives back what others wait for.
import { createClient } from 'redis';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { RedisKeys } from '../../src/adapters/redis/redis-keys.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import { SharedServers } from '../support/shared-servers.ts';
import { WireClient, guestToken } from '../support/wire-client.ts';

const servers = await SharedServers.start();
afterAll(async () => servers?.stop());

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

describe.skipIf(servers === undefined)('a stop while Postgres does not answer', () => {
  if (servers === undefined) return;

  it('ends before the process is killed, with 1 and a line about what is lost, and its partitions are free', async () => {
    const url = new URL(servers.databaseUrl);
    const proxy = await CutProxy.to(Number(url.port));
    cleanUps.push(() => proxy.stop());
    url.port = String(proxy.port);
    const partitions = 4;
    const node = await servers.node({
      POSTGRES_URL: url.href,
      REDIS_PARTITIONS: String(partitions),
      DRAIN_MS: '200',
      DRAIN_MAX_MS: '200',
      // A collector that nobody is: the others are not to wait for it.
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${proxy.port}`,
      TRACE_RATIO: '1',
    });
    const ana = await guestToken(node.url, 'Ana');
    const client = await WireClient.enter(node.url, ana);
    const redis = createClient({ url: servers.redis.url });
    await redis.connect();
    cleanUps.push(() => redis.close());
    const keys = new RedisKeys(partitions);
    const leases = (): Promise<number> =>
      redis.exists(Array.from({ length: partitions }, (_, n) => keys.outboxLease(n)));
    await expect.poll(leases, { timeout: 20_000 }).toBe(partitions);
    const track = { title: 'Title', artist: 'A', durationMs: 600_000 };
    await client.ask('activity.set', { track, positionMs: 0, state: 'playing' });
    // Shown, and told to the history, after five seconds.
    await new Promise((resolve) => setTimeout(resolve, 7_000));
    proxy.freeze();

    const code = await node.end('SIGTERM');
    const since = node.lines.findIndex(({ msg }) => msg.startsWith('asking everybody to leave'));
    const errors = node.lines.slice(since).filter(({ level }) => level === 'error');
    expect(code).toBe(1);
    expect(errors.map(({ msg }) => msg)).toEqual([
      'listening history is lost: its outbox did not take it before the end of the process',
      'the stop takes too long, as where a store does not answer: the process ends without it',
    ]);
    expect(await leases()).toBe(0);
  });
});
