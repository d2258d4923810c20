// What happens inside Redis: each script is atomic, and touches the keys of one partition alone.
import { scriptOf } from './redis-commands.ts';

/**
 * Appends if the log ends where it is expected to end.
 * KEYS: room, events, inhabited, outbox, channel, then a key for each request that must take effect once.
 * ARGV: expected epoch, revision, event id; whether this makes the room; first event's time; key life ms; events kept; outbox limit;
 *   people here; last event's time; room id; snapshot or ''; message to publish; last event's id; number of events; the events as JSON;
 *   then the reply for each key as JSON.
 */
export const APPEND = scriptOf(`
local room, events, inhabited, outbox, channel = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local firstAt, life = tonumber(ARGV[5]), tonumber(ARGV[6])
for i = 6, #KEYS do
  local remembered = redis.call('GET', KEYS[i])
  if remembered then
    local bar = string.find(remembered, '|', 1, true)
    if tonumber(string.sub(remembered, 1, bar - 1)) > firstAt then
      return {'duplicate', i - 6, string.sub(remembered, bar + 1)}
    end
  end
end
local head = redis.call('HMGET', room, 'epoch', 'revision', 'eventId')
local epoch, revision, eventId = head[1] or '1', head[2] or '0', head[3] or ''
local isStart = ARGV[4] == '1'
if epoch ~= ARGV[1] or revision ~= ARGV[2] or eventId ~= ARGV[3] or (not head[1]) ~= isStart then
  return {'conflict', epoch, revision, eventId}
end
if redis.call('XLEN', outbox) >= tonumber(ARGV[8]) then return {'full'} end
local count = tonumber(ARGV[15])
local at = tonumber(revision)
for i = 1, count do
  redis.call('XADD', events, 'MAXLEN', '~', ARGV[7], epoch .. '-' .. string.format('%d', at + i), 'e', ARGV[15 + i])
end
local last = string.format('%d', at + count)
redis.call('HSET', room, 'epoch', epoch, 'revision', last, 'eventId', ARGV[14])
if ARGV[12] ~= '' then redis.call('HSET', room, 'snapshot', ARGV[12], 'snapshotRevision', last) end
if ARGV[9] == '0' then redis.call('HDEL', inhabited, ARGV[11])
else redis.call('HSET', inhabited, ARGV[11], ARGV[10]) end
for i = #KEYS, 6, -1 do
  local expiresAt = string.format('%d', firstAt + life)
  redis.call('SET', KEYS[i], expiresAt .. '|' .. ARGV[15 + count + i - 5], 'PX', life)
end
redis.call('XADD', outbox, '*', 'm', ARGV[13])
redis.call('SPUBLISH', channel, ARGV[13])
return {'committed'}
`);

/** The head, the newest snapshot and what came after it. KEYS: room, events. Nothing for a room that never was. */
export const LOAD = scriptOf(`
local room = redis.call('HMGET', KEYS[1], 'epoch', 'revision', 'eventId', 'snapshot', 'snapshotRevision')
if not room[1] then return {} end
local after = redis.call('XRANGE', KEYS[2], '(' .. room[1] .. '-' .. room[5], room[1] .. '-' .. room[2])
local events = {}
for i, entry in ipairs(after) do events[i] = entry[2][2] end
return {room[1], room[2], room[3], room[4], events}
`);

/** The head, and the events after a revision of its epoch. KEYS: room, events. ARGV: epoch, revision, the most events to give. */
export const READ = scriptOf(`
local head = redis.call('HMGET', KEYS[1], 'epoch', 'revision', 'eventId')
local behind = tonumber(head[2] or -1) - tonumber(ARGV[2])
if head[1] ~= ARGV[1] or tonumber(ARGV[2]) < 0 or behind < 0 or behind > tonumber(ARGV[3]) then return {} end
local after = redis.call('XRANGE', KEYS[2], '(' .. ARGV[1] .. '-' .. ARGV[2], ARGV[1] .. '-' .. head[2])
if #after ~= behind then return {} end
local events = {}
for i, entry in ipairs(after) do events[i] = entry[2][2] end
return {head[1], head[2], head[3], events}
`);

/** Gives a code back that was claimed for a room which was not made after all. KEYS: code. ARGV: room id. */
export const RELEASE_CODE = scriptOf(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`);
