// What was listened to: the feed's past, histories, one's own listens and counts, and with whom.
import { createRoute, z } from '@hono/zod-openapi';
import { refuse } from '../../../protocol/errors.ts';
import type { UserId } from '../../../protocol/ids.ts';
import { ActivityIdSchema, UserIdSchema } from '../../../protocol/schemas/primitives.ts';
import { KeyedBuckets } from '../../domain/rate-limit.ts';
import { personOf } from '../../hub/listening/live-activity.ts';
import type { ActivityPlace, Listen, PastActivity, Range } from '../../ports/activity-log.ts';
import type { SessionSummary } from '../../ports/archive.ts';
import { cursorOf, pageOf } from '../cursor.ts';
import type { HttpDeps } from '../http-deps.ts';
import { ProblemError } from '../problem.ts';
import {
  CountsBody,
  CountsQuery,
  FeedBody,
  HistoryBody,
  ListensBody,
  TogetherBody,
  TogetherQuery,
} from '../schemas-listening.ts';
import { PageQuery } from '../schemas.ts';
import type { SocialDeps } from '../social-deps.ts';
import {
  BAD_REQUEST,
  BEARER,
  NOT_FOUND,
  RATE_LIMITED,
  UNAUTHORISED,
  authenticated,
  json,
  type App,
} from './route-parts.ts';

const PAGE_COST = 2;
/** What reads all of a time. */
const SUM_COST = 10;
/** What reads all that others heard of it, too. */
const TOGETHER_COST = 40;
/**
 * Of sums alone, a person: a page asks for four at once, and whoever looks at their numbers is not to be kept from playing. As many as
 * there are stretches of time to look at, one after the other.
 */
const SUMS_RATE = { perSecond: 40, burst: 4 * (3 * SUM_COST + TOGETHER_COST) };

const Place = z.object({ at: z.number(), id: ActivityIdSchema });
const FEED_CURSOR = cursorOf<ActivityPlace>('feed', Place);
const HISTORY_CURSOR = cursorOf<ActivityPlace>('history', Place);
const LISTENS_CURSOR = cursorOf<ActivityPlace>('listens', Place);

const ERRORS = { ...BAD_REQUEST, ...UNAUTHORISED, ...RATE_LIMITED };
const NO_TIME_ZONE = refuse('bad_request', 'timeZone: not the name of a time zone that is known');
const NO_SUCH_PERSON = refuse('not_found', 'no such person');

export function addListening(app: App, deps: HttpDeps, social: SocialDeps): void {
  const { activities, activityLog, friends, history } = social;
  const paged = { security: BEARER, middleware: authenticated(deps, PAGE_COST) } as const;
  const sums = new KeyedBuckets<UserId>(SUMS_RATE);
  const summed = (cost: number) =>
    ({
      security: BEARER,
      middleware: authenticated(deps, cost, (userId, tokens) =>
        sums.take(userId, tokens, deps.clock.now()),
      ),
    }) as const;
  const rangeOf = ({ from, to }: { from: number; to?: number | undefined }): Range => ({
    from,
    to: to ?? deps.clock.now(),
  });

  app.openapi(
    createRoute({
      ...paged,
      method: 'get',
      path: '/v1/feed',
      summary: 'What my friends have listened to, the newest first',
      description:
        'What is live is as it is now. Over several pages nothing is left out or met twice, whatever begins meanwhile.',
      request: { query: PageQuery },
      responses: { 200: json(FeedBody, 'a page of the feed'), ...ERRORS },
    }),
    async (context) => {
      const { cursor, limit } = context.req.valid('query');
      const after = cursor === undefined ? undefined : FEED_CURSOR.read(cursor);
      const found = await history.recent(context.get('user').id, { limit: limit + 1, after });
      const { items, next } = pageOf(found, limit, ({ place }) => FEED_CURSOR.of(place));
      const shown = items.flatMap(({ item }) => item ?? []);
      return context.json({ items: shown, ...(next === undefined ? {} : { next }) }, 200);
    },
  );

  app.openapi(
    createRoute({
      ...paged,
      method: 'get',
      path: '/v1/users/{id}/history',
      summary: 'What a friend, or I, have listened to, the newest first',
      request: { params: z.object({ id: z.string().max(64) }), query: PageQuery },
      responses: { 200: json(HistoryBody, 'a page of the history'), ...ERRORS, ...NOT_FOUND },
    }),
    async (context) => {
      const { cursor, limit } = context.req.valid('query');
      const after = cursor === undefined ? undefined : HISTORY_CURSOR.read(cursor);
      const author = UserIdSchema.safeParse(context.req.valid('param').id);
      const viewer = context.get('user').id;
      const found = author.success
        ? await history.historyOf(viewer, author.data, { limit: limit + 1, after })
        : undefined;
      if (found === undefined) throw new ProblemError(NO_SUCH_PERSON);
      const { items, next } = pageOf(found, limit, ({ place }) => HISTORY_CURSOR.of(place));
      const shown = items.flatMap(({ activity }) => activity ?? []);
      return context.json(
        { items: shown.map(pastBody), ...(next === undefined ? {} : { next }) },
        200,
      );
    },
  );

  app.openapi(
    createRoute({
      ...paged,
      method: 'delete',
      path: '/v1/me/activities/{id}',
      summary: 'Takes back something that I listened to: it goes from everybody, for good',
      request: { params: z.object({ id: z.string().max(64) }) },
      responses: { 204: { description: 'done' }, ...ERRORS, ...NOT_FOUND },
    }),
    async (context) => {
      const id = ActivityIdSchema.safeParse(context.req.valid('param').id);
      if (!id.success) throw new ProblemError(refuse('not_found', 'no such activity'));
      await activities.remove(context.get('user').id, id.data);
      return context.body(null, 204);
    },
  );

  app.openapi(
    createRoute({
      ...paged,
      method: 'get',
      path: '/v1/me/listens',
      summary: 'My listens that count, the newest first, with the gatherings they were heard in',
      request: { query: PageQuery },
      responses: { 200: json(ListensBody, 'a page of listens'), ...ERRORS },
    }),
    async (context) => {
      const { cursor, limit } = context.req.valid('query');
      const after = cursor === undefined ? undefined : LISTENS_CURSOR.read(cursor);
      const query = { limit: limit + 1, after };
      const found = await activityLog.listensPage(context.get('user').id, query);
      const { items, next } = pageOf(found, limit, ({ at, listenId: id }) =>
        LISTENS_CURSOR.of({ at, id }),
      );
      const sessionIds = new Set(items.flatMap(({ sessionId }) => sessionId ?? []));
      const sessions = await deps.archive.summaries([...sessionIds]);
      const bySession = new Map(sessions.map((session) => [session.sessionId, session]));
      const listens = items.map((listen) =>
        listenBody(
          listen,
          listen.sessionId === undefined ? undefined : bySession.get(listen.sessionId),
        ),
      );
      return context.json({ listens, ...(next === undefined ? {} : { next }) }, 200);
    },
  );

  app.openapi(
    createRoute({
      ...summed(SUM_COST),
      method: 'get',
      path: '/v1/me/listens/counts',
      summary: 'My listens by track, artist or day',
      request: { query: CountsQuery },
      responses: { 200: json(CountsBody, 'the most first; days the latest first'), ...ERRORS },
    }),
    async (context) => {
      const { by, timeZone: asked, limit, ...range } = context.req.valid('query');
      const timeZone = timeZoneOf(asked);
      if (timeZone === undefined) throw new ProblemError(NO_TIME_ZONE);
      const query = { ...rangeOf(range), by, timeZone, limit };
      const counts = await countsOf(() => activityLog.counts(context.get('user').id, query));
      return context.json({ counts: counts.map((count) => ({ ...count })) }, 200);
    },
  );

  app.openapi(
    createRoute({
      ...summed(TOGETHER_COST),
      method: 'get',
      path: '/v1/me/together',
      summary: 'With whom I listened, the longest first',
      request: { query: TogetherQuery },
      responses: { 200: json(TogetherBody, 'people, and how long'), ...ERRORS },
    }),
    async (context) => {
      const { limit, ...range } = context.req.valid('query');
      const me = context.get('user').id;
      // More than are asked for, as some are not to be named.
      const query = { ...rangeOf(range), limit: limit * 2 };
      const found = await activityLog.together(me, query);
      const ids = found.map(({ userId }) => userId);
      const [known, blocked] = await Promise.all([
        friends.profiles(ids),
        friends.blockedAmong(me, ids),
      ]);
      const byId = new Map(known.map((person) => [person.userId, personOf(person)]));
      const people = found.flatMap(({ userId, heardMs, plays }) => {
        const person = byId.get(userId);
        return person === undefined || blocked.has(userId) ? [] : [{ person, heardMs, plays }];
      });
      return context.json({ people: people.slice(0, limit) }, 200);
    },
  );
}

function pastBody(past: PastActivity) {
  const { activityId, at, endedAt, track, roomId, roomName, isPrivate } = past;
  return {
    activityId,
    at,
    ...(endedAt === undefined ? {} : { endedAt }),
    track,
    ...(roomId === undefined ? {} : { roomId }),
    ...(roomName === undefined ? {} : { roomName }),
    isPrivate,
  };
}

function listenBody(
  { listenId, at, track, heardMs, roomId }: Listen,
  session: SessionSummary | undefined,
) {
  return {
    id: listenId,
    at,
    track,
    heardMs,
    ...(roomId === undefined ? {} : { roomId }),
    ...(session === undefined
      ? {}
      : {
          session: {
            id: session.sessionId,
            startedAt: session.startedAt,
            ...(session.endedAt === undefined ? {} : { endedAt: session.endedAt }),
            peopleCount: session.peopleCount,
            playCount: session.playCount,
          },
        }),
  };
}

/**
 * The zone as every store reads it; undefined for what is none. An offset means the opposite to Postgres, and letters alone (`IST`, `CET`) are an
 * abbreviation to it, whose days are not those of the zone of that name.
 */
function timeZoneOf(name: string): string | undefined {
  if (/^[+-]/.test(name)) return undefined;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
    return timeZone.includes('/') || timeZone === 'UTC' ? timeZone : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** A zone may be known here, and not to the store. */
async function countsOf<T>(count: () => Promise<T>): Promise<T> {
  try {
    return await count();
  } catch (error) {
    if (error instanceof RangeError) throw new ProblemError(NO_TIME_ZONE);
    throw error;
  }
}
