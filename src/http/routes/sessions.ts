// The sessions of a room, and the recap of one, for those who may know of them.
import { createRoute, z } from '@hono/zod-openapi';
import { refuse } from '../../../protocol/errors.ts';
import type { UserId } from '../../../protocol/ids.ts';
import { SessionIdSchema } from '../../../protocol/schemas/primitives.ts';
import { belongs, isBanned } from '../../domain/access.ts';
import { lookup } from '../../domain/records.ts';
import type { RoomState } from '../../domain/room-state.ts';
import { RecapTally, type SessionRecap } from '../../domain/session-recap.ts';
import type { LiveRoom } from '../../hub/room/live-room.ts';
import type { SessionPlace, SessionQuery, SessionRecord } from '../../ports/archive.ts';
import { cursorOf, pageOf } from '../cursor.ts';
import type { HttpDeps } from '../http-deps.ts';
import { ProblemError } from '../problem.ts';
import { MAX_RECAPPED, PageQuery, SessionBody, SessionListBody } from '../schemas.ts';
import {
  BAD_REQUEST,
  BEARER,
  NOT_FOUND,
  RATE_LIMITED,
  UNAUTHORISED,
  authenticated,
  json,
  roomAddress,
  type App,
} from './route-parts.ts';

/** A recap reads all of a session's events. */
const RECAP_COST = 5;

const SESSION_CURSOR = cursorOf<SessionPlace>(
  'sessions',
  z.object({ startedAt: z.number(), sessionId: SessionIdSchema }),
);

export function addSessions(app: App, deps: HttpDeps): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/rooms/{room}/sessions',
      summary: 'The sessions of a room that I may know of, the newest first',
      description:
        'All of them for its owner and those who were let in; for others those that they took part in, and of a public room those that ' +
        'began since it is public. Over several pages none is left out or met twice.',
      security: BEARER,
      middleware: authenticated(deps),
      request: { params: z.object({ room: z.string().max(64) }), query: PageQuery },
      responses: {
        200: json(SessionListBody, 'a page of sessions'),
        ...BAD_REQUEST,
        ...UNAUTHORISED,
        ...NOT_FOUND,
        ...RATE_LIMITED,
      },
    }),
    async (context) => {
      const { cursor, limit } = context.req.valid('query');
      const after = cursor === undefined ? undefined : SESSION_CURSOR.read(cursor);
      const address = roomAddress(context.req.valid('param').room);
      const room = address === undefined ? undefined : await deps.rooms.find(address);
      const seenBy =
        room === undefined ? 'none' : await sessionsSeen(deps, room, context.get('user').id);
      if (room === undefined || seenBy === 'none')
        throw new ProblemError(refuse('not_found', 'no such room'));
      const found = await deps.archive.sessionsOf(room.id, {
        limit: limit + 1,
        ...(after === undefined ? {} : { after }),
        ...(seenBy === 'all' ? {} : { seenBy }),
      });
      const { items, next } = pageOf(found, limit, ({ startedAt, sessionId }) =>
        SESSION_CURSOR.of({ startedAt, sessionId }),
      );
      const sessions = items.map(({ sessionId, ...session }) => ({ id: sessionId, ...session }));
      return context.json({ sessions, ...(next === undefined ? {} : { next }) }, 200);
    },
  );
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/sessions/{id}',
      summary: 'One session: who was there, what played, what was skipped and voted',
      security: BEARER,
      middleware: authenticated(deps, RECAP_COST),
      request: { params: z.object({ id: z.string().max(64) }) },
      responses: {
        200: json(SessionBody, 'the session'),
        ...UNAUTHORISED,
        ...NOT_FOUND,
        ...RATE_LIMITED,
      },
    }),
    async (context) => {
      const id = SessionIdSchema.safeParse(context.req.valid('param').id);
      const session = id.success ? await deps.archive.session(id.data) : undefined;
      const room = session === undefined ? undefined : await deps.rooms.open(session.roomId);
      const viewer = context.get('user').id;
      if (
        session === undefined ||
        room === undefined ||
        !(await isSeen(deps, session, room, viewer))
      )
        throw new ProblemError(refuse('not_found', 'no such session'));
      const tally = new RecapTally();
      for await (const events of deps.archive.sessionEvents(session.sessionId))
        for (const event of events) tally.add(event);
      const recap = tally.recap(session, Math.round(deps.clock.now()), room.state.public.queue);
      const isNamed = await whoIsNamed(deps, session, room, viewer);
      return context.json(sessionBody(session, room.state, recap, isNamed), 200);
    },
  );
}

/** Which sessions of the room somebody may know of. */
async function sessionsSeen(
  deps: HttpDeps,
  room: LiveRoom,
  userId: UserId,
): Promise<'all' | 'none' | Required<SessionQuery>['seenBy']> {
  if (belongs(room.state, userId, deps.clock.now())) return 'all';
  const publicSince = await publicSinceFor(deps, room, userId);
  if (publicSince !== undefined) return { userId, publicSince };
  const isKnown =
    lookup(room.state.members, userId)?.here === true ||
    (await deps.archive.tookPart(room.id, userId));
  return isKnown ? { userId } : 'none';
}

async function isSeen(
  deps: HttpDeps,
  session: SessionRecord,
  room: LiveRoom,
  userId: UserId,
): Promise<boolean> {
  if (session.participations.some((participation) => participation.userId === userId)) return true;
  if (belongs(room.state, userId, deps.clock.now())) return true;
  const publicSince = await publicSinceFor(deps, room, userId);
  return publicSince !== undefined && session.startedAt >= publicSince;
}

/**
 * Whom a recap names: to those who were there or belong to the room everybody but who blocks them or is blocked; to passers-by of a public
 * room nobody but themselves.
 */
async function whoIsNamed(
  deps: HttpDeps,
  session: SessionRecord,
  room: LiveRoom,
  viewer: UserId,
): Promise<(userId: UserId) => boolean> {
  const people = session.participations.map(({ userId }) => userId);
  const isInside = people.includes(viewer) || belongs(room.state, viewer, deps.clock.now());
  if (!isInside) return (userId) => userId === viewer;
  const blocked = await deps.social?.friends.blockedAmong(viewer, people);
  return (userId) => blocked?.has(userId) !== true;
}

/** What was private when it happened stays so when the door is opened later. Undefined for a room that is not open to this person. */
async function publicSinceFor(
  deps: HttpDeps,
  room: LiveRoom,
  userId: UserId,
): Promise<number | undefined> {
  const isOpen =
    room.state.public.visibility === 'public' && !isBanned(room.state, userId, deps.clock.now());
  return isOpen ? deps.archive.publicSince(room.id) : undefined;
}

function sessionBody(
  session: SessionRecord,
  room: RoomState,
  recap: SessionRecap,
  isNamed: (userId: UserId) => boolean,
) {
  const { sessionId, startedAt, endedAt } = session;
  const names = new Map(recap.people.map(({ userId, name }) => [userId, name]));
  const named = (userId: UserId) => ({ userId, name: names.get(userId) ?? '' });
  const { id, code, name } = room.public;
  return {
    id: sessionId,
    room: { id, code, name },
    startedAt,
    ...(endedAt === undefined ? {} : { endedAt }),
    people: recap.people
      .filter(({ userId }) => isNamed(userId))
      .slice(0, MAX_RECAPPED)
      .map(({ stays, ...person }) => ({
        ...person,
        stays: stays.slice(0, MAX_RECAPPED),
      })),
    plays: recap.plays.slice(0, MAX_RECAPPED),
    skips: recap.skips.slice(0, MAX_RECAPPED).map(({ by, voters, ...skip }) => ({
      ...skip,
      ...(by === undefined || !isNamed(by) ? {} : { by: named(by) }),
      voters: voters.filter(isNamed).slice(0, MAX_RECAPPED).map(named),
    })),
    votes: recap.votes.slice(0, MAX_RECAPPED),
    counts: recap.counts,
  };
}
