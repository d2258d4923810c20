// Hub time over a real Redis: nodes agree, and go on when the server is another one.
import { createClient } from 'redis';
import { afterAll, describe, expect, it } from 'vitest';
import { connectRedis, type RedisConnection } from '../../src/adapters/redis/connect-redis.ts';
import { HUB_TIME } from '../../src/adapters/redis/hub-time-scripts.ts';
import type { RedisCommands } from '../../src/adapters/redis/redis-commands.ts';
import { RedisHubClock } from '../../src/adapters/redis/redis-hub-clock.ts';
import { RedisKeys } from '../../src/adapters/redis/redis-keys.ts';
import { systemTimers } from '../../src/adapters/system/system-timers.ts';
import { SILENT } from '../support/postgres-stores.ts';
import { orSkipped, startRedisServer, type RedisServer } from '../support/redis-server.ts';
import { SeededRandom } from '../support/seeded-random.ts';

const KEYS = new RedisKeys(4);
/** Far more than nodes are apart, far less than what a jump would be. */
const TOGETHER_MS = 20;
const OFF_MS = 500;

/** A machine whose clock began elsewhere and runs at another rate. */
function machine(startMs: number, ppm: number): () => number {
  return () => startMs + performance.now() * (1 + ppm / 1e6);
}

/** What the nodes are connected to: one server, then another one whose clock is off. */
class Failover implements RedisCommands {
  #server: RedisCommands;
  #offMs = 0;

  constructor(server: RedisCommands) {
    this.#server = server;
  }

  over(server: RedisCommands, offMs: number): void {
    this.#server = server;
    this.#offMs = offMs;
  }

  async evalSha(...args: Parameters<RedisCommands['evalSha']>): Promise<unknown> {
    return this.#told(args[0] === HUB_TIME.sha1, await this.#server.evalSha(...args));
  }
  async eval(...args: Parameters<RedisCommands['eval']>): Promise<unknown> {
    return this.#told(args[0] === HUB_TIME.text, await this.#server.eval(...args));
  }
  get = (key: string) => this.#server.get(key);
  set = (...args: Parameters<RedisCommands['set']>) => this.#server.set(...args);
  hGetAll = (key: string) => this.#server.hGetAll(key);
  sSubscribe = (...args: Parameters<RedisCommands['sSubscribe']>) =>
    this.#server.sSubscribe(...args);
  sUnsubscribe = (...args: Parameters<RedisCommands['sUnsubscribe']>) =>
    this.#server.sUnsubscribe(...args);

  #told(isTime: boolean, reply: unknown): unknown {
    if (!isTime) return reply;
    const [seconds, micros, ...rest] = reply as string[];
    const ms = Number(seconds) * 1_000 + Number(micros) / 1_000 + this.#offMs;
    return [String(Math.floor(ms / 1_000)), String((ms % 1_000) * 1_000), ...rest];
  }
}

const cleanUps: (() => Promise<void>)[] = [];
const servers = await orSkipped('two servers of Redis', async () => {
  const first = await startRedisServer();
  cleanUps.push(() => first.stop());
  const second = await startRedisServer();
  cleanUps.push(() => second.stop());
  return [first, second] as const;
});

afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

async function connect(server: RedisServer): Promise<RedisConnection> {
  const connection = await connectRedis({ kind: 'single', url: server.url }, SILENT);
  cleanUps.push(() => connection.stop());
  return connection;
}

async function openClock(redis: RedisCommands, localNow: () => number): Promise<RedisHubClock> {
  const random = new SeededRandom(7);
  const clock = await RedisHubClock.open({
    redis,
    keys: KEYS,
    timers: systemTimers,
    log: SILENT,
    localNow,
    random: () => random.next(),
    notBefore: 0,
  });
  cleanUps.push(() => {
    clock.stop();
    return Promise.resolve();
  });
  return clock;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe.skipIf(servers === undefined)('hub time over Redis', () => {
  if (servers === undefined) return;
  const [first, second] = servers;

  it('is the same on machines whose clocks are not', async () => {
    const { redis } = await connect(first);
    const a = await openClock(redis, machine(0, 0));
    const b = await openClock(redis, machine(5_000_000, 80));
    const apart: number[] = [];
    for (let n = 0; n < 200; n += 1) {
      apart.push(Math.abs(a.now() - b.now()));
      await pause(5);
    }
    apart.sort((x, y) => x - y);
    const p99 = apart[Math.floor(apart.length * 0.99)] ?? NaN;
    console.log(`hub time of two nodes: p99 ${p99.toFixed(3)} ms apart`);
    expect(apart.at(-1)).toBeLessThan(TOGETHER_MS);
    expect(a.timelineId).toBe(b.timelineId);
    expect(a.timelineId).toBeGreaterThan(0);
  });

  it('tells a timeline that others agreed on with the time that is on it, and not before', async () => {
    const { redis } = await connect(first);
    const clock = await openClock(redis, machine(0, 0));
    const { timelineId } = clock;
    const before = clock.now() - performance.now();
    const admin = await createClient({ url: first.url }).connect();
    const agreed = await admin.hGetAll(KEYS.hubTime);
    const after = {
      timeline: String(timelineId + 1),
      offset: String(Number(agreed['offset']) + 5_000),
    };
    await admin.hSet(KEYS.hubTime, after);
    const torn: number[] = [];
    await expect
      .poll(
        () => {
          const movedMs = clock.now() - performance.now() - before;
          const isNew = clock.timelineId !== timelineId;
          if (Math.abs(movedMs - (isNew ? 5_000 : 0)) > TOGETHER_MS) torn.push(movedMs);
          return isNew;
        },
        { timeout: 15_000, interval: 2 },
      )
      .toBe(true);
    expect(torn).toEqual([]);
    await admin.hSet(KEYS.hubTime, agreed);
    admin.destroy();
  });

  it.each([
    ['that has the agreement of the one before', true],
    ['that has come back empty', false],
  ])('goes on without a jump over a server %s and whose clock is off', async (_, isReplica) => {
    const [one, two] = [await connect(first), await connect(second)];
    const way = new Failover(one.redis);
    const a = await openClock(way, machine(0, 0));
    const b = await openClock(way, machine(9_000_000, -60));
    const before = a.now() - performance.now();
    const { timelineId } = a;
    const admin = await createClient({ url: second.url }).connect();
    await admin.flushAll();
    if (isReplica) await admin.hSet(KEYS.hubTime, await one.redis.hGetAll(KEYS.hubTime));
    way.over(two.redis, OFF_MS);
    // Longer than the pause between two bursts, so that both have met the new server.
    await expect
      .poll(async () => (await admin.hGetAll(KEYS.hubTime))['run'], { timeout: 15_000 })
      .not.toBe((await one.redis.hGetAll(KEYS.hubTime))['run']);
    await pause(7_000);
    admin.destroy();
    for (const clock of [a, b]) {
      expect(Math.abs(clock.now() - performance.now() - before)).toBeLessThan(TOGETHER_MS);
      expect(clock.timelineId).toBe(timelineId);
      expect(clock.reading.quality).toBe('good');
    }
    const agreed = Number((await two.redis.hGetAll(KEYS.hubTime))['offset']);
    expect(Math.abs(agreed + OFF_MS)).toBeLessThan(TOGETHER_MS);
  });
});
