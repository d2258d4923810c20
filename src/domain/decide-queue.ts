// Decides what is added to the queue, removed from it, moved in it and cleared, and where each entry is ranked.
import type { EntryId, UserId } from '../../protocol/ids.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import { MAX_POSITION_MS } from '../../protocol/schemas/primitives.ts';
import { playOrder, type Entry, type Queue } from '../../protocol/schemas/room.ts';
import type { TrackInfo, UserCommand } from './command.ts';
import { noSuchEntry, requirePermission, type Draft } from './draft.ts';
import { may } from './access.ts';
import { byTurns, isFair, ranksFor, turnsOf } from './fair.ts';
import { undoQueue } from './decide-undo.ts';
import { comingEntries, entryIdOf } from './playback.ts';
import { byRank, fairTurns, renumberIfLong, shuffledIn, shuffleRankOf } from './queue-order.ts';
import { ranksBetween } from './ranks.ts';
import { keysOf, lookup, withKey } from './records.ts';
import { removeEntries } from './remove.ts';

type Command<T extends UserCommand['type']> = Extract<UserCommand, { type: T }>;
type QueueCommand = Command<
  'AddToQueue' | 'RemoveFromQueue' | 'MoveInQueue' | 'ClearQueue' | 'UndoQueue'
>;

export function decideQueue(draft: Draft, command: QueueCommand, by: UserId): Refusal | undefined {
  switch (command.type) {
    case 'AddToQueue':
      return add(draft, command, by);
    case 'RemoveFromQueue':
      return remove(draft, command.entryIds, by);
    case 'MoveInQueue':
      return move(draft, command, by);
    case 'ClearQueue':
      return clear(draft, by);
    case 'UndoQueue':
      return undoQueue(draft, by);
  }
}

function add(draft: Draft, command: Command<'AddToQueue'>, by: UserId): Refusal | undefined {
  const forbidden = requirePermission(draft.room, by, 'queueAdd');
  if (forbidden !== undefined) return forbidden;
  if (command.tracks.length === 0) return undefined;
  if (command.entryIds?.every((id) => lookup(draft.room.public.queue, id) !== undefined) === true)
    return undefined;
  const dropped = placeFor(draft, command.tracks.length);
  if (dropped === undefined) {
    const { maxQueueEntries } = draft.context.limits;
    return refuse('queue_full', `the queue holds at most ${maxQueueEntries} entries`);
  }
  renumberIfLong(draft);
  const entryIds = command.tracks.map(
    (_, i) => command.entryIds?.[i] ?? draft.context.newEntryId(),
  );
  const unranked = entriesFor(draft, command.tracks, entryIds, by);
  const { entries, ranks } = isFair(draft.room)
    ? rankedByTurns(draft, unranked, command.at, by)
    : rankedByHand(draft, unranked, command.at);
  draft.emit({
    type: 'QueueAdded',
    by,
    entries,
    ...(keysOf(ranks).length === 0 ? {} : { ranks }),
    ...(dropped.length === 0 ? {} : { dropped }),
  });
  return undefined;
}

/** The entries behind the cursor, oldest first, to drop so that `count` more fit; undefined where they do not. */
function placeFor(draft: Draft, count: number): EntryId[] | undefined {
  const { room, standing, context } = draft;
  const order = playOrder(room.public);
  const surplus = order.length + count - context.limits.maxQueueEntries;
  if (surplus <= 0) return [];
  // Under repeat what has played will play again.
  if (room.public.playback.repeat !== 'off') return undefined;
  const current = entryIdOf(standing.cursor);
  const heard = [standing.inForce, ...standing.announced].map(entryIdOf);
  const behind = current === undefined ? [] : order.slice(0, order.indexOf(current));
  const dropped = behind.filter((entryId) => !heard.includes(entryId)).slice(0, surplus);
  return dropped.length < surplus ? undefined : dropped;
}

function entriesFor(
  draft: Draft,
  tracks: readonly TrackInfo[],
  entryIds: readonly EntryId[],
  by: UserId,
): Queue {
  const addedByName = lookup(draft.room.members, by)?.name ?? '';
  return Object.fromEntries(
    tracks.map((track, i): [string, Entry] => [
      entryIds[i] ?? '',
      {
        trackId: track.trackId,
        title: track.title,
        artist: track.artist,
        ...(track.album === undefined ? {} : { album: track.album }),
        // A track without length could never be passed.
        durationMs: Math.min(MAX_POSITION_MS, Math.max(1, Math.round(track.durationMs))),
        hasCover: track.hasCover,
        rank: '',
        addedBy: by,
        addedByName,
        addedAt: draft.at,
        score: 0,
        skipVotes: 0,
      },
    ]),
  );
}

interface Ranked {
  readonly entries: Record<string, Entry>;
  /** New ranks of entries that were there before. */
  readonly ranks: Record<string, string>;
}

function rankedByHand(draft: Draft, added: Queue, at: 'next' | 'end'): Ranked {
  const { queue, playback } = draft.room.public;
  const current = entryIdOf(draft.standing.cursor);
  const entryIds = keysOf(added);
  const ranked = byRank(queue);
  // Where nothing is chosen, next is the very first.
  const place = current === undefined ? 0 : ranked.indexOf(current) + 1;
  const rankOf = (index: number): string | undefined => {
    const entryId = ranked[index];
    return entryId === undefined ? undefined : lookup(queue, entryId)?.rank;
  };
  const ranks =
    at === 'next'
      ? ranksBetween(rankOf(place - 1), rankOf(place), entryIds.length)
      : ranksBetween(rankOf(ranked.length - 1), undefined, entryIds.length);
  const shuffleRanks = playback.shuffle ? shuffledIn(draft, entryIds, at) : undefined;
  const entries = entryIds.map((entryId, i): [string, Entry] => {
    const shuffleRank = shuffleRanks?.get(entryId);
    return [
      entryId,
      {
        ...(added[entryId] as Entry),
        rank: ranks[i] ?? '',
        ...(shuffleRank === undefined ? {} : { shuffleRank }),
      },
    ];
  });
  return { entries: Object.fromEntries(entries), ranks: {} };
}

/** By turns; `next` is next among one's own, and costs nobody else their turn. */
function rankedByTurns(draft: Draft, added: Queue, at: 'next' | 'end', by: UserId): Ranked {
  const { room } = draft;
  const { queue } = room.public;
  const coming = comingEntries(room, draft.standing);
  const entryIds = keysOf(added);
  const last = byRank(queue).at(-1);
  const lastRank = last === undefined ? undefined : lookup(queue, last)?.rank;
  const tail = ranksBetween(lastRank, undefined, entryIds.length);
  let all: Queue = queue;
  entryIds.forEach((entryId, i) => {
    all = withKey(all, entryId, { ...(added[entryId] as Entry), rank: tail[i] ?? '' });
  });
  const wanted = at === 'next' ? [...entryIds, ...coming] : [...coming, ...entryIds];
  const turns = fairTurns(coming, queue, entryIdOf(draft.standing.cursor), by);
  const future = { ...room, public: { ...room.public, queue: all } };
  const order = byTurns(wanted, future, turns);
  const ranks = ranksFor(order, all);
  const isNew = new Set<string>(entryIds);
  const entries = entryIds.map((entryId): [string, Entry] => {
    const entry = all[entryId] as Entry;
    return [entryId, { ...entry, rank: ranks[entryId] ?? entry.rank }];
  });
  return {
    entries: Object.fromEntries(entries),
    ranks: Object.fromEntries(Object.entries(ranks).filter(([entryId]) => !isNew.has(entryId))),
  };
}

function mayChange(draft: Draft, entry: Entry, by: UserId): boolean {
  const { room } = draft;
  return may(room, by, 'queueEdit') || (entry.addedBy === by && may(room, by, 'queueAdd'));
}

function remove(draft: Draft, wanted: readonly EntryId[], by: UserId): Refusal | undefined {
  const { queue } = draft.room.public;
  const entryIds = [...new Set(wanted)].filter((id) => lookup(queue, id) !== undefined);
  if (entryIds.length === 0) {
    return refuse('not_found', 'none of these entries is in the queue');
  }
  const forbidden = entryIds.find((id) => {
    const entry = lookup(queue, id);
    return entry !== undefined && !mayChange(draft, entry, by);
  });
  if (forbidden !== undefined) {
    return refuse('forbidden', `entry ${forbidden} was added by somebody else`);
  }
  removeEntries(draft, entryIds, 'request', by);
  return undefined;
}

function move(draft: Draft, command: Command<'MoveInQueue'>, by: UserId): Refusal | undefined {
  const { entryId, beforeEntryId } = command;
  const { queue } = draft.room.public;
  const entry = lookup(queue, entryId);
  if (entry === undefined) return noSuchEntry(entryId);
  if (!mayChange(draft, entry, by)) {
    return refuse('forbidden', `entry ${entryId} was added by somebody else`);
  }
  if (beforeEntryId !== undefined && lookup(queue, beforeEntryId) === undefined) {
    return noSuchEntry(beforeEntryId);
  }
  if (draft.standing.announced.some((anchor) => entryIdOf(anchor) === entryId)) {
    return refuse('conflict', `entry ${entryId} is the current one: it stays where it is`);
  }
  if (entryId === beforeEntryId) return undefined;
  return isFair(draft.room)
    ? moveByTurns(draft, entryId, beforeEntryId, by)
    : moveByHand(draft, entryId, beforeEntryId, by);
}

function moveByHand(
  draft: Draft,
  entryId: EntryId,
  beforeEntryId: EntryId | undefined,
  by: UserId,
): Refusal | undefined {
  const before = playOrder(draft.room.public);
  const order = before.filter((id) => id !== entryId);
  const place = beforeEntryId === undefined ? order.length : order.indexOf(beforeEntryId);
  const current = entryIdOf(draft.standing.cursor);
  const isPlayed = current !== undefined && place <= order.indexOf(current);
  // Among what has played it would never be heard, unless all is repeated.
  if (isPlayed && draft.room.public.playback.repeat !== 'all') {
    return refuse('conflict', `entry ${beforeEntryId ?? ''} is not among those to come`);
  }
  if (before.indexOf(entryId) === place) return undefined;
  renumberIfLong(draft);
  const { queue, playback } = draft.room.public;
  const rankOf = (index: number): string | undefined => {
    const neighbour = order[index];
    const at = neighbour === undefined ? undefined : lookup(queue, neighbour);
    return playback.shuffle ? shuffleRankOf(at) : at?.rank;
  };
  const rank = ranksBetween(rankOf(place - 1), rankOf(place), 1)[0] ?? '';
  const { shuffle } = playback;
  draft.emit({ type: 'QueueMoved', by, entryId, ranks: { [entryId]: rank }, shuffle });
  return undefined;
}

/** Within the slots of whoever added it: to the place among their own that comes nearest to what was asked. */
function moveByTurns(
  draft: Draft,
  entryId: EntryId,
  beforeEntryId: EntryId | undefined,
  by: UserId,
): Refusal | undefined {
  const { room } = draft;
  const { queue } = room.public;
  const coming = comingEntries(room, draft.standing);
  if (!coming.includes(entryId)) {
    return refuse('conflict', `entry ${entryId} is not among those to come`);
  }
  if (beforeEntryId !== undefined && !coming.includes(beforeEntryId)) {
    return refuse('conflict', `entry ${beforeEntryId} is not among those to come`);
  }
  const wanted = coming.filter((id) => id !== entryId);
  const place = beforeEntryId === undefined ? wanted.length : wanted.indexOf(beforeEntryId);
  wanted.splice(place, 0, entryId);
  const turns = turnsOf(coming, queue, entryIdOf(draft.standing.cursor));
  const ranks = ranksFor(byTurns(wanted, room, turns), queue);
  if (keysOf(ranks).length === 0) return undefined;
  draft.emit({ type: 'QueueMoved', by, entryId, ranks, shuffle: false });
  return undefined;
}

/** Takes out all that is to come; what plays and what has played stays. */
function clear(draft: Draft, by: UserId): Refusal | undefined {
  const forbidden = requirePermission(draft.room, by, 'queueEdit');
  if (forbidden !== undefined) return forbidden;
  const entryIds = comingEntries(draft.room, draft.standing);
  if (entryIds.length > 0) draft.emit({ type: 'QueueCleared', by, entryIds });
  return undefined;
}
