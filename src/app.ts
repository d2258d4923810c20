// The one place where adapters meet ports: what the service is made of, in the order in which it starts, and stops.
import { access, constants, mkdir } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { nanoid } from 'nanoid';
import { PROTOCOL_VERSION, SOCKET_PATH, SUBPROTOCOL } from '../protocol/version.ts';
import { withActivityStore } from './activity-stores.ts';
import { ensureDemoTracks } from './adapters/media/demo/ensure-demo-tracks.ts';
import { openFolderCatalogue } from './adapters/media/folder-catalogue.ts';
import { createJwtAuthenticator } from './adapters/system/jwt-authenticator.ts';
import { createPinoLog } from './adapters/system/pino-log.ts';
import { createRemoteKeys } from './adapters/system/remote-keys.ts';
import { OtlpTracer } from './adapters/system/otlp-tracer.ts';
import { createPromMetrics } from './adapters/system/prom-metrics.ts';
import { systemRandom } from './adapters/system/system-random.ts';
import { systemTimers } from './adapters/system/system-timers.ts';
import { loadUwsSockets } from './adapters/uws/uws-sockets.ts';
import { createWsSockets } from './adapters/ws/ws-sockets.ts';
import type { Config } from './config.ts';
import { Front } from './front.ts';
import { createHttpApp } from './http/http-app.ts';
import { socialDeps } from './http/social-deps.ts';
import { createMediaSignature } from './http/media-signature.ts';
import { loadPage } from './http/page.ts';
import { keepFor } from './hub/activity-retention.ts';
import { FellowNodes, type RoomReport } from './hub/fellow-nodes.ts';
import { Hub } from './hub/hub.ts';
import type { NodeId } from './ports/bus.ts';
import type { Authenticator } from './ports/authenticator.ts';
import { RevokedTokens } from './hub/revoked-tokens.ts';
import type { Rooms } from './hub/rooms.ts';
import type { Catalogue } from './ports/catalogue.ts';
import type { Log } from './ports/log.ts';
import type { Metrics } from './ports/metrics.ts';
import type { Listening, Sockets } from './ports/sockets.ts';
import { untilThere, type Opening, type Stores } from './store-opening.ts';
import { StoreWatch } from './store-watch.ts';
import { openEmbedded, openServers } from './stores.ts';
import { readCertificate, renewWhenChanged } from './tls-renewal.ts';
import type { WorkerLink } from './worker.ts';

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

const NODE_ID_LENGTH = 12;
const IDLE_TIMEOUT_SECONDS = 60;
/** Above the 16 KiB that the hub answers with a reason, so that it is the hub that answers. */
const MAX_PAYLOAD_BYTES = 64 * 1_024;
/** A thousand listens to be taken in fit into it. */
const MAX_BODY_BYTES = 512 * 1_024;
const PAGE_DIR = fileURLToPath(new URL('../web', import.meta.url));

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
  const stops: (() => Promise<void> | void)[] = [];
  let stopping: Promise<void> | undefined;
  const stopAll = async (): Promise<void> => {
    for (const stop of stops.reverse()) await stop();
  };
  try {
    const running = await start(config, stops, failed, worker);
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
  worker: WorkerLink | undefined,
): Promise<{ readonly port: number; drain(): Promise<void> }> {
  const nodeId = nanoid(NODE_ID_LENGTH);
  const log = createPinoLog(config.logLevel).child({
    node: nodeId,
    ...(worker === undefined ? {} : { worker: worker.worker }),
  });
  const metrics = createPromMetrics(worker);
  await makeDataDir(config.dataDir);
  const front = new Front();
  const sockets = await chooseSockets(config, log);
  const { tls } = config;
  if (tls !== undefined) readCertificate(tls);
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
          ...{ files: tls, listening, everyMs: tls.renewMs, timers: systemTimers, log },
        }),
      );
    return listening;
  };
  const serve = (stores: Stores, patience: Patience): Promise<Hub> =>
    openService({ config, nodeId, stores, front, stops, log, metrics, worker, patience });
  const told = { sockets: sockets.name, music: config.mediaDir ?? 'demo tracks' };

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
        await hub.drain(config.drainMs);
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
      await hub?.drain(config.drainMs);
    },
  };
}

const LISTENING = 'Earshot is listening';

function urlOf({ publicUrl, host, tls }: Config, { port }: Listening): string {
  const scheme = tls === undefined ? 'http' : 'https';
  return publicUrl ?? `${scheme}://${host === '0.0.0.0' ? 'localhost' : host}:${port}`;
}

/** What to do about a server that is away when it is needed to start. */
type Patience = <T>(server: string, open: () => Promise<T>) => Promise<T>;

/** Starts the hub and HTTP on what is stored, and opens the front to them. */
async function openService(parts: {
  readonly config: Config;
  readonly nodeId: NodeId;
  readonly stores: Stores;
  readonly front: Front;
  readonly stops: (() => Promise<void> | void)[];
  readonly log: Log;
  readonly metrics: Metrics;
  readonly worker: WorkerLink | undefined;
  readonly patience: Patience;
}): Promise<Hub> {
  const { config, nodeId, stores, front, stops, log, metrics, worker, patience } = parts;
  const { clock } = stores;
  const catalogue = await openCatalogue(config, log, worker);
  stops.push(() => catalogue.stop());
  const secret = await patience('Postgres', () => secretOf(config, stores));
  const authenticator = authenticatorOf(config, secret);
  const revoked = new RevokedTokens({
    ...stores,
    timers: systemTimers,
    log,
    wallNow: () => Date.now(),
  });
  await patience('Postgres', () => revoked.start());
  stops.push(() => revoked.stop());
  const tracer = tracerOf(config, { log, metrics, nodeId });
  stops.push(async () => tracer?.stop());
  const hub = new Hub(
    {
      ...stores,
      authenticator,
      revoked,
      catalogue,
      timers: systemTimers,
      random: systemRandom,
      log,
      metrics,
      tracer,
    },
    config.hub,
  );
  stops.push(() => hub.stop());
  await patience('the rooms’ log', () => hub.start());
  if (config.activityLifeMs !== undefined)
    stops.push(
      keepFor({ ...stores, lifeMs: config.activityLifeMs, timers: systemTimers, metrics, log }),
    );
  const watch = new StoreWatch({
    stores: stores.watched,
    timers: systemTimers,
    metrics,
    log,
    now: () => performance.now(),
  });
  stops.push(() => watch.stop());
  const notReady = (): string[] => [
    ...(hub.isReady ? [] : ['draining']),
    ...stores.faults(),
    ...watch.faults(),
  ];
  const fellows = new FellowNodes({
    nodeId,
    feed: stores.feed,
    timers: systemTimers,
    log,
    alive: () => stores.nodes?.presence.aliveNodes ?? new Set([nodeId]),
    report: () => ({
      id: nodeId,
      ...(worker === undefined ? {} : { worker: worker.worker }),
      version: PROTOCOL_VERSION,
      startedAt: Math.round(performance.timeOrigin),
      connections: hub.connectionCount,
      rooms: hub.rooms.count,
      isReady: notReady().length === 0,
      reasons: notReady(),
      away: watch.away().map(({ store }) => store),
    }),
    rooms: () => roomReports(hub.rooms),
    drain: (withinMs) => {
      log.warn({ withinMs: withinMs ?? config.drainMs }, 'an operator drains this node');
      void hub.drain(withinMs ?? config.drainMs);
    },
    newId: () => nanoid(),
  });
  stops.push(() => fellows.stop());
  const page = await loadPage(PAGE_DIR);
  if (page === undefined) log.warn({ dir: PAGE_DIR }, 'the page is not built: run `npm run build`');
  const http = createHttpApp({
    ...stores,
    social: socialDeps({ ...stores, random: systemRandom, log }, hub),
    rooms: hub.rooms,
    authenticator,
    revoked,
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
    fellows,
    notReady,
    awayStores: () => watch.away(),
  });
  front.open({ hub, http });
  return hub;
}

/** The rooms that this node holds, as operators see them. */
function* roomReports(rooms: Rooms): Iterable<RoomReport> {
  for (const room of rooms.all()) {
    const { id, code, name, visibility } = room.state.public;
    yield { id, code, name, visibility, hereCount: room.members.count };
  }
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
async function openCatalogue(
  config: Config,
  log: Log,
  worker: WorkerLink | undefined,
): Promise<Catalogue> {
  const cacheFile = path.join(config.dataDir, 'catalogue.json');
  if (config.mediaDir !== undefined)
    return openFolderCatalogue({ mediaDir: config.mediaDir, log, cacheFile });
  const dir = path.join(config.dataDir, 'demo');
  await mkdir(dir, { recursive: true });
  const catalogue = await openFolderCatalogue({ mediaDir: dir, log, cacheFile });
  // One of the workers makes them; the others see them arrive.
  if (worker !== undefined && worker.worker !== 1) return catalogue;
  ensureDemoTracks({ dir, log }).catch((error: unknown) =>
    log.error({ err: error }, 'the demo tracks were not made'),
  );
  return catalogue;
}

/** Undefined where nothing is traced. */
function tracerOf(
  { traces }: Config,
  { log, metrics, nodeId }: Pick<Opening, 'log' | 'metrics' | 'nodeId'>,
): OtlpTracer | undefined {
  if (traces === undefined) return undefined;
  return new OtlpTracer({
    ...traces,
    resource: { 'service.name': 'earshot', 'service.instance.id': nodeId },
    timers: systemTimers,
    metrics,
    log,
    random: () => systemRandom.next(),
    now: () => performance.timeOrigin + performance.now(),
  });
}

function authenticatorOf(
  { identity, guestTokenLifeMs }: Config,
  secret: Uint8Array,
): Authenticator {
  const { people, clockToleranceS, rolesClaim } = identity;
  const own = { secret, tokenLifeMs: guestTokenLifeMs, clockToleranceS, rolesClaim };
  if (people === undefined) return createJwtAuthenticator(own);
  const { keySet, secret: shared, issuer, audience } = people;
  return createJwtAuthenticator({
    ...own,
    people: {
      issuer,
      audience,
      secret: shared === undefined ? undefined : new TextEncoder().encode(shared),
      keySet: keySet && {
        keyOf: createRemoteKeys({ url: keySet.url }),
        algorithms: keySet.algorithms,
      },
    },
  });
}

/** The configured secret, or one made at the first start and kept. */
async function secretOf(config: Config, stores: Stores): Promise<Uint8Array> {
  if (config.tokenSecret !== undefined) return new TextEncoder().encode(config.tokenSecret);
  const kept = await stores.kv.get('token_secret');
  if (typeof kept === 'string') return Buffer.from(kept, 'base64url');
  // Of nodes that start at once, one makes it for all.
  const made = await stores.kv.setOnce('token_secret', randomBytes(48).toString('base64url'));
  if (typeof made !== 'string') throw new TypeError('the kept secret is no text');
  return Buffer.from(made, 'base64url');
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
