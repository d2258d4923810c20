// What the service keeps, and where: embedded, on a Postgres server, or on Redis and Postgres for many nodes.
import {
  openEmbeddedStores,
  openPostgresStores,
} from './adapters/postgres/open-postgres-stores.ts';
import { createSystemHubClock } from './adapters/system/system-hub-clock.ts';
import { randomTimelineId } from './adapters/system/system-random.ts';
import type { Config } from './config.ts';
import type { PostgresStores } from './adapters/postgres/open-postgres-stores.ts';
import type { Log } from './ports/log.ts';
import { openShared } from './shared-stores.ts';
import type { PostgresConfig } from './store-config.ts';
import { untilThere, type Opening, type Stores } from './store-opening.ts';

/** The embedded database died while the service ran. */
export class DatabaseFailed extends Error {
  constructor(options: ErrorOptions) {
    super(
      'the embedded database has died: start the service again, what was acknowledged is kept',
      options,
    );
    this.name = 'DatabaseFailed';
  }
}

/** Everything in an embedded Postgres in the data folder. Rejects with what is wrong with the folder. */
export async function openEmbedded(
  config: Config,
  log: Log,
  failed: (error: Error) => void,
): Promise<Stores> {
  const stores = await openEmbeddedStores({
    dataDir: config.dataDir,
    log,
    failed: (cause) => failed(new DatabaseFailed({ cause })),
  });
  return alone(stores, `rooms, people, chat: ${stores.version} in ${config.dataDir}`);
}

/** Everything on servers, as the configuration names them. Tries until they are there, or the process is to stop. */
export async function openServers(config: Config, opening: Opening): Promise<Stores> {
  const { postgres, redis } = config;
  if (postgres === undefined) throw new Error('no server is configured');
  const stores = await untilThere('Postgres', opening, () => openServer(postgres, opening.log));
  if (redis === undefined) {
    const told = `rooms, people, chat: ${stores.version}`;
    return untilThere('Postgres', opening, () => alone(stores, told));
  }
  return openShared(redis, stores, opening);
}

function openServer({ url, poolSize, migrate }: PostgresConfig, log: Log): Promise<PostgresStores> {
  return openPostgresStores({ target: { clientUrl: url, poolSize }, migrate, log });
}

async function alone(stores: PostgresStores, told: string): Promise<Stores> {
  const heartbeat = await stores.kv.get('heartbeat');
  const clock = createSystemHubClock(
    typeof heartbeat === 'number' ? heartbeat : 0,
    randomTimelineId(),
  );
  return { ...stores, clock, nodes: undefined, told, faults: () => [] };
}
