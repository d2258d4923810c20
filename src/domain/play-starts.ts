// Where each play of a room's timeline began: an entry may play again, and what began it may have left the timeline. Pure.
import type { EntryId, HubMs } from '../../protocol/ids.ts';
import { hasTrack, positionAt, type Anchor } from '../../protocol/schemas/playback.ts';
import { neededMs } from './listens.ts';

/** One play of an entry, from its start on; pauses and seeks do not part it. */
export interface PlayStart {
  readonly entryId: EntryId;
  /** `at` of the anchor that began it. */
  readonly at: HubMs;
}

interface Standing {
  readonly anchor: Anchor;
  readonly start: PlayStart | undefined;
}

/**
 * The play that each anchor belongs to, in their order; undefined where nothing is chosen or it is stopped.
 * @param first that of the first anchor, where it is known
 */
export function playStarts(
  timeline: readonly Anchor[],
  first: PlayStart | undefined,
): readonly (PlayStart | undefined)[] {
  const starts: (PlayStart | undefined)[] = [];
  let before: Standing | undefined;
  for (const anchor of timeline) {
    const start: PlayStart | undefined =
      before === undefined ? firstStart(anchor, first) : startAfter(before, anchor);
    starts.push(start);
    before = { anchor, start };
  }
  return starts;
}

/**
 * The play of the first anchor of `timeline`, which takes the place of another one from that anchor on.
 * @param before the other one, with the play of its own first anchor
 */
export function startOfTimeline(
  before: { readonly timeline: readonly Anchor[]; readonly first: PlayStart | undefined },
  timeline: readonly Anchor[],
): PlayStart | undefined {
  const [anchor] = timeline;
  if (anchor === undefined) return undefined;
  const starts = playStarts(before.timeline, before.first);
  const last = Math.max(
    0,
    before.timeline.findLastIndex(({ at }) => at < anchor.at),
  );
  const stood = before.timeline[last];
  if (stood === undefined) return firstStart(anchor, undefined);
  return startAfter({ anchor: stood, start: starts[last] }, anchor);
}

function firstStart(anchor: Anchor, known: PlayStart | undefined): PlayStart | undefined {
  const fresh = freshStart(anchor);
  // A node of an older version moves the timeline and leaves what was known as it was.
  const isKnown = known?.entryId === fresh?.entryId && (known?.at ?? Infinity) <= anchor.at;
  return fresh !== undefined && isKnown ? known : fresh;
}

function startAfter(before: Standing, next: Anchor): PlayStart | undefined {
  const fresh = freshStart(next);
  if (fresh === undefined || before.start?.entryId !== fresh.entryId) return fresh;
  return beginsAnew(before.anchor, next) ? fresh : before.start;
}

function freshStart(anchor: Anchor): PlayStart | undefined {
  if (!hasTrack(anchor) || anchor.state === 'stopped') return undefined;
  return { entryId: anchor.entryId, at: anchor.at };
}

/** From its start again, after so much that the play before may count by itself: the end of the track is so, and a restart past half of it. */
function beginsAnew(before: Anchor, next: Anchor): boolean {
  if (!hasTrack(before) || next.positionMs > 0) return false;
  return positionAt(before, next.at) >= neededMs(before.durationMs);
}
