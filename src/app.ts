// The one place where adapters meet ports: what the service is made of, in the order in which it starts, and stops.
import { access, constants, mkdir } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { SOCKET_PATH, SUBPROTOCOL } from '../protocol/version.ts';
import { ensureDemoTracks } from './adapters/media/demo/ensure-demo-tracks.ts';
import { openFolderCatalogue } from './adapters/media/folder-catalogue.ts';
import {
  openEmbeddedStores,
  type PostgresStores,
} from './adapters/postgres/open-postgres-stores.ts';
import { createJwtAuthenticator } from './adapters/system/jwt-authenticator.ts';
import { createPinoLog } from './adapters/system/pino-log.ts';
import { createPromMetrics } from './adapters/system/prom-metrics.ts';
import { createSystemHubClock } from './adapters/system/system-hub-clock.ts';
import { randomTimelineId, systemRandom } from './adapters/system/system-random.ts';
import { systemTimers } from './adapters/system/system-timers.ts';
import { loadUwsSockets } from './adapters/uws/uws-sockets.ts';
import { createWsSockets } from './adapters/ws/ws-sockets.ts';
import type { Config } from './config.ts';
import { createHttpApp } from './http/http-app.ts';
import { createMediaSignature } from './http/media-signature.ts';
import { loadPage } from './http/page.ts';
import { Hub } from './hub/hub.ts';
import type { Catalogue } from './ports/catalogue.ts';
import type { Log } from './ports/log.ts';
import type { Sockets } from './ports/sockets.ts';

export interface App {
  readonly port: number;
  /** Sends everybody away in good order, then ends all that was started. Idempotent. */
  stop(): Promise<void>;
}

/** The folder of what is kept cannot be used. */
export class UnusableDataDir extends Error {
  constructor(dir: string, options?: ErrorOptions) {
    super(
      `the data folder ${dir} cannot be written: set DATA_DIR to a folder that this process may write`,
      options,
    );
    this.name = 'UnusableDataDir';
  }
}

const IDLE_TIMEOUT_SECONDS = 60;
/** Above the 16 KiB that the hub answers with a reason, so that it is the hub that answers. */
const MAX_PAYLOAD_BYTES = 64 * 1_024;
const MAX_BODY_BYTES = 64 * 1_024;
const PAGE_DIR = fileURLToPath(new URL('../web', import.meta.url));

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

/**
 * Rejects with an error whose message is one clear line, with nothing left running.
 * @param failed called when the service cannot go on any more
 */
export async function startApp(config: Config, failed: (error: Error) => void): Promise<App> {
  const stops: (() => Promise<void> | void)[] = [];
  let stopping: Promise<void> | undefined;
  const stopAll = async (): Promise<void> => {
    for (const stop of stops.reverse()) await stop();
  };
  try {
    const running = await start(config, stops, failed);
    return {
      port: running.port,
      stop: () => (stopping ??= running.drain().then(stopAll)),
    };
  } catch (error) {
    await stopAll();
    throw error;
  }
}

async function start(
  config: Config,
  stops: (() => Promise<void> | void)[],
  failed: (error: Error) => void,
): Promise<{ readonly port: number; drain(): Promise<void> }> {
  const log = createPinoLog(config.logLevel);
  const metrics = createPromMetrics();
  await makeDataDir(config.dataDir);
  const stores = await openEmbeddedStores({
    dataDir: config.dataDir,
    log,
    failed: (cause) => failed(new DatabaseFailed({ cause })),
  });
  stops.push(() => stores.stop());
  const catalogue = await openCatalogue(config, log);
  stops.push(() => catalogue.stop());

  const secret = await secretOf(config, stores);
  const heartbeat = await stores.kv.get('heartbeat');
  const clock = createSystemHubClock(
    typeof heartbeat === 'number' ? heartbeat : 0,
    randomTimelineId(),
  );
  const authenticator = createJwtAuthenticator({ secret, tokenLifeMs: config.guestTokenLifeMs });
  const hub = new Hub(
    {
      ...stores,
      authenticator,
      catalogue,
      clock,
      timers: systemTimers,
      random: systemRandom,
      log,
      metrics,
    },
    config.hub,
  );
  await hub.start();
  stops.push(() => hub.stop());

  const page = await loadPage(PAGE_DIR);
  if (page === undefined) log.warn({ dir: PAGE_DIR }, 'the page is not built: run `npm run build`');
  const http = createHttpApp({
    ...stores,
    rooms: hub.rooms,
    authenticator,
    catalogue,
    clock,
    random: systemRandom,
    metrics,
    log,
    options: config.hub,
    signature: createMediaSignature({ key: secret, lifetimeMs: config.mediaUrlLifeMs }),
    page,
    guests: config.guests,
    takeRate: (userId, cost) => hub.takeRate(userId, cost),
    notReady: () => (hub.isReady ? [] : ['draining']),
  });
  const sockets = await chooseSockets(config, log);
  const listening = await sockets.listen({
    host: config.host,
    port: config.port,
    socketPath: SOCKET_PATH,
    subprotocol: SUBPROTOCOL,
    maxPayloadBytes: MAX_PAYLOAD_BYTES,
    maxBodyBytes: MAX_BODY_BYTES,
    idleTimeoutSeconds: IDLE_TIMEOUT_SECONDS,
    upgrade: (request) => hub.upgrade(request),
    listener: hub,
    fetch: http,
  });
  stops.push(() => listening.stop());
  log.info(
    {
      url:
        config.publicUrl ??
        `http://${config.host === '0.0.0.0' ? 'localhost' : config.host}:${listening.port}`,
      sockets: sockets.name,
      stores: `rooms, people, chat: ${stores.version} in ${config.dataDir}`,
      music: config.mediaDir ?? 'demo tracks',
    },
    'Earshot is listening',
  );
  return {
    port: listening.port,
    drain: async () => {
      listening.stopAccepting();
      await hub.drain(config.drainMs);
    },
  };
}

async function makeDataDir(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true });
    await access(dir, constants.W_OK);
  } catch (error) {
    throw new UnusableDataDir(dir, { cause: error });
  }
}

/** The music: the given folder, or demo tracks, which arrive in the catalogue as they are made. */
async function openCatalogue(config: Config, log: Log): Promise<Catalogue> {
  const cacheFile = path.join(config.dataDir, 'catalogue.json');
  if (config.mediaDir !== undefined)
    return openFolderCatalogue({ mediaDir: config.mediaDir, log, cacheFile });
  const dir = path.join(config.dataDir, 'demo');
  await mkdir(dir, { recursive: true });
  const catalogue = await openFolderCatalogue({ mediaDir: dir, log, cacheFile });
  ensureDemoTracks({ dir, log }).catch((error: unknown) =>
    log.error({ err: error }, 'the demo tracks were not made'),
  );
  return catalogue;
}

/** The configured secret, or one made at the first start and kept. */
async function secretOf(config: Config, stores: PostgresStores): Promise<Uint8Array> {
  if (config.tokenSecret !== undefined) return new TextEncoder().encode(config.tokenSecret);
  const kept = await stores.kv.get('token_secret');
  if (typeof kept === 'string') return Buffer.from(kept, 'base64url');
  const made = randomBytes(48);
  await stores.kv.set('token_secret', made.toString('base64url'));
  return made;
}

async function chooseSockets(config: Config, log: Log): Promise<Sockets> {
  if (config.transport === 'ws') return createWsSockets();
  const uws = await loadUwsSockets();
  if (uws.kind === 'ok') return uws.sockets;
  if (config.transport === 'uws')
    throw new Error(`TRANSPORT=uws, but uWebSockets.js cannot be loaded: ${uws.reason}`);
  log.warn(
    { reason: uws.reason },
    'uWebSockets.js cannot be loaded here; serving with ws, which holds fewer sockets',
  );
  return createWsSockets();
}
