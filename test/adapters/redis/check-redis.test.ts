// Which servers of Redis are refused, and why.
import { afterAll, describe, expect, it } from 'vitest';
import { UnsuitableRedis, checkRedis } from '../../../src/adapters/redis/check-redis.ts';
import { connectRedis } from '../../../src/adapters/redis/connect-redis.ts';
import type { RedisCommands } from '../../../src/adapters/redis/redis-commands.ts';
import { RedisKeys } from '../../../src/adapters/redis/redis-keys.ts';
import { RecordingLog } from '../../support/hub-world.ts';
import { SILENT } from '../../support/postgres-stores.ts';
import { orSkipped, startRedisServer, type RedisServer } from '../../support/redis-server.ts';

const keys = new RedisKeys(4);
const stops: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
});

const server = await orSkipped('Redis', () => startRedisServer());
if (server !== undefined) stops.push(() => server.stop());

async function over(started: RedisServer): Promise<RedisCommands> {
  const connection = await connectRedis({ kind: 'single', url: started.url }, SILENT);
  stops.push(() => connection.stop());
  return connection.redis;
}

describe.skipIf(server === undefined)('a Redis', () => {
  if (server === undefined) return;

  it('that keeps what it is given is taken, and tells its version', async () => {
    const log = new RecordingLog();
    expect(await checkRedis(await over(server), keys, log)).toMatch(/^\d+\.\d+/);
    expect(log.lines).toEqual([]);
  });

  it('that evicts keys is refused, with what to change', async () => {
    const evicting = ['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru'];
    const started = await startRedisServer(evicting);
    stops.push(() => started.stop());
    const checking = checkRedis(await over(started), keys, new RecordingLog());
    await expect(checking).rejects.toThrow(UnsuitableRedis);
    await expect(checking).rejects.toThrow('set maxmemory-policy to noeviction');
  });

  it('that would evict keys if it had a limit is warned of', async () => {
    const started = await startRedisServer(['--maxmemory-policy', 'volatile-lru']);
    stops.push(() => started.stop());
    const log = new RecordingLog();
    await checkRedis(await over(started), keys, log);
    expect(log.lines).toMatchObject([{ level: 'warn', fields: { policy: 'volatile-lru' } }]);
  });

  it('whose rooms lie in another number of partitions is refused, with the number', async () => {
    const redis = await over(server);
    await checkRedis(redis, keys, new RecordingLog());
    await checkRedis(redis, new RedisKeys(4), new RecordingLog());
    const checking = checkRedis(redis, new RedisKeys(8), new RecordingLog());
    await expect(checking).rejects.toThrow(UnsuitableRedis);
    await expect(checking).rejects.toThrow('set REDIS_PARTITIONS to 4');
  });

  it('one of whose servers evicts keys is refused, whichever answers first', async () => {
    const mixed: Pick<RedisCommands, 'evalSha'> = {
      evalSha: (_sha1, { keys: [key] }) =>
        Promise.resolve(['7.4.0', '100', key === keys.outbox(3) ? 'allkeys-lru' : 'noeviction']),
    };
    const checking = checkRedis(mixed as RedisCommands, keys, new RecordingLog());
    await expect(checking).rejects.toThrow('set maxmemory-policy to noeviction');
  });

  it('that is too old is refused', async () => {
    const old: Pick<RedisCommands, 'evalSha'> = {
      evalSha: () => Promise.resolve(['6.2.14', '0', 'noeviction']),
    };
    const checking = checkRedis(old as RedisCommands, keys, new RecordingLog());
    await expect(checking).rejects.toThrow('Redis 6.2.14 is too old');
  });
});
