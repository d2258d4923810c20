// What was heard of a room's timeline, as stretches of entries. Pure; knows neither the log nor who was there.
import type { EntryId, HubMs, TrackId } from '../../protocol/ids.ts';
import { hasTrack, type Anchor } from '../../protocol/schemas/playback.ts';
import type { Span } from './now-playing.ts';

/** One uninterrupted stretch of one entry; seeks within it do not part it, the entry's end does. */
export interface PlayedSegment {
  readonly entryId: EntryId;
  readonly trackId: TrackId;
  readonly startedAt: HubMs;
  readonly endedAt: HubMs;
  /** It ends only where the question ended: the entry goes on. */
  readonly isOpen: boolean;
}

/** What a room has sounded and is planned to sound, as far as it has not been recorded yet. Plain JSON. */
export interface Heard {
  /** Beginning with the anchor in force at `recordedUntil`. */
  readonly timeline: readonly Anchor[];
  readonly recordedUntil: HubMs;
  /** The stretch that went on at `recordedUntil`, and is recorded when it ends. */
  readonly open?: { readonly entryId: EntryId; readonly trackId: TrackId; readonly since: HubMs };
}

export const NOTHING_HEARD: Heard = { timeline: [], recordedUntil: 0 };

/**
 * The stretches heard between `from` and `to`, in order. Nothing is heard before the first anchor, nor beyond a track's end.
 * @param timeline in order of `at`; may be empty
 */
export function playedSegments(
  timeline: readonly Anchor[],
  from: HubMs,
  to: HubMs,
): PlayedSegment[] {
  const segments: PlayedSegment[] = [];
  let continues: EntryId | undefined;
  timeline.forEach((anchor, i) => {
    const nextAt = timeline[i + 1]?.at ?? Infinity;
    const startedAt = Math.max(anchor.at, from);
    if (startedAt >= Math.min(nextAt, to)) return;
    const carried = continues;
    continues = undefined;
    if (!hasTrack(anchor) || anchor.state !== 'playing') return;
    const overAt = anchor.at + anchor.durationMs - anchor.positionMs;
    const endedAt = Math.min(nextAt, to, overAt);
    if (endedAt <= startedAt) return;
    const { entryId, trackId } = anchor;
    const isOver = overAt <= endedAt;
    const segment = { entryId, trackId, startedAt, endedAt, isOpen: !isOver && nextAt > endedAt };
    const last = segments.at(-1);
    if (last !== undefined && carried === entryId && last.endedAt === startedAt) {
      segments[segments.length - 1] = { ...segment, startedAt: last.startedAt };
    } else {
      segments.push(segment);
    }
    continues = isOver ? undefined : entryId;
  });
  return segments;
}

/** When between `from` and `to` the anchor at `index` of a timeline sounds; undefined where it does not. */
export function soundedSpan(
  timeline: readonly Anchor[],
  index: number,
  from: HubMs,
  to: HubMs,
): Span | undefined {
  const anchor = timeline[index];
  if (anchor === undefined || !hasTrack(anchor) || anchor.state !== 'playing') return undefined;
  const overAt = anchor.at + anchor.durationMs - anchor.positionMs;
  const endedAt = Math.min(overAt, timeline[index + 1]?.at ?? Infinity, to);
  const startedAt = Math.max(anchor.at, from);
  return endedAt > startedAt ? [startedAt, endedAt] : undefined;
}

/**
 * The room's timeline was replaced by `timeline` at hub time `at`.
 * The new one holds from its first anchor on, also where that lies in the past: a room found deserted was heard only until then.
 * @returns the stretches that are over by `at`, and what is still to be recorded
 */
export function replaceTimeline(
  heard: Heard,
  timeline: readonly Anchor[],
  at: HubMs,
): { readonly plays: readonly PlayedSegment[]; readonly heard: Heard } {
  const firstAt = timeline[0]?.at ?? at;
  const kept = heard.timeline.filter((anchor) => anchor.at < firstAt);
  // A first anchor in the future already silences what came before: until it, its own position stands still.
  const whole = firstAt > at ? timeline : [...kept, ...timeline];
  const { recordedUntil } = heard;
  const segments = join([
    ...carriedBy(heard),
    ...playedSegments(kept, recordedUntil, Math.min(at, firstAt)),
    ...playedSegments(timeline, recordedUntil, at),
  ]);
  const last = segments.at(-1);
  const rest = {
    timeline: whole.slice(
      Math.max(
        0,
        whole.findLastIndex((anchor) => anchor.at <= at),
      ),
    ),
    recordedUntil: at,
  };
  if (last?.endedAt !== at || !soundsAt(whole, last.entryId, at)) {
    return { plays: segments.map(closed), heard: rest };
  }
  const { entryId, trackId, startedAt: since } = last;
  return {
    plays: segments.slice(0, -1).map(closed),
    heard: { ...rest, open: { entryId, trackId, since } },
  };
}

/** Records all that was heard until `at`, the stretch that is open included: the gathering is over. */
export function closeTimeline(heard: Heard, at: HubMs): readonly PlayedSegment[] {
  const played = playedSegments(heard.timeline, heard.recordedUntil, at);
  return join([...carriedBy(heard), ...played]).map(closed);
}

function closed(segment: PlayedSegment): PlayedSegment {
  return { ...segment, isOpen: false };
}

function carriedBy({ open, recordedUntil }: Heard): readonly PlayedSegment[] {
  if (open === undefined) return [];
  const { entryId, trackId, since } = open;
  return [{ entryId, trackId, startedAt: since, endedAt: recordedUntil, isOpen: true }];
}

/** Makes one stretch of those that were only parted by where a timeline was cut. */
function join(segments: readonly PlayedSegment[]): PlayedSegment[] {
  const joined: PlayedSegment[] = [];
  for (const segment of segments) {
    const last = joined.at(-1);
    const goesOn =
      last?.isOpen === true &&
      last.entryId === segment.entryId &&
      last.endedAt === segment.startedAt;
    if (goesOn) joined[joined.length - 1] = { ...segment, startedAt: last.startedAt };
    else joined.push(segment);
  }
  return joined;
}

function soundsAt(timeline: readonly Anchor[], entryId: EntryId, at: HubMs): boolean {
  const anchor = timeline.findLast((candidate) => candidate.at <= at);
  if (anchor === undefined || !hasTrack(anchor)) return false;
  const overAt = anchor.at + anchor.durationMs - anchor.positionMs;
  return anchor.state === 'playing' && anchor.entryId === entryId && overAt > at;
}
