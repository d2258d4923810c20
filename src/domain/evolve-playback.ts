// What a change of the timeline or of the mode makes of a room. A part of `evolve`, and as total.
import type { EntryId } from '../../protocol/ids.ts';
import type { Queue } from '../../protocol/schemas/room.ts';
import type { RoomEvent } from './room-event.ts';
import type { RoomState } from './room-state.ts';
import { startOfTimeline } from './play-starts.ts';
import { headEntryId } from './playback.ts';
import { withoutShuffledMoves } from './undo-steps.ts';
import { entriesOf, keysOf, lookup, withKey, withoutKeys, withoutMember } from './records.ts';

export function evolvePlayback(
  room: RoomState,
  event: RoomEvent<'PlaybackMoved' | 'PlaybackModeSet'>,
): RoomState {
  return event.type === 'PlaybackMoved' ? moved(room, event) : modeSet(room, event);
}

function moved(room: RoomState, event: RoomEvent<'PlaybackMoved'>): RoomState {
  const { timeline, gate, at } = event;
  if (timeline.length === 0) return room;
  const { gate: _over, ...playback } = room.public.playback;
  const { playBegan: first, ...rest } = room;
  const began = startOfTimeline({ timeline: playback.timeline, first }, timeline);
  const after: RoomState = {
    ...rest,
    ...(began === undefined ? {} : { playBegan: began }),
    public: {
      ...room.public,
      playback: { ...playback, timeline, ...(gate === undefined ? {} : { gate }) },
    },
  };
  return withoutStaleSkipVotes(after, headEntryId(after.public, at));
}

/** Votes to skip count for the entry that is current; those for another must not wait for its return. */
function withoutStaleSkipVotes(room: RoomState, current: EntryId | undefined): RoomState {
  const stale = keysOf(room.skipVotes).filter((entryId) => entryId !== current);
  if (stale.length === 0) return room;
  let { queue } = room.public;
  for (const entryId of stale) {
    const entry = lookup(queue, entryId);
    if (entry !== undefined) queue = withKey(queue, entryId, { ...entry, skipVotes: 0 });
  }
  return {
    ...room,
    skipVotes: withoutKeys(room.skipVotes, stale),
    public: { ...room.public, queue },
  };
}

function modeSet(room: RoomState, event: RoomEvent<'PlaybackModeSet'>): RoomState {
  const { repeat, shuffle, shuffleRanks } = event;
  let { queue } = room.public;
  if (shuffle) {
    queue = withShuffleRanks(queue, shuffleRanks ?? {});
  } else if (room.public.playback.shuffle) {
    queue = Object.fromEntries(
      entriesOf(queue).map(([entryId, entry]) => [entryId, withoutMember(entry, 'shuffleRank')]),
    );
  }
  const playback = { ...room.public.playback, repeat, shuffle };
  const undo = shuffle ? room.undo : withoutShuffledMoves(room.undo);
  return { ...room, undo, public: { ...room.public, queue, playback } };
}

/** `queue` with the given shuffle ranks set; built at once, as all of it changes when shuffle goes on. */
function withShuffleRanks(queue: Queue, ranks: Readonly<Record<EntryId, string>>): Queue {
  if (keysOf(ranks).length === 0) return queue;
  return Object.fromEntries(
    entriesOf(queue).map(([entryId, entry]) => {
      const shuffleRank = lookup(ranks, entryId);
      return [entryId, shuffleRank === undefined ? entry : { ...entry, shuffleRank }];
    }),
  );
}
