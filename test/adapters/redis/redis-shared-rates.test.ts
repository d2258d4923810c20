// Rates that nodes count together, on a real Redis: nobody gains from going from one to the other, and nobody is kept out by its absence.
import { afterAll, describe, expect, it } from 'vitest';
import { connectRedis } from '../../../src/adapters/redis/connect-redis.ts';
import { RedisKeys } from '../../../src/adapters/redis/redis-keys.ts';
import { RedisSharedRates } from '../../../src/adapters/redis/redis-shared-rates.ts';
import type { Metrics } from '../../../src/ports/metrics.ts';
import { silentMetrics } from '../../support/hub-world.ts';
import { SILENT } from '../../support/postgres-stores.ts';
import { orSkipped, startRedisServer, type RedisServer } from '../../support/redis-server.ts';

const LIMIT = { perSecond: 0.01, burst: 10 };
const keys = new RedisKeys(4);
const stops: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
});

const server = await orSkipped('Redis', () => startRedisServer());
if (server !== undefined) stops.push(() => server.stop());

interface Node {
  readonly rates: RedisSharedRates;
  unasked(): number;
  unsettled(): number;
  readonly redis: Awaited<ReturnType<typeof connectRedis>>['redis'];
}

/** @param patienceMs more than a busy machine takes */
async function nodeOn({ url }: RedisServer, now = { ms: 0 }, patienceMs = 5_000): Promise<Node> {
  const connection = await connectRedis({ kind: 'single', url }, SILENT);
  stops.push(() => connection.stop());
  const totals = new Map<string, () => number>();
  const metrics: Metrics = {
    ...silentMetrics,
    total: ({ name }, read) => totals.set(name, read),
  };
  const total = (name: string) => (): number =>
    totals.get(`earshot_shared_rates_${name}_total`)?.() ?? NaN;
  const { redis } = connection;
  const rates = new RedisSharedRates({
    ...{ redis, keys, localNow: () => now.ms, metrics, log: SILENT, patienceMs },
  });
  return { rates, unasked: total('unasked'), unsettled: total('unsettled'), redis };
}

describe.skipIf(server === undefined)('a rate of all nodes', () => {
  if (server === undefined) return;

  it('is one, whichever nodes somebody goes to', async () => {
    const nodes = [await nodeOn(server), await nodeOn(server)];
    const take = (n: number) => nodes[n % 2]?.rates.take('guests', '192.0.2.1', LIMIT, 1);
    for (let n = 0; n < LIMIT.burst; n += 1) expect(await take(n)).toBe(0);
    for (const n of [0, 1]) {
      const waitMs = (await take(n)) ?? 0;
      expect(waitMs).toBeGreaterThan(50_000);
      expect(waitMs).toBeLessThanOrEqual(100_000);
    }
    // Another address, and another kind, has a bucket of its own.
    expect(await nodes[0]?.rates.take('guests', '192.0.2.2', LIMIT, 1)).toBe(0);
    expect(await nodes[0]?.rates.take('codes', '192.0.2.1', LIMIT, 1)).toBe(0);
    expect(nodes.map((node) => node.unasked())).toEqual([0, 0]);
  });

  it('is taken by none of many at once that are beyond it', async () => {
    const nodes = [await nodeOn(server), await nodeOn(server), await nodeOn(server)];
    const taken = await Promise.all(
      nodes.flatMap(({ rates }) =>
        Array.from({ length: 20 }, () => rates.take('at-once', 'x', LIMIT, 1)),
      ),
    );
    expect(taken.filter((waitMs) => waitMs === 0)).toHaveLength(LIMIT.burst);
  });

  it('is not used up by what costs too much, and is given back, but not beyond what it holds', async () => {
    const { rates } = await nodeOn(server);
    const take = (cost: number) => rates.take('imports', 'ana', LIMIT, cost);
    expect(await take(11)).toBeGreaterThan(0);
    expect(await take(10)).toBe(0);
    expect(await take(-4)).toBe(0);
    expect(await take(5)).toBeGreaterThan(0);
    expect(await take(4)).toBe(0);
    expect(await take(-1_000)).toBe(0);
    expect(await take(11)).toBeGreaterThan(0);
    expect(await take(10)).toBe(0);
  });

  it('comes back, and leaves nothing in Redis when it is whole', async () => {
    const { rates, redis } = await nodeOn(server);
    const fast = { perSecond: 2, burst: 2 };
    expect(await rates.take('fast', 'x', fast, 2)).toBe(0);
    expect(await rates.take('fast', 'x', fast, 2)).toBeGreaterThan(0);
    await expect.poll(() => redis.hGetAll(keys.rate('fast', 'x'))).toEqual({});
    expect(await rates.take('fast', 'x', fast, 2)).toBe(0);
  });

  it('is settled for many at once, below zero where nodes gave out more, and paid off with time', async () => {
    const [east, west] = [await nodeOn(server), await nodeOn(server)];
    const limit = { perSecond: 10, burst: 10 };
    const people = Array.from({ length: 1_200 }, (_, n) => `person ${n}`);
    const settle = ({ rates }: Node, cost: number) =>
      rates.settle('person', limit, new Map(people.map((person) => [person, cost])));
    const first = await settle(east, 8);
    expect([...first.keys()].sort()).toEqual([...people].sort());
    expect(new Set(first.values())).toEqual(new Set([2]));
    const second = await settle(west, 1_000.5);
    expect(second.size).toBe(people.length);
    for (const tokens of second.values()) {
      expect(tokens).toBeGreaterThanOrEqual(-998.5);
      expect(tokens).toBeLessThan(-990 + 5);
    }
    const [one = ''] = people;
    const before = second.get(one) ?? 0;
    await expect
      .poll(async () => (await east.rates.settle('person', limit, new Map([[one, 0]]))).get(one))
      .toBeGreaterThan(before + 2);
    // The same bucket as that of a rate that is asked for.
    expect(await east.rates.take('person', one, limit, 1)).toBeGreaterThan(90_000);
    expect([...(await east.rates.settle('person', limit, new Map()))]).toEqual([]);
    expect([east.unsettled(), west.unsettled()]).toEqual([0, 0]);
  });

  it('is settled with nobody while Redis is away, which is counted', async () => {
    const own = await startRedisServer();
    const now = { ms: 0 };
    const node = await nodeOn(own, now);
    const { rates } = node;
    const taken = new Map([
      ['ana', 1],
      ['ben', 1],
    ]);
    expect((await rates.settle('person', LIMIT, taken)).size).toBe(2);
    await own.stop();
    expect([...(await rates.settle('person', LIMIT, taken))]).toEqual([]);
    // The next does not even try.
    expect([...(await rates.settle('person', LIMIT, taken))]).toEqual([]);
    expect(await rates.take('guests', 'x', LIMIT, 1)).toBeUndefined();
    expect(node.unsettled()).toBe(4);
  });

  it('keeps nobody out while Redis is away, which is counted, and is asked again later', async () => {
    const own = await startRedisServer();
    const now = { ms: 0 };
    const node = await nodeOn(own, now, 250);
    const { rates } = node;
    expect(await rates.take('guests', 'x', LIMIT, 10)).toBe(0);
    own.process.kill('SIGSTOP');
    expect(await rates.take('guests', 'x', LIMIT, 1)).toBeUndefined();
    // Those who come next do not even wait.
    for (let n = 0; n < 5; n += 1)
      expect(await rates.take('guests', 'x', LIMIT, 1)).toBeUndefined();
    expect(node.unasked()).toBe(6);
    own.process.kill('SIGCONT');
    now.ms = 1_000;
    await expect
      .poll(async () => {
        now.ms += 1_000;
        return rates.take('guests', 'x', LIMIT, 1);
      })
      .toBeGreaterThan(0);
    await own.stop();
  });
});
