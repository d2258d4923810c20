// The fair policy: those who added take turns, and whoever is away is passed over. Knows the queue's order; moves nothing by itself
// but ranks.
import type { EntryId, UserId } from '../../protocol/ids.ts';
import type { Queue } from '../../protocol/schemas/room.ts';
import type { Draft } from './draft.ts';
import type { RoomState } from './room-state.ts';
import { comingEntries, entryIdOf, isAdderHere } from './playback.ts';
import { byUnits } from './ranks.ts';
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
function inRounds(order: readonly EntryId[], queue: Queue, turns: readonly UserId[]): EntryId[] {
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

/**
 * `order` by turns: rounds of those who are here, and behind them rounds of those who are away, who so are passed over and find their
 * entries waiting. Doing it again changes nothing.
 * @param turns who comes before whom in a round
 */
export function byTurns(
  order: readonly EntryId[],
  room: RoomState,
  turns: readonly UserId[],
): EntryId[] {
  const { queue } = room.public;
  const here = order.filter((entryId) => isAdderHere(room, entryId));
  const away = order.filter((entryId) => !isAdderHere(room, entryId));
  return [...inRounds(here, queue, turns), ...inRounds(away, queue, turns)];
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

/** Puts the coming entries into their turns. No event where they stand so already. */
export function reorderFairly(draft: Draft): void {
  const { room, standing } = draft;
  if (!isFair(room) || room.public.playback.shuffle) return;
  const { queue } = room.public;
  const order = comingEntries(room, standing);
  const turns = turnsOf(order, queue, entryIdOf(standing.cursor));
  const ranks = ranksFor(byTurns(order, room, turns), queue);
  if (Object.keys(ranks).length === 0) return;
  const isAnyoneAway = order.some((entryId) => !isAdderHere(room, entryId));
  draft.emit({ type: 'QueueReordered', cause: isAnyoneAway ? 'away' : 'fair', ranks });
}
