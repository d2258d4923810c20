// What happens inside Redis when somebody speaks: each script is atomic, and touches the keys of one partition alone.
import { scriptOf } from './redis-commands.ts';

/**
 * An item is kept as three lines: its state (`m` a message, `x` one that was erased, `d` a deletion), its fields as JSON, and its text
 * as JSON, so that a text can be erased here without reading the rest.
 *
 * KEYS: chat, outbox, channel, the request's key.
 * ARGV: hub time; key life ms; the item; the seq to erase or ''; items kept; outbox limit; room id; node id.
 */
export const SAY = scriptOf(`
local chat, outbox, channel, key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local said = redis.call('GET', key)
if said then
  local at, seq, item = string.match(said, '^([^|]*)|([^|]*)|(.*)$')
  if tonumber(ARGV[1]) - tonumber(at) < tonumber(ARGV[2]) then
    return {'repeated', tonumber(seq), redis.call('HGET', chat, seq) or item}
  end
end
if redis.call('XLEN', outbox) >= tonumber(ARGV[6]) then return {'full'} end
local seq = redis.call('HINCRBY', chat, 'last', 1)
redis.call('HSET', chat, seq, ARGV[3])
if ARGV[4] ~= '' then
  local target = redis.call('HGET', chat, ARGV[4])
  local fields = target and string.match(target, '^m\\n([^\\n]*)\\n')
  if fields then redis.call('HSET', chat, ARGV[4], 'x\\n' .. fields .. '\\n""') end
end
redis.call('HDEL', chat, seq - tonumber(ARGV[5]))
redis.call('SET', key, ARGV[1] .. '|' .. seq .. '|' .. ARGV[3], 'PX', ARGV[2])
redis.call('XADD', outbox, '*', 'r', ARGV[7], 's', seq, 'c', ARGV[3])
redis.call('SPUBLISH', channel, ARGV[8] .. '\\n' .. ARGV[7] .. '\\n' .. seq)
return {'said', seq}
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
