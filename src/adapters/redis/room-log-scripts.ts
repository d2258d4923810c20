// What happens inside Redis when a room's log is appended to and read: each script is atomic, and touches the keys of one partition alone.
import { TELLING } from './channel-scripts.ts';
import { POSTING } from './outbox-scripts.ts';
import { scriptOf } from './redis-commands.ts';

/** How long a request is remembered. */
export const KEY_LIFE_MS = 600_000;

/**
 * For other scripts: the reign under which this server writes. It is another one after each restart and each time that a replica takes
 * over, also where the same server does so twice; the id of its run would not be.
 */
export const REIGN = `
local function reign()
  return string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
end
`;

/** For other scripts: remembers a request's reply until `expiresAt`, in hub time; the key goes by itself after `life` ms. */
export const REMEMBERING = `
local function remember(key, expiresAt, life, reply)
  redis.call('SET', key, string.format('%d', expiresAt) .. '|' .. reply, 'PX', life)
end
`;

/**
 * Appends if the log ends where it is expected to end, and has been written last under this reign.
 * A room that has left for the archive is there, and is not made again.
 * KEYS: room, events, inhabited, outbox, channel, its count, changed, left, then a key for each request that must take effect once.
 * ARGV: expected epoch, revision, event id; whether this makes the room; first event's time; key life ms; events kept; outbox limit;
 *   people here; last event's time; room id; snapshot or ''; message for the outbox; the lines before it on the channel; last event's id;
 *   number of events; '-' where the room is closed then, or ''; the requests as JSON, or ''; the events as JSON; then the reply for each
 *   key as JSON.
 */
export const APPEND = scriptOf(`${TELLING}${REIGN}${REMEMBERING}${POSTING}
local room, events, inhabited, outbox = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local firstAt, life = tonumber(ARGV[5]), tonumber(ARGV[6])
for i = 9, #KEYS do
  local remembered = redis.call('GET', KEYS[i])
  if remembered then
    local bar = string.find(remembered, '|', 1, true)
    if tonumber(string.sub(remembered, 1, bar - 1)) > firstAt then
      return {'duplicate', i - 9, string.sub(remembered, bar + 1), reign()}
    end
  end
end
local head = redis.call('HMGET', room, 'epoch', 'revision', 'eventId', 'run')
local epoch, revision, eventId = head[1] or '1', head[2] or '0', head[3] or ''
local isStart = ARGV[4] == '1'
if epoch ~= ARGV[1] or revision ~= ARGV[2] or eventId ~= ARGV[3] or (not head[1]) ~= isStart then
  return {'conflict', epoch, revision, eventId, reign()}
end
if isStart and redis.call('HEXISTS', KEYS[8], ARGV[11]) == 1 then return {'conflict', epoch, revision, eventId, reign()} end
local run = reign()
if not isStart and head[4] ~= run then return {'moved'} end
if redis.call('XLEN', outbox) >= tonumber(ARGV[8]) then return {'full'} end
local count = tonumber(ARGV[16])
local at = tonumber(revision)
for i = 1, count do
  local id = epoch .. '-' .. string.format('%d', at + i)
  if i < count or ARGV[18] == '' then redis.call('XADD', events, 'MAXLEN', '~', ARGV[7], id, 'e', ARGV[18 + i])
  else redis.call('XADD', events, 'MAXLEN', '~', ARGV[7], id, 'e', ARGV[18 + i], 'k', ARGV[18]) end
end
local last = string.format('%d', at + count)
redis.call('HSET', room, 'epoch', epoch, 'revision', last, 'eventId', ARGV[15])
if isStart then redis.call('HSET', room, 'run', run) end
if ARGV[12] ~= '' then redis.call('HSET', room, 'snapshot', ARGV[12], 'snapshotRevision', last) end
if ARGV[9] == '0' then redis.call('HDEL', inhabited, ARGV[11])
else redis.call('HSET', inhabited, ARGV[11], ARGV[10]) end
for i = #KEYS, 9, -1 do remember(KEYS[i], firstAt + life, life, ARGV[18 + count + i - 8]) end
post(outbox, KEYS[7], ARGV[11], ARGV[17], 'm', ARGV[13])
tell(KEYS[5], KEYS[6], ARGV[14] .. ARGV[13])
return {'committed', run}
`);

/** What a key remembers, '' for nothing, and the reign of the server. KEYS: key. */
export const RECALL = scriptOf(`${REIGN}
return {redis.call('GET', KEYS[1]) or '', reign()}
`);

/**
 * The head, the newest snapshot and what came after it, and the newest events, of whatever epoch, as requests' JSON or '', JSON, id …,
 * the newest first; and '1' where it was last written under another reign. KEYS: room, events. ARGV: how many of the newest. Nothing for a
 * room that never was.
 */
export const LOAD = scriptOf(`${REIGN}
local room = redis.call('HMGET', KEYS[1], 'epoch', 'revision', 'eventId', 'snapshot', 'snapshotRevision', 'run')
if not room[1] then return {} end
local after = redis.call('XRANGE', KEYS[2], '(' .. room[1] .. '-' .. room[5], room[1] .. '-' .. room[2])
local events = {}
for i, entry in ipairs(after) do events[i] = entry[2][2] end
local newest = {}
for _, entry in ipairs(redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', ARGV[1])) do
  newest[#newest + 1] = entry[2][3] == 'k' and entry[2][4] or ''
  newest[#newest + 1] = entry[2][2]
  newest[#newest + 1] = entry[1]
end
return {room[1], room[2], room[3], room[4], events, newest, room[6] == reign() and '' or '1'}
`);

/**
 * The head, the events after a revision of its epoch, either the event at that revision or, where the epoch began with it, its id, and
 * the requests of those events, as JSON.
 * KEYS: room, events. ARGV: epoch, revision, the most events to give.
 */
export const READ = scriptOf(`
local head = redis.call('HMGET', KEYS[1], 'epoch', 'revision', 'eventId', 'base', 'baseEventId')
local base, from = tonumber(head[4] or 0), tonumber(ARGV[2])
local behind = tonumber(head[2] or -1) - from
if head[1] ~= ARGV[1] or from < base or behind < 0 or behind > tonumber(ARGV[3]) then return {} end
local after = redis.call('XRANGE', KEYS[2], '(' .. ARGV[1] .. '-' .. ARGV[2], ARGV[1] .. '-' .. head[2])
if #after ~= behind then return {} end
local events, requests = {}, {}
for i, entry in ipairs(after) do
  events[i] = entry[2][2]
  if entry[2][3] == 'k' then requests[#requests + 1] = entry[2][4] end
end
local known, event = '', ''
if behind == 0 then known = head[3]
elseif from == base then known = head[5] or ''
else
  local id = ARGV[1] .. '-' .. ARGV[2]
  local at = redis.call('XRANGE', KEYS[2], id, id)[1]
  if at then event = at[2][2] end
end
return {head[1], head[2], head[3], events, known, event, requests}
`);

/** The heads of rooms of one partition. KEYS: the rooms. An empty text for one that never was. */
export const HEADS = scriptOf(`
local heads = {}
for i, room in ipairs(KEYS) do
  local head = redis.call('HMGET', room, 'epoch', 'revision', 'eventId')
  heads[i] = head[1] and (head[1] .. '|' .. head[2] .. '|' .. head[3]) or ''
end
return heads
`);

/** Gives a code back that was claimed for a room which was not made after all. KEYS: code. ARGV: room id. */
export const RELEASE_CODE = scriptOf(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`);
