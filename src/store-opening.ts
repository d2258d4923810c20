// What opening the stores means: what comes of it, and the patience with servers that are not there yet.
import type { PostgresStores } from './adapters/postgres/open-postgres-stores.ts';
import { whyOf } from './adapters/system/why.ts';
import type { Front } from './front.ts';
import type { Nodes } from './hub/hub-ports.ts';
import type { NodeId } from './ports/bus.ts';
import type { ActivityOutbox } from './ports/activity-outbox.ts';
import type { Feed } from './ports/feed.ts';
import type { HubClock } from './ports/hub-clock.ts';
import type { Log } from './ports/log.ts';
import type { Metrics } from './ports/metrics.ts';
import type { SharedRates } from './ports/shared-rates.ts';
import { StoreUnavailable } from './ports/room-log.ts';
import type { WatchedStore } from './store-watch.ts';

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;

/** All but the way to the history of listening. */
export interface KeptStores extends Omit<PostgresStores, 'version'> {
  readonly feed: Feed;
  readonly clock: HubClock;
  /** Undefined where this process is alone. */
  readonly nodes: Nodes | undefined;
  /** Absent where this process is alone. */
  readonly sharedRates?: SharedRates;
  /** Copies all of it into a directory that is made. Absent where it is on servers, which have means of their own. */
  readonly copyTo?: (directory: string) => Promise<void>;
  /** Which store is used for what, for the line at start. */
  readonly told: string;
  /** Those that are servers of their own, to be looked at while this process serves. */
  readonly watched: readonly WatchedStore[];
  /** What keeps this process from serving well, for people; empty where nothing does. */
  faults(): readonly string[];
}

export interface Stores extends KeptStores {
  readonly activityOutbox: ActivityOutbox;
}

/** What the opening of servers is given. */
export interface Opening {
  /** Of this run of this process. */
  readonly nodeId: NodeId;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly front: Pick<Front, 'waitFor'>;
  /** Once it is over, nothing is tried again. */
  readonly life: { readonly isOver: boolean };
}

/** Rejects where the database does not answer. */
export async function answers(kv: Pick<KeptStores['kv'], 'get'>): Promise<void> {
  await kv.get('heartbeat');
}

/** Tries again while a server is away, ever more slowly, with one line each time. Rejects once the process is to stop. */
export async function untilThere<T>(
  server: string,
  { log, front, life }: Pick<Opening, 'log' | 'front' | 'life'>,
  open: () => Promise<T>,
): Promise<T> {
  for (let delayMs = FIRST_RETRY_MS; ; delayMs = Math.min(LAST_RETRY_MS, delayMs * 2)) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || life.isOver) throw error;
      front.waitFor(`${server} cannot be reached`);
      log.warn(
        { cause: whyOf(error), retryMs: delayMs },
        `${server} cannot be reached: trying again`,
      );
      // It holds the process: a command that waits has nothing else that does.
      await new Promise((resolve) => setTimeout(resolve, delayMs));
    }
  }
}
