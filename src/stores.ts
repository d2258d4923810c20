// What the service keeps, and where: embedded, on a Postgres server, or on Redis and Postgres for many nodes.
import {
  openEmbeddedStores,
  openPostgresStores,
} from './adapters/postgres/open-postgres-stores.ts';
import { createSystemHubClock } from './adapters/system/system-hub-clock.ts';
import { randomTimelineId } from './adapters/system/system-random.ts';
import type { Config, PostgresConfig } from './config.ts';
import type { Front } from './front.ts';
import type { Nodes } from './hub/hub-ports.ts';
import type { PostgresStores } from './adapters/postgres/open-postgres-stores.ts';
import type { HubClock } from './ports/hub-clock.ts';
import type { Log } from './ports/log.ts';
import type { Metrics } from './ports/metrics.ts';
import { StoreUnavailable } from './ports/room-log.ts';
import { openShared } from './shared-stores.ts';

export interface Stores extends Omit<PostgresStores, 'version'> {
  readonly clock: HubClock;
  /** Undefined where this process is alone. */
  readonly nodes: Nodes | undefined;
  /** Which store is used for what, for the line at start. */
  readonly told: string;
  /** What keeps this process from serving well, for people; empty where nothing does. */
  faults(): readonly string[];
}

/** What the opening of servers is given. */
export interface Opening {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly front: Pick<Front, 'waitFor'>;
  /** Once it is over, nothing is tried again. */
  readonly life: { readonly isOver: boolean };
}

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;

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
  if (redis === undefined) return alone(stores, `rooms, people, chat: ${stores.version}`);
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

/** Tries again while a server is away, ever more slowly, with one line each time. Rejects once the process is to stop. */
export async function untilThere<T>(
  server: string,
  { log, front, life }: Opening,
  open: () => Promise<T>,
): Promise<T> {
  for (let delayMs = FIRST_RETRY_MS; ; delayMs = Math.min(LAST_RETRY_MS, delayMs * 2)) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || life.isOver) throw error;
      front.waitFor(`${server} cannot be reached`);
      const cause = error.cause instanceof Error ? error.cause.message : error.message;
      log.warn({ cause, retryMs: delayMs }, `${server} cannot be reached: trying again`);
      await new Promise((resolve) => setTimeout(resolve, delayMs).unref());
    }
  }
}
