// Owns what a timeline says of itself: which of its anchors was decided last, and which only follow. Pure: hub and clients agree.
import type { EntryId, HubMs } from './ids.ts';
import {
  anchorAt,
  hasTrack,
  type Anchor,
  type Gate,
  type Playback,
  type TrackAnchor,
} from './schemas/playback.ts';
import type { PublicRoom } from './schemas/room.ts';

/** The part of a room that its timeline is read with. */
export type Played = Pick<PublicRoom, 'queue' | 'playback'>;

/** What of it says which anchor was decided last. Of the queue, which entries are in it. */
export interface Planned {
  readonly queue: Readonly<Record<EntryId, unknown>>;
  readonly playback: Pick<Playback, 'timeline' | 'gate'>;
}

export type PlayingAnchor = TrackAnchor & { readonly state: 'playing' };

export function isPlaying(anchor: Anchor): anchor is PlayingAnchor {
  return hasTrack(anchor) && anchor.state === 'playing';
}

/** When a playing anchor reaches the end of its track. */
export function endAt(anchor: TrackAnchor): HubMs {
  return anchor.at + anchor.durationMs - anchor.positionMs;
}

/** Whether `anchor` is there because the track before it ends, and not because somebody asked. */
function isBoundary(before: Anchor | undefined, anchor: Anchor): boolean {
  if (before === undefined || !isPlaying(before) || endAt(before) !== anchor.at) return false;
  if (!hasTrack(anchor)) return true;
  return anchor.state === 'playing'
    ? anchor.positionMs === 0
    : anchor.state === 'stopped' && anchor.positionMs === anchor.durationMs;
}

export function entryIdOf(anchor: Anchor): EntryId | undefined {
  return hasTrack(anchor) ? anchor.entryId : undefined;
}

export function indexInForce(timeline: readonly Anchor[], at: HubMs): number {
  return Math.max(
    0,
    timeline.findLastIndex((anchor) => anchor.at <= at),
  );
}

/** The gate, while its start is still to come at hub time `at`. One whose deadline has passed means nothing. */
export function pendingGate(playback: Planned['playback'], at: HubMs): Gate | undefined {
  const { gate, timeline } = playback;
  if (gate === undefined || gate.deadlineAt <= at) return undefined;
  const start = timeline.find((anchor) => anchor.at === gate.deadlineAt);
  return start !== undefined && entryIdOf(start) === gate.entryId ? gate : undefined;
}

/**
 * The index of the head: the anchor that was decided last, and from which the boundaries after it follow by themselves. It is the one
 * in force, or a start, pause or seek that waits for its lead or its gate.
 */
export function headIndex({ playback, queue }: Planned, at: HubMs): number {
  const { timeline } = playback;
  const gate = pendingGate(playback, at);
  if (gate !== undefined) return timeline.findIndex((anchor) => anchor.at === gate.deadlineAt);
  const inForce = indexInForce(timeline, at);
  for (let i = timeline.length - 1; i > inForce; i -= 1) {
    const anchor = timeline[i];
    const before = timeline[i - 1];
    // When the entry in force is taken away, what stands next was decided then, even where it happens to fall on the old track's end.
    const isGone = i - 1 === inForce && before !== undefined && hasTrack(before);
    if (isGone && !Object.hasOwn(queue, before.entryId)) return i;
    if (anchor !== undefined && !isBoundary(before, anchor)) return i;
  }
  return inForce;
}

/** The entry that the room is about: of the head, so a skip counts from the moment it is decided. */
export function headEntryId(room: Played, at: HubMs): EntryId | undefined {
  const { timeline } = room.playback;
  return entryIdOf(timeline[headIndex(room, at)] ?? anchorAt(timeline, at));
}
