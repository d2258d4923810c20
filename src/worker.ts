// A worker's link to the first process of its machine: which of the workers it is, and the metrics of all of them.
import cluster from 'node:cluster';
import type { MetricsOfWorkers, MetricsSnapshot } from './adapters/system/prom-metrics.ts';
import { isToWorker, type ToPrimary } from './worker-messages.ts';

/** The key of the environment that tells a worker which one it is. Set by the first process, never by a person. */
export const WORKER_KEY = 'EARSHOT_WORKER';
/** The key that is set where another worker serves already. */
export const LATE_KEY = 'EARSHOT_WORKER_LATE';

export interface WorkerLink extends MetricsOfWorkers {
  /** Others serve the port: this one should not take connections before it can serve them. */
  readonly isLate: boolean;
  /** Tells the first process that this one serves. */
  serving(): void;
}

/** The link of this process; undefined where it is no worker. */
export function workerLink(
  environment: Readonly<Record<string, string | undefined>>,
): WorkerLink | undefined {
  const worker = Number(environment[WORKER_KEY]);
  if (!cluster.isWorker || !Number.isInteger(worker)) return undefined;
  const gathering = new Map<number, (snapshots: readonly MetricsSnapshot[]) => void>();
  let gathered = 0;
  let snapshot: () => Promise<MetricsSnapshot> = () => Promise.resolve([]);
  const tell = (message: ToPrimary): void => {
    // Without the first process there is nobody to tell, and this one ends with it.
    if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
  };
  process.on('message', (message: unknown) => {
    if (!isToWorker(message)) return;
    if (message.type === 'earshot:gathered') {
      gathering.get(message.id)?.(message.snapshots);
      gathering.delete(message.id);
      return;
    }
    const { id } = message;
    snapshot().then(
      (metrics) => tell({ type: 'earshot:snapshot', id, metrics }),
      () => tell({ type: 'earshot:snapshot', id, metrics: [] }),
    );
  });
  return {
    worker,
    isLate: environment[LATE_KEY] === '1',
    gather: () =>
      new Promise((resolve) => {
        gathered += 1;
        gathering.set(gathered, resolve);
        tell({ type: 'earshot:gather', id: gathered });
      }),
    answerWith: (told) => {
      snapshot = told;
    },
    serving: () => tell({ type: 'earshot:serving' }),
  };
}
