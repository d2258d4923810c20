// Decides the room itself: its making, its settings, its door (invites and knocks) and its end.
import type { InviteCode, UserId } from '../../protocol/ids.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import type { Settings } from '../../protocol/schemas/room.ts';
import type { DecideContext, UserCommand } from './command.ts';
import { eventTime, requirePermission, type Draft } from './draft.ts';
import type { RoomEvent } from './room-event.ts';
import { mayEnter, roleOf } from './access.ts';
import { depart } from './decide-members.ts';
import { PRESETS } from './presets.ts';
import { entriesOf, lookup } from './records.ts';
import { KNOCK_MS, type Invite, type RoomState } from './room-state.ts';

type Command<T extends UserCommand['type']> = Extract<UserCommand, { type: T }>;

export function createRoom(
  command: Command<'CreateRoom'>,
  by: UserId,
  context: DecideContext,
): RoomEvent<'RoomCreated'> {
  const { roomId, code, name, byName, preset, visibility } = command;
  return {
    type: 'RoomCreated',
    id: context.newEventId(),
    at: eventTime(undefined, context.at),
    roomId,
    by,
    byName,
    code,
    name,
    preset,
    visibility,
    settings: PRESETS[preset],
  };
}

export function updateRoom(
  draft: Draft,
  command: Command<'UpdateRoom'>,
  by: UserId,
): Refusal | undefined {
  const { room } = draft;
  if (roleOf(room, by) !== 'host') return refuse('forbidden', 'only the host changes the room');
  const { name, visibility, preset } = command;
  const before = room.public;
  if (visibility !== undefined && visibility !== before.visibility && by !== before.ownerId) {
    return refuse('forbidden', 'only the owner of the room opens or closes its door');
  }
  const settings = changedSettings(before.settings, {
    ...(preset === undefined ? {} : PRESETS[preset]),
    ...command.settings,
  });
  const changes = {
    ...(name === undefined || name === before.name ? {} : { name }),
    ...(visibility === undefined || visibility === before.visibility ? {} : { visibility }),
    ...(preset === undefined || preset === before.preset ? {} : { preset }),
    ...(Object.keys(settings).length === 0 ? {} : { settings }),
  };
  if (Object.keys(changes).length === 0) return undefined;
  draft.emit({ type: 'RoomUpdated', by, ...changes });
  const { playback } = draft.room.public;
  if (settings.queuePolicy === 'fair' && playback.shuffle) {
    // Turns and chance exclude each other.
    draft.emit({ type: 'PlaybackModeSet', by, repeat: playback.repeat, shuffle: false });
  }
  return undefined;
}

/** Those of `wanted` that differ. The event carries values, not the preset's name, so that a log means the same for ever. */
function changedSettings(before: Settings, wanted: Partial<Settings>): Partial<Settings> {
  return Object.fromEntries(
    Object.entries(wanted).filter(
      // A caller's object may spell out what it leaves open.
      ([key, value]) => (value as unknown) !== undefined && before[key as keyof Settings] !== value,
    ),
  );
}

export function closeRoom(draft: Draft, by: UserId): Refusal | undefined {
  // For good, and so not for whoever stands in.
  if (by !== draft.room.public.ownerId) {
    return refuse('forbidden', 'only the owner closes the room');
  }
  shutRoom(draft, by);
  return undefined;
}

/** For good: everybody leaves, the music stops, the session ends. */
export function shutRoom(draft: Draft, by: UserId): void {
  const here = entriesOf(draft.room.members).filter(([, member]) => member.here);
  depart(
    draft,
    here.map(([userId]) => ({ userId, reason: 'left' })),
  );
  draft.emit({ type: 'RoomClosed', by });
}

export function createInvite(
  draft: Draft,
  command: Command<'CreateInvite'>,
  by: UserId,
): Refusal | undefined {
  const { room, at } = draft;
  const forbidden = requirePermission(room, by, 'invite');
  if (forbidden !== undefined) return forbidden;
  const { code, role = 'listener', uses, expiresAt } = command;
  if (role !== 'listener' && roleOf(room, by) !== 'host') {
    return refuse('forbidden', 'only the host gives roles, by an invite too');
  }
  if (uses !== undefined && uses < 1) {
    return refuse('bad_request', 'uses: an invite is good for one at least');
  }
  if (expiresAt !== undefined && expiresAt <= at) {
    return refuse('bad_request', 'expiresAt: an invite must end in the future');
  }
  if (lookup(room.invites, code) !== undefined) {
    return refuse('conflict', 'an invite of that code exists');
  }
  // The same link again, as long as nothing counts or ends it: asking twice must not use up the room's invites.
  if (uses === undefined && expiresAt === undefined && plainInvite(room, by, role) !== undefined) {
    return undefined;
  }
  const full = makePlaceForInvite(draft, by);
  if (full !== undefined) return full;
  draft.emit({
    type: 'InviteCreated',
    by,
    code,
    role,
    ...(uses === undefined ? {} : { uses }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  });
  return undefined;
}

/** An invite that `by` has made for that role, without an end and without a count. */
export function plainInvite(
  room: RoomState,
  by: UserId,
  role: Invite['role'],
): InviteCode | undefined {
  const found = entriesOf(room.invites).find(([, invite]) => {
    const isPlain = invite.usesLeft === undefined && invite.expiresAt === undefined;
    return isPlain && invite.by === by && invite.role === role;
  });
  return found?.[0];
}

/** One's own oldest invite makes place for a new one, the host's also that of anybody; nobody else's links are cut. */
function makePlaceForInvite(draft: Draft, by: UserId): Refusal | undefined {
  const { room, at, context } = draft;
  const { maxInvites } = context.limits;
  const valid = entriesOf(room.invites).filter(
    ([, { expiresAt }]) => expiresAt === undefined || expiresAt > at,
  );
  if (valid.length < maxInvites) return undefined;
  const isHost = roleOf(room, by) === 'host';
  const [oldest] = valid.find(([, invite]) => isHost || invite.by === by) ?? [];
  if (oldest === undefined) {
    return refuse('conflict', `the room has ${maxInvites} invites already`);
  }
  draft.emit({ type: 'InviteRevoked', by, code: oldest });
  return undefined;
}

export function knock(draft: Draft, command: Command<'Knock'>, by: UserId): Refusal | undefined {
  const { room, at, context } = draft;
  const refusal = mayEnter(room, by, { at });
  // Nothing to knock for: the door is open to this person.
  if (refusal === undefined) return undefined;
  if (refusal.code !== 'invite_needed') return refusal;
  const waiting = entriesOf(room.knocks).filter(([, { at: since }]) => at - since < KNOCK_MS);
  if (waiting.some(([userId]) => userId === by)) return undefined;
  if (waiting.length >= context.limits.maxKnocks) {
    return refuse('conflict', 'too many are waiting at the door');
  }
  draft.emit({ type: 'KnockReceived', userId: by, name: command.name });
  return undefined;
}

export function answerKnock(
  draft: Draft,
  command: Command<'AnswerKnock'>,
  by: UserId,
): Refusal | undefined {
  const forbidden = requirePermission(draft.room, by, 'invite');
  if (forbidden !== undefined) return forbidden;
  const { userId, accept } = command;
  if (lookup(draft.room.knocks, userId) === undefined) {
    return refuse('not_found', `${userId} is not waiting at the door`);
  }
  draft.emit({ type: 'KnockAnswered', by, userId, accept });
  return undefined;
}
