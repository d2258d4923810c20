// The token that an operator makes with the secret of the nodes: who they are to a node with the same configuration.
import { describe, expect, it } from 'vitest';
import type { TokenTerms, Verified } from '../../src/ports/authenticator.ts';
import { readConfig } from '../../src/config.ts';
import { signOperatorToken } from '../../src/operator-token.ts';
import { authenticatorOf } from '../../src/service-parts.ts';

const TOKEN_SECRET = 'Zk3vQ9rT1xW7yB5nM8cL2pH6jD4gF0sA';
const LOGIN = {
  JWT_JWKS_URL: 'https://login.example/jwks.json',
  JWT_ISSUER: 'https://login.example',
};

async function verified(
  environment: Readonly<Record<string, string>>,
  terms = { name: 'Ana', hours: 1 },
  nodes: Readonly<Record<string, string>> = environment,
): Promise<Verified> {
  const token = await signOperatorToken(readConfig(environment, 'tend'), terms);
  const config = readConfig(nodes, 'tend');
  const authenticator = authenticatorOf(config, new TextEncoder().encode(config.tokenSecret));
  return authenticator.verify(token);
}

function termsOf(found: Verified): TokenTerms {
  if (found.kind !== 'ok') throw new Error(`the token is ${found.kind}`);
  return found.terms;
}

describe('a token of an operator', () => {
  it.each([
    ['the hub’s own secret alone', {}],
    ['a login beside it', LOGIN],
    ['a login with a secret', { JWT_SECRET: TOKEN_SECRET.toLowerCase(), JWT_AUDIENCE: 'theirs' }],
    ['another claim for roles', { JWT_ROLES_CLAIM: 'realm_access.roles' }],
  ])('is taken for one by nodes with %s', async (_, more) => {
    expect(await verified({ TOKEN_SECRET, ...more })).toMatchObject({
      kind: 'ok',
      user: { name: 'Ana', guest: false },
      terms: { isOperator: true },
    });
  });

  it('holds for as many hours as are asked for', async () => {
    const { endsAtMs, issuedAtMs = 0 } = termsOf(
      await verified({ TOKEN_SECRET }, { name: 'Ana', hours: 3 }),
    );
    expect(endsAtMs - issuedAtMs).toBe(3 * 3_600_000);
  });

  it('is the same person’s whenever it is made, and one that can be taken back by itself', async () => {
    const [one, other] = [await verified({ TOKEN_SECRET }), await verified({ TOKEN_SECRET })];
    const ben = await verified({ TOKEN_SECRET }, { name: 'Ben', hours: 1 });
    expect(one).toHaveProperty('user.id', other.kind === 'ok' ? other.user.id : '');
    expect(ben).not.toHaveProperty('user.id', other.kind === 'ok' ? other.user.id : '');
    expect(termsOf(one).tokenId).toBeDefined();
    expect(termsOf(one).tokenId).not.toBe(termsOf(other).tokenId);
  });

  it('is nothing to nodes with another secret', async () => {
    const other = { TOKEN_SECRET: `${TOKEN_SECRET}2` };
    expect(await verified({ TOKEN_SECRET }, undefined, other)).toMatchObject({ kind: 'invalid' });
  });

  it('is not made without the secret: it says who makes them', async () => {
    await expect(verified({})).rejects.toThrow(/^no TOKEN_SECRET, nor TOKEN_SECRET_FILE: set /);
    await expect(verified({ ...LOGIN, JWT_ROLES_CLAIM: 'groups' })).rejects.toThrow(
      /comes from your login, with "operator" in its claim groups$/,
    );
  });
});
