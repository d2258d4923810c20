// The contract of the feed on Redis, alone and as a cluster.
import { afterAll, describe } from 'vitest';
import type { UserId } from '../../../protocol/ids.ts';
import { connectRedis, type RedisTarget } from '../../../src/adapters/redis/connect-redis.ts';
import { RedisFeed } from '../../../src/adapters/redis/redis-feed.ts';
import { RedisFeedChannels } from '../../../src/adapters/redis/redis-feed-channels.ts';
import { RedisKeys } from '../../../src/adapters/redis/redis-keys.ts';
import { systemTimers } from '../../../src/adapters/system/system-timers.ts';
import { feedContract } from '../../contract/feed.contract.ts';
import { SILENT } from '../../support/postgres-stores.ts';
import { orSkipped, startRedisCluster, startRedisServer } from '../../support/redis-server.ts';

const server = await orSkipped('Redis', startRedisServer);
const cluster = await orSkipped('a cluster of Redis', startRedisCluster);

function onRedis(target: RedisTarget, urls: readonly string[]): void {
  const keys = new RedisKeys(16);
  const stops: (() => Promise<void>)[] = [];
  afterAll(async () => {
    for (const stop of stops.reverse()) await stop();
  });
  const join = async (nodeId: string): Promise<RedisFeed> => {
    const connect = () => connectRedis(target, SILENT);
    const connection = await connect();
    stops.push(() => connection.stop());
    const { redis } = connection;
    const localNow = () => performance.now();
    const common = { redis, keys, nodeId };
    const channels = await RedisFeedChannels.open({
      ...{ ...common, connect, timers: systemTimers, log: SILENT, localNow },
    });
    stops.push(() => channels.stop());
    return new RedisFeed({
      ...common,
      channels,
      now: () => performance.timeOrigin + performance.now(),
    });
  };
  const onEach = async (
    work: (redis: Awaited<ReturnType<typeof connectRedis>>['redis']) => Promise<number>,
  ): Promise<number> => {
    let sum = 0;
    for (const url of urls) {
      const connection = await connectRedis({ kind: 'single', url }, SILENT);
      try {
        sum += await work(connection.redis);
      } finally {
        await connection.stop();
      }
    }
    return sum;
  };
  feedContract({
    join,
    listening: (author: UserId) =>
      onEach(async (redis) => {
        const channel = keys.feedChannel(author);
        const script = "return redis.call('PUBSUB', 'SHARDNUMSUB', ARGV[1])";
        const answer = await redis.eval(script, { keys: [], arguments: [channel] });
        return Number((answer as unknown[])[1]);
      }),
    empty: async () => {
      await onEach(async (redis) => {
        await redis.eval("redis.call('FLUSHALL') return 0", { keys: [], arguments: [] });
        return 0;
      });
    },
  });
}

describe.skipIf(server === undefined)('Redis', () => {
  if (server === undefined) return;
  afterAll(() => server.stop());
  onRedis({ kind: 'single', url: server.url }, [server.url]);
});

describe.skipIf(cluster === undefined)('a cluster of Redis', () => {
  if (cluster === undefined) return;
  afterAll(() => cluster.stop());
  onRedis({ kind: 'cluster', urls: cluster.urls }, cluster.urls);
});
