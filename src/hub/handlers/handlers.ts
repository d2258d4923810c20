// The table of all requests: who handles which, and what each costs of a connection's rate.
import type { RequestType } from '../../../protocol/schemas/requests.ts';
import type { HandlerTable } from './handler.ts';
import { FEED } from './feed.ts';
import { ROOM_COMMANDS } from './room-commands.ts';
import { ROOM_LIFE } from './room-life.ts';
import { TALK } from './talk.ts';

export const HANDLERS: HandlerTable = { ...ROOM_COMMANDS, ...ROOM_LIFE, ...TALK, ...FEED };

const COSTS: Partial<Record<RequestType, number>> = {
  // Whose token is good asks the store and takes a turn: ten tabs that come back at once have it, a loop has not.
  hello: 3,
  'room.create': 10,
  'room.join': 3,
  'room.knock': 10,
  'room.invite': 3,
  'queue.add': 2,
  'chat.send': 3,
  'chat.history': 2,
  'reaction.send': 1,
  'feed.subscribe': 5,
  'activity.remove': 3,
  'activity.react': 3,
  'activity.join': 10,
  'audience.set': 5,
  ready: 0.5,
  'sync.report': 0.5,
};

/** A room with its queue, chat, what friends play: much larger than what asks for it. */
const LONG_ANSWERS: ReadonlySet<RequestType> = new Set([
  'room.join',
  'chat.history',
  'feed.subscribe',
]);

export function hasLongAnswer(type: RequestType): boolean {
  return LONG_ANSWERS.has(type);
}

/** Tokens that a request takes from the buckets of its connection and its person. */
export function costOf(type: RequestType): number {
  return COSTS[type] ?? 1;
}
