// What many nodes share: the live rooms in Redis, all that is kept in Postgres, and the archive between them.
import { archivedChatLog, archivedRoomLog } from './adapters/archived-logs.ts';
import { followedTraces } from './adapters/followed-traces.ts';
import { checkRedis } from './adapters/redis/check-redis.ts';
import { connectRedis, type RedisConnection } from './adapters/redis/connect-redis.ts';
import { RedisBus } from './adapters/redis/redis-bus.ts';
import { RedisChannels } from './adapters/redis/redis-channels.ts';
import { RedisChatLog } from './adapters/redis/redis-chat-log.ts';
import { RedisFeed } from './adapters/redis/redis-feed.ts';
import { RedisFeedChannels } from './adapters/redis/redis-feed-channels.ts';
import { RedisHubClock } from './adapters/redis/redis-hub-clock.ts';
import { RedisIdleRooms } from './adapters/redis/redis-idle-rooms.ts';
import { RedisKeys } from './adapters/redis/redis-keys.ts';
import { RedisOutbox } from './adapters/redis/redis-outbox.ts';
import { RedisRejects } from './adapters/redis/redis-rejects.ts';
import { RedisPresence } from './adapters/redis/redis-presence.ts';
import { RedisRoomLog } from './adapters/redis/redis-room-log.ts';
import { RedisSharedRates } from './adapters/redis/redis-shared-rates.ts';
import { ReplicaBarrier } from './adapters/redis/replica-barrier.ts';
import { systemTimers } from './adapters/system/system-timers.ts';
import type { PostgresStores } from './adapters/postgres/open-postgres-stores.ts';
import type { RedisConfig } from './store-config.ts';
import type { HubClock } from './ports/hub-clock.ts';
import { StoreUnavailable } from './ports/room-log.ts';
import { answers, untilThere, type Opening, type KeptStores } from './store-opening.ts';

/** How often Postgres is told what hub time it is: a Redis that has lost everything must not turn it back. */
const HUB_TIME_KEPT_MS = 10_000;
const HUB_TIME_KEY = 'hub_time';

/**
 * The stores of a node among others, on `postgres` and the Redis that is configured. Tries until it is there.
 * Rejects with `UnsuitableRedis` for one that must not keep rooms, with `RedisRefuses` for one that lets this process do nothing.
 */
export async function openShared(
  config: RedisConfig,
  postgres: PostgresStores,
  opening: Opening,
): Promise<KeptStores> {
  const stops: (() => Promise<void> | void)[] = [() => postgres.stop()];
  const stop = async (): Promise<void> => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  try {
    const parts = await openParts(config, postgres, opening, stops);
    return { ...parts, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function openParts(
  { target, partitions, waitReplicas, maxOutboxEntries, idleRoomMs }: RedisConfig,
  postgres: PostgresStores,
  opening: Opening,
  stops: (() => Promise<void> | void)[],
): Promise<Omit<KeptStores, 'stop'>> {
  const { log, metrics, nodeId } = opening;
  const timers = systemTimers;
  const localNow = (): number => performance.now();
  const keys = new RedisKeys(partitions);
  const connect = (): Promise<RedisConnection> => connectRedis(target, log);
  const there = <T>(open: () => Promise<T>): Promise<T> => untilThere('Redis', opening, open);

  opening.front.waitFor('Redis cannot be reached');
  const connection = await there(connect);
  stops.push(() => connection.stop());
  const { redis } = connection;
  const version = await there(() => checkRedis(redis, keys, log));
  const kept = await untilThere('Postgres', opening, () => postgres.kv.get(HUB_TIME_KEY));
  const clock = await there(() =>
    RedisHubClock.open({
      redis,
      keys,
      timers,
      log,
      localNow,
      random: Math.random,
      notBefore: Math.max(Date.now(), typeof kept === 'number' ? kept + HUB_TIME_KEPT_MS : 0),
    }),
  );
  stops.push(() => clock.stop());
  stops.push(keepHubTime(clock, postgres, opening));
  const channels = await there(() =>
    RedisChannels.open({ redis, connect, keys, nodeId, timers, log, localNow }),
  );
  stops.push(() => channels.stop());
  const barrier =
    waitReplicas === 0
      ? undefined
      : await there(() => ReplicaBarrier.open({ connect, keys, replicas: waitReplicas }));
  stops.push(() => barrier?.stop());
  const presence = await there(() =>
    RedisPresence.open({ redis, channels, keys, nodeId, timers, now: () => clock.now(), log }),
  );
  stops.push(() => presence.stop());

  const feedChannels = await there(() =>
    RedisFeedChannels.open({ redis, connect, keys, nodeId, timers, log, localNow }),
  );
  stops.push(() => feedChannels.stop());
  const now = (): number => clock.now();
  const feed = new RedisFeed({ redis, channels: feedChannels, keys, nodeId, now });

  const common = { redis, channels, keys, nodeId, maxOutboxEntries, barrier };
  const live = new RedisRoomLog({ ...common, log });
  const liveChat = new RedisChatLog(common);
  const writer = postgres.createArchiver({ live, metrics, log });
  const outbox = new RedisOutbox({ redis, keys, consumer: nodeId, writer, timers, metrics, log });
  outbox.start();
  stops.push(() => outbox.stop());
  if (idleRoomMs !== undefined) {
    const idleRooms = new RedisIdleRooms({
      redis,
      keys,
      nodeId,
      idleMs: idleRoomMs,
      live: { roomLog: live, chatLog: liveChat },
      archive: postgres,
      timers,
      metrics,
      log,
    });
    idleRooms.start();
    stops.push(() => idleRooms.stop());
  }
  return {
    ...postgres,
    traces: followedTraces(postgres.traces, outbox, new RedisRejects(redis, keys)),
    roomLog: archivedRoomLog(live, postgres.roomLog),
    chatLog: archivedChatLog(liveChat, postgres.chatLog, live, writer),
    clock,
    feed,
    sharedRates: new RedisSharedRates({ redis, keys, localNow, metrics, log }),
    nodes: { bus: new RedisBus(channels, nodeId), presence },
    told: `rooms, chat, presence: Redis ${version} (${target.kind}), node ${nodeId}; people, archive: ${postgres.version}`,
    watched: [
      // What its channels prove is more than an answer to a question; `faults` says which of them are silent.
      { name: 'Redis', isNeeded: false, look: () => channelsProven(channels) },
      { name: 'Postgres', isNeeded: false, look: () => answers(postgres.kv) },
    ],
    faults: () => (channels.fault === undefined ? [] : [channels.fault]),
  };
}

function channelsProven({ fault }: RedisChannels): Promise<void> {
  return fault === undefined ? Promise.resolve() : Promise.reject(new StoreUnavailable(fault));
}

/** @returns its stop */
function keepHubTime(clock: HubClock, { kv }: PostgresStores, { log }: Opening): () => void {
  return systemTimers.every(HUB_TIME_KEPT_MS, () => {
    kv.set(HUB_TIME_KEY, clock.now()).catch((error: unknown) =>
      log.debug({ err: error }, 'Postgres could not be told of hub time'),
    );
  });
}
