// What a room remembers to take back: its undo steps, kept true while the queue is numbered anew. Knows ranks; not who may undo.
import type { EntryId } from '../../protocol/ids.ts';
import { playOrder, type Queue } from '../../protocol/schemas/room.ts';
import { DEFAULT_DOMAIN_LIMITS } from './command.ts';
import { headEntryId } from './playback.ts';
import { byUnits, ranksBetween } from './ranks.ts';
import { entriesOf, keysOf, lookup } from './records.ts';
import type { RoomState, UndoStep } from './room-state.ts';

/**
 * How many undo steps the state keeps. Fixed, as the state must not depend on how a node is configured; a lower limit is for
 * `decide` to hold.
 */
export const UNDO_KEPT = DEFAULT_DOMAIN_LIMITS.maxUndo;

export type RankField = 'rank' | 'shuffleRank';

export function remembering(room: RoomState, step: UndoStep): RoomState {
  return { ...room, undo: [...room.undo, step].slice(-UNDO_KEPT) };
}

/** Those of `entryIds` that were still to come at hub time `at`. */
export function unheardOf(room: RoomState, entryIds: readonly EntryId[], at: number): EntryId[] {
  const order = playOrder(room.public);
  const head = headEntryId(room.public, at);
  const coming = new Set(head === undefined ? order : order.slice(order.indexOf(head) + 1));
  return entryIds.filter((entryId) => coming.has(entryId));
}

/** The steps with their ranks in the new numbering: each stands between the same two entries as before. */
export function renumberedSteps(
  undo: readonly UndoStep[],
  before: Queue,
  after: Queue,
  field: RankField,
): readonly UndoStep[] {
  const remembered = [...new Set(undo.flatMap((step) => ranksIn(step, field)))].sort(byUnits);
  if (remembered.length === 0) return undo;
  const held = entriesOf(before)
    .map(([entryId, entry]) => [entry[field] ?? '', lookup(after, entryId)?.[field] ?? ''] as const)
    .sort(([a], [b]) => byUnits(a, b));
  const renewed = new Map<string, string>(held);
  for (let from = 0; from < remembered.length;) {
    const rank = remembered[from] ?? '';
    const above = held.findIndex(([old]) => old > rank);
    const place = above < 0 ? held.length : above;
    const upper = held[place];
    const inGap = (one: string): boolean => upper === undefined || one < upper[0];
    let to = from;
    while (to < remembered.length && inGap(remembered[to] ?? '')) to += 1;
    const lone = remembered.slice(from, to).filter((one) => !renewed.has(one));
    const fresh = ranksBetween(held[place - 1]?.[1], upper?.[1], lone.length);
    lone.forEach((one, i) => renewed.set(one, fresh[i] ?? one));
    from = to;
  }
  return undo.map((step) => withRanks(step, field, renewed));
}

/** Without the moves in an order of chance that is over: the next one is another. */
export function withoutShuffledMoves(undo: readonly UndoStep[]): readonly UndoStep[] {
  const kept = undo.filter((step) => step.kind !== 'moved' || !step.shuffle);
  return kept.length === undo.length ? undo : kept;
}

function ranksIn(step: UndoStep, field: RankField): string[] {
  if (step.kind === 'moved') {
    return step.shuffle === (field === 'shuffleRank') ? Object.values(step.ranks) : [];
  }
  // An entry that comes back while shuffle is on gets a new place by chance.
  if (step.kind === 'removed' && field === 'rank') {
    return Object.values(step.entries).map(({ rank }) => rank);
  }
  return [];
}

function withRanks(
  step: UndoStep,
  field: RankField,
  renewed: ReadonlyMap<string, string>,
): UndoStep {
  if (ranksIn(step, field).length === 0) return step;
  if (step.kind === 'moved') {
    const ranks: Record<EntryId, string> = {};
    for (const entryId of keysOf(step.ranks)) {
      const then = step.ranks[entryId] ?? '';
      ranks[entryId] = renewed.get(then) ?? then;
    }
    return { ...step, ranks };
  }
  if (step.kind !== 'removed') return step;
  const entries = entriesOf(step.entries).map(
    ([entryId, entry]) =>
      [entryId, { ...entry, rank: renewed.get(entry.rank) ?? entry.rank }] as const,
  );
  return { ...step, entries: Object.fromEntries(entries) };
}
