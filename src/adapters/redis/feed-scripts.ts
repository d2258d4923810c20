// What happens inside Redis when an author's head changes: each script is atomic, and touches the keys of one partition alone.
import { scriptOf } from './redis-commands.ts';
import { REIGN } from './room-log-scripts.ts';

/**
 * Changes a head and tells it on the author's channel. A head is `seq\npolicy version\nnode\nitem`, also as a message; node and item are
 * empty while there is nothing to see.
 * Under another reign some changes may be lost, and an empty server has lost all: the number then leaps to what the time says, in a
 * thousandth of a millisecond, which no earlier reign has reached; or, where the clocks of hub time ran backward, further than a lost
 * tail can be long. The reign's own step keeps two servers apart that both took over.
 * KEYS: head, channel. ARGV: 'item', 'gone', 'policy' or 'forget', which keeps no head; the node; the item as JSON; the policy's version; the number that the time says;
 * life ms. Answers the number.
 */
export const CHANGE_HEAD = scriptOf(`${REIGN}
local kept = redis.call('HMGET', KEYS[1], 'seq', 'policy', 'node', 'item', 'run')
local seq, policy = tonumber(kept[1] or 0), tonumber(kept[2] or 0)
local node, item = kept[3] or '', kept[4] or ''
if ARGV[1] == 'gone' and not kept[1] then return '0' end
local isChanged = tonumber(ARGV[4]) > policy
if isChanged then policy = tonumber(ARGV[4]) end
if ARGV[1] == 'item' then
  node, item, isChanged = ARGV[2], ARGV[3], true
elseif ARGV[1] == 'gone' and item ~= '' and node == ARGV[2] then
  node, item, isChanged = '', '', true
elseif ARGV[1] == 'forget' and kept[1] then
  node, item, isChanged = '', '', true
end
if not isChanged then return string.format('%d', seq) end
local run = reign()
if kept[5] == run then seq = seq + 1
else seq = math.max(seq + 1000000, tonumber(ARGV[5])) + tonumber(string.sub(run, 1, 6), 16) % 1000 end
local head = {string.format('%d', seq), string.format('%d', policy), node, item}
if ARGV[1] == 'forget' then redis.call('DEL', KEYS[1])
else
  redis.call('HSET', KEYS[1], 'seq', head[1], 'policy', head[2], 'node', node, 'item', item, 'run', run)
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
end
redis.call('SPUBLISH', KEYS[2], table.concat(head, '\\n'))
return head[1]
`);

/** The heads of authors of one partition, '' for one that there is not. KEYS: their heads. */
export const FEED_HEADS = scriptOf(`
local heads = {}
for i, key in ipairs(KEYS) do
  local kept = redis.call('HMGET', key, 'seq', 'policy', 'node', 'item')
  heads[i] = kept[1] and table.concat(kept, '\\n') or ''
end
return heads
`);

/** Tells one message and changes nothing. KEYS: channel. ARGV: the message. */
export const TELL = scriptOf(`
return redis.call('SPUBLISH', KEYS[1], ARGV[1])
`);
