// Places in the queue: by rank, by turns, in the shuffled order; and the numbering anew of ranks that grew long.
import type { EntryId, UserId } from '../../protocol/ids.ts';
import { playOrder, type Entry, type Queue } from '../../protocol/schemas/room.ts';
import type { Draft } from './draft.ts';
import { turnsOf } from './fair.ts';
import { entryIdOf } from './playback.ts';
import { MAX_RANK_LENGTH, freshRanks, ranksBetween } from './ranks.ts';
import { lookup } from './records.ts';

/** All entries in order of `rank`, whether the queue is shuffled or not. */
export function byRank(queue: Queue): EntryId[] {
  return playOrder({ queue, playback: { timeline: [], repeat: 'off', shuffle: false } });
}

/** What an entry sorts by while shuffle is on. */
export function shuffleRankOf(entry: Entry | undefined): string | undefined {
  return entry?.shuffleRank ?? entry?.rank;
}

/** The turns of those whose entries come, with `by` among them: whoever is new comes before the one who is having their turn. */
export function fairTurns(
  coming: readonly EntryId[],
  queue: Queue,
  current: EntryId | undefined,
  by: UserId,
): UserId[] {
  const turns = turnsOf(coming, queue, current);
  if (turns.includes(by)) return turns;
  const playing = current === undefined ? undefined : lookup(queue, current)?.addedBy;
  const isTheirTurn = playing !== undefined && turns.at(-1) === playing;
  turns.splice(isTheirTurn ? turns.length - 1 : turns.length, 0, by);
  return turns;
}

/** Shuffle ranks for new entries: `next` directly after the head, `end` each at a random place among those to come. */
export function shuffledIn(
  draft: Draft,
  entryIds: readonly EntryId[],
  at: 'next' | 'end',
): Map<EntryId, string> {
  const { queue } = draft.room.public;
  const order = playOrder(draft.room.public);
  const current = entryIdOf(draft.standing.cursor);
  const from = current === undefined ? 0 : order.indexOf(current) + 1;
  const ranks = order.map((entryId) => shuffleRankOf(lookup(queue, entryId)) ?? '');
  const result = new Map<EntryId, string>();
  entryIds.forEach((entryId, i) => {
    const places = ranks.length - from + 1;
    const offset = at === 'next' ? i : Math.floor(draft.context.random() * places);
    const place = from + Math.min(offset, places - 1);
    const rank = ranksBetween(ranks[place - 1], ranks[place], 1)[0] ?? '';
    ranks.splice(place, 0, rank);
    result.set(entryId, rank);
  });
  return result;
}

/** Ranks grow where entries keep being put between the same two. Before they weigh, the queue is numbered anew, in the order it has. */
export function renumberIfLong(draft: Draft): void {
  const entries = Object.values(draft.room.public.queue);
  const cause = 'renumbered' as const;
  if (entries.some(({ rank }) => rank.length > MAX_RANK_LENGTH)) {
    const ranks = numbered(byRank(draft.room.public.queue));
    draft.emit({ type: 'QueueReordered', cause, ranks });
  }
  if (entries.some(({ shuffleRank }) => (shuffleRank ?? '').length > MAX_RANK_LENGTH)) {
    const ranks = numbered(playOrder(draft.room.public));
    draft.emit({ type: 'QueueReordered', cause, ranks, shuffle: true });
  }
}

function numbered(order: readonly EntryId[]): Record<string, string> {
  const ranks = freshRanks(order.length);
  return Object.fromEntries(order.map((entryId, place) => [entryId, ranks[place] ?? '']));
}
