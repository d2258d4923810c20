// Requests that change a room: each becomes one command of the domain, and its outcome becomes the answer.
import type { UserId } from '../../../protocol/ids.ts';
import { refuse, type Refusal } from '../../../protocol/errors.ts';
import type { JsonObject } from '../../../protocol/merge-patch.ts';
import type { RequestOf, RequestType } from '../../../protocol/schemas/requests.ts';
import type { TrackInfo, UserCommand } from '../../domain/command.ts';
import { plainInvite } from '../../domain/decide-room.ts';
import type { RoomState } from '../../domain/room-state.ts';
import type { CommandOutcome } from '../room/decide-batch.ts';
import { trackInfoOf } from '../track-info.ts';
import {
  NOT_IN_ROOM,
  joined,
  ok,
  scopedKey,
  type Answer,
  type Handler,
  type HandlerContext,
  type HandlerTable,
} from './handler.ts';

type Done = Extract<CommandOutcome, { kind: 'done' }>;

/** Requests that name a room by `roomId` and are answered with its revision. */
type CommandType = {
  [T in RequestType]: RequestOf<T> extends { readonly roomId: string } ? T : never;
}[RequestType];

function revised(done: Done): JsonObject {
  return { epoch: done.epoch, revision: done.revision };
}

/** Builds the handler of one command. `toCommand` may refuse; `replyOf` adds to the answer. */
function commandHandler<T extends CommandType>(
  toCommand: (request: RequestOf<T>, context: HandlerContext) => UserCommand | Refusal,
  answerOf: (
    done: Done,
    request: RequestOf<T>,
    by: UserId,
    room: RoomState,
  ) => JsonObject = revised,
): Handler<T> {
  return async (request, context): Promise<Answer> => {
    const { roomId, key } = request as RequestOf<CommandType>;
    const member = joined(context, roomId);
    if (member === undefined) return NOT_IN_ROOM;
    const command = toCommand(request, context);
    if (!('type' in command)) return { kind: 'refused', refusal: command };
    const by = context.user.id;
    const scoped = scopedKey(by, key);
    const replyOf = (done: Done): JsonObject => answerOf(done, request, by, member.room.state);
    const outcome = await member.room.submit(command, {
      by,
      replyOf,
      span: context.span,
      ...(scoped === undefined ? {} : { key: scoped }),
    });
    switch (outcome.kind) {
      case 'done':
        return ok(replyOf(outcome));
      case 'repeated':
        return ok(outcome.reply);
      case 'refused':
        return outcome;
    }
  };
}

/** What the queue keeps of a track, or the refusal that names the unknown one. */
function trackInfos(
  request: RequestOf<'queue.add'>,
  context: HandlerContext,
): readonly TrackInfo[] | Refusal {
  const tracks: TrackInfo[] = [];
  for (const trackId of request.trackIds) {
    const track = context.ports.catalogue.get(trackId);
    if (track === undefined) return refuse('not_found', `no track "${trackId}" in the catalogue`);
    tracks.push(trackInfoOf(track));
  }
  return tracks;
}

function added(done: Done): JsonObject {
  const event = done.events.find((each) => each.type === 'QueueAdded');
  return { ...revised(done), entryIds: Object.keys(event?.entries ?? {}) };
}

/** The code that was made, or the one there was already. */
function invited(
  done: Done,
  request: RequestOf<'room.invite'>,
  by: UserId,
  room: RoomState,
): JsonObject {
  const made = done.events.find((event) => event.type === 'InviteCreated')?.code;
  return { invite: made ?? plainInvite(room, by, request.role ?? 'listener') ?? '' };
}

export const ROOM_COMMANDS = {
  'room.update': commandHandler(({ name, visibility, preset, settings }) => ({
    type: 'UpdateRoom',
    ...(name === undefined ? {} : { name }),
    ...(visibility === undefined ? {} : { visibility }),
    ...(preset === undefined ? {} : { preset }),
    ...(settings === undefined ? {} : { settings }),
  })),
  'room.close': commandHandler(() => ({ type: 'CloseRoom' })),
  'room.invite': commandHandler(
    ({ role, uses, expiresAt }, { ports }) => ({
      type: 'CreateInvite',
      code: ports.random.inviteCode(),
      ...(role === undefined ? {} : { role }),
      ...(uses === undefined ? {} : { uses }),
      ...(expiresAt === undefined ? {} : { expiresAt }),
    }),
    invited,
  ),
  'room.admit': commandHandler(({ userId, accept }) => ({ type: 'AnswerKnock', userId, accept })),
  'role.set': commandHandler(({ userId, role }) => ({ type: 'SetRole', userId, role })),
  'host.transfer': commandHandler(({ userId }) => ({ type: 'TransferHost', userId })),
  'member.kick': commandHandler(({ userId }) => ({ type: 'KickMember', userId })),
  'member.ban': commandHandler(({ userId, durationMs }) => ({
    type: 'BanMember',
    userId,
    ...(durationMs === undefined ? {} : { durationMs }),
  })),
  'member.unban': commandHandler(({ userId }) => ({ type: 'UnbanMember', userId })),
  'playback.play': commandHandler(({ entryId }) => ({
    type: 'Play',
    ...(entryId === undefined ? {} : { entryId }),
  })),
  'playback.pause': commandHandler(({ entryId }) => ({ type: 'Pause', entryId })),
  'playback.seek': commandHandler(({ entryId, positionMs }) => ({
    type: 'Seek',
    entryId,
    positionMs,
  })),
  'playback.skip': commandHandler(({ entryId }) => ({ type: 'Skip', entryId })),
  'playback.previous': commandHandler(({ entryId }) => ({ type: 'Previous', entryId })),
  'playback.jump': commandHandler(({ to }) => ({ type: 'Jump', to })),
  'playback.mode': commandHandler(({ repeat, shuffle }) => ({
    type: 'SetMode',
    ...(repeat === undefined ? {} : { repeat }),
    ...(shuffle === undefined ? {} : { shuffle }),
  })),
  'queue.add': commandHandler((request, context) => {
    const tracks = trackInfos(request, context);
    return 'code' in tracks ? tracks : { type: 'AddToQueue', tracks, at: request.at ?? 'end' };
  }, added),
  'queue.remove': commandHandler(({ entryIds }) => ({ type: 'RemoveFromQueue', entryIds })),
  'queue.move': commandHandler(({ entryId, beforeEntryId }) => ({
    type: 'MoveInQueue',
    entryId,
    ...(beforeEntryId === undefined ? {} : { beforeEntryId }),
  })),
  'queue.clear': commandHandler(() => ({ type: 'ClearQueue' })),
  'queue.undo': commandHandler(() => ({ type: 'UndoQueue' })),
  'vote.skip': commandHandler(({ entryId }) => ({ type: 'VoteSkip', entryId })),
  'vote.entry': commandHandler(({ entryId, value }) => ({ type: 'VoteEntry', entryId, value })),
} satisfies Partial<HandlerTable>;
