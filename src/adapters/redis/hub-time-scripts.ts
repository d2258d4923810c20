// What happens inside Redis to keep hub time: the server's time with what hub time is on it, in one answer.
import { scriptOf } from './redis-commands.ts';

/**
 * KEYS: hub time. Answers seconds and microseconds of the server's clock, the id of its run, and what is agreed on: the run that the
 * offset belongs to, the offset of hub time to its clock in ms, and the timeline. The clock is read first: what follows takes time.
 */
export const HUB_TIME = scriptOf(`
local now = redis.call('TIME')
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local agreed = redis.call('HMGET', KEYS[1], 'run', 'offset', 'timeline')
return {now[1], now[2], run, agreed[1] or '', agreed[2] or '', agreed[3] or ''}
`);

/**
 * Agrees on an offset for another run of the server, unless somebody was first. KEYS: hub time. ARGV: the run agreed on so far or '';
 * the run; the offset; the timeline.
 */
export const AGREE = scriptOf(`
if (redis.call('HGET', KEYS[1], 'run') or '') == ARGV[1] then
  redis.call('HSET', KEYS[1], 'run', ARGV[2], 'offset', ARGV[3], 'timeline', ARGV[4])
end
return 1
`);
