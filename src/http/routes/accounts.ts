// An account without a password: the tokens of its devices, the link to another one, the profile.
import { createRoute, z } from '@hono/zod-openapi';
import { refuse } from '../../../protocol/errors.ts';
import type { UserId } from '../../../protocol/ids.ts';
import type { User } from '../../../protocol/schemas/pushes.ts';
import type { NewDevice } from '../../ports/accounts.ts';
import type { HttpDeps } from '../http-deps.ts';
import { ProblemError } from '../problem.ts';
import {
  DeviceTokenBody,
  DevicesBody,
  LabelBody,
  LinkBody,
  SecretBody,
} from '../schemas-people.ts';
import { TokenBody } from '../schemas.ts';
import { SharedBuckets } from '../shared-buckets.ts';
import type { SocialDeps } from '../social-deps.ts';
import {
  ACCOUNT_GONE,
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

/** Of secrets and codes, by address. */
const SECRET_RATE = { perSecond: 1, burst: 30 };
const DEFAULT_LABEL = 'A browser';

const BANNED = refuse('unauthorised', 'this person may not come here any more');
const NO_SUCH_DEVICE = refuse('unauthorised', 'the device was revoked, or never was');
/** Else an operator's person would go on here after the operator has let them go. */
const NOT_A_GUEST = refuse('conflict', 'the account is the operator’s, who gives its tokens');
const NO_SUCH_LINK = refuse('not_found', 'the link was used, is too old, or never was');

export function addAccounts(app: App, deps: HttpDeps, { accounts, dismissals }: SocialDeps): void {
  const secrets = new SharedBuckets<string>('secrets', SECRET_RATE, deps.sharedRates);
  const now = (): number => deps.clock.now();
  const rated = async (address: string): Promise<void> => {
    const waitMs = await secrets.take(address, 1, performance.now());
    if (waitMs > 0)
      throw new ProblemError(refuse('rate_limited', 'too many tries from this address', waitMs));
  };
  const known = async (userId: UserId, deviceId: string): Promise<User> => {
    const user = await deps.users.find(userId, deviceId);
    if (user?.guest !== true) throw new ProblemError(NO_SUCH_DEVICE);
    if (deps.revoked?.isBanned(userId) === true) throw new ProblemError(BANNED);
    return user;
  };

  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/tokens',
      summary: 'A fresh token for the account of a device',
      request: body(SecretBody),
      responses: {
        200: json(TokenBody, 'the token'),
        ...BAD_REQUEST,
        ...UNAUTHORISED,
        ...RATE_LIMITED,
      },
    }),
    async (context) => {
      await rated(context.env.remoteAddress);
      const device = await accounts.exchange(context.req.valid('json').deviceSecret, now());
      if (device === undefined) throw new ProblemError(NO_SUCH_DEVICE);
      const deviceId = device.tokenId;
      const user = await known(device.userId, deviceId);
      const issued = await deps.authenticator.issue(user, { deviceId });
      context.header('cache-control', 'no-store');
      return context.json({ ...issued, user }, 200);
    },
  );

  const mine = { security: BEARER, middleware: authenticated(deps) } as const;
  app.openapi(
    createRoute({
      ...mine,
      method: 'get',
      path: '/v1/me/devices',
      summary: 'The devices that have my account, the one used last first',
      responses: { 200: json(DevicesBody, 'all of them'), ...UNAUTHORISED, ...RATE_LIMITED },
    }),
    async (context) => {
      const tokens = await accounts.tokens(context.get('user').id);
      return context.json({ devices: tokens.map((token) => ({ ...token })) }, 200);
    },
  );
  app.openapi(
    createRoute({
      ...mine,
      method: 'delete',
      path: '/v1/me/devices/{id}',
      summary: 'Takes my account from a device, for good',
      description:
        'Its secret and the tokens that it holds work no more, its sockets close with 4504, and the link under way ends.',
      request: { params: z.object({ id: z.string().max(64) }) },
      responses: { 204: { description: 'done' }, ...UNAUTHORISED, ...NOT_FOUND, ...RATE_LIMITED },
    }),
    async (context) => {
      const me = context.get('user').id;
      const { id } = context.req.valid('param');
      if (!(await accounts.revoke(me, id)))
        throw new ProblemError(refuse('not_found', 'no such device'));
      await dismissals.device(me, id);
      return context.body(null, 204);
    },
  );
  app.openapi(
    createRoute({
      security: BEARER,
      middleware: authenticated(deps, 5),
      method: 'post',
      path: '/v1/me/link',
      summary: 'A code that brings my account to one more device, for ten minutes',
      description: 'For guests alone: an operator’s people get their tokens from the operator.',
      responses: {
        201: json(LinkBody, 'the code'),
        ...UNAUTHORISED,
        409: problem('the account is an operator’s'),
        ...RATE_LIMITED,
      },
    }),
    async (context) => {
      const { id, guest } = context.get('user');
      if (!guest) throw new ProblemError(NOT_A_GUEST);
      const terms = context.get('terms');
      const link = await accounts.createLink(id, now(), terms.deviceId);
      if (link === undefined) throw new ProblemError(ACCOUNT_GONE);
      // It may have been revoked while the link was made, which then came after all that was dropped.
      const revoked = deps.revoked?.refusal(id, terms);
      if (revoked !== undefined) {
        // It takes the place of the one that was made, and nobody is told its code.
        await accounts.createLink(id, now());
        throw new ProblemError(refuse('unauthorised', revoked));
      }
      context.header('cache-control', 'no-store');
      return context.json({ ...link }, 201);
    },
  );
  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/links/{code}',
      summary: 'Takes the account of a link to this device; it works once',
      request: {
        params: z.object({ code: z.string().max(64) }),
        body: { required: false, content: { 'application/json': { schema: LabelBody } } },
      },
      responses: {
        201: json(DeviceTokenBody, 'the account'),
        ...BAD_REQUEST,
        ...NOT_FOUND,
        ...RATE_LIMITED,
      },
    }),
    async (context) => {
      await rated(context.env.remoteAddress);
      const label = context.req.valid('json').label ?? DEFAULT_LABEL;
      const device = await accounts.redeemLink(context.req.valid('param').code, label, now());
      if (device === undefined) throw new ProblemError(NO_SUCH_LINK);
      for (const dropped of device.dropped) await dismissals.device(device.userId, dropped);
      const deviceId = device.token.id;
      const user = await known(device.userId, deviceId);
      const issued = await deps.authenticator.issue(user, { deviceId });
      context.header('cache-control', 'no-store');
      return context.json({ ...issued, user, device: deviceOf(device) }, 201);
    },
  );
}

export function deviceOf({ token, secret }: NewDevice) {
  return { id: token.id, secret };
}
