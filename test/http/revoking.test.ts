// What somebody has under way while an operator takes back their tokens: it brings them nothing that outlives it.
import { SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createJwtAuthenticator } from '../../src/adapters/system/jwt-authenticator.ts';
import type { RevokedTokens } from '../../src/hub/revoked-tokens.ts';
import { call, type Answer } from '../support/http-calls.ts';
import { userId } from '../support/hub-world.ts';
import { revokedHere } from '../support/revoked-here.ts';
import { SocialWorld } from '../support/social-world.ts';

const SECRET = new TextEncoder().encode('a secret of more than thirty-two bytes');
const ANA = userId(1);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** The next call of `name` does what it does, and is answered when the test lets it go. */
function heldUp<T extends object>(target: T, name: keyof T & string) {
  const method = (target[name] as (...args: unknown[]) => Promise<unknown>).bind(target);
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  let come: () => void = () => undefined;
  const isUnderWay = new Promise<void>((resolve) => (come = resolve));
  vi.spyOn(target, name as never).mockImplementationOnce((async (...args: unknown[]) => {
    come();
    await held;
    return method(...args);
  }) as never);
  return { isUnderWay, letGo };
}

class RevokingWorld extends SocialWorld {
  readonly revoked: RevokedTokens;

  constructor() {
    const revoked = revokedHere();
    super({
      revoked,
      authenticator: createJwtAuthenticator({ secret: SECRET, tokenLifeMs: 86_400_000 }),
    });
    this.revoked = revoked;
  }

  revokeAna(): Promise<Answer> {
    const token = signed(userId(99), { roles: ['operator'], iat: Date.now() / 1_000 });
    return token.then((operator) =>
      call(this.app, '/v1/operator/revocations', { token: operator, json: { userId: ANA } }),
    );
  }

  async statusOf(token: string): Promise<number> {
    return (await call(this.app, '/v1/me', { token })).status;
  }
}

function signed(subject: string, claims: Record<string, unknown>): Promise<string> {
  return new SignJWT({ name: 'Ana', ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(subject)
    .setAudience('earshot')
    .setExpirationTime('1h')
    .sign(SECRET);
}

/** Time in which what is made is told apart from what was made before: tokens count in seconds. */
function passes(): void {
  vi.setSystemTime(Date.now() + 5_000);
}

describe('while a person’s tokens are revoked', () => {
  it.each([
    ['that says when it was made', () => ({ iat: Math.floor(Date.now() / 1_000) })],
    ['that does not say when', () => ({})],
  ])('a change of name under way makes of a token %s none that is good', async (_, made) => {
    const world = new RevokingWorld();
    await world.people(1);
    const token = await signed(ANA, { guest: true, ...made() });
    passes();
    const rename = heldUp(world.world.stores.users, 'rename');
    const changing = call(world.app, '/v1/me', { method: 'PATCH', token, json: { name: 'Anna' } });
    await rename.isUnderWay;
    expect((await world.revokeAna()).status).toBe(201);
    passes();
    rename.letGo();
    const { status, body } = await changing;
    expect([status, body['user']]).toMatchObject([200, { name: 'Anna' }]);
    expect(await world.statusOf(String(body['token']))).toBe(401);
  });

  it('a link that was being made is good for nothing, and not told', async () => {
    const world = new RevokingWorld();
    await world.people(1);
    const token = await signed(ANA, { guest: true, iat: Math.floor(Date.now() / 1_000) });
    passes();
    const { accounts } = world;
    const create = heldUp(accounts, 'createLink');
    const codes: string[] = [];
    const createLink = accounts.createLink.bind(accounts);
    accounts.createLink = async (...args) => {
      const link = await createLink(...args);
      codes.push(link?.code ?? '');
      return link;
    };
    const linking = call(world.app, '/v1/me/link', { method: 'POST', token });
    await create.isUnderWay;
    expect((await world.revokeAna()).status).toBe(201);
    create.letGo();
    const { status, body } = await linking;
    expect([status, body['code']]).toEqual([401, 'unauthorised']);
    // In the place of each stands one whose code nobody is told.
    expect(codes).toHaveLength(3);
    for (const code of codes.slice(0, 2))
      expect((await call(world.app, `/v1/links/${code}`, { json: {} })).status).toBe(404);
  });

  it('no link is made once their devices are dropped', async () => {
    const world = new RevokingWorld();
    await world.people(1);
    const token = await signed(ANA, { guest: true, iat: Math.floor(Date.now() / 1_000) });
    passes();
    // The last thing that is asked before the devices are gone.
    const listed = heldUp(world.accounts, 'tokens');
    const revoking = world.revokeAna();
    await listed.isUnderWay;
    const linked = await call(world.app, '/v1/me/link', { method: 'POST', token });
    listed.letGo();
    expect((await revoking).status).toBe(201);
    expect(linked.status).toBe(401);
  });

  it('what a device brings until it is gone goes with it', async () => {
    const world = new RevokingWorld();
    await world.people(1);
    const phone = await world.accounts.createToken(ANA, 'phone', 1);
    const listed = heldUp(world.accounts, 'tokens');
    const revoking = world.revokeAna();
    await listed.isUnderWay;
    passes();
    const bought = await call(world.app, '/v1/tokens', {
      json: { deviceSecret: phone?.secret ?? '' },
    });
    expect(bought.status).toBe(200);
    const terms = await termsOf(String(bought.body['token']));
    expect(world.revoked.refusal(ANA, terms)).toBeUndefined();
    listed.letGo();
    expect((await revoking).status).toBe(201);
    // By the revocation itself: the store that knows the device may be away.
    expect(world.revoked.refusal(ANA, terms)).toBeDefined();
    expect(await world.statusOf(String(bought.body['token']))).toBe(401);
  });
});

async function termsOf(token: string) {
  const authenticator = createJwtAuthenticator({ secret: SECRET, tokenLifeMs: 86_400_000 });
  const verified = await authenticator.verify(token);
  if (verified.kind !== 'ok') throw new Error(verified.kind);
  return verified.terms;
}
