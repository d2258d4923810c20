// Owns which entry a press on "pause" or "skip" is about. Pure.
import type { EntryId, HubMs } from '../../protocol/ids.ts';
import { anchorAt, hasTrack, type Anchor } from '../../protocol/schemas/playback.ts';
import type { PublicRoom } from '../../protocol/schemas/room.ts';

/**
 * The entry of the anchor that was decided last: the one in force, or that of a start, pause or seek which waits for its lead or
 * its gate. Anchors that only follow because a track ends are nobody's decision. Undefined where nothing is chosen.
 * @param now hub time; undefined while the clock is not known: then what was decided last counts, whenever it is
 */
export function meantEntryId(
  { playback, queue }: Pick<PublicRoom, 'playback' | 'queue'>,
  now: HubMs | undefined,
): EntryId | undefined {
  const { gate, timeline } = playback;
  const at = now ?? -Infinity;
  if (gate !== undefined && gate.deadlineAt > at) return gate.entryId;
  const inForce = Math.max(
    0,
    timeline.findLastIndex((anchor) => anchor.at <= at),
  );
  for (let i = timeline.length - 1; i > inForce; i -= 1) {
    const anchor = timeline[i];
    if (anchor !== undefined && !isBoundary(timeline[i - 1], anchor, queue)) return entryOf(anchor);
  }
  return timeline.length === 0 ? undefined : entryOf(timeline[inForce] ?? anchorAt(timeline, at));
}

function entryOf(anchor: Anchor): EntryId | undefined {
  return hasTrack(anchor) ? anchor.entryId : undefined;
}

/** Whether `anchor` is there because the track before it ends. */
function isBoundary(
  before: Anchor | undefined,
  anchor: Anchor,
  queue: PublicRoom['queue'],
): boolean {
  if (before === undefined || !hasTrack(before) || before.state !== 'playing') return false;
  if (before.at + before.durationMs - before.positionMs !== anchor.at) return false;
  if (!Object.hasOwn(queue, before.entryId)) return false;
  if (!hasTrack(anchor)) return true;
  return anchor.state === 'playing'
    ? anchor.positionMs === 0
    : anchor.state === 'stopped' && anchor.positionMs === anchor.durationMs;
}
