// What the routes of REST are built with: the application they are added to, the shapes of their answers, and who is calling.
import type { OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context, MiddlewareHandler } from 'hono';
import { refuse } from '../../../protocol/errors.ts';
import { RoomCodeSchema, RoomIdSchema } from '../../../protocol/schemas/primitives.ts';
import type { User } from '../../../protocol/schemas/pushes.ts';
import { KeyedBuckets, type RateLimit } from '../../domain/rate-limit.ts';
import type { RoomAddress } from '../../hub/room/rooms.ts';
import type { TokenTerms } from '../../ports/authenticator.ts';
import type { HttpDeps, Peer } from '../http-deps.ts';
import { ProblemError } from '../problem.ts';
import { ProblemBody } from '../schemas.ts';

export interface Env {
  Bindings: Peer;
  Variables: {
    user: User;
    /** Of the token that was brought. */
    terms: TokenTerms;
  };
}

export type App = OpenAPIHono<Env>;

export const BEARER = [{ bearer: [] }];
export const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: ProblemBody } },
});
export const json = <S extends z.ZodType>(schema: S, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});
export const body = <S extends z.ZodType>(schema: S) => ({
  body: { required: true, content: { 'application/json': { schema } } },
});
export const UNAUTHORISED = { 401: problem('no valid token') };
export const RATE_LIMITED = {
  429: problem('too many requests; the answer says when to come back'),
};
export const NOT_FOUND = { 404: problem('no such thing') };
export const BAD_REQUEST = { 400: problem('a field is missing or malformed; the detail names it') };

/** A guest who was erased, or a device that was revoked. */
export const ACCOUNT_GONE = refuse(
  'unauthorised',
  'there is no such guest any more, or the device was revoked',
);

/** Which room a path means, by its id or code; undefined for what is neither. */
export function roomAddress(given: string): RoomAddress | undefined {
  const roomId = RoomIdSchema.safeParse(given);
  if (roomId.success) return { roomId: roomId.data };
  const code = RoomCodeSchema.safeParse(given);
  return code.success ? { code: code.data } : undefined;
}

/**
 * Puts the person of the bearer token into the context, by the name that the store has.
 * @param cost in tokens of the person's rate
 * @param takeRate where it is not the one that their sockets live on, too
 */
export function authenticated(
  deps: HttpDeps,
  cost = 1,
  takeRate: HttpDeps['takeRate'] = (userId, tokens) => deps.takeRate(userId, tokens),
): MiddlewareHandler<Env> {
  return async (context: Context<Env>, next) => {
    const token = /^Bearer (.+)$/.exec(context.req.header('authorization') ?? '')?.[1];
    if (token === undefined)
      throw new ProblemError(refuse('unauthorised', 'send Authorization: Bearer <token>'));
    const verified = await deps.authenticator.verify(token);
    if (verified.kind !== 'ok') {
      const why = verified.kind === 'expired' ? 'the token has expired' : verified.reason;
      throw new ProblemError(refuse('unauthorised', why));
    }
    const waitMs = takeRate(verified.user.id, cost);
    if (waitMs > 0) throw new ProblemError(refuse('rate_limited', 'too many requests', waitMs));
    const { deviceId } = verified.terms;
    const known = await deps.users.find(verified.user.id, deviceId);
    const revoked = deps.revoked?.refusal(verified.user.id, verified.terms);
    if (revoked !== undefined) throw new ProblemError(refuse('unauthorised', revoked));
    // Such a token is this hub's own: whom it does not know has been erased, or the device revoked.
    if (known === undefined && (verified.user.guest || deviceId !== undefined))
      throw new ProblemError(ACCOUNT_GONE);
    context.set('user', known ?? verified.user);
    context.set('terms', verified.terms);
    await next();
  };
}

/** After `authenticated`: lets on whose token was given to somebody who runs the service. */
export const forOperators: MiddlewareHandler<Env> = async (context, next) => {
  if (context.get('terms').isOperator !== true)
    throw new ProblemError(
      refuse('forbidden', 'this is for operators: the token has no such role'),
    );
  await next();
};

/** What every route of operators has. */
export function operatorRoute(deps: HttpDeps) {
  return {
    security: BEARER,
    middleware: [authenticated(deps), forOperators],
  };
}

export const OPERATOR_ERRORS = {
  ...UNAUTHORISED,
  403: problem('the token has not the role of an operator'),
  ...RATE_LIMITED,
};

/**
 * For who needs no token: each address has a rate, of all routes together that are given what this returns. Without, a stranger could
 * have every room there is brought into memory, one request each.
 */
export function ratedByAddress(limit: RateLimit): MiddlewareHandler<Env> {
  const buckets = new KeyedBuckets<string>(limit);
  return async (context: Context<Env>, next) => {
    const waitMs = buckets.take(context.env.remoteAddress, 1, performance.now());
    if (waitMs > 0)
      throw new ProblemError(refuse('rate_limited', 'too many requests from this address', waitMs));
    await next();
  };
}
