// The parts of the service that the configuration decides on: each is made here, or is not there.
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { ensureDemoTracks } from './adapters/media/demo/ensure-demo-tracks.ts';
import { openFolderCatalogue } from './adapters/media/folder-catalogue.ts';
import { createJwtAuthenticator } from './adapters/system/jwt-authenticator.ts';
import { OtlpTracer } from './adapters/system/otlp-tracer.ts';
import { createRemoteKeys } from './adapters/system/remote-keys.ts';
import { systemRandom } from './adapters/system/system-random.ts';
import { systemTimers } from './adapters/system/system-timers.ts';
import { Backups } from './backups.ts';
import type { Config } from './config.ts';
import type { Authenticator } from './ports/authenticator.ts';
import type { Catalogue } from './ports/catalogue.ts';
import type { Log } from './ports/log.ts';
import type { Metrics } from './ports/metrics.ts';
import type { Opening, Stores } from './store-opening.ts';
import type { WorkerLink } from './worker.ts';

/** The music: the given folder, or demo tracks, which arrive in the catalogue as they are made. */
export async function openCatalogue(
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
export function tracerOf(
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

export function authenticatorOf(
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
export async function secretOf(config: Config, stores: Stores): Promise<Uint8Array> {
  if (config.tokenSecret !== undefined) return new TextEncoder().encode(config.tokenSecret);
  const kept = await stores.kv.get('token_secret');
  if (typeof kept === 'string') return Buffer.from(kept, 'base64url');
  // Of nodes that start at once, one makes it for all.
  const made = await stores.kv.setOnce('token_secret', randomBytes(48).toString('base64url'));
  if (typeof made !== 'string') throw new TypeError('the kept secret is no text');
  return Buffer.from(made, 'base64url');
}

/** Undefined where none are made. */
export async function backupsOf(
  { backup }: Config,
  { copyTo }: Stores,
  parts: { readonly log: Log; readonly metrics: Metrics },
): Promise<Backups | undefined> {
  if (backup === undefined || copyTo === undefined) return undefined;
  const backups = new Backups({
    ...{ ...backup, ...parts, copyTo },
    ...{ timers: systemTimers, wallNow: () => Date.now() },
  });
  await backups.start();
  return backups;
}
