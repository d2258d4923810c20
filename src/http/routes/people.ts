// Guests, and who one is.
import { createRoute } from '@hono/zod-openapi';
import { refuse } from '../../../protocol/errors.ts';
import { KeyedBuckets } from '../../domain/rate-limit.ts';
import type { HttpDeps } from '../http-deps.ts';
import { ProblemError } from '../problem.ts';
import { NameBody, TokenBody, UserBody } from '../schemas.ts';
import {
  BAD_REQUEST,
  BEARER,
  UNAUTHORISED,
  authenticated,
  body,
  json,
  problem,
  type App,
} from './route-parts.ts';

export function addPeople(app: App, deps: HttpDeps): void {
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
