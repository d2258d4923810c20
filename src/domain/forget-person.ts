// Takes a person out of whatever is kept of a room: what happened can still be told, of somebody without a name. Pure.
import type { UserId } from '../../protocol/ids.ts';

/** What those are called who have been erased. */
export const ERASED_NAME = 'Somebody';

/** The member that names whom another member identifies. */
const NAMED_BY: Readonly<Record<string, string>> = {
  userId: 'name',
  id: 'name',
  by: 'byName',
  hostId: 'hostName',
  addedBy: 'addedByName',
};

/**
 * `kept` with `as` in the place of `userId`, wherever in it that id is, and without the name beside it. What holds nothing of the person
 * is given back as it is, the very same object.
 * @param kept JSON: an event, a room's state, an item of the chat, a request's reply
 */
export function withoutPerson<T>(kept: T, userId: UserId, as: UserId): T {
  return replaced(kept, userId, as) as T;
}

function replaced(kept: unknown, userId: string, as: string): unknown {
  if (typeof kept === 'string') return kept.includes(userId) ? kept.replaceAll(userId, as) : kept;
  if (typeof kept !== 'object' || kept === null) return kept;
  if (Array.isArray(kept)) return replacedList(kept, userId, as);
  const members = Object.entries(kept);
  const after = members.map(([key, value]): [string, unknown] => [
    key.replaceAll(userId, as),
    // What is kept of people by their ids has their names one floor below.
    key === userId ? nameless(replaced(value, userId, as)) : replaced(value, userId, as),
  ]);
  const isSame = after.every(
    ([key, value], i) => key === members[i]?.[0] && value === members[i][1],
  );
  if (isSame) return kept;
  // Without reaching the prototype, where an id reads `__proto__`.
  const result = Object.fromEntries(after);
  for (const [identifier, name] of Object.entries(NAMED_BY)) {
    const isTheirs = Reflect.get(kept, identifier) === userId;
    if (isTheirs && typeof result[name] === 'string') result[name] = ERASED_NAME;
  }
  return result;
}

function replacedList(list: readonly unknown[], userId: string, as: string): unknown {
  const after = list.map((each) => replaced(each, userId, as));
  return after.every((each, i) => each === list[i]) ? list : after;
}

function nameless(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('name' in value)) return value;
  return typeof value.name === 'string' ? { ...value, name: ERASED_NAME } : value;
}
