// One node's stores on Redis, as a test opens them: its logs, its bus and its presence, over connections of its own.
import { connectRedis, type RedisTarget } from '../../src/adapters/redis/connect-redis.ts';
import { RedisBus } from '../../src/adapters/redis/redis-bus.ts';
import { RedisChannels } from '../../src/adapters/redis/redis-channels.ts';
import { RedisChatLog } from '../../src/adapters/redis/redis-chat-log.ts';
import type { RedisCommands } from '../../src/adapters/redis/redis-commands.ts';
import { RedisKeys } from '../../src/adapters/redis/redis-keys.ts';
import { RedisPresence } from '../../src/adapters/redis/redis-presence.ts';
import { RedisRoomLog } from '../../src/adapters/redis/redis-room-log.ts';
import { ReplicaBarrier } from '../../src/adapters/redis/replica-barrier.ts';
import { systemTimers } from '../../src/adapters/system/system-timers.ts';
import type { Timers } from '../../src/ports/timers.ts';
import { SILENT } from './postgres-stores.ts';

export interface RedisNodeOptions {
  readonly nodeId: string;
  readonly partitions: number;
  readonly maxOutboxEntries: number;
  readonly waitReplicas: number;
  /** Of the presence, with `now`. */
  readonly timers: Timers;
  /** Hub time. */
  readonly now: () => number;
}

export interface RedisNode {
  readonly redis: RedisCommands;
  readonly keys: RedisKeys;
  readonly channels: RedisChannels;
  readonly roomLog: RedisRoomLog;
  readonly chatLog: RedisChatLog;
  readonly bus: RedisBus;
  readonly presence: RedisPresence;
  stop(): Promise<void>;
}

export async function openRedisNode(
  target: RedisTarget,
  options: Partial<RedisNodeOptions> & Pick<RedisNodeOptions, 'nodeId'>,
): Promise<RedisNode> {
  const { nodeId, partitions = 16, maxOutboxEntries = 100_000, waitReplicas = 0 } = options;
  const { timers = systemTimers, now = () => performance.timeOrigin + performance.now() } = options;
  const stops: (() => Promise<void> | void)[] = [];
  const stop = async (): Promise<void> => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  try {
    const connect = () => connectRedis(target, SILENT);
    const main = await connect();
    stops.push(() => main.stop());
    const { redis } = main;
    const keys = new RedisKeys(partitions);
    const channels = await RedisChannels.open({
      redis,
      connect,
      keys,
      nodeId,
      timers: systemTimers,
      log: SILENT,
      localNow: () => performance.now(),
    });
    stops.push(() => channels.stop());
    const barrier =
      waitReplicas === 0
        ? undefined
        : await ReplicaBarrier.open({ connect, keys, replicas: waitReplicas });
    stops.push(() => barrier?.stop());
    const common = { redis, channels, keys, nodeId, maxOutboxEntries, barrier, log: SILENT };
    const presence = await RedisPresence.open({ ...common, timers, now });
    stops.push(() => presence.stop());
    return {
      redis,
      keys,
      channels,
      roomLog: new RedisRoomLog(common),
      chatLog: new RedisChatLog(common),
      bus: new RedisBus(channels, nodeId),
      presence,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
