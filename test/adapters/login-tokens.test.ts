// Tokens of an operator's login, by a key set that is really served: which are taken, and what a login that is away does to whom.
import { SignJWT, UnsecuredJWT, exportSPKI, importJWK } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserIdSchema } from '../../protocol/schemas/primitives.ts';
import {
  createJwtAuthenticator,
  type JwtAuthenticatorOptions,
} from '../../src/adapters/system/jwt-authenticator.ts';
import { createRemoteKeys, type RemoteKeysOptions } from '../../src/adapters/system/remote-keys.ts';
import type { Authenticator } from '../../src/ports/authenticator.ts';
import { StoreUnavailable } from '../../src/ports/room-log.ts';
import { userId } from '../support/hub-world.ts';
import { ISSUER, Login, type Claims } from '../support/login.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const OWN = bytes('the hub’s own secret, of forty bytes or so');
const SHARED = bytes('the login’s shared secret, of forty bytes');
const ANA = userId(1);
const now = (): number => Math.floor(Date.now() / 1_000);

let login: Login;
beforeEach(async () => {
  login = await Login.start();
  await login.turn('first');
});
afterEach(() => login.stop());

function authenticator(
  keys: Partial<RemoteKeysOptions> = {},
  options: Partial<JwtAuthenticatorOptions> = {},
  algorithms: readonly string[] = ['RS256', 'ES256', 'EdDSA'],
): Authenticator {
  return createJwtAuthenticator({
    secret: OWN,
    tokenLifeMs: 60_000,
    people: {
      keySet: { keyOf: createRemoteKeys({ url: login.url, ...keys }), algorithms },
      secret: SHARED,
      issuer: ISSUER,
      audience: 'earshot',
    },
    ...options,
  });
}

const signed = (claims: Claims, secret: Uint8Array = SHARED): Promise<string> =>
  new SignJWT(login.claims({ sub: ANA, ...claims }))
    .setProtectedHeader({ alg: 'HS256' })
    .sign(secret);

describe('a token of a login', () => {
  it.each(['RS256', 'ES256', 'EdDSA'])('is taken by %s, with what it says', async (alg) => {
    await login.turn('key', alg);
    const token = await login.sign('key', { sub: ANA, jti: 'a token', iat: 1_000 });
    expect(await authenticator().verify(token)).toMatchObject({
      kind: 'ok',
      user: { id: ANA, name: 'Ana', guest: false },
      terms: { tokenId: 'a token', issuedAtMs: 1_000_000 },
    });
  });

  it('is nobody’s guest or device, whatever it says', async () => {
    const claims = { sub: ANA, guest: true, device: userId(7) };
    for (const token of [await login.sign('first', claims), await signed(claims)]) {
      const verified = await authenticator().verify(token);
      expect(verified).toMatchObject({ kind: 'ok', user: { guest: false } });
      expect(verified).not.toHaveProperty('terms.deviceId');
    }
  });

  it.each([
    ['another issuer', { iss: 'https://evil.example/' }, 'iss'],
    ['no issuer', { iss: undefined }, 'iss'],
    ['another audience', { aud: 'elsewhere' }, 'aud'],
    ['no audience', { aud: undefined }, 'aud'],
    ['no end', { exp: undefined }, 'exp'],
    ['no person', { sub: undefined }, 'sub'],
    ['a beginning that is far off', { nbf: now() + 3_600 }, 'nbf'],
    ['a person of no letter', { sub: '' }, 'sub'],
    ['a person of too many', { sub: 'a'.repeat(257) }, 'sub'],
    ['a person in capitals', { sub: ANA.toUpperCase().replace('9000', 'A000') }, 'sub'],
    ['no name', { name: undefined }, 'name'],
    ['a name that may not be shown', { name: 'a\u202eb' }, 'name'],
    ['a name of its own that is none', { jti: '' }, 'jti'],
  ] as [string, Claims, string][])('is invalid with %s', async (_, claims, named) => {
    const reason = expect.stringContaining(named) as string;
    for (const token of [await login.sign('first', { sub: ANA, ...claims }), await signed(claims)])
      expect(await authenticator().verify(token)).toEqual({ kind: 'invalid', reason });
  });

  it('is somebody’s whatever their login calls them, and always the same one’s', async () => {
    const idOf = async (claims: Claims): Promise<string | undefined> => {
      const verified = await authenticator().verify(await login.sign('first', claims));
      return verified.kind === 'ok' ? verified.user.id : undefined;
    };
    const ids = await Promise.all(
      ['auth0|1234', 'auth0|1234', 'auth0|1235', 'ana@example.org'].map((sub) => idOf({ sub })),
    );
    expect(UserIdSchema.safeParse(ids[0]).success).toBe(true);
    expect(ids[1]).toBe(ids[0]);
    expect(new Set(ids).size).toBe(3);
    expect(await idOf({ sub: ANA })).toBe(ANA);
  });

  it('may be off by the tolerance, and no more', async () => {
    const near = [{ exp: now() - 3 }, { nbf: now() + 3 }];
    for (const claims of near) {
      const token = await login.sign('first', { sub: ANA, ...claims });
      expect((await authenticator().verify(token)).kind).toBe('ok');
      const strict = await authenticator({}, { clockToleranceS: 0 }).verify(token);
      expect(strict.kind).toBe('exp' in claims ? 'expired' : 'invalid');
      const late = 'exp' in claims ? { exp: now() - 30 } : { nbf: now() + 30 };
      const far = await login.sign('first', { sub: ANA, ...late });
      expect((await authenticator().verify(far)).kind).toBe('exp' in late ? 'expired' : 'invalid');
      expect((await authenticator({}, { clockToleranceS: 60 }).verify(far)).kind).toBe('ok');
    }
  });

  it('is invalid where the public key was taken for a secret', async () => {
    const jwk = login.publicJwk('first');
    const key = await importJWK({ ...jwk, ext: true }, 'RS256');
    if (key instanceof Uint8Array) throw new Error('no public key');
    for (const secret of [
      bytes(await exportSPKI(key)),
      bytes((await exportSPKI(key)).trim()),
      bytes(JSON.stringify(jwk)),
      Buffer.from(jwk.n ?? '', 'base64url'),
    ]) {
      const token = await new SignJWT(login.claims({ sub: ANA }))
        .setProtectedHeader({ alg: 'HS256', kid: 'first' })
        .sign(secret);
      expect(await authenticator().verify(token)).toMatchObject({ kind: 'invalid' });
    }
    expect(login.fetches).toBe(0);
  });

  it('is invalid where it is not signed, or signed in a way that is not pinned', async () => {
    await login.turn('other', 'RS512');
    const unsigned = new UnsecuredJWT(login.claims({ sub: ANA })).encode();
    for (const token of [unsigned, `${unsigned}x`, await login.sign('other', { sub: ANA })])
      expect(await authenticator().verify(token)).toMatchObject({ kind: 'invalid' });
    expect(login.fetches, 'the login is not asked for it').toBe(0);
    const token = await login.sign('first', { sub: ANA });
    expect((await authenticator({}, {}, ['ES256']).verify(token)).kind).toBe('invalid');
  });

  it('is invalid where it was changed, or is none at all', async () => {
    const [head = '', , sign = ''] = (await login.sign('first', { sub: ANA })).split('.');
    const body = Buffer.from(JSON.stringify(login.claims({ sub: userId(2) }))).toString(
      'base64url',
    );
    for (const token of [`${head}.${body}.${sign}`, `${head}.${body}.`, '', 'x', '..', 'a.b.c'])
      expect(await authenticator().verify(token)).toMatchObject({ kind: 'invalid' });
  });

  it('goes beside the hub’s own, which needs no login', async () => {
    login.answers = 'nothing';
    const both = authenticator();
    const { token } = await both.issue({ id: ANA, name: 'Ana', guest: true });
    expect(await both.verify(token)).toMatchObject({ kind: 'ok', user: { guest: true } });
    const own = await signed({ iss: undefined }, OWN);
    expect(await both.verify(own)).toMatchObject({ kind: 'ok', user: { guest: false } });
    expect(await both.verify(await signed({}))).toMatchObject({ kind: 'ok' });
    expect(
      await both.verify(await signed({}, bytes('another secret of more than 32 bytes'))),
    ).toEqual({ kind: 'invalid', reason: expect.stringContaining('SIGNATURE') as string });
    expect(login.fetches).toBe(0);
  });
});

describe('the role of an operator', () => {
  it.each([
    ['roles', { roles: ['listener', 'operator'] }, true],
    ['roles', { roles: 'operator' }, true],
    ['roles', { roles: 'listener operator' }, true],
    ['roles', { roles: ['Operator', 'operators', 'co-operator'] }, false],
    ['roles', { roles: { operator: true } }, false],
    ['roles', { role: 'operator' }, false],
    ['role', { role: 'operator' }, true],
    ['realm_access.roles', { realm_access: { roles: ['operator'] } }, true],
    ['https://earshot.example/roles', { 'https://earshot.example/roles': ['operator'] }, true],
    ['constructor.name', {}, false],
  ])('by the claim %s of %j is %j', async (rolesClaim, claims, isOperator) => {
    const token = await login.sign('first', { sub: ANA, ...claims });
    const verified = await authenticator({}, { rolesClaim }).verify(token);
    expect(verified.kind === 'ok' && verified.terms.isOperator === true).toBe(isOperator);
  });

  it('is none of a guest’s, nor of a token that the hub makes', async () => {
    const both = authenticator();
    const guest = await both.verify(await signed({ guest: true, roles: 'operator' }, OWN));
    expect(guest).toMatchObject({ kind: 'ok' });
    expect(guest).not.toHaveProperty('terms.isOperator');
    const user = { id: ANA, name: 'operator', guest: false };
    const { token } = await both.issue(user, { isOperator: true });
    expect(await both.verify(token)).not.toHaveProperty('terms.isOperator');
  });
});

describe('keys that turn', () => {
  it('are fetched once, for many who bring a new one at the same time', async () => {
    const both = authenticator({ cooldownMs: 0 });
    const old = await login.sign('first', { sub: ANA });
    expect((await both.verify(old)).kind).toBe('ok');
    await login.turn('second', 'ES256');
    const fresh = await login.sign('second', { sub: ANA });
    const all = await Promise.all(Array.from({ length: 20 }, () => both.verify(fresh)));
    expect(all.every(({ kind }) => kind === 'ok')).toBe(true);
    for (const token of [old, fresh]) expect((await both.verify(token)).kind).toBe('ok');
    expect(login.fetches).toBe(2);
  });

  it('are not asked for by a flood of made-up ones', async () => {
    const both = authenticator();
    expect((await both.verify(await login.sign('first', { sub: ANA }))).kind).toBe('ok');
    for (let n = 0; n < 50; n += 1) {
      const token = await login.sign('first', { sub: ANA }, { kid: `made up ${n}` });
      expect(await both.verify(token)).toMatchObject({ kind: 'invalid' });
    }
    expect(login.fetches).toBe(1);
  });

  it('are fetched anew by the way when they are old, and a withdrawn one is out', async () => {
    let time = 0;
    const both = authenticator({ now: () => time });
    await login.turn('second');
    const token = await login.sign('first', { sub: ANA });
    expect((await both.verify(token)).kind).toBe('ok');
    login.withdraw('first');
    time = 600_001;
    expect((await both.verify(token)).kind, 'it waits for nothing').toBe('ok');
    await expect.poll(async () => (await both.verify(token)).kind).toBe('invalid');
    expect(login.fetches).toBe(2);
  });
});

describe('a login that is away', () => {
  it.each(['error', 'garbage', 'nothing'] as const)(
    'says nothing of a token: it is unavailable, soon and without hammering (%s)',
    async (answers) => {
      login.answers = answers;
      let time = 0;
      const both = authenticator({ now: () => time, timeoutMs: 2_000 });
      const token = await login.sign('first', { sub: ANA });
      for (let n = 0; n < 20; n += 1)
        await expect(both.verify(token)).rejects.toBeInstanceOf(StoreUnavailable);
      expect(login.fetches).toBe(1);
      login.answers = 'keys';
      time = 5_001;
      expect((await both.verify(token)).kind).toBe('ok');
    },
  );

  it('is so where nobody listens', async () => {
    const both = authenticator();
    const token = await login.sign('first', { sub: ANA });
    await login.stop();
    await expect(both.verify(token)).rejects.toThrow(/key set of the login is not available/);
    login = await Login.start();
  });

  it('holds up nobody whose key is known, and is unavailable for the others', async () => {
    let time = 0;
    const both = authenticator({ now: () => time, timeoutMs: 60_000, cooldownMs: 0 });
    const known = await login.sign('first', { sub: ANA });
    expect((await both.verify(known)).kind).toBe('ok');
    login.answers = 'nothing';
    await login.turn('second');
    const waiting = both.verify(await login.sign('second', { sub: ANA }));
    time = 700_000;
    for (let n = 0; n < 10; n += 1) expect((await both.verify(known)).kind).toBe('ok');
    await login.stop();
    await expect(waiting).rejects.toBeInstanceOf(StoreUnavailable);
    expect((await both.verify(known)).kind).toBe('ok');
    login = await Login.start();
  });

  it('is trusted by what it said for a while, not for ever', async () => {
    const both = authenticator({ trustedMs: 0 });
    const token = await login.sign('first', { sub: ANA });
    expect((await both.verify(token)).kind).toBe('ok');
    login.answers = 'error';
    await expect(both.verify(token)).rejects.toBeInstanceOf(StoreUnavailable);
  });
});
