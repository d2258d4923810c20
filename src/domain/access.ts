// Who may come in, and who holds which role. Knows the state, not why it came to be so.
import type { HubMs, InviteCode, UserId } from '../../protocol/ids.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import { allows, type Permission, type Role, type Settings } from '../../protocol/schemas/room.ts';
import type { Invite, RoomState } from './room-state.ts';
import { lookup } from './records.ts';

/** The role of somebody in the room now: whoever is host for the moment is `host`, an owner beside them is a `dj`. */
export function roleOf(room: RoomState, userId: UserId): Role {
  if (room.public.hostId === userId) return 'host';
  const role = lookup(room.members, userId)?.role ?? 'listener';
  return role === 'host' ? 'dj' : role;
}

/** The settings that name a permission. */
export type PermissionKey = {
  [K in keyof Settings]: Settings[K] extends Permission ? K : never;
}[keyof Settings];

export function may(room: RoomState, userId: UserId, what: PermissionKey): boolean {
  return allows(room.public.settings[what], roleOf(room, userId));
}

/** Whether a ban on this person is in force at hub time `at`. */
export function isBanned(room: RoomState, userId: UserId, at: HubMs): boolean {
  const ban = lookup(room.bans, userId);
  return ban !== undefined && (ban.until === undefined || ban.until > at);
}

/** Whether the room knows this person for good: its owner, those with a role, and those who were let in. Nobody who is banned. */
export function belongs(room: RoomState, userId: UserId, at: HubMs): boolean {
  if (isBanned(room, userId, at)) return false;
  const member = lookup(room.members, userId);
  return (
    room.public.ownerId === userId ||
    (member !== undefined && (member.admitted || member.role !== 'listener'))
  );
}

/** The invite of that code, if it still lets somebody in at hub time `at`. */
export function validInvite(room: RoomState, code: InviteCode, at: HubMs): Invite | undefined {
  const invite = lookup(room.invites, code);
  if (invite === undefined) return undefined;
  if (invite.expiresAt !== undefined && invite.expiresAt <= at) return undefined;
  return invite.usesLeft === undefined || invite.usesLeft > 0 ? invite : undefined;
}

export interface Entrance {
  readonly invite?: InviteCode;
  /** The hub has seen that a friend of this person is in the room. */
  readonly asFriend?: boolean;
  readonly at: HubMs;
}

/**
 * Why this person may not enter: `room_closed`, `banned`, `invite_invalid`, `invite_needed`; or undefined when they may.
 * A worthless invite is no reason where none is needed.
 */
export function mayEnter(room: RoomState, userId: UserId, entrance: Entrance): Refusal | undefined {
  if (room.public.closed !== undefined) return refuse('room_closed', 'the room was closed');
  if (isBanned(room, userId, entrance.at)) {
    return refuse('banned', 'this person is banned from the room');
  }
  if (room.public.visibility !== 'private') return undefined;
  const member = lookup(room.members, userId);
  if (member !== undefined && (member.admitted || member.here || member.role !== 'listener')) {
    return undefined;
  }
  if (entrance.asFriend === true && room.public.settings.friendsEnter) return undefined;
  if (entrance.invite === undefined) {
    return refuse('invite_needed', 'the room is private: it needs an invite or an answered knock');
  }
  if (validInvite(room, entrance.invite, entrance.at) === undefined) {
    return refuse('invite_invalid', 'the invite has expired, is used up, was revoked or never was');
  }
  return undefined;
}
