// Requests of talk: chat, which is kept, and reactions, which are not.
import { refuse } from '../../../protocol/errors.ts';
import { allows } from '../../../protocol/schemas/room.ts';
import { roleOf } from '../../domain/access.ts';
import { NOT_IN_ROOM, joined, ok, refused, scopedKey, type HandlerTable } from './handler.ts';

const DEFAULT_HISTORY = 50;

export const TALK = {
  'chat.send': async (request, context) => {
    const member = joined(context, request.roomId);
    if (member === undefined) return NOT_IN_ROOM;
    const { room } = member;
    const { user } = context;
    if (!allows(room.state.public.settings.chat, roleOf(room.state, user.id))) {
      return refused('forbidden', `the room lets ${room.state.public.settings.chat} chat`);
    }
    const { seq, at } = await room.chat.send(
      user.id,
      user.name,
      request.text,
      scopedKey(user.id, request.key),
    );
    return ok({ seq, at });
  },

  'chat.delete': async (request, context) => {
    const member = joined(context, request.roomId);
    if (member === undefined) return NOT_IN_ROOM;
    const { room } = member;
    const { user } = context;
    const target = await room.chat.find(request.seq);
    if (target?.kind !== 'message')
      return refused('not_found', `no message with seq ${request.seq}`);
    if (target.deleted === true) return ok({ seq: room.chat.lastSeq });
    if (target.userId !== user.id && roleOf(room.state, user.id) !== 'host') {
      return {
        kind: 'refused',
        refusal: refuse('forbidden', 'only its writer and the host delete a message'),
      };
    }
    const { seq } = await room.chat.delete(user.id, request.seq, scopedKey(user.id, request.key));
    return ok({ seq });
  },

  'chat.history': async (request, context) => {
    const member = joined(context, request.roomId);
    if (member === undefined) return NOT_IN_ROOM;
    return ok(await member.room.chat.history(request.before, request.limit ?? DEFAULT_HISTORY));
  },

  'reaction.send': (request, context) => {
    const member = joined(context, request.roomId);
    if (member === undefined) return NOT_IN_ROOM;
    const { room } = member;
    if (!allows(room.state.public.settings.chat, roleOf(room.state, context.user.id))) {
      return refused('forbidden', `the room lets ${room.state.public.settings.chat} react`);
    }
    if (room.reactions.add(request.emoji, context.user.id)) return ok();
    return refused(
      'rate_limited',
      'too many kinds of reactions at once',
      context.options.reactionWindowMs,
    );
  },
} satisfies Partial<HandlerTable>;
