// The whole of HTTP on the hub's port: REST with its OpenAPI document, media, health, metrics and the page.
import { OpenAPIHono, createRoute, z } from '@hono/zod-openapi';
import type { Context, MiddlewareHandler } from 'hono';
import { asyncApi } from '../../protocol/async-api.ts';
import { refuse } from '../../protocol/errors.ts';
import type { TrackId, UserId } from '../../protocol/ids.ts';
import type { User } from '../../protocol/schemas/pushes.ts';
import { RoomCodeSchema, RoomIdSchema } from '../../protocol/schemas/primitives.ts';
import { PROTOCOL_VERSION } from '../../protocol/version.ts';
import { KeyedBuckets } from '../domain/rate-limit.ts';
import type { HubOptions } from '../hub/hub-options.ts';
import type { LiveRoom } from '../hub/live-room.ts';
import { costOf } from '../hub/handlers/handlers.ts';
import { peerAddress } from '../hub/peer-address.ts';
import type { RoomDraft, Rooms } from '../hub/rooms.ts';
import type { Archive } from '../ports/archive.ts';
import type { Authenticator } from '../ports/authenticator.ts';
import type { Catalogue, Track } from '../ports/catalogue.ts';
import type { HubClock } from '../ports/hub-clock.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Random } from '../ports/random.ts';
import { StoreUnavailable } from '../ports/room-log.ts';
import type { Users } from '../ports/users.ts';
import { createMediaRoutes } from './media-route.ts';
import type { MediaSignature } from './media-signature.ts';
import type { Page } from './page.ts';
import { ProblemError, problemResponse } from './problem.ts';
import {
  NameBody,
  ProblemBody,
  ReadyBody,
  RoomBody,
  RoomDraftBody,
  RoomListBody,
  TokenBody,
  TrackDetailBody,
  TrackPageBody,
  TrackQuery,
  UserBody,
} from './schemas.ts';

export interface HttpDeps {
  readonly rooms: Rooms;
  readonly users: Users;
  readonly archive: Archive;
  readonly authenticator: Authenticator;
  readonly catalogue: Catalogue;
  readonly clock: HubClock;
  readonly random: Random;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly options: HubOptions;
  readonly signature: MediaSignature;
  /** Undefined where the page was not built. */
  readonly page: Page | undefined;
  readonly guests: boolean;
  /** Takes `cost` from the rate of a person, who has one for REST and sockets; 0, or the wait in ms. */
  takeRate(userId: UserId, cost: number): number;
  /** Why this process should get no new visitors; empty when it should. */
  notReady(): readonly string[];
}

export interface Peer {
  readonly remoteAddress: string;
}

interface Env {
  Bindings: Peer;
  Variables: { user: User };
}

export type HttpApp = (request: Request, peer: Peer) => Response | Promise<Response>;

const MAX_ROOMS_LISTED = 100;
const BEARER = [{ bearer: [] }];
const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: ProblemBody } },
});
const json = <S extends z.ZodType>(schema: S, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});
const body = <S extends z.ZodType>(schema: S) => ({
  body: { required: true, content: { 'application/json': { schema } } },
});
const UNAUTHORISED = { 401: problem('no valid token') };
const RATE_LIMITED = { 429: problem('too many requests; the answer says when to come back') };
const NOT_FOUND = { 404: problem('no such thing') };
const BAD_REQUEST = { 400: problem('a field is missing or malformed; the detail names it') };

export function createHttpApp(deps: HttpDeps): HttpApp {
  const app = new OpenAPIHono<Env>({
    defaultHook: (result) => {
      if (result.success) return;
      const issue = result.error.issues[0];
      const where = issue === undefined ? '' : issue.path.map(String).join('.');
      throw new ProblemError(
        refuse('bad_request', `${where}${where === '' ? '' : ': '}${issue?.message ?? 'invalid'}`),
      );
    },
  });
  app.onError((error) => {
    if (error instanceof ProblemError) return problemResponse(error.refusal);
    if (error instanceof StoreUnavailable)
      return problemResponse(refuse('unavailable', error.message, 1_000));
    if (isBadJson(error)) return problemResponse(refuse('bad_request', 'the body is not JSON'));
    deps.log.error({ err: error }, 'a request failed');
    return problemResponse(refuse('internal', 'the hub failed; it has been logged'));
  });
  app.notFound(
    (context) =>
      deps.page?.(new URL(context.req.url).pathname, context.req.raw) ??
      problemResponse(
        refuse('not_found', `nothing at ${new URL(context.req.url).pathname.slice(0, 200)}`),
      ),
  );

  addPeople(app, deps);
  addTracks(app, deps);
  addRooms(app, deps);
  addOperations(app, deps);
  app.route(
    '/',
    createMediaRoutes({
      catalogue: deps.catalogue,
      signature: deps.signature,
      nowMs: () => Date.now(),
    }),
  );
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
  });
  app.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: {
      title: 'Earshot',
      version: PROTOCOL_VERSION,
      description:
        'REST beside the socket at `/v1/socket`, whose messages are described in `/asyncapi.json`.',
    },
  });
  return (request, peer) =>
    app.fetch(request, {
      remoteAddress: peerAddress(
        peer.remoteAddress,
        request.headers.get('x-forwarded-for') ?? undefined,
        deps.options.trustProxy,
      ),
    });
}

type App = OpenAPIHono<Env>;

function addPeople(app: App, deps: HttpDeps): void {
  const guests = new KeyedBuckets<string>(deps.options.guestRate);
  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/guests',
      summary: 'A name becomes a guest with a token',
      request: body(NameBody),
      responses: {
        201: json(TokenBody, 'the guest'),
        ...BAD_REQUEST,
        403: problem('this hub takes no guests'),
        429: problem('too many guests from this address'),
      },
    }),
    async (context) => {
      if (!deps.guests)
        throw new ProblemError(refuse('guests_disabled', 'this hub gives no tokens to guests'));
      const waitMs = guests.take(context.env.remoteAddress, 1, performance.now());
      if (waitMs > 0)
        throw new ProblemError(refuse('rate_limited', 'too many guests from this address', waitMs));
      const user = await deps.users.createGuest(context.req.valid('json').name);
      const issued = await deps.authenticator.issue(user);
      context.header('cache-control', 'no-store');
      return context.json({ ...issued, user }, 201);
    },
  );
  const me = { path: '/v1/me', security: BEARER, middleware: authenticated(deps) } as const;
  app.openapi(
    createRoute({
      ...me,
      method: 'get',
      summary: 'Who I am',
      responses: { 200: json(UserBody, 'you'), ...UNAUTHORISED },
    }),
    (context) => context.json(context.get('user'), 200),
  );
  app.openapi(
    createRoute({
      ...me,
      method: 'patch',
      summary: 'Changes my name; open sockets keep the old one until they say hello again',
      request: body(NameBody),
      responses: {
        200: json(TokenBody, 'you, with a token for the new name'),
        ...BAD_REQUEST,
        ...UNAUTHORISED,
      },
    }),
    async (context) => {
      const user = { ...context.get('user'), name: context.req.valid('json').name };
      await deps.users.save(user);
      const issued = await deps.authenticator.issue(user);
      return context.json({ ...issued, user }, 200);
    },
  );
}

function addTracks(app: App, deps: HttpDeps): void {
  const summary = ({
    id,
    title,
    artist,
    album,
    durationMs,
    mimeType,
    sizeBytes,
    hasCover,
  }: Track) => ({
    ...{ id, title, artist, durationMs, mimeType, sizeBytes, hasCover },
    ...(album === undefined ? {} : { album }),
  });
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/tracks',
      summary: 'Searches the catalogue; all of it for an empty query',
      security: BEARER,
      middleware: authenticated(deps),
      request: { query: TrackQuery },
      responses: { 200: json(TrackPageBody, 'a page of tracks'), ...BAD_REQUEST, ...UNAUTHORISED },
    }),
    (context) => {
      const { q, offset, limit } = context.req.valid('query');
      const { tracks, total } = deps.catalogue.search(q, { offset, limit });
      return context.json({ tracks: tracks.map(summary), total }, 200);
    },
  );
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/tracks/{trackId}',
      summary: 'One track, with a signed URL of its media',
      security: BEARER,
      middleware: authenticated(deps),
      request: { params: z.object({ trackId: z.string().max(64) }) },
      responses: { 200: json(TrackDetailBody, 'the track'), ...UNAUTHORISED, ...NOT_FOUND },
    }),
    (context) => {
      const track = deps.catalogue.get(context.req.valid('param').trackId as TrackId);
      if (track === undefined) throw new ProblemError(refuse('not_found', 'no such track'));
      const now = Date.now();
      const { url, expiresAtMs } = deps.signature.sign(track.id, now);
      return context.json(
        { ...summary(track), mediaUrl: url, mediaUrlExpiresInMs: expiresAtMs - now },
        200,
      );
    },
  );
}

function addRooms(app: App, deps: HttpDeps): void {
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

function addOperations(app: App, deps: HttpDeps): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/healthz',
      summary: 'The process lives',
      responses: { 200: json(z.object({ ok: z.literal(true) }), 'it does') },
    }),
    (context) => context.json({ ok: true as const }, 200),
  );
  app.openapi(
    createRoute({
      method: 'get',
      path: '/readyz',
      summary: 'Whether new visitors should be sent here',
      responses: { 200: json(ReadyBody, 'yes'), 503: json(ReadyBody, 'no, and why') },
    }),
    (context) => {
      const reasons = [...deps.notReady()];
      return context.json(
        { ready: reasons.length === 0, reasons },
        reasons.length === 0 ? 200 : 503,
      );
    },
  );
  const socketDocument = JSON.stringify(asyncApi());
  app.get(
    '/asyncapi.json',
    () => new Response(socketDocument, { headers: { 'content-type': 'application/json' } }),
  );
  app.get('/metrics', async () => {
    const { contentType, body: text } = await deps.metrics.exposition();
    return new Response(text, { headers: { 'content-type': contentType } });
  });
}

/**
 * Puts the person of the bearer token into the context, by the name that the store has.
 * @param cost in tokens of the person's rate
 */
function authenticated(deps: HttpDeps, cost = 1): MiddlewareHandler<Env> {
  return async (context: Context<Env>, next) => {
    const token = /^Bearer (.+)$/.exec(context.req.header('authorization') ?? '')?.[1];
    if (token === undefined)
      throw new ProblemError(refuse('unauthorised', 'send Authorization: Bearer <token>'));
    const verified = await deps.authenticator.verify(token);
    if (verified.kind !== 'ok') {
      const why = verified.kind === 'expired' ? 'the token has expired' : verified.reason;
      throw new ProblemError(refuse('unauthorised', why));
    }
    const waitMs = deps.takeRate(verified.user.id, cost);
    if (waitMs > 0) throw new ProblemError(refuse('rate_limited', 'too many requests', waitMs));
    context.set('user', (await deps.users.find(verified.user.id)) ?? verified.user);
    await next();
  };
}

function isBadJson(error: Error): boolean {
  return 'status' in error && error.status === 400;
}
