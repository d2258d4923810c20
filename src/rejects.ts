#!/usr/bin/env node
// The command for what the archive has refused for good: lists it, gives it to the archive again, or forgets it.
import { connectRedis } from './adapters/redis/connect-redis.ts';
import { RedisKeys } from './adapters/redis/redis-keys.ts';
import { RedisRejects, type RejectId } from './adapters/redis/redis-rejects.ts';
import { createPinoLog } from './adapters/system/pino-log.ts';
import type { ArchiveEntry } from './ports/archive-writer.ts';
import { StoreUnavailable } from './ports/room-log.ts';
import { readConfig } from './config.ts';
import { lineFor } from './exit-line.ts';

const USAGE = 'usage: npm run rejects [-- list | retry [<id> …] | drop <id> …]';

/** What the person who gave the command can mend. */
class Problem extends Error {}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(word: string, ids: readonly string[]): Promise<void> {
  const { redis: config } = readConfig(process.env);
  if (config === undefined) {
    throw new Problem('REDIS_URL is not set: a process that is alone refuses nothing');
  }
  if (!isUsable(word, ids)) throw new Problem(USAGE);
  const connection = await connectRedis(config.target, createPinoLog('silent'));
  try {
    const { redis } = connection;
    // The rooms lie where the nodes have put them, whatever this command was told.
    const agreed = await redis.get(new RedisKeys(1).partitionCount);
    const keys = new RedisKeys(agreed === null ? config.partitions : Number(agreed));
    const rejects = new RedisRejects(redis, keys);
    if (word === 'list') await list(rejects);
    else if (word === 'drop') await drop(rejects, parsed(ids, keys));
    else await retry(rejects, ids.length === 0 ? await everyId(rejects) : parsed(ids, keys));
  } finally {
    await connection.stop();
  }
}

function isUsable(word: string, ids: readonly string[]): boolean {
  if (word === 'list') return ids.length === 0;
  return word === 'retry' || (word === 'drop' && ids.length > 0);
}

async function list(rejects: RedisRejects): Promise<void> {
  let count = 0;
  for await (const reject of rejects.all()) {
    count += 1;
    say(`${told(reject)} ${whatOf(reject.entry)}: ${reject.reason.replaceAll(/\s+/g, ' ')}`);
  }
  if (count === 0) say('nothing is set aside');
}

async function retry(rejects: RedisRejects, ids: readonly RejectId[]): Promise<void> {
  let count = 0;
  for (const id of ids) {
    if (await rejects.retry(id)) count += 1;
    else say(`${told(id)} is not there`);
  }
  say(
    count === 0
      ? 'nothing is tried again'
      : `${count} given to the archive again: what it still refuses is listed again soon`,
  );
}

/** What is forgotten is told whole: it is nowhere else. */
async function drop(rejects: RedisRejects, ids: readonly RejectId[]): Promise<void> {
  for (const id of ids) {
    const dropped = await rejects.drop(id);
    if (dropped === undefined) say(`${told(id)} is not there`);
    else say(`dropped ${told(id)} ${JSON.stringify(dropped.fields)}`);
  }
}

/** As it is now: what is refused again meanwhile is not tried twice. */
async function everyId(rejects: RedisRejects): Promise<readonly RejectId[]> {
  const ids: RejectId[] = [];
  for await (const { partition, id } of rejects.all()) ids.push({ partition, id });
  return ids;
}

function told({ partition, id }: RejectId): string {
  return `${partition}/${id}`;
}

function parsed(texts: readonly string[], { partitions }: RedisKeys): readonly RejectId[] {
  return texts.map((text) => {
    const [, partition = '', id = ''] = /^(\d{1,4})\/(\d{1,15}-\d{1,9})$/.exec(text) ?? [];
    if (id === '' || Number(partition) >= partitions) {
      throw new Problem(`"${text}" is no id as \`npm run rejects\` lists them`);
    }
    return { partition: Number(partition), id };
  });
}

function whatOf(entry: ArchiveEntry | undefined): string {
  if (entry === undefined) return 'unreadable';
  const room = `of room ${entry.roomId}`;
  if (entry.kind === 'chat') return `chat ${room}, item ${entry.item.seq}`;
  const { epoch, revision } = entry.head;
  return `${entry.kind} ${room}, to epoch ${epoch}, revision ${revision}`;
}

function reasonOf(error: unknown): string {
  if (error instanceof Problem) return error.message;
  if (error instanceof StoreUnavailable) {
    const { cause } = error;
    return `${error.message}${cause instanceof Error ? ` (${cause.message})` : ''}: see that REDIS_URL is right`;
  }
  return lineFor(error);
}

try {
  const [word = 'list', ...ids] = process.argv.slice(2);
  await main(word, ids);
} catch (error) {
  process.stderr.write(`earshot: ${reasonOf(error)}\n`);
  process.exitCode = 1;
}
