// What happens inside Redis when somebody looks after what the archive has refused: each script is atomic, and touches one partition alone.
import { scriptOf } from './redis-commands.ts';

/**
 * Entries that are set aside, the oldest first: id, and names and values in turn. KEYS: rejected. ARGV: the first id, or '(' and the one
 * before; the most to give.
 */
export const SET_ASIDE = scriptOf(`
return redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])
`);

/**
 * Gives an entry that was set aside to the archive again, behind what waits. Its room, if it is here, has changed by that.
 * KEYS: rejected, outbox, changed. ARGV: id; room id, or '' where it is not known. Answers whether it was there.
 */
export const RETRY = scriptOf(`
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry then return 0 end
-- Before its own fields it has the id that it had in the outbox, and the reason.
local id = redis.call('XADD', KEYS[2], '*', unpack(entry[2], 5))
if ARGV[2] ~= '' then redis.call('ZADD', KEYS[3], 'XX', string.match(id, '^%d+'), ARGV[2]) end
redis.call('XDEL', KEYS[1], ARGV[1])
return 1
`);

/**
 * Puts an entry that was set aside at the end, as it is to be from now on; not one that was tried again or dropped meanwhile.
 * KEYS: rejected. ARGV: id; names and values in turn. Answers whether it was there.
 */
export const REWRITE = scriptOf(`
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('XADD', KEYS[1], '*', unpack(ARGV, 2))
return 1
`);

/** Forgets an entry that was set aside. KEYS: rejected. ARGV: id. Answers whether it was there. */
export const DROP = scriptOf(`
return redis.call('XDEL', KEYS[1], ARGV[1])
`);
