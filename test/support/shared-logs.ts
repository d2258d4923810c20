// The rooms' logs of one node on Redis, with the archive in Postgres behind them and the worker that feeds it, for tests of all three.
import { randomUUID } from 'node:crypto';
import { archivedChatLog, archivedRoomLog } from '../../src/adapters/archived-logs.ts';
import {
  openPostgresStores,
  type PostgresStores,
} from '../../src/adapters/postgres/open-postgres-stores.ts';
import { connectRedis } from '../../src/adapters/redis/connect-redis.ts';
import { RedisChannels } from '../../src/adapters/redis/redis-channels.ts';
import { RedisChatLog } from '../../src/adapters/redis/redis-chat-log.ts';
import type { RedisCommands } from '../../src/adapters/redis/redis-commands.ts';
import { RedisIdleRooms } from '../../src/adapters/redis/redis-idle-rooms.ts';
import { RedisKeys } from '../../src/adapters/redis/redis-keys.ts';
import { RedisOutbox } from '../../src/adapters/redis/redis-outbox.ts';
import { RedisRoomLog } from '../../src/adapters/redis/redis-room-log.ts';
import { createPromMetrics } from '../../src/adapters/system/prom-metrics.ts';
import { systemTimers } from '../../src/adapters/system/system-timers.ts';
import type { ChatLog } from '../../src/ports/chat-log.ts';
import type { Log } from '../../src/ports/log.ts';
import type { RoomLog } from '../../src/ports/room-log.ts';

export interface SharedLogs {
  readonly roomLog: RoomLog;
  readonly chatLog: ChatLog;
  readonly live: { readonly roomLog: RoomLog; readonly chatLog: ChatLog };
  readonly redis: RedisCommands;
  readonly keys: RedisKeys;
  readonly kept: PostgresStores;
  readonly outbox: RedisOutbox;
  /** Lets rooms leave that have not changed for `idleMs`. */
  readonly idleRooms: RedisIdleRooms;
  /** A figure of the worker, by the end of its name. */
  readonly figure: (name: string) => Promise<number>;
  stop(): Promise<void>;
}

export interface SharedLogsOptions {
  /** Several by commas: a cluster. */
  readonly redisUrl: string;
  readonly postgresUrl: string;
  readonly partitions: number;
  readonly maxOutboxEntries: number;
  readonly log: Log;
  /** By default no room is idle for so long. */
  readonly idleMs?: number;
}

/** The worker is not started. */
export async function openSharedLogs(options: SharedLogsOptions): Promise<SharedLogs> {
  const { redisUrl, postgresUrl, log, maxOutboxEntries } = options;
  const target = { clientUrl: postgresUrl, poolSize: 4 };
  const kept = await openPostgresStores({ target, migrate: true, log });
  const urls = redisUrl.split(',');
  const redisTarget =
    urls.length > 1
      ? ({ kind: 'cluster', urls } as const)
      : ({ kind: 'single', url: redisUrl } as const);
  const connect = () => connectRedis(redisTarget, log);
  const connection = await connect();
  const { redis } = connection;
  const keys = new RedisKeys(options.partitions);
  const nodeId = randomUUID();
  const timers = systemTimers;
  const localNow = (): number => performance.now();
  const channels = await RedisChannels.open({
    redis,
    connect,
    keys,
    nodeId,
    timers,
    log,
    localNow,
  });
  const common = { redis, channels, keys, nodeId, maxOutboxEntries, barrier: undefined, log };
  const roomLog = new RedisRoomLog(common);
  const chatLog = new RedisChatLog(common);
  const metrics = createPromMetrics();
  const writer = kept.createArchiver({ live: roomLog, metrics, log });
  const outbox = new RedisOutbox({ redis, keys, consumer: nodeId, writer, timers, metrics, log });
  const idleRooms = new RedisIdleRooms({
    redis,
    keys,
    nodeId,
    idleMs: options.idleMs ?? 3_600_000,
    live: { roomLog, chatLog },
    archive: kept,
    timers,
    metrics,
    log,
  });
  return {
    roomLog: archivedRoomLog(roomLog, kept.roomLog),
    chatLog: archivedChatLog(chatLog, kept.chatLog, roomLog, writer),
    live: { roomLog, chatLog },
    redis,
    keys,
    kept,
    outbox,
    idleRooms,
    figure: async (name) => {
      const { body } = await metrics.exposition();
      return Number(new RegExp(`^earshot_(?:archive_)?${name} (.*)$`, 'm').exec(body)?.[1]);
    },
    async stop() {
      await outbox.stop();
      await channels.stop();
      await connection.stop();
      await kept.stop();
    },
  };
}
