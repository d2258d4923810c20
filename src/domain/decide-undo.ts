// Decides what taking back a change of the queue means now, when the room may have moved on since.
import type { EntryId, UserId } from '../../protocol/ids.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import type { Entry, Queue } from '../../protocol/schemas/room.ts';
import { requirePermission, type Draft, type EventBody } from './draft.ts';
import { roleOf } from './access.ts';
import { comingEntries, entryIdOf } from './playback.ts';
import { shuffleRankOf, shuffledIn } from './queue-order.ts';
import { byUnits, freeRank } from './ranks.ts';
import { entriesOf, keysOf, lookup } from './records.ts';
import type { UndoStep } from './room-state.ts';
import type { RankField } from './undo-steps.ts';

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
      return putBack(draft, step.entries, step.unheard);
    case 'moved':
      return moveBack(draft, step.ranks, step.shuffle);
  }
}

/** Those added that are still to come: what was heard, or is being heard, stays. */
function takeOut(draft: Draft, added: readonly EntryId[]): Undone | undefined {
  const { standing, room } = draft;
  const coming = new Set(comingEntries(room, draft.standing));
  const heard = entryIdOf(standing.inForce);
  const removed = added.filter((entryId) => coming.has(entryId) && entryId !== heard);
  return removed.length === 0 ? undefined : { removed };
}

/**
 * Back where they were, without the votes of then, as many as there is place for. What was still to come then still is: where the room
 * has passed its place, it comes next.
 */
function putBack(draft: Draft, entries: Queue, unheard: readonly EntryId[]): Undone | undefined {
  const { queue, playback } = draft.room.public;
  const place = draft.context.limits.maxQueueEntries - keysOf(queue).length;
  const absent = entriesOf(entries)
    .filter(([entryId]) => lookup(queue, entryId) === undefined)
    .sort(([, a], [, b]) => byUnits(a.rank, b.rank));
  const fitting = absent.slice(0, Math.max(0, place));
  if (fitting.length === 0) return undefined;
  const ids = fitting.map(([entryId]) => entryId);
  const shuffleRanks = playback.shuffle ? shuffledIn(draft, ids, 'end') : undefined;
  const ranks = new Places(
    draft,
    Object.values(queue).map(({ rank }) => rank),
    'rank',
  );
  const restored = fitting.map(([entryId, entry]): [string, Entry] => {
    const { shuffleRank: _then, ...rest } = entry;
    const rank = ranks.take(entry.rank, unheard.includes(entryId));
    const shuffleRank = shuffleRanks?.get(entryId);
    const votes = { score: 0, skipVotes: 0 };
    return [
      entryId,
      { ...rest, ...votes, rank, ...(shuffleRank === undefined ? {} : { shuffleRank }) },
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
  const field = shuffle ? 'shuffleRank' : 'rank';
  const announced = draft.standing.announced.map(entryIdOf);
  const moved = entriesOf(before)
    .filter(([entryId]) => lookup(queue, entryId) !== undefined && !announced.includes(entryId))
    .sort(([, a], [, b]) => byUnits(a, b));
  const movedIds = new Set(moved.map(([entryId]) => entryId));
  const others = keysOf(queue).filter((entryId) => !movedIds.has(entryId));
  const places = new Places(
    draft,
    others.map((entryId) => rankOf(lookup(queue, entryId), field) ?? ''),
    field,
  );
  const ranks: [string, string][] = [];
  for (const [entryId, then] of moved) {
    const rank = places.take(then, true);
    if (rank !== rankOf(lookup(queue, entryId), field)) ranks.push([entryId, rank]);
  }
  return ranks.length === 0 ? undefined : { ranks: Object.fromEntries(ranks), shuffle };
}

function rankOf(entry: Entry | undefined, field: RankField): string | undefined {
  return field === 'shuffleRank' ? shuffleRankOf(entry) : entry?.rank;
}

/** The ranks that are taken, and the one of the cursor, behind which nothing is heard any more. */
class Places {
  readonly #taken: Set<string>;
  /** Of the cursor, or of the last that was put directly after it. */
  #passed: string | undefined;

  constructor(draft: Draft, taken: readonly string[], field: RankField) {
    this.#taken = new Set(taken);
    const current = entryIdOf(draft.standing.cursor);
    const entry = current === undefined ? undefined : lookup(draft.room.public.queue, current);
    this.#passed = rankOf(entry, field);
  }

  /** The rank of then or the next free one; of what is to come, one that the room has not passed. */
  take(then: string, isComing: boolean): string {
    const isPassed = isComing && this.#passed !== undefined && then <= this.#passed;
    const rank = freeRank(isPassed ? (this.#passed ?? then) : then, this.#taken);
    if (isPassed) this.#passed = rank;
    this.#taken.add(rank);
    return rank;
  }
}
