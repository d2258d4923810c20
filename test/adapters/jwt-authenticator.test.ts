// What a token says, and what is taken for one.
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { createJwtAuthenticator } from '../../src/adapters/system/jwt-authenticator.ts';
import { userId } from '../support/hub-world.ts';

const SECRET = new TextEncoder().encode('a secret of more than thirty-two bytes');
const DAY_MS = 86_400_000;
const DEVICE = '0b8f4a52-6e0c-4d7a-9f5b-7d2f3f7f0c11';
const ANA = { id: userId(1), name: 'Ana', guest: true };
const authenticator = createJwtAuthenticator({ secret: SECRET, tokenLifeMs: DAY_MS });

describe('a token', () => {
  it('names its device, and one that is made in its place ends when it does', async () => {
    const { token } = await authenticator.issue(ANA, { deviceId: DEVICE });
    const verified = await authenticator.verify(token);
    expect(verified).toMatchObject({ kind: 'ok', user: ANA, terms: { deviceId: DEVICE } });
    if (verified.kind !== 'ok') return;
    const shorter = { ...verified.terms, endsAtMs: verified.terms.endsAtMs - DAY_MS / 2 };
    const renamed = await authenticator.issue({ ...ANA, name: 'Anna' }, shorter);
    expect(await authenticator.verify(renamed.token)).toMatchObject({
      kind: 'ok',
      user: { ...ANA, name: 'Anna' },
      terms: shorter,
    });
    expect(renamed.expiresInMs).toBeLessThanOrEqual(DAY_MS / 2);
  });

  it('that is made in the place of another is as old as that one', async () => {
    const old = { endsAtMs: Date.now() + DAY_MS, issuedAtMs: 1_000_000 };
    const renamed = await authenticator.issue({ ...ANA, name: 'Anna' }, old);
    expect(await authenticator.verify(renamed.token)).toHaveProperty('terms.issuedAtMs', 1_000_000);
  });

  it('is given to no device where none is named', async () => {
    const verified = await authenticator.verify((await authenticator.issue(ANA)).token);
    expect(verified).not.toHaveProperty('terms.deviceId');
    expect(verified).toHaveProperty('terms.endsAtMs');
  });

  it.each(['x', 7, '', "' or true --"])('is none with %j for a device', async (device) => {
    const token = await new SignJWT({ name: 'Ana', device })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(ANA.id)
      .setAudience('earshot')
      .setExpirationTime('1h')
      .sign(SECRET);
    expect(await authenticator.verify(token)).toMatchObject({ kind: 'invalid' });
  });
});
