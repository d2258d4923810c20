// What happens inside Redis when the archive takes from a partition's outbox: each script is atomic, and touches one partition alone.
import { scriptOf } from './redis-commands.ts';

// One consumer in the group, whoever it is: who holds the lease. So what a dead one had taken is what comes first for the next.
const GROUP = 'archive';
const CONSUMER = 'archiver';

/**
 * For other scripts: leaves an entry for the archive, by which a room has changed. `sign` is '-' for a room that is closed, else ''. The
 * moment is the entry's own, so that it tells whether the archive has taken it.
 */
export const POSTING = `
local function post(outbox, changed, roomId, sign, ...)
  local id = redis.call('XADD', outbox, '*', ...)
  redis.call('ZADD', changed, sign .. string.match(id, '^%d+'), roomId)
end
`;

/**
 * The oldest entries that are not settled, those that were taken before first. Only for who holds the partition's lease, or gets it now.
 * KEYS: lease, outbox. ARGV: who asks; the lease in ms; the most entries to give.
 */
export const TAKE = scriptOf(`
local lease, outbox = KEYS[1], KEYS[2]
local holder = redis.call('GET', lease)
if holder and holder ~= ARGV[1] then return {'theirs'} end
if not holder or redis.call('PTTL', lease) < tonumber(ARGV[2]) / 2 then
  redis.call('SET', lease, ARGV[1], 'PX', ARGV[2])
end
local taken = redis.pcall('XAUTOCLAIM', outbox, '${GROUP}', '${CONSUMER}', 0, '0-0', 'COUNT', ARGV[3])
if taken.err then
  if not string.find(taken.err, 'NOGROUP', 1, true) then return taken end
  redis.call('XGROUP', 'CREATE', outbox, '${GROUP}', '0', 'MKSTREAM')
elseif #taken[2] > 0 then
  return {'taken', taken[2]}
end
local read = redis.call('XREADGROUP', 'GROUP', '${GROUP}', '${CONSUMER}', 'COUNT', ARGV[3], 'STREAMS', outbox, '>')
return {'taken', read and read[1][2] or {}}
`);

/** KEYS: lease. ARGV: whose; the lease in ms, or 0 to give it back. */
export const RENEW = scriptOf(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`);

/**
 * Removes entries that are archived, and sets aside those that can never be.
 * KEYS: outbox, rejected. ARGV: the most that is set aside; how many are to be; their ids, each with the reason; the ids of the archived.
 */
export const SETTLE = scriptOf(`
local outbox, rejected = KEYS[1], KEYS[2]
local count = tonumber(ARGV[2])
local ids = {}
for i = 1, count do
  local id = ARGV[1 + 2 * i]
  local entry = redis.call('XRANGE', outbox, id, id)[1]
  if entry then
    redis.call('XADD', rejected, 'MAXLEN', '~', ARGV[1], '*', 'id', id, 'reason', ARGV[2 + 2 * i], unpack(entry[2]))
  end
  ids[#ids + 1] = id
end
for i = 3 + 2 * count, #ARGV do ids[#ids + 1] = ARGV[i] end
for _, id in ipairs(ids) do
  redis.call('XACK', outbox, '${GROUP}', id)
  redis.call('XDEL', outbox, id)
end
return #ids
`);

/** How many entries wait; since when, in ms, 0 where none does; and how many are set aside. KEYS: outbox, rejected. */
export const WAITING = scriptOf(`
local first, rejected = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1], redis.call('XLEN', KEYS[2])
if not first then return {0, 0, rejected} end
local now = redis.call('TIME')
local at = tonumber(string.match(first[1], '^%d+'))
return {redis.call('XLEN', KEYS[1]), math.max(0, math.floor(now[1] * 1000 + now[2] / 1000 - at)), rejected}
`);

/** The id of the newest entry, or ''. KEYS: outbox. */
export const OUTBOX_END = scriptOf(`
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
return newest[1] and newest[1][1] or ''
`);

/** Whether an entry up to `ARGV[1]` waits still. KEYS: outbox. */
export const HAS_UP_TO = scriptOf(
  `return #redis.call('XRANGE', KEYS[1], '-', ARGV[1], 'COUNT', 1)`,
);
