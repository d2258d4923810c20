// How something is told to all nodes from inside Redis: numbered on its partition's channel, so that who missed something knows.
import { scriptOf } from './redis-commands.ts';

/**
 * For other scripts: `tell(channel, count, message)`. A message is `kind\nnode\nroom\nrest`; its number comes before it as a line of its
 * own. The count is a key beside the channel.
 */
export const TELLING = `
local function tell(channel, count, message)
  redis.call('SPUBLISH', channel, string.format('%d', redis.call('INCR', count)) .. '\\n' .. message)
end
`;

/** Tells one message and changes nothing else. KEYS: channel, count. ARGV: the message. */
export const TELL = scriptOf(`${TELLING}
tell(KEYS[1], KEYS[2], ARGV[1])
return 1
`);
