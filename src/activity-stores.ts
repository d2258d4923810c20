// Where what was listened to is kept when it is not in Postgres: MongoDB, with an outbox in Postgres before it.
import { openMongo } from './adapters/mongo/open-mongo.ts';
import { systemTimers } from './adapters/system/system-timers.ts';
import type { MongoConfig } from './store-config.ts';
import type { Opening, Stores } from './store-opening.ts';

/** The stores with what is configured for listening. MongoDB need not be there. Rejects with `MongoRefuses`; `stores` then go on. */
export async function withActivityStore(
  stores: Stores,
  mongo: MongoConfig | undefined,
  { log, metrics }: Pick<Opening, 'log' | 'metrics'>,
): Promise<Stores> {
  if (mongo === undefined) return stores;
  const opened = await openMongo(mongo.target, log);
  const { activityLog } = opened;
  const activityOutbox = stores.createActivityOutbox({
    activityLog,
    maxEntries: mongo.maxOutboxEntries,
    now: () => stores.clock.now(),
    timers: systemTimers,
    metrics,
    log,
  });
  activityOutbox.start();
  return {
    ...stores,
    activityLog,
    activityOutbox,
    told: `${stores.told}; listening: MongoDB, ${mongo.target.database}`,
    async stop() {
      await activityOutbox.stop();
      await opened.stop();
      await stores.stop();
    },
  };
}
