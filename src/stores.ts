// What the service keeps, and where: embedded, on a Postgres server, or on Redis and Postgres for many nodes.
import { MemoryFeeds } from './adapters/memory/memory-feed.ts';
import {
  openEmbeddedStores,
  openPostgresStores,
} from './adapters/postgres/open-postgres-stores.ts';
import { lockDatabase } from './adapters/postgres/database-lock.ts';
import { createSystemHubClock } from './adapters/system/system-hub-clock.ts';
import { randomTimelineId } from './adapters/system/system-random.ts';
import { systemTimers } from './adapters/system/system-timers.ts';
import type { Config } from './config.ts';
import type { PostgresStores } from './adapters/postgres/open-postgres-stores.ts';
import type { Log } from './ports/log.ts';
import { OperationalError } from './ports/operational-error.ts';
import type { PostgresConfig } from './store-config.ts';
import { answers, untilThere, type Opening, type KeptStores } from './store-opening.ts';
import type { WatchedStore } from './store-watch.ts';

/** The embedded database died while the service ran. */
export class DatabaseFailed extends OperationalError {
  constructor(options: ErrorOptions) {
    super(
      'the embedded database has died: start the service again, what was acknowledged is kept',
      options,
    );
    this.name = 'DatabaseFailed';
  }
}

/** The Postgres of the configuration is there, and lets this process do nothing. */
export class PostgresRefuses extends OperationalError {
  constructor(cause: Error) {
    const reason = cause.message.trim().split('\n').at(-1) ?? '';
    super(`Postgres refuses: ${reason}: see that POSTGRES_URL is right`, { cause });
    this.name = 'PostgresRefuses';
  }
}

/** Not who one says, no such database, not allowed; by SQLSTATE. */
const REFUSALS = /^(28|3D|42501)/;

/** Everything in an embedded Postgres in the data folder. Rejects with what is wrong with the folder. */
export async function openEmbedded(
  config: Config,
  log: Log,
  failed: (error: Error) => void,
): Promise<KeptStores> {
  const stores = await openEmbeddedStores({
    dataDir: config.dataDir,
    log,
    failed: (cause) => failed(new DatabaseFailed({ cause })),
  });
  // It is in this very process: without it there is nobody to tell of it.
  return alone(stores, `rooms, people, chat: ${stores.version} in ${config.dataDir}`, []);
}

/**
 * Everything on servers, as the configuration names them. Tries until they are there, or the process is to stop.
 * Rejects with `DatabaseInUse` where the Postgres is used in a way that does not go with this process; with `PostgresRefuses`,
 * `RedisRefuses`, `UnsuitableRedis` and what the migrations reject with.
 * @param failed called when the process cannot go on any more
 */
export async function openServers(
  config: Config,
  opening: Opening,
  failed: (error: Error) => void,
): Promise<KeptStores> {
  const { postgres, redis } = config;
  if (postgres === undefined) throw new Error('no server is configured');
  const there = <T>(work: () => Promise<T>): Promise<T> =>
    untilThere('Postgres', opening, () => work().catch(refused));
  // Redis' driver is much code: loaded where there is a Redis, and before anything is opened.
  const shared = redis && { redis, ...(await import('./shared-stores.ts')) };
  // Before its tables are touched: they may be in use by an older version.
  const use = shared === undefined ? 'alone' : 'shared';
  const target = { clientUrl: postgres.url, poolSize: 1 };
  const unlock = await there(() =>
    lockDatabase({ target, use, timers: systemTimers, log: opening.log, failed }),
  );
  try {
    const kept = await there(() => openServer(postgres, opening.log));
    const told = `rooms, people, chat: ${kept.version}`;
    const stores =
      shared === undefined
        ? await there(() => alone(kept, told, [watchedPostgres(kept)]))
        : await shared.openShared(shared.redis, kept, opening);
    return {
      ...stores,
      async stop() {
        await stores.stop();
        await unlock();
      },
    };
  } catch (error) {
    await unlock();
    throw error;
  }
}

function refused(error: unknown): never {
  const isRefusal =
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    REFUSALS.test(error.code);
  throw isRefusal ? new PostgresRefuses(error) : error;
}

function openServer({ url, poolSize, migrate }: PostgresConfig, log: Log): Promise<PostgresStores> {
  return openPostgresStores({ target: { clientUrl: url, poolSize }, migrate, log });
}

/** It has the rooms: without it nothing can be changed. */
function watchedPostgres({ kv }: PostgresStores): WatchedStore {
  return { name: 'Postgres', isNeeded: true, look: () => answers(kv) };
}

async function alone(
  stores: PostgresStores & Pick<KeptStores, 'copyTo'>,
  told: string,
  watched: readonly WatchedStore[],
): Promise<KeptStores> {
  const heartbeat = await stores.kv.get('heartbeat');
  const clock = createSystemHubClock(
    typeof heartbeat === 'number' ? heartbeat : 0,
    randomTimelineId(),
  );
  const feed = new MemoryFeeds({ now: () => clock.now() }).join('alone');
  return { ...stores, clock, feed, nodes: undefined, told, watched, faults: () => [] };
}
