// The whole of HTTP on the hub's port: REST with its OpenAPI document, media, health, metrics and the page.
import { OpenAPIHono } from '@hono/zod-openapi';
import { HTTPException } from 'hono/http-exception';
import { routePath } from 'hono/route';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import { PROTOCOL_VERSION } from '../../protocol/version.ts';
import { peerAddress } from '../hub/peer-address.ts';
import { DATA_HEADERS } from '../ports/sockets.ts';
import { unavailability } from '../hub/unavailable.ts';
import { boundedBodies } from './body-bounds.ts';
import { crossOrigin } from './cross-origin.ts';
import type { HttpDeps, Peer } from './http-deps.ts';
import { createMediaRoutes } from './media-route.ts';
import { ProblemError, problemResponse } from './problem.ts';
import { addAccounts } from './routes/accounts.ts';
import { addBackups } from './routes/operator-backups.ts';
import { addExport, addFellows } from './routes/operator-service.ts';
import { addFriends } from './routes/friends.ts';
import { addListening } from './routes/listening.ts';
import { IMPORT_PATH, addMyData } from './routes/my-data.ts';
import { addOperations } from './routes/operations.ts';
import { addOperators } from './routes/operators.ts';
import { addPeople } from './routes/people.ts';
import { addRooms } from './routes/rooms.ts';
import type { Env } from './routes/route-parts.ts';
import { addSessions } from './routes/sessions.ts';
import { addTracks } from './routes/tracks.ts';

export type HttpApp = (request: Request, peer: Peer) => Response | Promise<Response>;

/** For a year, told over TLS alone. */
const ONLY_TLS = 'max-age=31536000';

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
  const refused = deps.metrics.counter({
    name: 'earshot_http_refused_total',
    help: 'Requests that REST answered with a problem, by its code.',
    labels: ['code'],
  });
  // Rates are of what was there before: the first fault must be one, too.
  refused.add(0, { code: 'internal' });
  const answer = (refusal: Refusal): Response => {
    refused.add(1, { code: refusal.code });
    return problemResponse(refusal);
  };
  app.onError((error, context) => {
    if (error instanceof ProblemError) return answer(error.refusal);
    const unavailable = unavailability(error);
    if (unavailable !== undefined) return answer(unavailable);
    if (isBadJson(error)) return answer(refuse('bad_request', 'the body is not JSON'));
    // Hono's own: a fault of the request, which must not reach the log as one of ours.
    if (error instanceof HTTPException && error.status < 500)
      return answer(refuse('bad_request', error.message));
    // The pattern of the path: what stands in its places may be somebody's way in.
    const { method } = context.req;
    const { user } = context.var as Partial<Env['Variables']>;
    const fields = { method, route: routePath(context), userId: user?.id, err: error };
    deps.log.error(fields, 'a request failed');
    return answer(refuse('internal', 'the hub failed; it has been logged'));
  });
  app.notFound(
    (context) =>
      deps.page?.(new URL(context.req.url).pathname, context.req.raw) ??
      problemResponse(
        refuse('not_found', `nothing at ${new URL(context.req.url).pathname.slice(0, 200)}`),
      ),
  );

  app.use('/v1/*', boundedBodies([IMPORT_PATH]));
  addPeople(app, deps);
  addTracks(app, deps);
  addRooms(app, deps);
  addSessions(app, deps);
  if (deps.social !== undefined) {
    addFriends(app, deps, deps.social);
    addAccounts(app, deps, deps.social);
    addListening(app, deps, deps.social);
    addMyData(app, deps, deps.social);
  }
  if (deps.revoked !== undefined) addOperators(app, deps, deps.revoked);
  if (deps.fellows !== undefined) {
    addFellows(app, deps, deps.fellows);
    addBackups(app, deps);
  }
  if (deps.social !== undefined) addExport(app, deps, deps.social);
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
  let restDocument: string | undefined;
  app.get('/openapi.json', () => {
    // Once, and not before somebody asks: it goes through the schemas of all routes, and whoever comes may ask for it.
    restDocument ??= JSON.stringify(
      app.getOpenAPI31Document({
        openapi: '3.1.0',
        info: {
          title: 'Earshot',
          version: PROTOCOL_VERSION,
          description:
            'REST beside the socket at `/v1/socket`, whose messages are described in `/asyncapi.json`.',
        },
      }),
    );
    return new Response(restDocument, { headers: { 'content-type': 'application/json' } });
  });
  return async (request, peer) => {
    const judged = crossOrigin(request, deps.options);
    const response =
      judged.answer ??
      (await app.fetch(request, {
        remoteAddress: peerAddress(
          peer.remoteAddress,
          request.headers.get('x-forwarded-for') ?? undefined,
          deps.options.trustProxy,
        ),
      }));
    judged.mark(response.headers);
    guard(response.headers, new URL(request.url));
    return response;
  };
}

/** What every answer says to browsers, unless it says more itself. */
function guard(headers: Headers, { protocol, hostname, pathname }: URL): void {
  for (const [name, value] of Object.entries(DATA_HEADERS))
    if (!headers.has(name)) headers.set(name, value);
  // What REST answers is somebody's, and of this moment.
  if (pathname.startsWith('/v1/') && !headers.has('cache-control'))
    headers.set('cache-control', 'no-store');
  if (protocol === 'https:' && hostname !== 'localhost')
    headers.set('strict-transport-security', ONLY_TLS);
}

function isBadJson(error: Error): boolean {
  return 'status' in error && error.status === 400;
}
