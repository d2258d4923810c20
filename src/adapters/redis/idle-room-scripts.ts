// What happens inside Redis when rooms that nobody needs leave it for the archive: each script is atomic, and touches one partition alone.
import { scriptOf } from './redis-commands.ts';
import { REIGN } from './room-log-scripts.ts';

/**
 * How many rooms are here, and, for who holds the partition's lease or gets it now, the server's reign, how many rooms have not changed for
 * long, and those of them that are empty: id, moment of the change, id …. None while entries are set aside: whoever mends them needs the
 * rooms.
 * KEYS: lease, changed, rejected, inhabited. ARGV: who asks; the lease in ms; for how long, in ms, an open room has not changed; and a closed one; how
 * many of them to pass over; the most to look at.
 */
export const IDLE = scriptOf(`${REIGN}
local lease, changed = KEYS[1], KEYS[2]
local rooms = redis.call('ZCARD', changed)
local holder = redis.call('GET', lease)
if holder and holder ~= ARGV[1] then return {rooms} end
redis.call('SET', lease, ARGV[1], 'PX', ARGV[2])
if redis.call('XLEN', KEYS[3]) > 0 then return {rooms} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- Closed ones have their moment below zero, so that both are one range.
local first, last = string.format('%d', tonumber(ARGV[4]) - now), string.format('%d', now - tonumber(ARGV[3]))
local idle = redis.call('ZRANGEBYSCORE', changed, first, last, 'WITHSCORES', 'LIMIT', ARGV[5], ARGV[6])
local empty = {}
for i = 1, #idle, 2 do
  if redis.call('HEXISTS', KEYS[4], idle[i]) == 0 then
    empty[#empty + 1] = idle[i]
    empty[#empty + 1] = idle[i + 1]
  end
end
return {rooms, reign(), #idle / 2, empty}
`);

/**
 * Removes a room with its chat, if nothing has changed since both were compared with the archive, and the archive has taken all that they
 * left in the outbox. Remembers where the log ended: what is put back later begins a newer epoch. Keys of requests go by themselves.
 * KEYS: room, events, chat, inhabited, outbox, rejected, changed, left.
 * ARGV: room id; reign; moment of the last change; the head's epoch or '' for no room, revision, event id; the newest seq of the chat.
 */
export const LEAVE = scriptOf(`${REIGN}
local room, inhabited, outbox, changed = KEYS[1], KEYS[4], KEYS[5], KEYS[7]
if reign() ~= ARGV[2] or redis.call('ZSCORE', changed, ARGV[1]) ~= ARGV[3] then return 0 end
local head = redis.call('HMGET', room, 'epoch', 'revision', 'eventId')
if (head[1] or '') ~= ARGV[4] or (head[2] or '0') ~= ARGV[5] or (head[3] or '') ~= ARGV[6] then return 0 end
if (redis.call('HGET', KEYS[3], 'last') or '0') ~= ARGV[7] then return 0 end
if redis.call('HEXISTS', inhabited, ARGV[1]) == 1 or redis.call('XLEN', KEYS[6]) > 0 then return 0 end
local first = redis.call('XRANGE', outbox, '-', '+', 'COUNT', 1)[1]
if first and tonumber(string.match(first[1], '^%d+')) <= math.abs(tonumber(ARGV[3])) then return 0 end
redis.call('UNLINK', room, KEYS[2], KEYS[3])
redis.call('ZREM', changed, ARGV[1])
if head[1] then redis.call('HSET', KEYS[8], ARGV[1], head[1] .. '|' .. head[2]) end
return 1
`);
