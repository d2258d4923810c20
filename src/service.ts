// The hub and HTTP on what is stored, put together in the order in which they start, and the front opened to them.
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { nanoid } from 'nanoid';
import { PROTOCOL_VERSION } from '../protocol/version.ts';
import { systemRandom } from './adapters/system/system-random.ts';
import { systemTimers, tellTimers } from './adapters/system/system-timers.ts';
import { tellLiveHeap } from './adapters/system/live-heap.ts';
import type { Config } from './config.ts';
import type { Stop } from './ending.ts';
import type { Front } from './front.ts';
import { createHttpApp } from './http/http-app.ts';
import { createMediaSignature } from './http/media-signature.ts';
import { loadPage } from './http/page.ts';
import { socialDeps } from './http/social-deps.ts';
import { keepFor } from './hub/activity/activity-retention.ts';
import { FellowNodes, type RoomReport } from './hub/fellow-nodes.ts';
import { Hub } from './hub/hub.ts';
import { RevokedTokens } from './hub/revoked-tokens.ts';
import type { Rooms } from './hub/room/rooms.ts';
import type { NodeId } from './ports/bus.ts';
import type { Log } from './ports/log.ts';
import type { Metrics } from './ports/metrics.ts';
import { authenticatorOf, backupsOf, openCatalogue, secretOf, tracerOf } from './service-parts.ts';
import type { Stores } from './store-opening.ts';
import { StoreWatch } from './store-watch.ts';
import type { WorkerLink } from './worker.ts';

const PAGE_DIR = fileURLToPath(new URL('../web', import.meta.url));

/** What to do about a server that is away when it is needed to start. */
export type Patience = <T>(server: string, open: () => Promise<T>) => Promise<T>;

/** Starts the hub and HTTP on what is stored, and opens the front to them. */
export async function openService(parts: {
  readonly config: Config;
  readonly nodeId: NodeId;
  /** As `readRelease` has it. */
  readonly release: string;
  readonly stores: Stores;
  readonly front: Front;
  readonly stops: Stop[];
  readonly log: Log;
  readonly metrics: Metrics;
  readonly worker: WorkerLink | undefined;
  readonly patience: Patience;
}): Promise<Hub> {
  const { config, nodeId, release, stores, front, stops, log, metrics, worker, patience } = parts;
  const host = hostname();
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
    clockToleranceMs: config.identity.clockToleranceS * 1_000,
  });
  await patience('Postgres', () => revoked.start());
  stops.push(() => revoked.stop());
  tellTimers(metrics);
  stops.push(tellLiveHeap(metrics));
  const tracer = tracerOf(config, { log, metrics, nodeId });
  // Beside all that is stopped after it, as a collector may be away: partitions and locks are not to wait for it.
  let traced: Promise<void> | undefined;
  stops.unshift(() => traced);
  stops.push(({ leftMs }) => {
    traced = tracer?.stop(leftMs / 2);
  });
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
  stops.push(async ({ leftMs, lost }) => {
    // The stores are still to be closed after it.
    if ((await hub.stop(leftMs / 2)) > 0) lost();
  });
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
    report: () => {
      const reasons = notReady();
      return {
        id: nodeId,
        host,
        ...(worker === undefined ? {} : { worker: worker.worker }),
        release,
        version: PROTOCOL_VERSION,
        startedAt: Math.round(performance.timeOrigin),
        connections: hub.connectionCount,
        rooms: hub.rooms.count,
        isReady: reasons.length === 0,
        reasons,
        away: watch.away().map(({ store }) => store),
      };
    },
    rooms: () => roomReports(hub.rooms),
    drain: (withinMs) => {
      log.warn({ withinMs }, 'an operator drains this node');
      void hub.drain(withinMs);
    },
    newId: () => nanoid(),
  });
  stops.push(() => fellows.stop());
  const backups = await backupsOf(config, stores, { log, metrics });
  stops.push(() => backups?.stop());
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
    backups,
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
