// The one place where a room changes: a command and the room as it is, into events or a refusal. Pure: the same arguments decide the same.
import type { UserId } from '../../protocol/ids.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import type { Command, DecideContext, SystemCommand, UserCommand } from './command.ts';
import type { RoomEvent } from './room-event.ts';
import type { RoomState } from './room-state.ts';
import { isBanned } from './access.ts';
import { arrive, decideBan, decideRole, depart, succeedHost } from './decide-members.ts';
import { erasePerson } from './decide-erasure.ts';
import { decidePlayback, openGate, planHorizon } from './decide-playback.ts';
import { decideQueue } from './decide-queue.ts';
import {
  answerKnock,
  closeRoom,
  shutRoom,
  createInvite,
  createRoom,
  knock,
  updateRoom,
} from './decide-room.ts';
import { decideVote } from './decide-votes.ts';
import { Draft } from './draft.ts';
import { evolve } from './evolve.ts';
import { settle } from './settle.ts';

/** Events may be none: then there was nothing to do, which is a success. `states` are the room after each of them. */
export type Decision =
  | {
      readonly kind: 'events';
      readonly events: readonly RoomEvent[];
      readonly states: readonly RoomState[];
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/**
 * Decides `command`. Never throws; may be asked again with a newer room after a conflict.
 * @param room undefined where the log is empty
 */
export function decide(
  command: Command,
  room: RoomState | undefined,
  context: DecideContext,
): Decision {
  const { by } = context;
  if (command.type === 'CreateRoom') {
    if (room !== undefined) return refused(refuse('conflict', 'the room exists'));
    if (by === undefined) return refused(NOBODY);
    const created = createRoom(command, by, context);
    return { kind: 'events', events: [created], states: [evolve(undefined, created)] };
  }
  if (room === undefined) return refused(refuse('not_found', 'no such room'));
  if (room.public.closed !== undefined && command.type !== 'ErasePerson')
    return refused(refuse('room_closed', 'the room was closed'));
  const draft = new Draft(room, context);
  if (isSystemCommand(command)) {
    decideSystem(draft, command);
  } else {
    if (by === undefined) return refused(NOBODY);
    if (isBanned(room, by, draft.at)) {
      return refused(refuse('banned', 'you are banned from the room'));
    }
    const refusal = decideUser(draft, command, by);
    if (refusal !== undefined) return refused(refusal);
  }
  if (draft.events.length > 0 && draft.room.public.closed === undefined) settle(draft);
  return { kind: 'events', events: draft.events, states: draft.states };
}

const NOBODY = refuse('unauthorised', 'the command needs somebody who gives it');

function refused(refusal: Refusal): Decision {
  return { kind: 'refused', refusal };
}

const SYSTEM_COMMANDS: Readonly<Record<SystemCommand['type'], true>> = {
  Arrive: true,
  Depart: true,
  OpenGate: true,
  PlanHorizon: true,
  SucceedHost: true,
  ErasePerson: true,
  ShutRoom: true,
};

function isSystemCommand(command: Command): command is SystemCommand {
  return Object.hasOwn(SYSTEM_COMMANDS, command.type);
}

function decideSystem(draft: Draft, command: SystemCommand): void {
  switch (command.type) {
    case 'Arrive':
      arrive(draft, command);
      break;
    case 'Depart':
      depart(draft, command.members, command.heardUntil);
      break;
    case 'OpenGate':
      openGate(draft, command);
      break;
    case 'PlanHorizon':
      planHorizon(draft);
      break;
    case 'SucceedHost':
      succeedHost(draft);
      break;
    case 'ErasePerson':
      erasePerson(draft, command.userId);
      break;
    case 'ShutRoom':
      shutRoom(draft, command.by);
      break;
  }
}

function decideUser(
  draft: Draft,
  command: Exclude<UserCommand, { type: 'CreateRoom' }>,
  by: UserId,
): Refusal | undefined {
  switch (command.type) {
    case 'UpdateRoom':
      return updateRoom(draft, command, by);
    case 'CloseRoom':
      return closeRoom(draft, by);
    case 'CreateInvite':
      return createInvite(draft, command, by);
    case 'Knock':
      return knock(draft, command, by);
    case 'AnswerKnock':
      return answerKnock(draft, command, by);
    case 'SetRole':
    case 'TransferHost':
      return decideRole(draft, command, by);
    case 'KickMember':
    case 'BanMember':
    case 'UnbanMember':
      return decideBan(draft, command, by);
    case 'Play':
    case 'Pause':
    case 'Seek':
    case 'Skip':
    case 'Previous':
    case 'Jump':
    case 'SetMode':
      return decidePlayback(draft, command, by);
    case 'AddToQueue':
    case 'RemoveFromQueue':
    case 'MoveInQueue':
    case 'ClearQueue':
    case 'UndoQueue':
      return decideQueue(draft, command, by);
    case 'VoteSkip':
    case 'VoteEntry':
      return decideVote(draft, command, by);
  }
}
