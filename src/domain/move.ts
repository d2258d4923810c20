// Changes of the timeline that several commands share: start an entry, stop, plan anew. Knows the draft; not which command it is for.
import type { EntryId, HubMs, UserId } from '../../protocol/ids.ts';
import type { MoveCause } from '../../protocol/schemas/events.ts';
import { hasTrack, type Anchor, type Gate } from '../../protocol/schemas/playback.ts';
import type { Draft } from './draft.ts';
import { neededReady } from './gate.ts';
import {
  MAX_ANCHORS,
  anchorOf,
  comingEntries,
  endAt,
  entryIdOf,
  isPlaying,
  nextEntry,
  pendingGate,
  planTimeline,
} from './playback.ts';
import { lookup } from './records.ts';

export interface Move {
  readonly cause: MoveCause;
  readonly change: Anchor;
  readonly by?: UserId | undefined;
  readonly gate?: Gate | undefined;
}

/**
 * Puts `change` into the timeline and plans what follows. What was announced for before the lead's end stands: it could not be unsaid
 * in time. Of what stands, only the anchor in force may be about an entry that has just left the queue.
 */
export function moveTo(draft: Draft, { cause, change, by, gate }: Move): void {
  const { timeline } = draft.room.public.playback;
  const { inForce } = draft.standing;
  const { queue } = draft.room.public;
  const keptUntil = Math.min(draft.changeAt, change.at);
  const announced = timeline.filter((anchor) => {
    if (anchor.at <= inForce.at || anchor.at >= keptUntil) return false;
    return !hasTrack(anchor) || Object.hasOwn(queue, anchor.entryId);
  });
  const kept = change.at <= draft.at ? [] : [inForce, ...announced.slice(0, MAX_ANCHORS / 2)];
  emitMove(draft, { cause, by, gate, change }, kept);
}

function emitMove(draft: Draft, move: Move, kept: readonly Anchor[]): void {
  const { cause, by, gate, change } = move;
  const timeline = planTimeline(draft.room, {
    at: draft.at,
    kept,
    change,
    horizonMs: draft.context.limits.horizonMs,
  });
  draft.emit({
    type: 'PlaybackMoved',
    cause,
    timeline: [...timeline],
    ...(by === undefined ? {} : { by }),
    ...(gate === undefined ? {} : { gate }),
  });
}

export interface Start {
  readonly cause: MoveCause;
  readonly by?: UserId | undefined;
  /** Whether members may lack the start of it, so that a gate may hold it. */
  readonly isCold: boolean;
}

/** Plays an entry from `positionMs`, after the lead, or after the gate where too few have buffered it. */
export function startEntry(draft: Draft, entryId: EntryId, positionMs: number, start: Start): void {
  const entry = lookup(draft.room.public.queue, entryId);
  if (entry === undefined) return;
  const gate = start.isCold ? gateFor(draft, entryId) : undefined;
  const at: HubMs = gate?.deadlineAt ?? draft.changeAt;
  const change = anchorOf(entryId, entry, 'playing', positionMs, at);
  moveTo(draft, { cause: start.cause, by: start.by, change, gate });
}

function gateFor(draft: Draft, entryId: EntryId): Gate | undefined {
  const { presentCount } = draft.context;
  const { gateMs, gateQuorum } = draft.room.public.settings;
  const { base } = draft.standing;
  const silentFrom = isPlaying(base) ? endAt(base) : Infinity;
  // Waiting beyond the end of what plays would be silence, and a room that plays waits for nobody.
  const deadlineAt = Math.min(draft.at + gateMs, silentFrom);
  if (presentCount <= 0 || deadlineAt <= draft.changeAt) return undefined;
  const needed = neededReady(presentCount, gateQuorum);
  const ready = draft.context.readyCount(entryId);
  return ready < needed ? { entryId, deadlineAt, ready, needed } : undefined;
}

/** Goes on to what follows the base: the next entry from its start, or the end of the queue. */
export function goOn(draft: Draft, from: EntryId, start: Start): void {
  const next = nextEntry(draft.room, from);
  if (next !== undefined) startEntry(draft, next, 0, start);
  else stopAtEnd(draft, from, start);
}

/** The queue is over: stopped at the end of `entryId`. Nothing to do where it is stopped there already. */
function stopAtEnd(draft: Draft, entryId: EntryId, { cause, by }: Start): void {
  const { base } = draft.standing;
  const entry = lookup(draft.room.public.queue, entryId);
  if (entry === undefined) return;
  const isThere =
    hasTrack(base) &&
    base.entryId === entryId &&
    base.state === 'stopped' &&
    base.positionMs === base.durationMs;
  if (isThere) return;
  const change = anchorOf(entryId, entry, 'stopped', entry.durationMs, draft.changeAt);
  moveTo(draft, { cause, by, change });
}

/** Where nothing is chosen, the first entry that could play is: stopped, so that the page can show it. */
export function chooseFirst(draft: Draft): void {
  const { base } = draft.standing;
  if (hasTrack(base)) return;
  const first = comingEntries(draft.room, draft.standing)[0];
  const entry = first === undefined ? undefined : lookup(draft.room.public.queue, first);
  if (first === undefined || entry === undefined) return;
  const at = isSilent(draft) ? draft.at : draft.changeAt;
  moveTo(draft, { cause: 'replanned', change: anchorOf(first, entry, 'stopped', 0, at) });
}

/** Whether nothing sounds and nothing is about to: then a change needs no lead. */
export function isSilent(draft: Draft): boolean {
  const { inForce, isPending } = draft.standing;
  return !isPlaying(inForce) && !isPending;
}

/** Plans anew what comes after the cursor: what was announced stands. No event where the plan is what it was. */
export function replan(draft: Draft, cause: 'replanned' | 'horizon'): void {
  const { playback } = draft.room.public;
  const { head, isPending, beforeHead, inForce, announced, cursor } = draft.standing;
  if (cursor !== head && hasTrack(cursor) && !isPlaying(cursor)) {
    // Too near the end of the queue to prevent the stop: what was added since follows it.
    const next = nextEntry(draft.room, cursor.entryId);
    if (next !== undefined) startEntry(draft, next, 0, { cause, isCold: false });
    return;
  }
  if (isPlaying(head) && !isPending && endAt(head) <= draft.at) {
    // Its end has passed unplanned (no node was there to do it). Nobody was told what follows, so it follows now.
    goOnAfterEnd(draft, head.entryId, cause);
    return;
  }
  const { queue } = draft.room.public;
  const kept = beforeHead.filter(
    (anchor) => anchor === inForce || !hasTrack(anchor) || Object.hasOwn(queue, anchor.entryId),
  );
  const timeline = planTimeline(draft.room, {
    at: draft.at,
    kept: [...kept, ...announced.slice(0, -1)],
    change: cursor,
    horizonMs: draft.context.limits.horizonMs,
  });
  const planned = playback.timeline.slice(playback.timeline.indexOf(inForce));
  if (sameAnchors(timeline, planned)) return;
  const gate = pendingGate(playback, draft.at);
  draft.emit({
    type: 'PlaybackMoved',
    cause,
    timeline: [...timeline],
    ...(gate === undefined ? {} : { gate }),
  });
}

function goOnAfterEnd(draft: Draft, ended: EntryId, cause: MoveCause): void {
  if (draft.room.public.playback.repeat === 'one') {
    startEntry(draft, ended, 0, { cause, isCold: false });
  } else {
    goOn(draft, ended, { cause, isCold: false });
  }
}

function sameAnchors(a: readonly Anchor[], b: readonly Anchor[]): boolean {
  return (
    a.length === b.length &&
    a.every((anchor, i) => {
      const other = b[i];
      return (
        other !== undefined &&
        anchor.at === other.at &&
        anchor.state === other.state &&
        anchor.positionMs === other.positionMs &&
        entryIdOf(anchor) === entryIdOf(other)
      );
    })
  );
}
