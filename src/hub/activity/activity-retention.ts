// How long what was listened to is kept: what is older is dropped in small bites, by whichever node comes to it. Knows no store.
import type { ActivityLog } from '../../ports/activity-log.ts';
import type { HubClock } from '../../ports/hub-clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import { endsWithin, type Timers } from '../../ports/timers.ts';

export interface ActivityRetentionDeps {
  readonly activityLog: Pick<ActivityLog, 'prune'>;
  /** How long something is kept from when it began. */
  readonly lifeMs: number;
  readonly clock: HubClock;
  readonly timers: Timers;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** Not at once: a service that starts has other things to do. */
const FIRST_MS = 60_000;
const EVERY_MS = 3_600_000;
/** After a store that was away. */
const AGAIN_MS = 60_000;
/** After a full bite the rest waits this long, so that reads and writes come in between. */
const BETWEEN_MS = 200;
const BITE = 1_000;
/** What is not dropped now is by the next node that looks. */
const STOP_PATIENCE_MS = 500;

/** Starts to drop what is older, now and every hour. Returns its stop, which waits a moment for the bite that is under way; idempotent. */
export function keepFor(deps: ActivityRetentionDeps): () => Promise<void> {
  const { activityLog, lifeMs, clock, timers, metrics, log } = deps;
  let isStopped = false;
  let dropped = 0;
  let cancel = (): void => undefined;
  let pass: Promise<void> = Promise.resolve();
  metrics.total(
    {
      name: 'earshot_activity_pruned_total',
      help: 'Activities and listens that this process has dropped as older than they are kept.',
    },
    () => dropped,
  );

  const bite = async (): Promise<void> => {
    let nextMs = EVERY_MS;
    try {
      const gone = await activityLog.prune(clock.now() - lifeMs, BITE);
      dropped += gone;
      if (gone > 0) nextMs = BETWEEN_MS;
    } catch (error) {
      const isAway = error instanceof StoreUnavailable;
      if (isAway) nextMs = AGAIN_MS;
      log[isAway ? 'debug' : 'error'](
        { err: error },
        'old activity could not be dropped; it is tried again',
      );
    }
    after(nextMs);
  };
  const after = (delayMs: number): void => {
    if (isStopped) return;
    cancel = timers.after(delayMs, () => {
      pass = bite();
    });
  };
  after(FIRST_MS);
  return () => {
    isStopped = true;
    cancel();
    return endsWithin(timers, STOP_PATIENCE_MS, pass).then(() => undefined);
  };
}
