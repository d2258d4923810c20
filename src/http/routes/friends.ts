// Friends: who they are, requests, blocks, people met, and who may see what one listens to.
import { createRoute, z } from '@hono/zod-openapi';
import { refuse } from '../../../protocol/errors.ts';
import type { HubMs, UserId } from '../../../protocol/ids.ts';
import { ROOM_CODE_LENGTH, UserIdSchema } from '../../../protocol/schemas/primitives.ts';
import { checkPrivateUntil, isFriendCode } from '../../domain/people.ts';
import { audienceView } from '../../hub/feed/feed-viewer.ts';
import { personOf } from '../../hub/listening/live-activity.ts';
import type { Change, PersonSince } from '../../ports/friends.ts';
import type { HttpDeps } from '../http-deps.ts';
import { ProblemError } from '../problem.ts';
import {
  AskBody,
  AskedBody,
  AudienceBody,
  AudienceChangeBody,
  CodeBody,
  OverviewBody,
  PeopleBody,
  PersonBody,
} from '../schemas-people.ts';
import { SharedBuckets } from '../shared-buckets.ts';
import type { SocialDeps } from '../social-deps.ts';
import {
  BAD_REQUEST,
  BEARER,
  NOT_FOUND,
  RATE_LIMITED,
  UNAUTHORISED,
  authenticated,
  body,
  json,
  problem,
  type App,
} from './route-parts.ts';

/** Of codes, by address: far fewer than would find one. */
const CODE_RATE = { perSecond: 0.2, burst: 20 };
const MOST_MET = 50;
const SEARCH_COST = 5;

const DONE = { 204: { description: 'done' } };
const TOO_MANY = { 409: problem('as many as there may be') };
const ERRORS = { ...BAD_REQUEST, ...UNAUTHORISED, ...NOT_FOUND, ...RATE_LIMITED };

const NO_SUCH_PERSON = refuse('not_found', 'no such person');

export function addFriends(app: App, deps: HttpDeps, { friends, desk }: SocialDeps): void {
  const codes = new SharedBuckets<string>('codes', CODE_RATE, deps.sharedRates);
  const now = (): number => deps.clock.now();
  const common = { security: BEARER, middleware: authenticated(deps) } as const;
  const withPerson = { params: z.object({ userId: z.string().max(64) }) };

  /** Tells what has changed, and refuses by the outcome. */
  function settled<T extends string>(change: Change<T>, refusals: Partial<Record<T, string>>): T {
    desk.tell(change);
    const why = refusals[change.outcome];
    if (why === undefined) return change.outcome;
    throw new ProblemError(
      change.outcome === 'too_many' ? refuse('conflict', why) : refuse('not_found', why),
    );
  }

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/friends',
      summary: 'My friends, the requests that wait, and whom I block; each list the newest first',
      responses: {
        200: json(OverviewBody, 'all of it, of one moment'),
        ...UNAUTHORISED,
        ...RATE_LIMITED,
      },
    }),
    async (context) => {
      const found = await friends.overview(context.get('user').id);
      return context.json(
        {
          friends: found.friends.map(sinceOf),
          incoming: found.incoming.map(sinceOf),
          incomingCount: found.incomingCount,
          outgoing: found.outgoing.map(sinceOf),
          blocked: found.blocked.map(sinceOf),
        },
        200,
      );
    },
  );

  for (const method of ['get', 'post'] as const) {
    app.openapi(
      createRoute({
        ...common,
        method,
        path: '/v1/friends/code',
        summary:
          method === 'get'
            ? 'The code of my link, by which others ask to be my friend'
            : 'Another code; the one before leads nowhere from now on',
        responses: { 200: json(CodeBody, 'the code'), ...ERRORS },
      }),
      async (context) => {
        const { id } = context.get('user');
        const code = await (method === 'get' ? friends.codeOf(id) : friends.resetCode(id));
        if (code === undefined) throw new ProblemError(NO_SUCH_PERSON);
        return context.json({ code }, 200);
      },
    );
  }

  const byCode = async (typed: string, by: UserId, address: string) => {
    const waitMs = await codes.take(address, 1, performance.now());
    if (waitMs > 0)
      throw new ProblemError(refuse('rate_limited', 'too many codes from this address', waitMs));
    const code = typed.toUpperCase().replaceAll(/[\s-]/g, '');
    const person = isFriendCode(code) ? await friends.findByCode(code, by) : undefined;
    if (person === undefined) throw new ProblemError(NO_SUCH_PERSON);
    return person;
  };
  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/people/{code}',
      summary: 'Whose link it is',
      request: { params: z.object({ code: z.string().max(ROOM_CODE_LENGTH * 4) }) },
      responses: { 200: json(PersonBody, 'the person'), ...ERRORS },
    }),
    async (context) => {
      const { code } = context.req.valid('param');
      const person = await byCode(code, context.get('user').id, context.env.remoteAddress);
      return context.json(personOf(person), 200);
    },
  );
  app.openapi(
    createRoute({
      security: BEARER,
      middleware: authenticated(deps, SEARCH_COST),
      method: 'get',
      path: '/v1/people',
      summary: 'People I was in a room with, whoever was met last first',
      request: { query: z.object({ q: z.string().max(200).optional() }) },
      responses: {
        200: json(PeopleBody, 'at most fifty'),
        ...BAD_REQUEST,
        ...UNAUTHORISED,
        ...RATE_LIMITED,
      },
    }),
    async (context) => {
      const { q } = context.req.valid('query');
      const query = { limit: MOST_MET, ...(q === undefined ? {} : { typed: q }) };
      const found = await friends.companions(context.get('user').id, query);
      return context.json({ people: found.map(sinceOf) }, 200);
    },
  );

  app.openapi(
    createRoute({
      ...common,
      method: 'post',
      path: '/v1/friends/requests',
      summary: 'Asks somebody to be my friend; whoever had asked me is one then',
      request: body(AskBody),
      responses: { 200: json(AskedBody, 'what came of it'), ...ERRORS, ...TOO_MANY },
    }),
    async (context) => {
      const asked = context.req.valid('json');
      const { id } = context.get('user');
      const to =
        'userId' in asked
          ? asked.userId
          : (await byCode(asked.code, id, context.env.remoteAddress)).userId;
      const outcome = settled(await friends.request(id, to, now()), {
        refused: NO_SUCH_PERSON.message,
        too_many: 'too many friends or open requests',
      });
      return context.json({ status: outcome === 'sent' ? 'sent' : 'friends' } as const, 200);
    },
  );

  const act = (
    method: 'post' | 'delete' | 'put',
    path: string,
    summary: string,
    perform: (me: UserId, other: UserId) => Promise<unknown>,
  ): void => {
    app.openapi(
      createRoute({
        ...common,
        method,
        path,
        summary,
        request: withPerson,
        responses: { ...DONE, ...ERRORS, ...TOO_MANY },
      }),
      async (context) => {
        const other = UserIdSchema.safeParse(context.req.valid('param').userId);
        if (!other.success) throw new ProblemError(NO_SUCH_PERSON);
        await perform(context.get('user').id, other.data);
        return context.body(null, 204);
      },
    );
  };
  const noRequest = { none: 'no such request' };
  act('post', '/v1/friends/requests/{userId}/accept', 'Accepts a request', async (me, other) =>
    settled(await friends.accept(me, other, now()), { ...noRequest, too_many: 'too many friends' }),
  );
  act('post', '/v1/friends/requests/{userId}/decline', 'Declines a request', async (me, other) =>
    settled(await friends.decline(me, other, now()), noRequest),
  );
  act('delete', '/v1/friends/requests/{userId}', 'Takes my request back', async (me, other) =>
    settled(await friends.cancel(me, other), noRequest),
  );
  act('delete', '/v1/friends/{userId}', 'Ends a friendship', async (me, other) =>
    settled(await friends.remove(me, other), { none: NO_SUCH_PERSON.message }),
  );
  act(
    'put',
    '/v1/blocks/{userId}',
    'Blocks a person, and ends what is between us; an id that is nobody’s is answered alike',
    async (me, other) => {
      const change = await friends.block(me, other, now());
      const outcome = settled(change, { too_many: 'too many blocked people' });
      if (outcome !== 'refused') return;
      // Else whoever blocks me could be told from who is not there: of them nothing is said.
      if (me === other || (await deps.users.find(me)) === undefined)
        throw new ProblemError(NO_SUCH_PERSON);
    },
  );
  act('delete', '/v1/blocks/{userId}', 'Blocks a person no more, if I did', async (me, other) =>
    settled(await friends.unblock(me, other), {}),
  );

  app.openapi(
    createRoute({
      ...common,
      method: 'get',
      path: '/v1/me/audience',
      summary: 'Who sees what I listen to',
      responses: { 200: json(AudienceBody, 'as it is'), ...ERRORS },
    }),
    async (context) => {
      const found = await friends.audience(context.get('user').id);
      if (found === undefined) throw new ProblemError(NO_SUCH_PERSON);
      return context.json(audienceBody(audienceView(found, now())), 200);
    },
  );
  app.openapi(
    createRoute({
      ...common,
      method: 'put',
      path: '/v1/me/audience',
      summary: 'Sets who sees what I listen to; what is absent stays',
      request: body(AudienceChangeBody),
      responses: { 200: json(AudienceBody, 'as it is now'), ...ERRORS },
    }),
    async (context) => {
      const { audience, userIds, privateUntil } = context.req.valid('json');
      checkedPrivateUntil(privateUntil, now());
      const set = await desk.setAudience(context.get('user').id, {
        ...(audience === undefined ? {} : { audience }),
        ...(userIds === undefined ? {} : { chosen: userIds }),
        ...(privateUntil === undefined ? {} : { privateUntil }),
      });
      if (set.after === undefined) throw new ProblemError(NO_SUCH_PERSON);
      return context.json(audienceBody(audienceView(set.after, now())), 200);
    },
  );
}

function checkedPrivateUntil(privateUntil: HubMs | null | undefined, now: HubMs): void {
  try {
    checkPrivateUntil(privateUntil, now);
  } catch (error) {
    if (error instanceof RangeError) throw new ProblemError(refuse('bad_request', error.message));
    throw error;
  }
}

function sinceOf(person: PersonSince) {
  return { ...personOf(person), at: person.at };
}

function audienceBody(view: ReturnType<typeof audienceView>) {
  return { ...view, chosen: [...view.chosen] };
}
