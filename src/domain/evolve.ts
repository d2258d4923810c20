// The only reducer of a room: what each event makes of the state. Total and deterministic: an event of another version, or one about an
// entry long gone, changes what it can and never throws. Shares whatever did not change, so that a patch costs what the change is.
import type { InviteCode, RoomCode, RoomId, UserId } from '../../protocol/ids.ts';
import type { Settings } from '../../protocol/schemas/room.ts';
import type { RoomEvent } from './room-event.ts';
import { KNOCK_MS, type RoomState } from './room-state.ts';
import { PRESETS } from './presets.ts';
import { entriesOf, lookup, withKey, withoutKeys, withoutMember } from './records.ts';
import {
  afterArrival,
  afterBan,
  afterDeparture,
  afterHostChange,
  afterKick,
  afterRoleSet,
} from './evolve-members.ts';
import { evolvePlayback } from './evolve-playback.ts';
import { evolveQueue } from './evolve-queue.ts';

/**
 * The room after `event`.
 * @param room undefined before the first event, which is `RoomCreated`
 */
export function evolve(room: RoomState | undefined, event: RoomEvent): RoomState {
  if (event.type === 'RoomCreated' && room === undefined) return created(event);
  const before = room ?? unknownRoom(event.at);
  const after = applied(before, event);
  const lastAt = Math.max(before.lastAt, event.at);
  return after.lastAt === lastAt ? after : { ...after, lastAt };
}

function applied(room: RoomState, event: RoomEvent): RoomState {
  switch (event.type) {
    case 'RoomUpdated':
      return updated(room, event);
    case 'RoomClosed':
      return withPublic(room, { closed: { at: event.at, by: event.by } });
    case 'SessionStarted':
      return withPublic(room, { session: { id: event.sessionId, startedAt: event.at } });
    case 'SessionEnded':
      return { ...room, public: withoutMember(room.public, 'session') };
    case 'MembersArrived':
      return afterArrival(room, event);
    case 'MembersDeparted':
      return afterDeparture(room, event);
    case 'RoleSet':
      return afterRoleSet(room, event);
    case 'HostChanged':
      return afterHostChange(room, event);
    case 'MemberKicked':
      return afterKick(room, event);
    case 'MemberBanned':
      return afterBan(room, event);
    case 'MemberUnbanned':
      return { ...room, bans: withoutKeys(room.bans, [event.userId]) };
    case 'InviteCreated':
    case 'InviteUsed':
    case 'InviteRevoked':
      return { ...room, invites: invitesAfter(room, event) };
    case 'KnockReceived': {
      const knock = { name: event.name, at: event.at };
      const gone = entriesOf(room.knocks).filter(([, { at }]) => event.at - at >= KNOCK_MS);
      const waiting = withoutKeys(
        room.knocks,
        gone.map(([userId]) => userId),
      );
      return { ...room, knocks: withKey(waiting, event.userId, knock) };
    }
    case 'KnockAnswered':
      return knockAnswered(room, event);
    case 'PlaybackMoved':
    case 'PlaybackModeSet':
      return evolvePlayback(room, event);
    case 'QueueAdded':
    case 'QueueRemoved':
    case 'QueueMoved':
    case 'QueueCleared':
    case 'QueueUndone':
    case 'QueueReordered':
    case 'EntryVoted':
    case 'SkipVoted':
      return evolveQueue(room, event);
    case 'RoomCreated':
      return room;
    default:
      // An event of a newer version: its effect is unknown here, its time is not.
      event satisfies never;
      return room;
  }
}

function withPublic(room: RoomState, changed: Partial<RoomState['public']>): RoomState {
  return { ...room, public: { ...room.public, ...changed } };
}

function created(event: RoomEvent<'RoomCreated'>): RoomState {
  const { by, byName, at } = event;
  return {
    public: {
      id: event.roomId,
      code: event.code,
      name: event.name,
      preset: event.preset,
      visibility: event.visibility,
      createdAt: at,
      settings: event.settings,
      ownerId: by,
      hostId: by,
      roles: { [by]: { name: byName, role: 'host', here: false } },
      hereCount: 0,
      queue: {},
      playback: {
        timeline: [{ state: 'stopped', positionMs: 0, at }],
        repeat: 'off',
        shuffle: false,
      },
    },
    members: {
      [by]: { name: byName, role: 'host', here: false, joinedAt: at, admitted: true },
    },
    invites: {},
    bans: {},
    knocks: {},
    votes: {},
    skipVotes: {},
    undo: [],
    lastAt: at,
  };
}

/** What a log without its beginning leaves: a room that nobody can enter, on which later events can still be tried. */
function unknownRoom(at: number): RoomState {
  const nobody = '00000000-0000-0000-0000-000000000000';
  const room = created({
    type: 'RoomCreated',
    id: 'unknown' as RoomEvent['id'],
    at,
    roomId: nobody as RoomId,
    by: nobody as UserId,
    byName: '',
    code: '22222222' as RoomCode,
    name: '?',
    preset: 'friends',
    visibility: 'private',
    settings: PRESETS.friends,
  });
  return withPublic(room, { closed: { at, by: nobody as UserId } });
}

function updated(room: RoomState, event: RoomEvent<'RoomUpdated'>): RoomState {
  const { name, visibility, preset, settings } = event;
  return withPublic(room, {
    ...(name === undefined ? {} : { name }),
    ...(visibility === undefined ? {} : { visibility }),
    ...(preset === undefined ? {} : { preset }),
    ...(settings === undefined ? {} : { settings: mergeSettings(room.public.settings, settings) }),
  });
}

/** `settings` with those of `changes` that are given; a member that is undefined counts as absent. */
export function mergeSettings(
  settings: Settings,
  changes: { readonly [K in keyof Settings]?: Settings[K] | undefined },
): Settings {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  return { ...settings, ...Object.fromEntries(given) };
}

function invitesAfter(
  room: RoomState,
  event: RoomEvent<'InviteCreated' | 'InviteUsed' | 'InviteRevoked'>,
): RoomState['invites'] {
  const { code } = event;
  if (event.type === 'InviteRevoked') return withoutKeys(room.invites, [code]);
  if (event.type === 'InviteCreated') {
    const { by, role, uses, expiresAt, at } = event;
    const expired: InviteCode[] = [];
    for (const [old, invite] of entriesOf(room.invites)) {
      if (invite.expiresAt !== undefined && invite.expiresAt <= at) expired.push(old);
    }
    return withKey(withoutKeys(room.invites, expired), code, {
      by,
      role,
      ...(uses === undefined ? {} : { usesLeft: uses }),
      ...(expiresAt === undefined ? {} : { expiresAt }),
    });
  }
  const invite = lookup(room.invites, code);
  if (invite?.usesLeft === undefined) return room.invites;
  if (invite.usesLeft <= 1) return withoutKeys(room.invites, [code]);
  return withKey(room.invites, code, { ...invite, usesLeft: invite.usesLeft - 1 });
}

function knockAnswered(room: RoomState, event: RoomEvent<'KnockAnswered'>): RoomState {
  const { userId, accept, at } = event;
  const knock = lookup(room.knocks, userId);
  const knocks = withoutKeys(room.knocks, [userId]);
  if (!accept) return { ...room, knocks };
  const known = lookup(room.members, userId);
  const member =
    known === undefined
      ? {
          name: knock?.name ?? '',
          role: 'listener' as const,
          here: false,
          joinedAt: at,
          admitted: true,
        }
      : { ...known, admitted: true };
  return { ...room, knocks, members: withKey(room.members, userId, member) };
}
