// Decides who comes, goes, is sent away, and who is host. Knows the log's members; presence comes in as commands.
import type { HubMs, UserId } from '../../protocol/ids.ts';
import { anchorAt, positionAt } from '../../protocol/schemas/playback.ts';
import type { DepartureReason } from '../../protocol/schemas/events.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import type { SystemCommand, UserCommand } from './command.ts';
import type { Draft } from './draft.ts';
import type { RoomEvent } from './room-event.ts';
import type { Member, RoomState } from './room-state.ts';
import { isBanned, mayEnter, roleOf, validInvite } from './access.ts';
import { countVotes } from './decide-votes.ts';
import { successionDueAt } from './due.ts';
import { anchorOf, isPlaying } from './playback.ts';
import { entriesOf, keysOf, lookup } from './records.ts';

type Arrival = Extract<SystemCommand, { type: 'Arrive' }>['members'][number];
type Arrived = RoomEvent<'MembersArrived'>['members'][number];
type RoleCommand = Extract<UserCommand, { type: 'SetRole' | 'TransferHost' }>;
type BanCommand = Extract<UserCommand, { type: 'KickMember' | 'BanMember' | 'UnbanMember' }>;

/** Those who may enter and are not here yet. Who was banned in the meantime is left out in silence. */
export function arrive(draft: Draft, command: Extract<SystemCommand, { type: 'Arrive' }>): void {
  const wasEmpty = draft.room.public.hereCount === 0;
  const arrived = new Map<UserId, Arrived>();
  for (const arrival of command.members) {
    if (arrived.has(arrival.userId)) continue;
    const admitted = admit(draft, arrival);
    if (admitted !== undefined) arrived.set(arrival.userId, admitted);
  }
  if (arrived.size === 0) return;
  if (wasEmpty) draft.emit({ type: 'SessionStarted', sessionId: draft.context.newSessionId() });
  draft.emit({ type: 'MembersArrived', members: [...arrived.values()], count: arrived.size });
  const { ownerId, hostId } = draft.room.public;
  const owner = arrived.get(ownerId);
  if (owner !== undefined && hostId !== ownerId) {
    draft.emit({
      type: 'HostChanged',
      hostId: ownerId,
      hostName: owner.name,
      ownerId,
      cause: 'return',
    });
  }
}

function admit(draft: Draft, arrival: Arrival): Arrived | undefined {
  const { room, at } = draft;
  const { userId, name, invite: code, asFriend } = arrival;
  const known = lookup(room.members, userId);
  if (known?.here === true) {
    promote(draft, arrival, known);
    return undefined;
  }
  const entrance = {
    at,
    ...(code === undefined ? {} : { invite: code }),
    ...(asFriend === undefined ? {} : { asFriend }),
  };
  if (mayEnter(room, userId, entrance) !== undefined) return undefined;
  const isAdmitted = known?.admitted === true;
  const asFriendHere = asFriend === true && room.public.settings.friendsEnter;
  const invite = code === undefined ? undefined : validInvite(room, code, at);
  const isPromoted = invite?.role === 'dj' && (known?.role ?? 'listener') === 'listener';
  const isDoorClosed = room.public.visibility === 'private' && !isAdmitted && !asFriendHere;
  // An invite is spent on what it gives: a way in that was not open, or a role.
  const isUsed = invite !== undefined && (isDoorClosed || isPromoted);
  if (isUsed && code !== undefined) draft.emit({ type: 'InviteUsed', code, userId });
  const isLetIn = !isAdmitted && (isUsed || (asFriendHere && room.public.visibility === 'private'));
  return {
    userId,
    name,
    ...(isLetIn ? { admitted: true as const } : {}),
    ...(isUsed && isPromoted ? { role: invite.role } : {}),
    ...(isUsed && code !== undefined ? { invite: code } : {}),
  };
}

/** Somebody who is here already has opened an invite: it gives them its role, if that is more than they have. */
function promote(draft: Draft, { userId, name, invite: code }: Arrival, member: Member): void {
  const invite = code === undefined ? undefined : validInvite(draft.room, code, draft.at);
  if (code === undefined || invite?.role !== 'dj' || member.role !== 'listener') return;
  draft.emit({ type: 'InviteUsed', code, userId });
  draft.emit({ type: 'RoleSet', by: invite.by, userId, name, role: 'dj' });
}

export interface Departure {
  readonly userId: UserId;
  readonly reason: DepartureReason;
}

/**
 * Those of `departures` who are here leave. With the last one the room pauses and its session ends.
 * @param heardUntil when the room was last known to be heard; the pause is where it was then
 */
export function depart(
  draft: Draft,
  departures: readonly Departure[],
  heardUntil: HubMs = draft.at,
): void {
  const departed = new Map<UserId, RoomEvent<'MembersDeparted'>['members'][number]>();
  for (const { userId, reason } of departures) {
    const member = lookup(draft.room.members, userId);
    if (member?.here === true) departed.set(userId, { userId, name: member.name, reason });
  }
  if (departed.size === 0) return;
  draft.emit({ type: 'MembersDeparted', members: [...departed.values()], count: departed.size });
  if (draft.room.public.hereCount > 0) {
    // With fewer people fewer votes are enough.
    countVotes(draft);
    return;
  }
  pauseDeserted(draft, Math.min(Math.round(heardUntil), draft.at));
  const { session } = draft.room.public;
  if (session !== undefined) draft.emit({ type: 'SessionEnded', sessionId: session.id });
}

/** The new timeline begins when the room was heard last: what was planned since has sounded for nobody, and is no play. */
function pauseDeserted(draft: Draft, heardUntil: HubMs): void {
  const { at, room } = draft;
  const { timeline } = room.public.playback;
  const { inForce, head, isPending } = draft.standing;
  const heard = anchorAt(timeline, heardUntil);
  const wasHeard = isPlaying(heard) && Object.hasOwn(room.public.queue, heard.entryId);
  if (!wasHeard && !isPending && !isPlaying(inForce)) return;
  // What was heard last may have left the queue since: then the room waits at what was to come.
  const from = wasHeard ? heard : head;
  const state = from.state === 'playing' ? 'paused' : from.state;
  const position = wasHeard ? positionAt(heard, heardUntil) : positionAt(head, at);
  const change =
    'entryId' in from
      ? anchorOf(from.entryId, from, state, position, heardUntil)
      : { state: 'stopped' as const, positionMs: 0 as const, at: heardUntil };
  draft.emit({ type: 'PlaybackMoved', cause: 'deserted', timeline: [change] });
}

/** After the host's grace, the one who has been here longest takes over: a dj before a listener. */
export function succeedHost(draft: Draft): void {
  const { room, at, context } = draft;
  const dueAt = successionDueAt(room, context.limits.hostGraceMs);
  if (dueAt === undefined || at < dueAt) return;
  const heir = oldestHere(room, 'dj') ?? oldestHere(room);
  if (heir === undefined) return;
  const [hostId, { name: hostName }] = heir;
  const { ownerId } = room.public;
  const cause = hostId === ownerId ? 'return' : 'succession';
  draft.emit({ type: 'HostChanged', hostId, hostName, ownerId, cause });
}

export function oldestHere(room: RoomState, role?: 'dj'): [UserId, Member] | undefined {
  let oldest: [UserId, Member] | undefined;
  for (const [userId, member] of entriesOf(room.members)) {
    if (!member.here || (role !== undefined && member.role !== role)) continue;
    const isOlder =
      oldest === undefined ||
      member.joinedAt < oldest[1].joinedAt ||
      (member.joinedAt === oldest[1].joinedAt && userId < oldest[0]);
    if (isOlder) oldest = [userId, member];
  }
  return oldest;
}

export function decideRole(draft: Draft, command: RoleCommand, by: UserId): Refusal | undefined {
  const { room } = draft;
  if (roleOf(room, by) !== 'host') return refuse('forbidden', 'only the host gives roles');
  const { userId } = command;
  const member = lookup(room.members, userId);
  if (member === undefined) return noSuchMember(userId);
  const { ownerId, hostId } = room.public;
  if (command.type === 'TransferHost') {
    if (userId === hostId) return undefined;
    if (!member.here) return refuse('conflict', `${userId} is not in the room`);
    draft.emit({
      type: 'HostChanged',
      hostId: userId,
      hostName: member.name,
      // Who only stands in for the owner cannot give the room away.
      ownerId: by === ownerId ? userId : ownerId,
      cause: 'transfer',
    });
    return undefined;
  }
  if (userId === ownerId || userId === hostId) {
    return refuse('conflict', 'the host has no other role: transfer the host first');
  }
  if (member.role === command.role) return undefined;
  draft.emit({ type: 'RoleSet', by, userId, name: member.name, role: command.role });
  return undefined;
}

export function decideBan(draft: Draft, command: BanCommand, by: UserId): Refusal | undefined {
  const { room, at, context } = draft;
  const { userId } = command;
  const role = roleOf(room, by);
  if (role === 'listener') return refuse('forbidden', 'only the host and djs send people away');
  if (command.type === 'UnbanMember') {
    if (lookup(room.bans, userId) === undefined) {
      return refuse('not_found', `${userId} is not banned`);
    }
    draft.emit({ type: 'MemberUnbanned', by, userId });
    return undefined;
  }
  if (userId === room.public.hostId || userId === room.public.ownerId) {
    return refuse('forbidden', 'the host and the owner cannot be sent away');
  }
  if (role !== 'host' && roleOf(room, userId) !== 'listener') {
    return refuse('forbidden', 'a dj may send away listeners only');
  }
  const member = lookup(room.members, userId);
  if (command.type === 'KickMember') {
    if (member?.here !== true) return noSuchMember(userId);
    draft.emit({ type: 'MemberKicked', by, userId, name: member.name });
    revokeInvitesOf(draft, userId, by);
    depart(draft, [{ userId, reason: 'kicked' }]);
    return undefined;
  }
  const inForce = keysOf(room.bans).filter((id) => id !== userId && isBanned(room, id, at));
  if (inForce.length >= context.limits.maxBans) {
    return refuse('conflict', `the room has ${context.limits.maxBans} bans already: lift one`);
  }
  const name = member?.name ?? lookup(room.knocks, userId)?.name ?? '';
  const { durationMs } = command;
  draft.emit({
    type: 'MemberBanned',
    by,
    userId,
    name,
    ...(durationMs === undefined ? {} : { until: at + durationMs }),
  });
  revokeInvitesOf(draft, userId, by);
  depart(draft, [{ userId, reason: 'banned' }]);
  return undefined;
}

/** Who is sent away does not let others in, nor themselves. */
function revokeInvitesOf(draft: Draft, userId: UserId, by: UserId): void {
  for (const [code, invite] of entriesOf(draft.room.invites)) {
    if (invite.by === userId) draft.emit({ type: 'InviteRevoked', by, code });
  }
}

function noSuchMember(userId: UserId): Refusal {
  return refuse('not_found', `no member ${userId} in the room`);
}
