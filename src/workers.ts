// The first process of a machine whose cores are all used: it starts workers that serve one port, and starts again the one that dies.
// It serves nobody itself, so it does not die of what they do.
import cluster, { type Worker } from 'node:cluster';
import { createServer } from 'node:net';
import type { Config } from './config.ts';
import type { Log } from './ports/log.ts';
import { PortInUse } from './ports/sockets.ts';
import { isToPrimary, type ToWorker } from './worker-messages.ts';
import { LATE_KEY, WORKER_KEY } from './worker.ts';

const FIRST_BACK_OFF_MS = 500;
const LAST_BACK_OFF_MS = 10_000;
/** A worker that has served this long is forgiven what was before. */
const STEADY_MS = 30_000;
/** A worker that is busier than this is left out of the metrics, rather than holding them up. */
const GATHER_MS = 2_000;

interface Gathering {
  readonly missing: Set<Worker>;
  readonly snapshots: (readonly object[])[];
  done(): void;
}

/** One place among the workers, filled by one process after another. */
interface Place {
  readonly index: number;
  worker: Worker | undefined;
  backOffMs: number;
  servingSince: number | undefined;
  restart: NodeJS.Timeout | undefined;
}

export class Workers {
  readonly #log: Log;
  readonly #ended: (exitCode: number) => void;
  readonly #places: Place[];
  readonly #gatherings = new Map<number, Gathering>();
  readonly #port: number;
  #gathered = 0;
  #hasServed = false;
  #saidReady = false;
  #isStopping = false;
  /** A worker did not end in good order after it was asked to. */
  #hasFailed = false;

  private constructor(port: number, count: number, log: Log, ended: (exitCode: number) => void) {
    this.#port = port;
    this.#log = log;
    this.#ended = ended;
    this.#places = Array.from({ length: count }, (_, i) => ({
      index: i + 1,
      worker: undefined,
      backOffMs: 0,
      servingSince: undefined,
      restart: undefined,
    }));
  }

  /**
   * Starts the first worker, and the others once it serves: what keeps one from starting keeps all, and is said once.
   * Rejects with `PortInUse`.
   * @param ended called when the last worker has gone: 0 after `stop`, 1 where one of them did not end in good order then, or the first could not start
   */
  static async start(
    config: Config,
    log: Log,
    ended: (exitCode: number) => void,
  ): Promise<Workers> {
    const port = await freePortOf(config);
    const workers = new Workers(port, config.clusterWorkers, log, ended);
    cluster.on('exit', (worker, code, signal) => workers.#exited(worker, code, signal));
    cluster.on('message', (worker, message: unknown) => workers.#heard(worker, message));
    const [first] = workers.#places;
    if (first !== undefined) workers.#fork(first);
    return workers;
  }

  /** Asks the workers to send everybody away in good order. Again: ends them now. */
  stop(): void {
    const signal = this.#isStopping ? 'SIGKILL' : 'SIGTERM';
    this.#isStopping = true;
    for (const { worker, restart } of this.#places) {
      clearTimeout(restart);
      worker?.process.kill(signal);
    }
    this.#endIfGone(0);
  }

  #fork(place: Place): void {
    const isServed = this.#places.some(({ servingSince }) => servingSince !== undefined);
    const worker = cluster.fork({
      PORT: this.#port,
      [WORKER_KEY]: place.index,
      [LATE_KEY]: isServed ? '1' : '0',
    });
    this.#log.info({ worker: place.index, pid: worker.process.pid }, 'a worker starts');
    place.worker = worker;
    place.servingSince = undefined;
  }

  #exited(worker: Worker, code: number | null, signal: string | null): void {
    const place = this.#places.find((each) => each.worker === worker);
    if (place === undefined) return;
    const served = place.servingSince;
    place.worker = undefined;
    place.servingSince = undefined;
    for (const gathering of this.#gatherings.values()) this.#answered(gathering, worker);
    if (this.#isStopping) {
      // One that was still to serve had nobody, and nothing to lose.
      if (code !== 0 && served !== undefined) this.#hasFailed = true;
      this.#endIfGone(this.#hasFailed ? 1 : 0);
      return;
    }
    if (!this.#hasServed && code !== null && code !== 0) {
      // It has said why.
      this.#isStopping = true;
      this.#endIfGone(1);
      return;
    }
    const wasSteady = served !== undefined && performance.now() - served >= STEADY_MS;
    const before = wasSteady ? 0 : place.backOffMs;
    place.backOffMs = Math.min(LAST_BACK_OFF_MS, before * 2 || FIRST_BACK_OFF_MS);
    this.#log.error(
      { worker: place.index, pid: worker.process.pid, code, signal, restartMs: place.backOffMs },
      'a worker has died: it is started again',
    );
    place.restart = setTimeout(() => this.#fork(place), place.backOffMs);
  }

  #endIfGone(exitCode: number): void {
    if (this.#places.every(({ worker }) => worker === undefined)) this.#ended(exitCode);
  }

  #heard(worker: Worker, message: unknown): void {
    if (!isToPrimary(message)) return;
    switch (message.type) {
      case 'earshot:serving':
        this.#serves(worker);
        return;
      case 'earshot:gather':
        this.#gather(worker, message.id);
        return;
      case 'earshot:snapshot': {
        const gathering = this.#gatherings.get(message.id);
        if (gathering?.missing.has(worker) !== true) return;
        gathering.snapshots.push(message.metrics);
        this.#answered(gathering, worker);
        return;
      }
    }
  }

  #serves(worker: Worker): void {
    const place = this.#places.find((each) => each.worker === worker);
    if (place === undefined || this.#isStopping) return;
    place.servingSince = performance.now();
    if (!this.#hasServed) {
      this.#hasServed = true;
      for (const each of this.#places) if (each.worker === undefined) this.#fork(each);
    }
    const isWhole = this.#places.every(({ servingSince }) => servingSince !== undefined);
    if (isWhole && !this.#saidReady) {
      this.#saidReady = true;
      this.#log.info({ workers: this.#places.length, port: this.#port }, 'all workers serve');
    }
  }

  /** Asks every worker for its metrics, and tells them all to the one that wants them. */
  #gather(asker: Worker, askersId: number): void {
    this.#gathered += 1;
    const id = this.#gathered;
    const living = this.#places.flatMap(({ worker }) => (worker === undefined ? [] : [worker]));
    const snapshots: (readonly object[])[] = [];
    const done = (): void => {
      clearTimeout(patience);
      if (!this.#gatherings.delete(id)) return;
      tell(asker, { type: 'earshot:gathered', id: askersId, snapshots });
    };
    const patience = setTimeout(done, GATHER_MS);
    this.#gatherings.set(id, { missing: new Set(living), snapshots, done });
    for (const worker of living) tell(worker, { type: 'earshot:ask', id });
  }

  #answered(gathering: Gathering, worker: Worker): void {
    gathering.missing.delete(worker);
    if (gathering.missing.size === 0) gathering.done();
  }
}

function tell(worker: Worker, message: ToWorker): void {
  if (!worker.isConnected()) return;
  // It may be dying at this moment, which `exit` tells soon: with nobody to hear of it, the failure would end this process.
  worker.send(message, () => undefined);
}

/**
 * The port that the workers will share: the one configured, or a free one for 0. Rejects with `PortInUse` where somebody else has it:
 * the workers would not notice, as they bind it to be shared.
 */
function freePortOf({ host, port }: Config): Promise<number> {
  const probe = createServer();
  return new Promise((resolve, reject) => {
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const isTaken = error.code === 'EADDRINUSE' || error.code === 'EACCES';
      reject(isTaken ? new PortInUse(port, host) : error);
    });
    probe.listen({ host, port, exclusive: true }, () => {
      const address = probe.address();
      const bound = address !== null && typeof address === 'object' ? address.port : port;
      probe.close(() => resolve(bound));
    });
  });
}
