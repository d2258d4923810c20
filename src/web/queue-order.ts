// Owns the arithmetic of moving an entry in what comes next; must not know how a move is made or shown.
import type { EntryId } from '../../protocol/ids.ts';

/** `ids` with the one at `from` taken out and put in at `to` (an index of the shortened list). */
export function moved(ids: readonly EntryId[], from: number, to: number): EntryId[] {
  const id = ids[from];
  if (id === undefined) return [...ids];
  const rest = ids.filter((_, i) => i !== from);
  return [...rest.slice(0, to), id, ...rest.slice(to)];
}

/** The entry before which the moved one then stands; undefined at the end. */
export function followerOf(ids: readonly EntryId[], id: EntryId): EntryId | undefined {
  return ids[ids.indexOf(id) + 1];
}

/**
 * The order to show while a move is under way: `wanted` as long as it holds the very same entries, else what the room says.
 */
export function shownOrder(
  actual: readonly EntryId[],
  wanted: readonly EntryId[] | undefined,
): readonly EntryId[] {
  if (wanted?.length !== actual.length) return actual;
  const known = new Set(actual);
  return wanted.every((id) => known.has(id)) ? wanted : actual;
}
