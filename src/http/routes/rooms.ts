// Rooms: the public ones, one of them, a new one.
import { createRoute, z } from '@hono/zod-openapi';
import { refuse } from '../../../protocol/errors.ts';
import { RoomCodeSchema, RoomIdSchema } from '../../../protocol/schemas/primitives.ts';
import { costOf } from '../../hub/handlers/handlers.ts';
import type { LiveRoom } from '../../hub/live-room.ts';
import type { RoomDraft } from '../../hub/rooms.ts';
import type { HttpDeps } from '../http-deps.ts';
import { ProblemError } from '../problem.ts';
import { RoomBody, RoomDraftBody, RoomListBody } from '../schemas.ts';
import {
  BAD_REQUEST,
  BEARER,
  NOT_FOUND,
  RATE_LIMITED,
  UNAUTHORISED,
  authenticated,
  body,
  json,
  type App,
} from './route-parts.ts';

const MAX_ROOMS_LISTED = 100;

export function addRooms(app: App, deps: HttpDeps): void {
  const summary = (room: LiveRoom) => {
    const { id, code, name, visibility, createdAt } = room.state.public;
    return { id, code, name, visibility, createdAt, hereCount: room.members.count };
  };
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/rooms',
      summary: 'The public rooms, the fullest first',
      responses: { 200: json(RoomListBody, 'the rooms') },
    }),
    async (context) => {
      const rooms = await deps.archive.publicRooms(MAX_ROOMS_LISTED);
      return context.json(
        {
          rooms: rooms.map(({ roomId, ...room }) => ({
            ...room,
            id: roomId,
            visibility: 'public' as const,
          })),
        },
        200,
      );
    },
  );
  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/rooms',
      summary: 'Makes a room of mine',
      security: BEARER,
      middleware: authenticated(deps, costOf('room.create')),
      request: body(RoomDraftBody),
      responses: {
        201: json(RoomBody, 'the room'),
        ...BAD_REQUEST,
        ...UNAUTHORISED,
        ...RATE_LIMITED,
      },
    }),
    async (context) => {
      const { name, preset, visibility } = context.req.valid('json');
      const draft: RoomDraft = {
        name,
        ...(preset === undefined ? {} : { preset }),
        ...(visibility === undefined ? {} : { visibility }),
      };
      const room = await deps.rooms.create(context.get('user'), draft, deps.random.roomId());
      if ('code' in room) throw new ProblemError(room);
      return context.json(summary(room), 201);
    },
  );
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/rooms/{room}',
      summary: 'One room, by its id or code',
      request: { params: z.object({ room: z.string().max(64) }) },
      responses: { 200: json(RoomBody, 'the room'), ...NOT_FOUND },
    }),
    async (context) => {
      const given = context.req.valid('param').room;
      const roomId = RoomIdSchema.safeParse(given);
      const code = RoomCodeSchema.safeParse(given);
      const address = roomId.success
        ? { roomId: roomId.data }
        : code.success
          ? { code: code.data }
          : undefined;
      const room = address === undefined ? undefined : await deps.rooms.find(address);
      if (room === undefined) throw new ProblemError(refuse('not_found', 'no such room'));
      return context.json(summary(room), 200);
    },
  );
}
