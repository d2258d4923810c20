// Decides what taking back a change of the queue means now, when the room may have moved on since.
import type { EntryId, UserId } from '../../protocol/ids.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import { playOrder, type Entry, type Queue } from '../../protocol/schemas/room.ts';
import { requirePermission, type Draft, type EventBody } from './draft.ts';
import { roleOf } from './access.ts';
import { comingEntries, entryIdOf } from './playback.ts';
import { shuffleRankOf, shuffledIn } from './queue-order.ts';
import { freeRank, ranksBetween } from './ranks.ts';
import { entriesOf, keysOf, lookup } from './records.ts';
import type { UndoStep } from './room-state.ts';

type Undone = Omit<Extract<EventBody, { type: 'QueueUndone' }>, 'type' | 'by' | 'step'>;

/** Takes back the caller's last change that can still be taken back; a host's undo reaches what anybody did. */
export function undoQueue(draft: Draft, by: UserId): Refusal | undefined {
  const { room, context } = draft;
  const forbidden = requirePermission(room, by, 'queueAdd');
  if (forbidden !== undefined) return forbidden;
  const isHost = roleOf(room, by) === 'host';
  const oldest = Math.max(0, room.undo.length - context.limits.maxUndo);
  for (let place = room.undo.length - 1; place >= oldest; place -= 1) {
    const step = room.undo[place];
    if (step === undefined || (!isHost && step.by !== by)) continue;
    const undone = takeBack(draft, step);
    if (undone === undefined) continue;
    draft.emit({ type: 'QueueUndone', by, step: place, ...undone });
    return undefined;
  }
  return refuse('conflict', 'there is no change of the queue to take back');
}

/** What taking back `step` does now; undefined where nothing is left of it. */
function takeBack(draft: Draft, step: UndoStep): Undone | undefined {
  switch (step.kind) {
    case 'added':
      return takeOut(draft, step.entryIds);
    case 'removed':
      return putBack(draft, step.entries);
    case 'moved':
      return moveBack(draft, step.ranks, step.shuffle);
  }
}

/** Those added that are still to come: what was heard, or is being heard, stays. */
function takeOut(draft: Draft, added: readonly EntryId[]): Undone | undefined {
  const { standing, room } = draft;
  const coming = new Set(comingEntries(room, draft.at));
  const heard = entryIdOf(standing.inForce);
  const removed = added.filter((entryId) => coming.has(entryId) && entryId !== heard);
  return removed.length === 0 ? undefined : { removed };
}

/** Back where they were, without the votes of then, as many as there is place for. */
function putBack(draft: Draft, entries: Queue): Undone | undefined {
  const { queue, playback } = draft.room.public;
  const place = draft.context.limits.maxQueueEntries - keysOf(queue).length;
  const absent = entriesOf(entries).filter(([entryId]) => lookup(queue, entryId) === undefined);
  const fitting = absent.slice(0, Math.max(0, place));
  if (fitting.length === 0) return undefined;
  const taken = new Set(Object.values(queue).map(({ rank }) => rank));
  const shuffleRanks = playback.shuffle
    ? shuffledIn(
        draft,
        fitting.map(([entryId]) => entryId),
        'end',
      )
    : undefined;
  const restored = fitting.map(([entryId, entry]): [string, Entry] => {
    const { shuffleRank: _then, ...rest } = entry;
    const rank = freeRank(entry.rank, taken);
    taken.add(rank);
    const shuffleRank = shuffleRanks?.get(entryId);
    return [
      entryId,
      {
        ...rest,
        rank,
        score: 0,
        skipVotes: 0,
        ...(shuffleRank === undefined ? {} : { shuffleRank }),
      },
    ];
  });
  return { restored: Object.fromEntries(restored) };
}

/** Back to the ranks of then; but what is still to come is not moved in among what has played. */
function moveBack(
  draft: Draft,
  before: Readonly<Record<EntryId, string>>,
  shuffle: boolean,
): Undone | undefined {
  const { queue, playback } = draft.room.public;
  if (shuffle !== playback.shuffle) return undefined;
  const rankOf = (entryId: EntryId): string | undefined => {
    const entry = lookup(queue, entryId);
    return shuffle ? shuffleRankOf(entry) : entry?.rank;
  };
  const current = entryIdOf(draft.standing.head);
  const moved = entriesOf(before).filter(
    ([entryId]) => lookup(queue, entryId) !== undefined && entryId !== current,
  );
  const movedIds = new Set(moved.map(([entryId]) => entryId));
  const order = playOrder(draft.room.public);
  const taken = new Set(
    order.filter((entryId) => !movedIds.has(entryId)).map((entryId) => rankOf(entryId) ?? ''),
  );
  const currentRank = current === undefined ? undefined : rankOf(current);
  const ranks: [string, string][] = [];
  for (const [entryId, then] of moved) {
    const isBehind = currentRank !== undefined && then <= currentRank;
    const rank = isBehind ? rankAfter(currentRank, taken) : freeRank(then, taken);
    taken.add(rank);
    if (rank !== rankOf(entryId)) ranks.push([entryId, rank]);
  }
  return ranks.length === 0 ? undefined : { ranks: Object.fromEntries(ranks), shuffle };
}

/** A rank directly after `rank`. */
function rankAfter(rank: string, taken: ReadonlySet<string>): string {
  const next = [...taken]
    .filter((other) => other > rank)
    .reduce<string | undefined>(
      (least, other) => (least === undefined || other < least ? other : least),
      undefined,
    );
  return ranksBetween(rank, next, 1)[0] ?? rank;
}
