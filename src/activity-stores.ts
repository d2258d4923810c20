// Where what was listened to is kept: in Postgres, or in MongoDB with an outbox in Postgres before it; and what was kept in the other one
// before the configuration was changed.
import { DirectActivityOutbox } from './adapters/direct-activity-outbox.ts';
import { systemTimers } from './adapters/system/system-timers.ts';
import { withFormerLog } from './adapters/with-former-log.ts';
import type { ActivityLog } from './ports/activity-log.ts';
import type { MongoConfig } from './store-config.ts';
import type { KeptStores, Opening, Stores } from './store-opening.ts';

/** Without MongoDB nothing is added to an outbox; what is left in one goes out. */
const NO_MORE_ENTRIES = 0;

/** The stores with what is configured for listening. MongoDB need not be there. Rejects with `MongoRefuses`; `stores` then go on. */
export async function withActivityStore(
  stores: KeptStores,
  mongo: MongoConfig | undefined,
  { log, metrics }: Pick<Opening, 'log' | 'metrics'>,
): Promise<Stores> {
  const outboxTo = (activityLog: ActivityLog, maxEntries: number) =>
    stores.createActivityOutbox({
      activityLog,
      maxEntries,
      now: () => stores.clock.now(),
      timers: systemTimers,
      metrics,
      log,
    });
  if (mongo === undefined) {
    const former = outboxTo(stores.activityLog, NO_MORE_ENTRIES);
    former.drain().catch((error: unknown) => {
      log.warn(
        { err: error },
        'what waited for MongoDB is not in Postgres yet: the next start tries again',
      );
    });
    const activityOutbox = new DirectActivityOutbox(stores.activityLog, former);
    return {
      ...stores,
      activityOutbox,
      async stop() {
        await former.stop();
        await stores.stop();
      },
    };
  }
  // MongoDB's driver is much code: loaded where there is a MongoDB.
  const { openMongo } = await import('./adapters/mongo/open-mongo.ts');
  const opened = await openMongo(mongo.target, log);
  const activityLog = withFormerLog(opened.activityLog, stores.activityLog);
  const activityOutbox = outboxTo(opened.activityLog, mongo.maxOutboxEntries);
  activityOutbox.start();
  return {
    ...stores,
    activityLog,
    activityOutbox,
    watched: [...stores.watched, { name: 'MongoDB', isNeeded: false, look: () => opened.look() }],
    told: `${stores.told}; listening: MongoDB, ${mongo.target.database}`,
    async stop() {
      await activityOutbox.stop();
      await opened.stop();
      await stores.stop();
    },
  };
}
