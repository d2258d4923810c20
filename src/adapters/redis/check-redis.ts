// Whether a Redis is fit to keep rooms: new enough, and one that never throws keys away to make place.
import type { Log } from '../../ports/log.ts';
import { runScript, scriptOf, type RedisCommands } from './redis-commands.ts';

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
export class UnsuitableRedis extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnsuitableRedis';
  }
}

/**
 * @returns its version, for the log
 * @throws UnsuitableRedis where it is too old or may evict keys; `StoreUnavailable` where it is away
 */
export async function checkRedis(redis: RedisCommands, log: Log): Promise<string> {
  const reply = await runScript(redis, FACTS, [], []);
  const [version = '', maxMemory = '0', policy = ''] = reply as readonly string[];
  if (Number.parseInt(version, 10) < OLDEST_MAJOR) {
    throw new UnsuitableRedis(
      `Redis ${version} is too old: Earshot needs ${OLDEST_MAJOR}.0 or newer`,
    );
  }
  if (policy !== 'noeviction' && maxMemory !== '0') {
    throw new UnsuitableRedis(
      `Redis throws keys away when its memory is full (maxmemory-policy ${policy}): set maxmemory-policy to noeviction, or rooms are lost`,
    );
  }
  if (policy !== 'noeviction') {
    log.warn(
      { policy },
      'Redis would throw keys away if it had a memory limit: set maxmemory-policy to noeviction before it gets one',
    );
  }
  return version;
}
