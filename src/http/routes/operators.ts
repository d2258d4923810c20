// What operators do: taking back tokens, finding who is in a room, letting somebody go, forgiving, and closing a room.
import { createRoute, z } from '@hono/zod-openapi';
import { refuse } from '../../../protocol/errors.ts';
import type { UserId } from '../../../protocol/ids.ts';
import type { LiveRoom } from '../../hub/room/live-room.ts';
import type { RevokedTokens } from '../../hub/revoked-tokens.ts';
import { peopleOf } from '../../hub/room/room-people.ts';
import type { Revocation, RevocationDraft } from '../../ports/revocations.ts';
import { cursorOf, pageOf } from '../cursor.ts';
import type { HttpDeps } from '../http-deps.ts';
import { ProblemError } from '../problem.ts';
import {
  RevocationBody,
  RevocationListBody,
  RevokeBody,
  RoomPeopleBody,
} from '../schemas-operators.ts';
import { PageQuery } from '../schemas.ts';
import {
  BAD_REQUEST,
  NOT_FOUND,
  OPERATOR_ERRORS,
  body,
  json,
  operatorRoute,
  problem,
  roomAddress,
  type App,
} from './route-parts.ts';

/** A token is taken a little after its end, by the tolerance for clocks: it stays revoked for as long. */
const KEPT_BEYOND_MS = 300_000;
const CURSOR = cursorOf('revocations', z.object({ id: z.uuid() }));

export function addOperators(app: App, deps: HttpDeps, revoked: RevokedTokens): void {
  const operator = operatorRoute(deps);
  const ERRORS = OPERATOR_ERRORS;

  app.openapi(
    createRoute({
      ...operator,
      method: 'post',
      path: '/v1/operator/revocations',
      summary: 'Takes back a token, all tokens of a person, or their leave to come',
      description:
        'Sockets that are open by it are closed with 4504 on every node, and it opens nothing any more. By `tokenId` it is that token alone; by `userId` all that were made until now, or as soon after it as clocks may be off, and a guest’s devices, so that a guest does not come back; with `ban` all that are made later, too, until it is lifted. `expiresAt` is when the last such token ends, or the ban does: then it is forgotten. Without, it holds until it is lifted. The same again takes the place of what there was.',
      request: body(RevokeBody),
      responses: { 201: json(RevocationBody, 'what holds now'), ...BAD_REQUEST, ...ERRORS },
    }),
    async (context) => {
      const asked = context.req.valid('json');
      if (asked.expiresAt !== undefined && asked.expiresAt <= Date.now())
        throw new ProblemError(refuse('bad_request', 'expiresAt: it is in the past'));
      const by = context.get('user').id;
      const revoke = () => revoked.revoke(draftOf(asked, Date.now(), by));
      let revocation = await revoke();
      if ('userId' in asked && asked.ban !== true) {
        // Only now that their tokens make no more of them, neither devices nor links.
        await dropDevices(deps, asked.userId);
        // What the devices brought until they were gone was made until now.
        revocation = await revoke();
      }
      deps.log.info(
        { by, revocation: revocation.id, kind: revocation.kind },
        'an operator revoked',
      );
      return context.json(bodyOf(revocation), 201);
    },
  );
  app.openapi(
    createRoute({
      ...operator,
      method: 'get',
      path: '/v1/operator/revocations',
      summary: 'What is revoked now',
      request: { query: PageQuery },
      responses: { 200: json(RevocationListBody, 'a page of them'), ...BAD_REQUEST, ...ERRORS },
    }),
    async (context) => {
      const { cursor, limit } = context.req.valid('query');
      const after = cursor === undefined ? undefined : CURSOR.read(cursor).id;
      const found = await revoked.page(limit + 1, after);
      const { items, next } = pageOf(found, limit, ({ id }) => CURSOR.of({ id }));
      const revocations = items.map((each) => bodyOf(each));
      return context.json({ revocations, ...(next === undefined ? {} : { next }) }, 200);
    },
  );
  app.openapi(
    createRoute({
      ...operator,
      method: 'delete',
      path: '/v1/operator/revocations/{id}',
      summary:
        'Lifts what was revoked: a token is good again for the rest of its life, a person may come',
      request: { params: z.object({ id: z.string().max(64) }) },
      responses: { 204: { description: 'done' }, ...NOT_FOUND, ...ERRORS },
    }),
    async (context) => {
      const lifted = await revoked.lift(context.req.valid('param').id);
      if (lifted === undefined) throw new ProblemError(refuse('not_found', 'no such revocation'));
      const by = context.get('user').id;
      deps.log.info({ by, revocation: lifted.id, kind: lifted.kind }, 'an operator lifted');
      return context.body(null, 204);
    },
  );
  const room = {
    path: '/v1/operator/rooms/{room}',
    request: { params: z.object({ room: z.string().max(64) }) },
  } as const;
  app.openapi(
    createRoute({
      ...operator,
      ...room,
      method: 'get',
      summary:
        'Who is in a room, by its id or code, of any visibility, and who may come back to it',
      description:
        'Everybody who is connected to it, on any node; of those who are not, whoever may be back in a moment, and the newest thousand who hold a role or were let in.',
      responses: {
        200: json(RoomPeopleBody, 'the room and its people'),
        ...NOT_FOUND,
        ...ERRORS,
      },
    }),
    async (context) => {
      const found = await roomOf(deps, context.req.valid('param').room);
      const { id, code, name, visibility, closed } = found.state.public;
      const by = context.get('user').id;
      deps.log.info({ by, roomId: id }, 'an operator looked at who is in a room');
      const hereCount = found.members.count;
      return context.json(
        {
          ...{ id, code, name, visibility, hereCount },
          isClosed: closed !== undefined,
          members: peopleOf(found),
        },
        200,
      );
    },
  );
  app.openapi(
    createRoute({
      ...operator,
      ...room,
      method: 'delete',
      summary: 'Closes a room for good, by its id or code, whoever it belongs to',
      description: 'Who is in it is told so and leaves it; what happened in it is kept.',
      responses: {
        204: { description: 'done' },
        ...NOT_FOUND,
        410: problem('it was closed before'),
        ...ERRORS,
      },
    }),
    async (context) => {
      const found = await roomOf(deps, context.req.valid('param').room);
      const by = context.get('user').id;
      const outcome = await found.submit({ type: 'ShutRoom', by });
      if (outcome.kind === 'refused') throw new ProblemError(outcome.refusal);
      deps.log.info({ by, roomId: found.id }, 'an operator closed a room');
      return context.body(null, 204);
    },
  );
}

/** Rejects with `not_found`. @param given its id or code */
async function roomOf({ rooms }: HttpDeps, given: string): Promise<LiveRoom> {
  const address = roomAddress(given);
  const room = address === undefined ? undefined : await rooms.find(address);
  if (room === undefined) throw new ProblemError(refuse('not_found', 'no such room'));
  return room;
}

function draftOf(asked: z.infer<typeof RevokeBody>, at: number, by: UserId): RevocationDraft {
  const { expiresAt, reason } = asked;
  const common = { at, by, reason };
  const ofTokens = expiresAt === undefined ? undefined : expiresAt + KEPT_BEYOND_MS;
  if ('tokenId' in asked)
    return { ...common, kind: 'token', tokenId: asked.tokenId, endsAt: ofTokens };
  return asked.ban === true
    ? { ...common, kind: 'ban', userId: asked.userId, endsAt: expiresAt }
    : { ...common, kind: 'user', userId: asked.userId, endsAt: ofTokens };
}

/** A guest’s devices bring tokens by themselves, and so does a link that is under way. */
async function dropDevices({ social, clock }: HttpDeps, userId: UserId): Promise<void> {
  if (social === undefined) return;
  const { accounts, dismissals } = social;
  // It takes the place of the one before, and nobody is told its code.
  await accounts.createLink(userId, clock.now());
  for (const { id } of await accounts.tokens(userId)) {
    if (await accounts.revoke(userId, id)) await dismissals.device(userId, id);
  }
}

/** What is undefined is not there. */
function bodyOf({ endsAt, reason, ...rest }: Revocation) {
  return {
    ...rest,
    ...(endsAt === undefined ? {} : { endsAt }),
    ...(reason === undefined ? {} : { reason }),
  };
}
