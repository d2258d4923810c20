#!/usr/bin/env node
// The command for what a store has refused for good: lists it, gives it to the store again, or forgets it.
import {
  openEmbeddedStores,
  openPostgresStores,
} from './adapters/postgres/open-postgres-stores.ts';
import { connectRedis } from './adapters/redis/connect-redis.ts';
import { RedisKeys } from './adapters/redis/redis-keys.ts';
import { RedisRejects } from './adapters/redis/redis-rejects.ts';
import { createPinoLog } from './adapters/system/pino-log.ts';
import { OperationalError } from './ports/operational-error.ts';
import { StoreUnavailable } from './ports/room-log.ts';
import { readConfig, type Config } from './config.ts';
import { awayLine, lineFor } from './exit-line.ts';
import { archiveRejects, listeningRejects, type RejectsSource } from './rejects-source.ts';

const USAGE = 'usage: node dist/src/rejects.js [list | retry [<id> …] | drop <id> …]';

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const log = createPinoLog('silent');

async function main(word: string, ids: readonly string[]): Promise<void> {
  const config = readConfig(process.env, 'tend');
  if (config.redis === undefined && config.mongo === undefined) {
    throw new OperationalError(
      'REDIS_URL is not set, nor MONGODB_URL: a process that is alone refuses nothing',
    );
  }
  if (!isUsable(word, ids)) throw new OperationalError(USAGE);
  const stops: (() => Promise<void>)[] = [];
  try {
    const sources: RejectsSource[] = [];
    if (config.redis !== undefined) sources.push(await openArchive(config.redis, stops));
    if (config.mongo !== undefined) sources.push(await openListening(config, stops));
    const places = ids.map((id) => ({ id, source: sourceOf(sources, id) }));
    if (word === 'list') await list(sources);
    else if (word === 'drop') await drop(places);
    else await retry(ids.length === 0 ? await everyPlace(sources) : places);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

async function openArchive(
  config: NonNullable<Config['redis']>,
  stops: (() => Promise<void>)[],
): Promise<RejectsSource> {
  const connection = await connectRedis(config.target, log);
  const { redis } = connection;
  stops.push(() => connection.stop());
  // The rooms lie where the nodes have put them, whatever this command was told.
  const agreed = await redis.get(new RedisKeys(1).partitionCount);
  const keys = new RedisKeys(agreed === null ? config.partitions : Number(agreed));
  return archiveRejects(new RedisRejects(redis, keys), keys);
}

/** In an embedded database only while the service is stopped, as it has room for one process. */
async function openListening(
  { postgres, dataDir }: Config,
  stops: (() => Promise<void>)[],
): Promise<RejectsSource> {
  const stores =
    postgres === undefined
      ? await openEmbeddedStores({ dataDir, log })
      : await openPostgresStores({
          target: { clientUrl: postgres.url, poolSize: 1 },
          migrate: false,
          log,
        });
  stops.push(() => stores.stop());
  return listeningRejects(stores.activityRejects);
}

interface Place {
  readonly id: string;
  readonly source: RejectsSource;
}

function sourceOf(sources: readonly RejectsSource[], id: string): RejectsSource {
  const source = sources.find((each) => each.has(id));
  if (source === undefined) throw new OperationalError(`"${id}" is no id as \`list\` tells them`);
  return source;
}

function isUsable(word: string, ids: readonly string[]): boolean {
  if (word === 'list') return ids.length === 0;
  return word === 'retry' || (word === 'drop' && ids.length > 0);
}

async function list(sources: readonly RejectsSource[]): Promise<void> {
  let count = 0;
  for (const source of sources) {
    for await (const { id, what, reason } of source.all()) {
      count += 1;
      say(`${id} ${what}: ${reason.replaceAll(/\s+/g, ' ')}`);
    }
  }
  if (count === 0) say('nothing is set aside');
}

async function retry(places: readonly Place[]): Promise<void> {
  const counts = new Map<string, number>();
  for (const { id, source } of places) {
    const { taker } = source;
    if (await source.retry(id)) counts.set(taker, (counts.get(taker) ?? 0) + 1);
    else say(`${id} is not there`);
  }
  if (counts.size === 0) say('nothing is tried again');
  for (const [taker, count] of counts)
    say(`${count} given to ${taker} again: what it still refuses is listed again soon`);
}

/** What is forgotten is told whole: it is nowhere else. */
async function drop(places: readonly Place[]): Promise<void> {
  for (const { id, source } of places) {
    const dropped = await source.drop(id);
    say(dropped === undefined ? `${id} is not there` : `dropped ${id} ${dropped}`);
  }
}

/** As it is now: what is refused again meanwhile is not tried twice. */
async function everyPlace(sources: readonly RejectsSource[]): Promise<readonly Place[]> {
  const places: Place[] = [];
  for (const source of sources) {
    for await (const { id } of source.all()) places.push({ id, source });
  }
  return places;
}

function reasonOf(error: unknown): string {
  if (error instanceof StoreUnavailable) return awayLine(error, 'REDIS_URL', 'POSTGRES_URL');
  return lineFor(error);
}

try {
  const [word = 'list', ...ids] = process.argv.slice(2);
  await main(word, ids);
} catch (error) {
  process.stderr.write(`earshot: ${reasonOf(error)}\n`);
  process.exitCode = 1;
}
