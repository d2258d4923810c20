// What time alone will bring to a room, so that the hub can set its timers. Knows no timers.
import type { HubMs } from '../../protocol/ids.ts';
import type { DomainLimits, SystemCommand } from './command.ts';
import type { RoomState } from './room-state.ts';
import { MAX_ANCHORS, endAt, isPlaying } from './playback.ts';
import { lookup } from './records.ts';

export interface Due {
  /** May lie in the past: then it is due now. */
  readonly at: HubMs;
  readonly command: SystemCommand;
}

/**
 * The system commands that are due next, each with its time, earliest first. A gate needs none: its start is already planned. An empty
 * room has none: it does not play to nobody, and its host is waited for.
 */
export function dueAt(room: RoomState, context: { readonly limits: DomainLimits }): Due[] {
  if (room.public.closed !== undefined || room.public.hereCount === 0) return [];
  const due: Due[] = [];
  const horizonAt = horizonDueAt(room, context.limits.horizonMs);
  if (horizonAt !== undefined) due.push({ at: horizonAt, command: { type: 'PlanHorizon' } });
  const successionAt = successionDueAt(room, context.limits.hostGraceMs);
  if (successionAt !== undefined) due.push({ at: successionAt, command: { type: 'SucceedHost' } });
  return due.sort((a, b) => a.at - b.at);
}

/** When the first boundary that is not planned yet must be: it enters the horizon, or the last planned one comes into force. */
function horizonDueAt(room: RoomState, horizonMs: number): HubMs | undefined {
  const { timeline } = room.public.playback;
  const last = timeline.at(-1);
  if (last === undefined || !isPlaying(last)) return undefined;
  // A plan that is full cannot take more before half of it is over.
  if (timeline.length >= MAX_ANCHORS) return timeline[MAX_ANCHORS / 2]?.at;
  return Math.min(endAt(last) - horizonMs, last.at);
}

/** When somebody else becomes host, if the host has not come back by then. */
export function successionDueAt(room: RoomState, hostGraceMs: number): HubMs | undefined {
  const { hostId, hereCount, createdAt, session } = room.public;
  const host = lookup(room.members, hostId);
  if (hereCount === 0 || host?.here === true) return undefined;
  const goneSince = host?.departedAt ?? host?.joinedAt ?? createdAt;
  // A gathering that begins days later gives its host the time to come.
  return Math.max(goneSince, session?.startedAt ?? 0) + hostGraceMs;
}
