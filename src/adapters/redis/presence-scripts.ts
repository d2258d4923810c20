// What happens inside Redis when somebody enters or leaves, and when a node says that it lives: each script is atomic.
import { TELLING } from './channel-scripts.ts';
import { scriptOf } from './redis-commands.ts';
import { REIGN } from './room-log-scripts.ts';

/**
 * A room's hash has `version`, the reign (`run`) under which it last changed, and for each person `node|name`. Under another reign some
 * changes may be lost: the version leaps, so that nobody takes the next change for the one after those.
 * KEYS: presence, channel, its count. ARGV: node; life ms; the lines before a change on the channel; those who entered, as JSON; how many
 * they are; their ids and names in turn; the ids of those who left.
 * Answers the version. Those who left and have their entry elsewhere now are not told as gone.
 */
export const CHANGE = scriptOf(`${TELLING}${REIGN}
local presence, node, count = KEYS[1], ARGV[1], tonumber(ARGV[5])
local left = {}
for i = 6 + 2 * count, #ARGV do
  local kept = redis.call('HGET', presence, ARGV[i])
  if kept and string.sub(kept, 1, #node + 1) == node .. '|' then left[#left + 1] = ARGV[i] end
end
if count == 0 and #left == 0 then return tonumber(redis.call('HGET', presence, 'version') or 0) end
for i = 1, count do redis.call('HSET', presence, ARGV[4 + 2 * i], node .. '|' .. ARGV[5 + 2 * i]) end
for _, userId in ipairs(left) do redis.call('HDEL', presence, userId) end
local before, run = redis.call('HGET', presence, 'run'), reign()
local version = redis.call('HINCRBY', presence, 'version', before and before ~= run and 1000 or 1)
if before ~= run then redis.call('HSET', presence, 'run', run) end
redis.call('PEXPIRE', presence, ARGV[2])
tell(KEYS[2], KEYS[3], ARGV[3] .. string.format('%d', version) .. '\\n' .. table.concat(left, ',') .. '\\n' .. ARGV[4])
return version
`);

/** Removes those who are still on one of these nodes. KEYS: presence. ARGV: the nodes. */
export const FORGET = scriptOf(`
local isDead = {}
for _, node in ipairs(ARGV) do isDead[node] = true end
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if all[i] ~= 'version' and all[i] ~= 'run' and isDead[string.match(all[i + 1], '^([^|]*)')] then redis.call('HDEL', KEYS[1], all[i]) end
end
return 1
`);

/** The versions of rooms of one partition. KEYS: their presence. */
export const VERSIONS = scriptOf(`
local versions = {}
for i, presence in ipairs(KEYS) do versions[i] = tonumber(redis.call('HGET', presence, 'version') or 0) end
return versions
`);

/**
 * Renews a node's lease, and answers when it did so before, or '', and every node with the time of its renewal.
 * KEYS: nodes. ARGV: node; hub time; the time before which a node is forgotten; the most nodes that are remembered, the last to renew.
 */
export const RENEW = scriptOf(`
local before = redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - tonumber(ARGV[4]))
return {before or '', redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')}
`);
