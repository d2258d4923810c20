// Owns the step from a room's timeline to the stretches that are to be heard; pure, knows no audio and no clock but the one passed in.
import type { EntryId, HubMs } from '../../protocol/ids.ts';
import {
  anchorAt,
  hasTrack,
  positionAt,
  type Anchor,
  type TrackAnchor,
} from '../../protocol/schemas/playback.ts';
import { playOrder, type PublicRoom } from '../../protocol/schemas/room.ts';
import type { Stretch, WantedTrack } from './audio-output.ts';

/** An entry that is, or soon will be, wanted. */
export interface WantedEntry extends WantedTrack {
  readonly entryId: EntryId;
}

/** Planned ends are whole milliseconds: what differs by less is the same moment. */
const sameMomentMs = 2;

interface Segment {
  readonly anchor: TrackAnchor;
  readonly from: HubMs;
  readonly until: HubMs;
  /** Where the track would end by itself. */
  readonly endsAt: HubMs;
}

/**
 * The stretches to be heard from hub time `now` on. Anchors that only continue the one before them are part of its
 * stretch (PB2, PB3), and a stretch keeps its id when the clock's estimate moves.
 * @param toLocal hub time → local time, ms
 */
export function planStretches(
  timeline: readonly Anchor[],
  now: HubMs,
  toLocal: (at: HubMs) => number,
): Stretch[] {
  const segments = playingSegments(timeline);
  const stretches: Stretch[] = [];
  for (const [index, segment] of segments.entries()) {
    if (segment.until <= now) continue;
    const { anchor, from, until } = segment;
    const before = segments[index - 1];
    stretches.push({
      id: lineOf(anchor),
      entryId: anchor.entryId,
      trackId: anchor.trackId,
      durationMs: anchor.durationMs,
      startMs: toLocal(from),
      positionMs: anchor.positionMs,
      endMs: toLocal(until),
      joins:
        before !== undefined &&
        anchor.positionMs === 0 &&
        Math.abs(before.endsAt - from) <= sameMomentMs &&
        before.until >= from,
    });
  }
  return stretches;
}

/** Two anchors on one line say the same of every moment, so the sound of one is the sound of the other. */
function lineOf(anchor: TrackAnchor): string {
  return `${anchor.entryId}@${(anchor.at - anchor.positionMs).toFixed(1)}`;
}

function playingSegments(timeline: readonly Anchor[]): Segment[] {
  const segments: Segment[] = [];
  for (const [index, anchor] of timeline.entries()) {
    if (!hasTrack(anchor) || anchor.state !== 'playing') continue;
    const endsAt = anchor.at + anchor.durationMs - anchor.positionMs;
    const next = timeline[index + 1];
    const until = Math.min(endsAt, next?.at ?? Infinity);
    const last = segments.at(-1);
    if (last !== undefined && lineOf(last.anchor) === lineOf(anchor) && last.until >= anchor.at) {
      segments[segments.length - 1] = { ...last, until };
    } else if (until > anchor.at) {
      segments.push({ anchor, from: anchor.at, until, endsAt });
    }
  }
  return segments;
}

/**
 * What to load, in order of need: the entry in force, those of the planned anchors, then the `ahead` entries that follow the last of
 * these in the queue.
 */
export function wantedEntries(
  room: Pick<PublicRoom, 'queue' | 'playback'>,
  now: HubMs,
  ahead: number,
): WantedEntry[] {
  const { timeline, repeat } = room.playback;
  const wanted = new Map<EntryId, WantedEntry>();
  const current = anchorAt(timeline, now);
  const coming = timeline.filter((anchor) => anchor.at > now);
  for (const anchor of [current, ...coming]) {
    if (!hasTrack(anchor) || wanted.has(anchor.entryId)) continue;
    const { entryId, trackId, durationMs } = anchor;
    wanted.set(entryId, { entryId, trackId, durationMs, positionMs: positionAt(anchor, now) });
  }
  const order = playOrder(room);
  const last = [...wanted.keys()].at(-1);
  const from = last === undefined ? 0 : order.indexOf(last) + 1;
  const following = repeat === 'all' ? [...order.slice(from), ...order] : order.slice(from);
  for (const entryId of following.slice(0, ahead)) {
    const entry = room.queue[entryId];
    if (entry === undefined || wanted.has(entryId)) continue;
    const { trackId, durationMs } = entry;
    wanted.set(entryId, { entryId, trackId, durationMs, positionMs: 0 });
  }
  return [...wanted.values()];
}
