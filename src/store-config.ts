// The keys of the environment that name the servers: what they mean, and which of them go together.
import { z } from 'zod';
import type { MongoTarget } from './adapters/mongo/open-mongo.ts';
import type { RedisLogin, RedisTarget } from './adapters/redis/connect-redis.ts';

export const count = z.coerce.number().int().min(0);
export const positive = z.coerce.number().int().min(1);

export const STORE_KEYS = {
  REDIS_URL: z
    .string()
    .optional()
    .describe(
      'Redis 7 or newer for the rooms of many nodes, redis://host:6379; several by commas are a cluster; needs POSTGRES_URL',
    ),
  REDIS_SENTINELS: z
    .string()
    .optional()
    .describe(
      'Sentinels by commas, redis://host:26379, with their own password if they have one: they name the Redis, instead of REDIS_URL',
    ),
  REDIS_MASTER_NAME: z
    .string()
    .min(1)
    .default('mymaster')
    .describe('the name under which the Sentinels watch Redis'),
  REDIS_USERNAME: z
    .string()
    .min(1)
    .optional()
    .describe('who enters the Redis that the Sentinels name; default: its default user'),
  REDIS_PASSWORD: z
    .string()
    .min(1)
    .optional()
    .describe('the password of the Redis that the Sentinels name; elsewhere it is in REDIS_URL'),
  REDIS_PARTITIONS: positive
    .max(4_096)
    .default(32)
    .describe(
      'parts into which rooms are spread over a cluster; never change it once rooms are kept',
    ),
  REDIS_WAIT_REPLICAS: count
    .max(10)
    .default(0)
    .describe('replicas that must have a change before it is acknowledged'),
  MAX_OUTBOX_ENTRIES: positive
    .default(100_000)
    .describe('changes of a partition that may wait for Postgres; more are refused as unavailable'),
  REDIS_IDLE_ROOM_HOURS: count
    .max(8_760)
    .default(24)
    .describe(
      'after so long without people and changes a room leaves Redis and is in Postgres alone; 0: never',
    ),
  POSTGRES_URL: z
    .url({ protocol: /^postgres(ql)?$/ })
    .optional()
    .describe('Postgres for what is kept; default: an embedded one in DATA_DIR'),
  POSTGRES_POOL_SIZE: positive.max(1_000).default(10).describe('connections to POSTGRES_URL'),
  MIGRATE: z
    .enum(['on', 'off'])
    .default('on')
    .describe('bring the tables up to date at start; off: by `node dist/src/migrate.js`'),
  MONGODB_URL: z
    .string()
    .optional()
    .describe('MongoDB for activity and listens, mongodb://host:27017; default: Postgres'),
  MONGODB_DATABASE: z
    .string()
    .regex(/^[\w-]{1,60}$/, 'letters, digits, _ and - alone')
    .default('earshot')
    .describe('the name of the database there'),
  ACTIVITY_RETENTION_DAYS: count
    .max(36_500)
    .default(0)
    .describe('how long what was listened to is kept, wherever it is; 0: for ever'),
  MAX_ACTIVITY_OUTBOX: positive
    .default(100_000)
    .describe('entries of the listening history that may wait in Postgres for MongoDB'),
  CLUSTER_WORKERS: positive
    .max(256)
    .default(1)
    .describe('processes that serve the port together, one for each core; needs REDIS_URL'),
};

type StoreEnvironment = z.infer<z.ZodObject<typeof STORE_KEYS>>;

export interface RedisConfig {
  readonly target: RedisTarget;
  readonly partitions: number;
  readonly waitReplicas: number;
  readonly maxOutboxEntries: number;
  /** Undefined: rooms stay in Redis for ever. */
  readonly idleRoomMs: number | undefined;
}

export interface MongoConfig {
  readonly target: MongoTarget;
  readonly maxOutboxEntries: number;
}

export interface PostgresConfig {
  readonly url: string;
  readonly poolSize: number;
  readonly migrate: boolean;
}

/** What of these keys does not go together, one line each. */
export function storeFaults(env: StoreEnvironment): string[] {
  const faults: string[] = [];
  for (const key of ['REDIS_URL', 'REDIS_SENTINELS'] as const) {
    for (const url of listOf(env[key])) {
      if (!/^rediss?:\/\/[^/]/.test(url) || !URL.canParse(url))
        faults.push(`${key}: "${redacted(url)}" is no address such as redis://localhost:6379`);
    }
  }
  const { MONGODB_URL: mongo } = env;
  if (mongo !== undefined && !/^mongodb(\+srv)?:\/\/[^/]/.test(mongo))
    faults.push(
      `MONGODB_URL: "${redacted(mongo)}" is no address such as mongodb://localhost:27017`,
    );
  const hasRedis = env.REDIS_URL !== undefined || env.REDIS_SENTINELS !== undefined;
  if (env.REDIS_URL !== undefined && env.REDIS_SENTINELS !== undefined)
    faults.push('REDIS_SENTINELS: the Sentinels name the Redis, so REDIS_URL must not be set');
  for (const key of ['REDIS_USERNAME', 'REDIS_PASSWORD'] as const) {
    if (env[key] !== undefined && env.REDIS_SENTINELS === undefined)
      faults.push(`${key}: is for the Redis that REDIS_SENTINELS name; put it into REDIS_URL`);
  }
  if (hasRedis && env.POSTGRES_URL === undefined)
    faults.push(
      'POSTGRES_URL: must be set where Redis is, as an embedded Postgres would give every node people of its own',
    );
  if (env.CLUSTER_WORKERS > 1 && !hasRedis)
    faults.push('CLUSTER_WORKERS: processes share rooms by Redis, so REDIS_URL must be set');
  return faults;
}

function listOf(text: string | undefined): string[] {
  return text === undefined ? [] : text.split(',').map((part) => part.trim());
}

/** Without the password that an address may carry, and which may have an @ in it where the address is wrong. */
function redacted(url: string): string {
  return url.replace(/^([a-z][\w+.-]*:(?:\/\/)?)?.*@/i, '$1…@');
}

function loginOf(env: StoreEnvironment): RedisLogin {
  return {
    ...(env.REDIS_USERNAME !== undefined && { username: env.REDIS_USERNAME }),
    ...(env.REDIS_PASSWORD !== undefined && { password: env.REDIS_PASSWORD }),
  };
}

/** Undefined: this process is alone. */
export function redisOf(env: StoreEnvironment): RedisConfig | undefined {
  const urls = listOf(env.REDIS_URL);
  const sentinels = listOf(env.REDIS_SENTINELS);
  const [url] = urls;
  const target: RedisTarget | undefined =
    sentinels.length > 0
      ? { kind: 'sentinel', name: env.REDIS_MASTER_NAME, urls: sentinels, login: loginOf(env) }
      : urls.length > 1
        ? { kind: 'cluster', urls }
        : url === undefined
          ? undefined
          : { kind: 'single', url };
  return (
    target && {
      target,
      partitions: env.REDIS_PARTITIONS,
      waitReplicas: env.REDIS_WAIT_REPLICAS,
      maxOutboxEntries: env.MAX_OUTBOX_ENTRIES,
      idleRoomMs:
        env.REDIS_IDLE_ROOM_HOURS === 0 ? undefined : env.REDIS_IDLE_ROOM_HOURS * 3_600_000,
    }
  );
}

/** Undefined: the embedded one. */
export function postgresOf(env: StoreEnvironment): PostgresConfig | undefined {
  return env.POSTGRES_URL === undefined
    ? undefined
    : { url: env.POSTGRES_URL, poolSize: env.POSTGRES_POOL_SIZE, migrate: env.MIGRATE === 'on' };
}

/** Undefined: for ever. */
export function activityLifeOf(env: StoreEnvironment): number | undefined {
  const days = env.ACTIVITY_RETENTION_DAYS;
  return days === 0 ? undefined : days * 86_400_000;
}

/** Undefined: activity and listens are in Postgres. */
export function mongoOf(env: StoreEnvironment): MongoConfig | undefined {
  if (env.MONGODB_URL === undefined) return undefined;
  return {
    target: {
      url: env.MONGODB_URL,
      database: env.MONGODB_DATABASE,
    },
    maxOutboxEntries: env.MAX_ACTIVITY_OUTBOX,
  };
}
