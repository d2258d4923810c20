// Ranks of the queue: fractional indexes that sort by UTF-16 units, so that a move changes one entry. Knows strings, not entries.
import { generateNKeysBetween } from 'fractional-indexing';

/** Beyond this a rank costs more on the wire than numbering the queue anew. Keys grow where entries keep being put between the same two. */
export const MAX_RANK_LENGTH = 40;

/** `count` ranks in order, evenly spread, for a queue that is numbered anew. */
export function freshRanks(count: number): string[] {
  return generateNKeysBetween(null, null, count);
}

/**
 * `count` ranks in order, above `after` and below `before`; undefined is the open end.
 * Where the two leave no place (a log written by other hands), the ranks follow on `after`.
 */
export function ranksBetween(
  after: string | undefined,
  before: string | undefined,
  count: number,
): string[] {
  const upper = after !== undefined && before !== undefined && before <= after ? null : before;
  try {
    return generateNKeysBetween(after, upper, count);
  } catch {
    // A rank that is no fractional index cannot be placed against; a plain suffix still sorts above it.
    return freshRanks(count).map((rank) => `${after ?? ''}${rank}`);
  }
}

/** `wanted` itself, or where it is taken a rank directly above it. */
export function freeRank(wanted: string, taken: ReadonlySet<string>): string {
  if (!taken.has(wanted)) return wanted;
  let next: string | undefined;
  for (const rank of taken) {
    if (rank > wanted && (next === undefined || rank < next)) next = rank;
  }
  return ranksBetween(wanted, next, 1)[0] ?? `${wanted}V`;
}

/** Ranks compare by UTF-16 units; a sort by locale would differ from the order of play. */
export function byUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
