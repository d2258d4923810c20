// Rooms: the public ones, one of them, a new one.
import { createRoute, z } from '@hono/zod-openapi';
import { refuse } from '../../../protocol/errors.ts';
import { RoomIdSchema } from '../../../protocol/schemas/primitives.ts';
import { costOf } from '../../hub/handlers/handlers.ts';
import type { LiveRoom } from '../../hub/room/live-room.ts';
import type { RoomDraft } from '../../hub/room/rooms.ts';
import type { RoomPlace } from '../../ports/archive.ts';
import { cursorOf, pageOf } from '../cursor.ts';
import type { HttpDeps } from '../http-deps.ts';
import { ProblemError } from '../problem.ts';
import { PageQuery, RoomBody, RoomDraftBody, RoomListBody } from '../schemas.ts';
import {
  BAD_REQUEST,
  BEARER,
  NOT_FOUND,
  RATE_LIMITED,
  UNAUTHORISED,
  authenticated,
  body,
  json,
  ratedByAddress,
  roomAddress,
  type App,
} from './route-parts.ts';

const MAX_HERE_COUNT = 2 ** 31 - 1;
/** The fullest rooms have changed places by the next page: a room may be met twice, or not at all. */
const ROOM_CURSOR = cursorOf<RoomPlace>(
  'rooms',
  z.object({
    hereCount: z.int().min(0).max(MAX_HERE_COUNT),
    createdAt: z.number(),
    roomId: RoomIdSchema,
  }),
);

export function addRooms(app: App, deps: HttpDeps): void {
  const summary = (room: LiveRoom) => {
    const { id, code, name, visibility, createdAt } = room.state.public;
    return { id, code, name, visibility, createdAt, hereCount: room.members.count };
  };
  // An address has the rate of one person.
  const rated = ratedByAddress(deps.options.userRate);
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/rooms',
      summary: 'The public rooms, the fullest first',
      description:
        'Rooms change places as people come and go: over several pages one may be met twice or not at all.',
      middleware: rated,
      request: { query: PageQuery },
      responses: { 200: json(RoomListBody, 'a page of rooms'), ...BAD_REQUEST, ...RATE_LIMITED },
    }),
    async (context) => {
      const { cursor, limit } = context.req.valid('query');
      const after = cursor === undefined ? undefined : ROOM_CURSOR.read(cursor);
      const found = await deps.archive.publicRooms(limit + 1, after);
      const { items, next } = pageOf(found, limit, ({ hereCount, createdAt, roomId }) =>
        ROOM_CURSOR.of({ hereCount, createdAt, roomId }),
      );
      const rooms = items.map(({ roomId, ...room }) => ({
        ...room,
        id: roomId,
        visibility: 'public' as const,
      }));
      return context.json({ rooms, ...(next === undefined ? {} : { next }) }, 200);
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
      const user = context.get('user');
      const maker = { userId: user.id, address: context.env.remoteAddress };
      const room = await deps.rooms.create(user, draft, deps.random.roomId(), maker);
      if ('code' in room) throw new ProblemError(room);
      return context.json(summary(room), 201);
    },
  );
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/rooms/{room}',
      summary: 'One room, by its id or code',
      middleware: rated,
      request: { params: z.object({ room: z.string().max(64) }) },
      responses: { 200: json(RoomBody, 'the room'), ...NOT_FOUND, ...RATE_LIMITED },
    }),
    async (context) => {
      const address = roomAddress(context.req.valid('param').room);
      const room = address === undefined ? undefined : await deps.rooms.find(address);
      if (room === undefined) throw new ProblemError(refuse('not_found', 'no such room'));
      return context.json(summary(room), 200);
    },
  );
}
