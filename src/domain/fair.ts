// The fair policy: those who added take turns, and whoever is away is passed over. Knows the queue's order; moves nothing by itself
// but ranks.
import type { EntryId, UserId } from '../../protocol/ids.ts';
import type { Queue } from '../../protocol/schemas/room.ts';
import type { Draft } from './draft.ts';
import type { RoomState } from './room-state.ts';
import { comingEntries, headEntryId } from './playback.ts';
import { lookup } from './records.ts';

export function isFair(room: RoomState): boolean {
  return room.public.settings.queuePolicy === 'fair';
}

/** The adders of `order` by their first entry in it; whoever's entry is current has had their turn and comes last. */
export function turnsOf(
  order: readonly EntryId[],
  queue: Queue,
  current: EntryId | undefined,
): UserId[] {
  const turns = new Set<UserId>();
  for (const entryId of order) {
    const owner = lookup(queue, entryId)?.addedBy;
    if (owner !== undefined) turns.add(owner);
  }
  const playing = current === undefined ? undefined : lookup(queue, current)?.addedBy;
  if (playing !== undefined && turns.delete(playing)) turns.add(playing);
  return [...turns];
}

/** `order` as rounds: in each, everybody of `turns` has one entry; their own stay in their own order. Others' turns come last. */
export function inRounds(
  order: readonly EntryId[],
  queue: Queue,
  turns: readonly UserId[],
): EntryId[] {
  const own = new Map<UserId | undefined, EntryId[]>(turns.map((userId) => [userId, []]));
  for (const entryId of order) {
    const owner = lookup(queue, entryId)?.addedBy;
    const entries = own.get(owner);
    if (entries === undefined) own.set(owner, [entryId]);
    else entries.push(entryId);
  }
  const result: EntryId[] = [];
  for (let round = 0; result.length < order.length; round += 1) {
    for (const entries of own.values()) {
      const entryId = entries[round];
      if (entryId !== undefined) result.push(entryId);
    }
  }
  return result;
}

/** `order` with the first entry whose adder is here at its head. As it is when all adders are away. */
export function passingOverAway(order: readonly EntryId[], room: RoomState): EntryId[] {
  const chosen = order.findIndex((entryId) => {
    const owner = lookup(room.public.queue, entryId)?.addedBy;
    return owner !== undefined && lookup(room.members, owner)?.here === true;
  });
  const first = order[chosen];
  if (chosen <= 0 || first === undefined) return [...order];
  return [first, ...order.slice(0, chosen), ...order.slice(chosen + 1)];
}

/**
 * The ranks that bring `order` about, of those entries alone whose rank must change.
 * @param order entries in the wanted order; they share out the ranks that they hold among them
 */
export function ranksFor(order: readonly EntryId[], queue: Queue): Record<string, string> {
  const held = order.map((entryId) => lookup(queue, entryId)?.rank ?? '').sort(byUnits);
  const changed: [string, string][] = [];
  order.forEach((entryId, place) => {
    const rank = held[place] ?? '';
    if (lookup(queue, entryId)?.rank !== rank) changed.push([entryId, rank]);
  });
  return Object.fromEntries(changed);
}

/** `sort` of strings by locale would differ from the order of play. */
function byUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Puts the coming entries into their turns, with who is away passed over. No event where they stand so already. */
export function reorderFairly(draft: Draft): void {
  const { room, at } = draft;
  if (!isFair(room) || room.public.playback.shuffle) return;
  const { queue } = room.public;
  const order = comingEntries(room, at);
  const turns = turnsOf(order, queue, headEntryId(room.public, at));
  const fair = inRounds(order, queue, turns);
  const wanted = passingOverAway(fair, room);
  const ranks = ranksFor(wanted, queue);
  if (Object.keys(ranks).length === 0) return;
  const cause = wanted[0] === fair[0] ? 'fair' : 'away';
  draft.emit({ type: 'QueueReordered', cause, ranks });
}
