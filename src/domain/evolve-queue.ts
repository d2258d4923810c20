// What changes of the queue and votes on it make of a room. A part of `evolve`, and as total.
import type { EntryId } from '../../protocol/ids.ts';
import type { Entry, Queue } from '../../protocol/schemas/room.ts';
import type { RoomEvent } from './room-event.ts';
import type { RoomState, UndoStep } from './room-state.ts';
import { entriesOf, keysOf, lookup, withKey, withoutKeys } from './records.ts';
import { remembering, renumberedSteps, unheardOf, type RankField } from './undo-steps.ts';

type QueueEvent = RoomEvent<
  | 'QueueAdded'
  | 'QueueRemoved'
  | 'QueueMoved'
  | 'QueueCleared'
  | 'QueueUndone'
  | 'QueueReordered'
  | 'EntryVoted'
  | 'SkipVoted'
>;
type Ranks = Readonly<Record<EntryId, string>>;

export function evolveQueue(room: RoomState, event: QueueEvent): RoomState {
  switch (event.type) {
    case 'QueueAdded': {
      const added = inserted(without(room, event.dropped ?? []), event.entries);
      const step: UndoStep = {
        kind: 'added',
        by: event.by,
        entryIds: keysOf(event.entries as Queue),
      };
      return remembering(ranked(added, event.ranks, 'rank'), step);
    }
    case 'QueueRemoved':
    case 'QueueCleared': {
      const entries = pick(room.public.queue, event.entryIds);
      const ranks = event.type === 'QueueRemoved' ? event.ranks : undefined;
      const after = ranked(without(room, event.entryIds), ranks, 'rank');
      // What the room voted out is not for one of the voters to bring back.
      const isVote = event.type === 'QueueRemoved' && event.cause === 'vote';
      if (isVote) return after;
      const unheard = unheardOf(room, event.entryIds, event.at);
      return remembering(after, { kind: 'removed', by: event.by, entries, unheard });
    }
    case 'QueueMoved': {
      const field = event.shuffle ? 'shuffleRank' : 'rank';
      const ranks: Record<EntryId, string> = {};
      for (const entryId of keysOf(event.ranks as Ranks)) {
        const rank = lookup(room.public.queue, entryId)?.[field];
        if (rank !== undefined) ranks[entryId] = rank;
      }
      const step: UndoStep = { kind: 'moved', by: event.by, shuffle: event.shuffle, ranks };
      return remembering(ranked(room, event.ranks, field), step);
    }
    case 'QueueUndone': {
      const removed = without(room, event.removed ?? []);
      const restored = inserted(removed, event.restored ?? {});
      const after = ranked(restored, event.ranks, event.shuffle === true ? 'shuffleRank' : 'rank');
      return { ...after, undo: room.undo.filter((_, place) => place !== event.step) };
    }
    case 'QueueReordered': {
      const field = event.shuffle === true ? 'shuffleRank' : 'rank';
      const after = ranked(room, event.ranks, field);
      if (event.cause !== 'renumbered') return after;
      const undo = renumberedSteps(room.undo, room.public.queue, after.public.queue, field);
      return { ...after, undo };
    }
    case 'EntryVoted':
      return voted(room, event);
    case 'SkipVoted': {
      const { entryId, by, skipVotes: count } = event;
      const entry = lookup(room.public.queue, entryId);
      if (entry === undefined) return room;
      const voters = lookup(room.skipVotes, entryId) ?? [];
      const skipVotes = voters.includes(by)
        ? room.skipVotes
        : withKey(room.skipVotes, entryId, [...voters, by]);
      return { ...withEntry(room, entryId, { ...entry, skipVotes: count }), skipVotes };
    }
  }
}

function voted(room: RoomState, event: RoomEvent<'EntryVoted'>): RoomState {
  const { entryId, by, value, score } = event;
  const entry = lookup(room.public.queue, entryId);
  if (entry === undefined) return room;
  const before = lookup(room.votes, entryId) ?? {};
  const after = value === 0 ? withoutKeys(before, [by]) : withKey(before, by, value);
  const votes =
    keysOf(after).length === 0
      ? withoutKeys(room.votes, [entryId])
      : withKey(room.votes, entryId, after);
  return { ...withEntry(room, entryId, { ...entry, score }), votes };
}

function withQueue(room: RoomState, queue: Queue): RoomState {
  return queue === room.public.queue ? room : { ...room, public: { ...room.public, queue } };
}

function withEntry(room: RoomState, entryId: EntryId, entry: Entry): RoomState {
  return withQueue(room, withKey(room.public.queue, entryId, entry));
}

/** The room without these entries, and without what hangs on them. */
function without(room: RoomState, entryIds: readonly EntryId[]): RoomState {
  const after = withQueue(room, withoutKeys(room.public.queue, entryIds));
  const votes = withoutKeys(room.votes, entryIds);
  const skipVotes = withoutKeys(room.skipVotes, entryIds);
  const isSame = votes === room.votes && skipVotes === room.skipVotes;
  return isSame ? after : { ...after, votes, skipVotes };
}

function inserted(room: RoomState, entries: Readonly<Record<string, Entry>>): RoomState {
  return keysOf(entries).length === 0
    ? room
    : withQueue(room, { ...room.public.queue, ...entries });
}

function ranked(
  room: RoomState,
  ranks: Readonly<Record<string, string>> | undefined,
  field: RankField,
): RoomState {
  if (ranks === undefined) return room;
  const changed: Record<string, Entry> = {};
  for (const [entryId, rank] of entriesOf(ranks as Ranks)) {
    const entry = lookup(room.public.queue, entryId);
    if (entry !== undefined && entry[field] !== rank)
      changed[entryId] = { ...entry, [field]: rank };
  }
  return inserted(room, changed);
}

function pick(queue: Queue, entryIds: readonly EntryId[]): Queue {
  return Object.fromEntries(
    entryIds.flatMap((entryId) => {
      const entry = lookup(queue, entryId);
      return entry === undefined ? [] : [[entryId, entry] as const];
    }),
  );
}
