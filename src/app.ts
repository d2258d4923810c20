// The process as a service: its port, its stores when they are there, and what serves on them; and the end of all that was started.
import { access, constants, mkdir } from 'node:fs/promises';
import { SOCKET_PATH, SUBPROTOCOL } from '../protocol/version.ts';
import { withActivityStore } from './activity-stores.ts';
import { createPinoLog } from './adapters/system/pino-log.ts';
import { createPromMetrics } from './adapters/system/prom-metrics.ts';
import { newNodeId } from './adapters/system/system-random.ts';
import { systemTimers } from './adapters/system/system-timers.ts';
import { loadUwsSockets } from './adapters/uws/uws-sockets.ts';
import { createWsSockets } from './adapters/ws/ws-sockets.ts';
import type { Config } from './config.ts';
import { Deadline, endAll, endWithinMs, type Stop } from './ending.ts';
import { Front } from './front.ts';
import type { Hub } from './hub/hub.ts';
import type { Log } from './ports/log.ts';
import { OperationalError } from './ports/operational-error.ts';
import type { Listening, Sockets } from './ports/sockets.ts';
import { readRelease, tellRelease } from './release.ts';
import { openService, type Patience } from './service.ts';
import { untilThere, type Stores } from './store-opening.ts';
import { openEmbedded, openServers } from './stores.ts';
import { readCertificate, renewWhenChanged } from './tls-renewal.ts';
import type { WorkerLink } from './worker.ts';

export interface App {
  readonly port: number;
  /**
   * Sends everybody away in good order, then ends all that was started, as far as it ends in the time that the process has. Idempotent.
   * @returns whether it all did, with nothing lost; what did not is in the log
   */
  stop(): Promise<boolean>;
}

/** The folder of what is kept cannot be used. */
export class UnusableDataDir extends OperationalError {
  constructor(dir: string, options?: ErrorOptions) {
    super(
      `the data folder ${dir} cannot be written: set DATA_DIR to a folder that this process may write`,
      options,
    );
    this.name = 'UnusableDataDir';
  }
}

/** The transport that was asked for by name cannot serve here. */
export class TransportUnavailable extends OperationalError {
  constructor(reason: string) {
    super(`TRANSPORT=uws, but ${reason}`);
    this.name = 'TransportUnavailable';
  }
}

const IDLE_TIMEOUT_SECONDS = 60;
/** Above the 16 KiB that the hub answers with a reason, so that it is the hub that answers. */
const MAX_PAYLOAD_BYTES = 64 * 1_024;
/** A thousand listens to be taken in fit into it. */
const MAX_BODY_BYTES = 512 * 1_024;

/**
 * Rejects with an error whose message is one clear line, with nothing left running.
 * @param failed called when the service cannot go on any more
 * @param worker given where this process is one of several that serve the port
 */
export async function startApp(
  config: Config,
  failed: (error: Error) => void,
  worker?: WorkerLink,
): Promise<App> {
  const nodeId = newNodeId();
  const log = createPinoLog(config.logLevel).child({
    node: nodeId,
    ...(worker === undefined ? {} : { worker: worker.worker }),
  });
  const stops: Stop[] = [];
  const deadline = (): Deadline =>
    new Deadline(endWithinMs(config.hub.drain), systemTimers, () => performance.now());
  let stopping: Promise<boolean> | undefined;
  try {
    const running = await start(config, { nodeId, log, stops, failed, worker });
    const stop = async (): Promise<boolean> => {
      // It runs while people leave, too.
      const end = deadline();
      await running.drain();
      return endAll(stops, end, log);
    };
    return { port: running.port, stop: () => (stopping ??= stop()) };
  } catch (error) {
    await endAll(stops, deadline(), log);
    throw error;
  }
}

async function start(
  config: Config,
  parts: {
    readonly nodeId: string;
    readonly log: Log;
    readonly stops: Stop[];
    readonly failed: (error: Error) => void;
    readonly worker: WorkerLink | undefined;
  },
): Promise<{ readonly port: number; drain(): Promise<void> }> {
  const { nodeId, log, stops, failed, worker } = parts;
  const release = readRelease();
  const metrics = createPromMetrics(worker);
  tellRelease(metrics, release);
  await makeDataDir(config.dataDir);
  const front = new Front();
  const sockets = await chooseSockets(config, log);
  const { tls } = config;
  const certificate = tls === undefined ? '' : readCertificate(tls);
  const listen = async (): Promise<Listening> => {
    const listening = await sockets.listen({
      host: config.host,
      port: config.port,
      tls,
      isShared: worker !== undefined,
      socketPath: SOCKET_PATH,
      subprotocol: SUBPROTOCOL,
      maxPayloadBytes: MAX_PAYLOAD_BYTES,
      maxBodyBytes: MAX_BODY_BYTES,
      idleTimeoutSeconds: IDLE_TIMEOUT_SECONDS,
      upgrade: (request) => front.upgrade(request),
      listener: front,
      fetch: (request, peer) => front.fetch(request, peer),
    });
    stops.push(() => listening.stop());
    if (tls !== undefined)
      stops.push(
        renewWhenChanged({
          ...{ files: tls, served: certificate, listening, everyMs: tls.renewMs },
          ...{ timers: systemTimers, log },
        }),
      );
    return listening;
  };
  const serve = (stores: Stores, patience: Patience): Promise<Hub> =>
    openService({ config, nodeId, release, stores, front, stops, log, metrics, worker, patience });
  const told = { release, sockets: sockets.name, music: config.mediaDir ?? 'demo tracks' };

  if (config.postgres === undefined) {
    const kept = await openEmbedded(config, log, failed);
    stops.push(() => kept.stop());
    const stores = await withActivityStore(kept, config.mongo, { log, metrics });
    stops.push(() => stores.stop());
    const hub = await serve(stores, (_, open) => open());
    const listening = await listen();
    log.info({ url: urlOf(config, listening), ...told, stores: stores.told }, LISTENING);
    return {
      port: listening.port,
      drain: async () => {
        listening.stopAccepting();
        await hub.drain();
      },
    };
  }

  // Servers may come later than this process: until they are there it says so on its port, and goes on trying.
  let listening = worker?.isLate === true ? undefined : await listen();
  const life = { isOver: false };
  let hub: Hub | undefined;
  const opening = { nodeId, log, metrics, front, life };
  openServers(config, opening, failed)
    .then(async (kept) => {
      stops.push(() => kept.stop());
      const stores = await withActivityStore(kept, config.mongo, opening);
      stops.push(() => stores.stop());
      if (life.isOver) return;
      hub = await serve(stores, (server, open) => untilThere(server, opening, open));
      listening ??= await listen();
      log.info({ url: urlOf(config, listening), ...told, stores: stores.told }, LISTENING);
      worker?.serving();
    })
    .catch((error: unknown) => {
      if (!life.isOver) failed(error instanceof Error ? error : new Error(String(error)));
    });
  return {
    port: listening?.port ?? config.port,
    drain: async () => {
      life.isOver = true;
      listening?.stopAccepting();
      await hub?.drain();
    },
  };
}

const LISTENING = 'Earshot is listening';

function urlOf({ publicUrl, host, tls }: Config, { port }: Listening): string {
  const scheme = tls === undefined ? 'http' : 'https';
  return publicUrl ?? `${scheme}://${host === '0.0.0.0' ? 'localhost' : host}:${port}`;
}

async function makeDataDir(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true });
    await access(dir, constants.W_OK);
  } catch (error) {
    throw new UnusableDataDir(dir, { cause: error });
  }
}

async function chooseSockets(config: Config, log: Log): Promise<Sockets> {
  if (config.transport === 'ws') return createWsSockets();
  const uws = await loadUwsSockets();
  if (uws.kind === 'ok') return uws.sockets;
  if (config.transport === 'uws') throw new TransportUnavailable(uws.reason);
  log.warn(
    { reason: uws.reason },
    'uWebSockets.js cannot be loaded here; serving with ws, which holds fewer sockets',
  );
  return createWsSockets();
}
