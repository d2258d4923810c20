// Whether a Redis is fit to keep rooms: new enough, and one that never throws keys away to make place.
import type { Log } from '../../ports/log.ts';
import { OperationalError } from '../../ports/operational-error.ts';
import { runScript, scriptOf, type RedisCommands } from './redis-commands.ts';
import type { RedisKeys } from './redis-keys.ts';

/** Shard channels and functions of the streams that the log is built on. */
const OLDEST_MAJOR = 7;

const FACTS = scriptOf(`
local server, memory = redis.call('INFO', 'server'), redis.call('INFO', 'memory')
return {
  string.match(server, 'redis_version:([^\\r\\n]*)') or '',
  string.match(memory, 'maxmemory:(%d*)') or '0',
  string.match(memory, 'maxmemory_policy:([^\\r\\n]*)') or '',
}
`);

/** This Redis must not keep rooms: the message says what to change. */
export class UnsuitableRedis extends OperationalError {
  constructor(message: string) {
    super(message);
    this.name = 'UnsuitableRedis';
  }
}

/** Whoever comes first decides. KEYS: partitions. ARGV: how many are wanted. Answers how many there are. */
const AGREE = scriptOf(`
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])
`);

/**
 * Looks at every server that keeps a partition.
 * @returns the version of one of them, for the log
 * @throws UnsuitableRedis where one is too old or may evict keys, or where other nodes find the rooms in other partitions;
 * `StoreUnavailable` where one is away
 */
export async function checkRedis(redis: RedisCommands, keys: RedisKeys, log: Log): Promise<string> {
  const replies = await Promise.all(
    Array.from({ length: keys.partitions }, (_, partition) =>
      runScript(redis, FACTS, [keys.outbox(partition)], []),
    ),
  );
  const different = new Map(replies.map((reply) => [JSON.stringify(reply), reply]));
  for (const facts of different.values()) checkServer(facts as readonly string[], log);
  await agreeOnPartitions(redis, keys);
  const [version = ''] = (replies[0] ?? []) as readonly string[];
  return version;
}

function checkServer(facts: readonly string[], log: Log): void {
  const [version = '', maxMemory = '0', policy = ''] = facts;
  if (Number.parseInt(version, 10) < OLDEST_MAJOR) {
    throw new UnsuitableRedis(
      `Redis ${version} is too old: Earshot needs ${OLDEST_MAJOR}.0 or newer`,
    );
  }
  if (policy === 'noeviction') return;
  if (maxMemory !== '0') {
    throw new UnsuitableRedis(
      `Redis throws keys away when its memory is full (maxmemory-policy ${policy}): set maxmemory-policy to noeviction, or rooms are lost`,
    );
  }
  log.warn(
    { policy },
    'Redis would throw keys away if it had a memory limit: set maxmemory-policy to noeviction before it gets one',
  );
}

/** A node with another number would look for a room elsewhere than the others do, and go on with a copy of its own. */
async function agreeOnPartitions(redis: RedisCommands, keys: RedisKeys): Promise<void> {
  const wanted = String(keys.partitions);
  const agreed = await runScript(redis, AGREE, [keys.partitionCount], [wanted]);
  if (agreed === wanted) return;
  throw new UnsuitableRedis(
    `the rooms in Redis lie in ${String(agreed)} partitions, and not in ${wanted}: set REDIS_PARTITIONS to ${String(agreed)}`,
  );
}
