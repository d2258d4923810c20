// What happens inside Redis when somebody speaks: each script is atomic, and touches the keys of one partition alone.
import { TELLING } from './channel-scripts.ts';
import { POSTING } from './outbox-scripts.ts';
import { scriptOf } from './redis-commands.ts';
import { REIGN } from './room-log-scripts.ts';

/** For other scripts: erases the text of an item of the chat, unless that is done. */
const ERASING = `
local function erase(chat, seq)
  local kept = redis.call('HGET', chat, seq)
  local fields = kept and string.match(kept, '^m\\n([^\\n]*)\\n')
  if fields then redis.call('HSET', chat, seq, 'x\\n' .. fields .. '\\n""') end
end
`;

/**
 * An item is kept as three lines: its state (the first letter of its kind: `m` a message, `d` a deletion; or `x` a message that was
 * erased), its fields as JSON, and its text as JSON, so that a text can be erased here without reading the rest.
 *
 * The chat's `run` is the reign under which it was last written or restored. Under another one, and where the caller has seen more than
 * there is, the newest items may be lost: nobody takes their numbers before those who hold them could give them back.
 *
 * So may all of them be where there is no chat beside a room that was written under another reign, or that has left for the archive once.
 *
 * KEYS: chat, outbox, channel, its count, the request's key, the room, changed, left.
 * ARGV: hub time; key life ms; the item; the seq to erase or ''; items kept; outbox limit; room id; the lines before it on the channel;
 * the newest seq that the caller has seen.
 */
export const SAY = scriptOf(`${TELLING}${REIGN}${ERASING}${POSTING}
local chat, outbox, key = KEYS[1], KEYS[2], KEYS[5]
local said = redis.call('GET', key)
if said then
  local at, seq, item = string.match(said, '^([^|]*)|([^|]*)|(.*)$')
  if tonumber(ARGV[1]) - tonumber(at) < tonumber(ARGV[2]) then
    return {'repeated', tonumber(seq), redis.call('HGET', chat, seq) or item, reign()}
  end
end
local run, last = redis.call('HGET', chat, 'run'), tonumber(redis.call('HGET', chat, 'last') or 0)
local wrote = run or redis.call('HGET', KEYS[6], 'run')
if wrote and wrote ~= reign() or last < tonumber(ARGV[9]) then return {'moved'} end
if not run and redis.call('HEXISTS', KEYS[8], ARGV[7]) == 1 then return {'moved'} end
if redis.call('XLEN', outbox) >= tonumber(ARGV[6]) then return {'full'} end
if not run then redis.call('HSET', chat, 'run', reign()) end
local seq = redis.call('HINCRBY', chat, 'last', 1)
redis.call('HSET', chat, seq, ARGV[3])
if ARGV[4] ~= '' then erase(chat, ARGV[4]) end
redis.call('HDEL', chat, seq - tonumber(ARGV[5]))
redis.call('SET', key, ARGV[1] .. '|' .. seq .. '|' .. ARGV[3], 'PX', ARGV[2])
post(outbox, KEYS[7], ARGV[7], '', 'i', ARGV[7], 's', seq, 'c', ARGV[3])
tell(KEYS[3], KEYS[4], ARGV[8] .. seq .. '\\n' .. ARGV[3])
return {'said', seq, reign()}
`);

/**
 * Puts items back that were lost, each under its number where that is free. One whose number belongs to another item goes behind all, unless
 * it is there already; deletions of it go with it. Those that are older than what is kept stay away.
 * KEYS: chat, outbox, channel, its count, changed. ARGV: room id; the lines before an item on the channel; items kept; then for each item
 * its seq, the item, and the seq that it erases or ''.
 */
export const PUT_BACK = scriptOf(`${TELLING}${REIGN}${ERASING}${POSTING}
local chat, outbox, changed = KEYS[1], KEYS[2], KEYS[5]
-- Also where nothing is left for the archive: what is kept here may be another than before, and begins to be idle now.
local now, before = redis.call('TIME'), tonumber(redis.call('ZSCORE', changed, ARGV[1]) or 0)
now = math.max(now[1] * 1000 + math.floor(now[2] / 1000), math.abs(before))
redis.call('ZADD', changed, string.format('%d', now), ARGV[1])
local function fieldsOf(item) return string.match(item, '^.\\n([^\\n]*)') end
-- By the whole of an item, and by its fields: those of an erased one, and those of any.
local byWhole, byErased, byFields, all = {}, {}, {}, redis.call('HGETALL', chat)
for i = 1, #all, 2 do
  if string.find(all[i], '^%d+$') then
    local item, fields = all[i + 1], fieldsOf(all[i + 1])
    byWhole[item], byFields[fields] = all[i], all[i]
    if string.sub(item, 1, 1) == 'x' then byErased[fields] = all[i] end
  end
end
local function placeOf(seq, item)
  local own = redis.call('HGET', chat, seq)
  local isErased = own and (string.sub(own, 1, 1) == 'x' or string.sub(item, 1, 1) == 'x')
  if own == item or isErased and fieldsOf(own) == fieldsOf(item) then return seq end
  if string.sub(item, 1, 1) == 'x' then return byFields[fieldsOf(item)] end
  return byWhole[item] or byErased[fieldsOf(item)]
end
local last, moved = tonumber(redis.call('HGET', chat, 'last') or 0), {}
for i = 4, #ARGV, 3 do
  local seq, item, target = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if moved[target] then
    item = string.gsub(item, '"target":%d+', '"target":' .. moved[target], 1)
    target = moved[target]
  end
  local there = placeOf(seq, item)
  if there then
    moved[seq] = there ~= seq and there or nil
    if string.sub(item, 1, 1) == 'x' then erase(chat, there) end
  elseif tonumber(seq) > last - tonumber(ARGV[3]) then
    local place = seq
    if redis.call('HEXISTS', chat, seq) == 1 then
      place = string.format('%d', last + 1)
      moved[seq] = place
    end
    redis.call('HSET', chat, place, item)
    if tonumber(place) > last then
      last = tonumber(place)
      redis.call('HSET', chat, 'last', place)
      redis.call('HDEL', chat, string.format('%d', last - tonumber(ARGV[3])))
    end
    if target ~= '' then erase(chat, target) end
    post(outbox, changed, ARGV[1], '', 'i', ARGV[1], 's', place, 'c', item)
    tell(KEYS[3], KEYS[4], ARGV[2] .. place .. '\\n' .. item)
  end
end
redis.call('HSET', chat, 'run', reign())
return reign()
`);

/** All of a chat: numbers and items. KEYS: chat. */
export const WHOLE_CHAT = scriptOf(`return redis.call('HGETALL', KEYS[1])`);

/** Puts items in the place of those that are still as they were read. KEYS: chat. ARGV: for each its seq, the old item, the new one. */
export const REPLACE_ITEMS = scriptOf(`
for i = 1, #ARGV, 3 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2]) end
end
return 1
`);

/** The newest number and item of each of the chats of one partition; 0 and '' where nothing was said. KEYS: the chats. */
export const NEWEST = scriptOf(`
local newest = {}
for i, chat in ipairs(KEYS) do
  local seq = redis.call('HGET', chat, 'last')
  newest[i] = {tonumber(seq or 0), seq and redis.call('HGET', chat, seq) or ''}
end
return newest
`);

/** The newest items of a range. KEYS: chat. ARGV: the first seq; the last, or '' for the newest of all; the most items to give. */
export const ITEMS = scriptOf(`
local newest = tonumber(redis.call('HGET', KEYS[1], 'last') or 0)
local last = math.min(tonumber(ARGV[2]) or newest, newest)
local first = math.max(tonumber(ARGV[1]), last - tonumber(ARGV[3]) + 1, 1)
local items = {}
for seq = first, last do
  local item = redis.call('HGET', KEYS[1], seq)
  if item then items[#items + 1] = {seq, item} end
end
return {newest, items}
`);
