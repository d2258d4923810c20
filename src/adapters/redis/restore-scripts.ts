// What happens inside Redis when a room's log is given back what it has lost: each script is atomic over one partition's keys.
import { TELLING } from './channel-scripts.ts';
import { POSTING } from './outbox-scripts.ts';
import { scriptOf } from './redis-commands.ts';
import { REIGN, REMEMBERING } from './room-log-scripts.ts';

/**
 * All that the log has of a room, and the reign of the server. KEYS: room, events, left. ARGV: room id. The events come as id, JSON,
 * requests' JSON or '', id …; for a room that the log does not have there is the reign, and where it ended when it left for the archive, or ''.
 */
export const LOAD_WHOLE = scriptOf(`${REIGN}
local room = redis.call('HMGET', KEYS[1], 'epoch', 'revision', 'eventId', 'snapshot', 'snapshotRevision', 'run', 'lineage')
if not room[1] then return {reign(), redis.call('HGET', KEYS[3], ARGV[1]) or ''} end
local events = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '-', '+')) do
  events[#events + 1] = entry[1]
  events[#events + 1] = entry[2][2]
  events[#events + 1] = entry[2][3] == 'k' and entry[2][4] or ''
end
return {reign(), room[1], room[2], room[3], room[4], room[5], room[6] or '', room[7] or '[]', events}
`);

/** Remembers requests that are not remembered. KEYS: theirs. ARGV: last event's time; key life ms; then the reply for each key. */
export const REMEMBER = scriptOf(`${REMEMBERING}
local life = tonumber(ARGV[2])
for i, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 0 then remember(key, tonumber(ARGV[1]) + life, life, ARGV[2 + i]) end
end
return 1
`);

/**
 * Begins a new epoch if the log still is as it was read; of a room that is put back whole, one that is newer than when it left for the
 * archive. The key of the events is emptied then.
 * KEYS: room, events, inhabited, outbox, channel, its count, changed, left, then a key for each request.
 * ARGV: expected epoch or '' for no room, revision, event id; reign; the new epoch; its base, the base's event id; the new head's revision,
 *   event id; state; lineage; people here; last event's time; room id; key life ms; entry for the outbox; message for the channel; number
 *   of events; '-' where the room is closed, or ''; then stream id, JSON and requests' JSON or '' of each event; then the reply for each
 *   key.
 */
export const RESTORE = scriptOf(`${TELLING}${REIGN}${REMEMBERING}${POSTING}
local room, events, inhabited, outbox = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local head = redis.call('HMGET', room, 'epoch', 'revision', 'eventId')
if (head[1] or '') ~= ARGV[1] or (head[2] or '0') ~= ARGV[2] or (head[3] or '') ~= ARGV[3] or reign() ~= ARGV[4] then
  return {'conflict'}
end
if not head[1] then
  local left = redis.call('HGET', KEYS[8], ARGV[14])
  if left and tonumber(string.match(left, '^%d+')) >= tonumber(ARGV[5]) then return {'conflict'} end
  redis.call('DEL', events)
end
local count = tonumber(ARGV[18])
for i = 1, count do
  local id, event, requests = ARGV[17 + 3 * i], ARGV[18 + 3 * i], ARGV[19 + 3 * i]
  if requests == '' then redis.call('XADD', events, id, 'e', event)
  else redis.call('XADD', events, id, 'e', event, 'k', requests) end
end
redis.call('HSET', room, 'epoch', ARGV[5], 'base', ARGV[6], 'baseEventId', ARGV[7], 'revision', ARGV[8], 'eventId', ARGV[9],
  'snapshot', ARGV[10], 'snapshotRevision', ARGV[8], 'lineage', ARGV[11], 'run', ARGV[4])
if ARGV[12] == '0' then redis.call('HDEL', inhabited, ARGV[14])
else redis.call('HSET', inhabited, ARGV[14], ARGV[13]) end
local life = tonumber(ARGV[15])
for i = 9, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 0 then
    remember(KEYS[i], tonumber(ARGV[13]) + life, life, ARGV[19 + 3 * count + i - 8])
  end
end
post(outbox, KEYS[7], ARGV[14], ARGV[19], 'r', ARGV[16])
tell(KEYS[5], KEYS[6], ARGV[17])
return {'restored'}
`);

/** KEYS: events; then requests' keys, which go. ARGV: the first id that stays. */
export const DROP_BEFORE = scriptOf(`
for i = 2, #KEYS do redis.call('DEL', KEYS[i]) end
return redis.call('XTRIM', KEYS[1], 'MINID', ARGV[1])
`);
