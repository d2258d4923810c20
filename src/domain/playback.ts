// The timeline of a room: how it stands at a moment, what follows on an entry, and the planning of boundaries.
// Knows anchors and the order of the queue; not who asked, nor why.
import type { EntryId, HubMs } from '../../protocol/ids.ts';
import {
  anchorAt,
  hasTrack,
  positionAt,
  type Anchor,
  type TrackAnchor,
} from '../../protocol/schemas/playback.ts';
import { playOrder, type Entry } from '../../protocol/schemas/room.ts';
import {
  endAt,
  entryIdOf,
  headIndex,
  indexInForce,
  isPlaying,
  type Played,
} from '../../protocol/timeline-head.ts';
import type { RoomState } from './room-state.ts';
import { lookup } from './records.ts';

export {
  endAt,
  entryIdOf,
  headEntryId,
  isPlaying,
  pendingGate,
  type Played,
  type PlayingAnchor,
} from '../../protocol/timeline-head.ts';

/** A timeline has about this many anchors at most, however short the tracks. */
export const MAX_ANCHORS = 64;

export function currentAnchor(room: RoomState, at: HubMs): Anchor {
  return anchorAt(room.public.playback.timeline, at);
}

/** The entry of the anchor in force. It may have left the queue, while the one after it waits for its start. */
export function currentEntryId(room: RoomState, at: HubMs): EntryId | undefined {
  return entryIdOf(currentAnchor(room, at));
}

/** Where the room is in the current entry at hub time `at`, ms. */
export function positionMs(room: RoomState, at: HubMs): number {
  return positionAt(currentAnchor(room, at), at);
}

/** How a room stands at one moment, for a change that takes effect a little later. */
export interface Standing {
  readonly inForce: Anchor;
  /** What was decided last: the anchor in force, or a pending one. */
  readonly head: Anchor;
  /** Whether the head is still to come. */
  readonly isPending: boolean;
  /** From the anchor in force up to the head, without it. */
  readonly beforeHead: readonly Anchor[];
  /** What a change at `changeAt` replaces: the anchor in force then, or a head that would start even later. */
  readonly base: Anchor;
  /** Where the base is at `changeAt`, ms. */
  readonly basePositionMs: number;
  /** The head, and the boundaries after it up to `changeAt`: they are too near to be unsaid. Ends before an entry that has left the queue. */
  readonly announced: readonly [Anchor, ...Anchor[]];
  /** The last one announced: what comes after it in the order of play can still be changed. */
  readonly cursor: Anchor;
}

/**
 * @param at now
 * @param changeAt when the change is to take effect: now and the lead
 */
export function standingAt(room: Played, at: HubMs, changeAt: HubMs): Standing {
  const { timeline } = room.playback;
  const inForceIndex = indexInForce(timeline, at);
  const head = headIndex(room, at);
  const headAnchor = timeline[head] ?? anchorAt(timeline, at);
  const isPending = head > inForceIndex;
  const announced: [Anchor, ...Anchor[]] = [headAnchor];
  for (const anchor of timeline.slice(head + 1)) {
    const isGone = hasTrack(anchor) && !Object.hasOwn(room.queue, anchor.entryId);
    if (anchor.at > changeAt || isGone) break;
    announced.push(anchor);
  }
  const base =
    isPending && headAnchor.at >= changeAt
      ? headAnchor
      : anchorAt(timeline, Math.max(at, changeAt));
  return {
    inForce: anchorAt(timeline, at),
    head: headAnchor,
    isPending,
    beforeHead: timeline.slice(inForceIndex, Math.max(inForceIndex, head)),
    base,
    basePositionMs: positionAt(base, changeAt),
    announced,
    cursor: announced.at(-1) ?? headAnchor,
  };
}

/** What plays when somebody goes on from `entryId`; repeating one or all wraps around. Undefined at the end. */
export function nextEntry(room: RoomState, entryId: EntryId): EntryId | undefined {
  const order = playOrder(room.public);
  const next = order[order.indexOf(entryId) + 1];
  return next ?? (room.public.playback.repeat === 'off' ? undefined : firstAgain(room, order));
}

/** Where a queue that repeats begins again. By turns that is with somebody who is here, if any of them added something. */
function firstAgain(room: RoomState, order: readonly EntryId[]): EntryId | undefined {
  if (room.public.settings.queuePolicy !== 'fair') return order[0];
  return order.find((entryId) => isAdderHere(room, entryId)) ?? order[0];
}

/** Whether whoever added the entry is here, by the log. */
export function isAdderHere(room: RoomState, entryId: EntryId): boolean {
  const adder = lookup(room.public.queue, entryId)?.addedBy;
  return adder !== undefined && lookup(room.members, adder)?.here === true;
}

/** The entry before `entryId` in the order of play; repeating all wraps around. Undefined at the start. */
export function previousEntry(room: RoomState, entryId: EntryId): EntryId | undefined {
  const order = playOrder(room.public);
  const index = order.indexOf(entryId);
  if (index > 0) return order[index - 1];
  return index === 0 && room.public.playback.repeat === 'all' ? order.at(-1) : undefined;
}

/** The entries that are still to come after the cursor, in order. All of them where nothing is chosen. */
export function comingEntries(room: RoomState, { cursor }: Standing): EntryId[] {
  const order = playOrder(room.public);
  const current = entryIdOf(cursor);
  return current === undefined ? order : order.slice(order.indexOf(current) + 1);
}

/** A playing, paused or stopped anchor of an entry. The position is made whole and kept inside the track. */
export function anchorOf(
  entryId: EntryId,
  entry: Pick<Entry, 'trackId' | 'durationMs'>,
  state: TrackAnchor['state'],
  position: number,
  at: HubMs,
): TrackAnchor {
  const { trackId, durationMs } = entry;
  // A playing anchor at the very end would have its boundary at its own time.
  const last = state === 'playing' ? Math.max(0, durationMs - 1) : durationMs;
  const whole = Math.min(Math.max(0, Math.round(position)), last);
  return { state, entryId, trackId, durationMs, positionMs: whole, at };
}

export interface Plan {
  /** The time of the event. */
  readonly at: HubMs;
  /** What stands before the change, in order: what is in force until then. */
  readonly kept: readonly Anchor[];
  /** What the boundaries follow from. */
  readonly change: Anchor;
  readonly horizonMs: number;
}

/**
 * The timeline from `plan.kept` on: the change, and after it the boundaries of the coming tracks. At least one is planned, and all
 * within the horizon; what is paused or stopped ends the planning.
 */
export function planTimeline(room: RoomState, plan: Plan): readonly Anchor[] {
  const timeline: Anchor[] = [...plan.kept, plan.change];
  if (!isPlaying(plan.change)) return timeline;
  const order = playOrder(room.public);
  const places = new Map(order.map((id, place) => [id, place]));
  const { repeat } = room.public.playback;
  const { queue } = room.public;

  const boundaryAfter = (last: TrackAnchor): Anchor => {
    const at = endAt(last);
    const place = places.get(last.entryId) ?? -1;
    let nextId = repeat === 'one' && place >= 0 ? last.entryId : order[place + 1];
    if (nextId === undefined && repeat !== 'off') nextId = firstAgain(room, order);
    const next = nextId === undefined ? undefined : lookup(queue, nextId);
    if (nextId !== undefined && next !== undefined) {
      return anchorOf(nextId, next, 'playing', 0, at);
    }
    if (place < 0) return { state: 'stopped', positionMs: 0, at };
    return { ...last, state: 'stopped', positionMs: last.durationMs, at };
  };

  let last: Anchor = plan.change;
  let planned = 0;
  while (isPlaying(last) && (planned === 0 || timeline.length < MAX_ANCHORS)) {
    const end = endAt(last);
    // A track without length could never be passed; it ends the plan instead of filling it.
    if (end <= last.at || (planned > 0 && end > plan.at + plan.horizonMs)) break;
    last = boundaryAfter(last);
    timeline.push(last);
    planned += 1;
  }
  return timeline;
}
