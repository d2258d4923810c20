// Guests, and who one is.
import { createRoute } from '@hono/zod-openapi';
import { refuse } from '../../../protocol/errors.ts';
import type { User } from '../../../protocol/schemas/pushes.ts';
import type { ProfileChange } from '../../domain/people.ts';
import { personOf } from '../../hub/listening/live-activity.ts';
import type { HttpDeps } from '../http-deps.ts';
import { ProblemError } from '../problem.ts';
import { GuestBody, GuestTokenBody, MeBody, MeTokenBody, ProfileBody } from '../schemas-people.ts';
import { SharedBuckets } from '../shared-buckets.ts';
import { deviceOf } from './accounts.ts';
import {
  ACCOUNT_GONE,
  BAD_REQUEST,
  BEARER,
  RATE_LIMITED,
  UNAUTHORISED,
  authenticated,
  body,
  json,
  problem,
  type App,
} from './route-parts.ts';

export function addPeople(app: App, deps: HttpDeps): void {
  const guests = new SharedBuckets<string>('guests', deps.options.guestRate, deps.sharedRates);
  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/guests',
      summary: 'A name becomes a guest with a token',
      description:
        'With `device`, the label of a browser or an app, the answer also has a secret, which brings tokens for the account as long as it is not revoked.',
      request: body(GuestBody),
      responses: {
        201: json(GuestTokenBody, 'the guest'),
        ...BAD_REQUEST,
        403: problem('this hub takes no guests'),
        429: problem('too many guests from this address'),
      },
    }),
    async (context) => {
      if (!deps.guests)
        throw new ProblemError(refuse('guests_disabled', 'this hub gives no tokens to guests'));
      const waitMs = await guests.take(context.env.remoteAddress, 1, performance.now());
      if (waitMs > 0)
        throw new ProblemError(refuse('rate_limited', 'too many guests from this address', waitMs));
      const { name, device: label } = context.req.valid('json');
      const user = await deps.users.createGuest(name);
      const device =
        label === undefined
          ? undefined
          : await deps.social?.accounts.createToken(user.id, label, deps.clock.now());
      const terms = device === undefined ? {} : { deviceId: device.token.id };
      const issued = await deps.authenticator.issue(user, terms);
      context.header('cache-control', 'no-store');
      const secret = device === undefined ? {} : { device: deviceOf(device) };
      return context.json({ ...issued, user, ...secret }, 201);
    },
  );

  const me = { path: '/v1/me', security: BEARER, middleware: authenticated(deps) } as const;
  const seen = async (user: User) => {
    const [profile] = (await deps.social?.friends.profiles([user.id])) ?? [];
    return { ...user, ...(profile === undefined ? {} : personOf(profile)) };
  };
  app.openapi(
    createRoute({
      ...me,
      method: 'get',
      summary: 'Who I am, and how others see me',
      responses: { 200: json(MeBody, 'you'), ...UNAUTHORISED, ...RATE_LIMITED },
    }),
    async (context) => context.json(await seen(context.get('user')), 200),
  );
  app.openapi(
    createRoute({
      ...me,
      method: 'patch',
      summary: 'Changes my name, colour or picture; what is absent stays',
      description:
        'Open sockets keep the old name until they say hello again. The token ends when the one ends that was brought; an operator’s people get none, as theirs are the operator’s.',
      request: body(ProfileBody),
      responses: {
        200: json(MeTokenBody, 'you, and a guest’s token for the new name'),
        ...BAD_REQUEST,
        ...UNAUTHORISED,
        ...RATE_LIMITED,
      },
    }),
    async (context) => {
      const { name, colour, picture } = context.req.valid('json');
      const user = await renamed(deps, context.get('user'), name);
      await changedProfile(deps, user, {
        ...(colour === undefined ? {} : { colour }),
        ...(picture === undefined ? {} : { picture }),
      });
      // As old as the one that was brought, or else as old as can be: a revocation since then, or under way, holds for it as well.
      const terms = { issuedAtMs: 0, ...context.get('terms') };
      const issued = user.guest ? await deps.authenticator.issue(user, terms) : {};
      return context.json({ ...issued, user: await seen(user) }, 200);
    },
  );
}

/** The person as the store has them now: what was not asked for is not written, as another device may have changed it meanwhile. */
async function renamed({ users }: HttpDeps, user: User, name: string | undefined): Promise<User> {
  const known = name === undefined ? await users.find(user.id) : await users.rename(user.id, name);
  if (known !== undefined) return known;
  // Erased since they were let in: writing them would bring them back.
  if (user.guest) throw new ProblemError(ACCOUNT_GONE);
  // A person of an operator’s may not be known yet.
  const first = { ...user, name: name ?? user.name };
  await users.save(first);
  return first;
}

async function changedProfile(
  { social }: HttpDeps,
  { id }: User,
  change: ProfileChange,
): Promise<void> {
  if (Object.keys(change).length === 0) return;
  if (social === undefined)
    throw new ProblemError(refuse('bad_request', 'this hub keeps names alone'));
  try {
    await social.friends.setProfile(id, change);
  } catch (error) {
    if (error instanceof RangeError) throw new ProblemError(refuse('bad_request', error.message));
    throw error;
  }
}
