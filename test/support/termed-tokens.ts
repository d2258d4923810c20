// Tokens that say what a test wants them to: their terms as JSON, signed by nobody.
import type { User } from '../../protocol/schemas/pushes.ts';
import type { Authenticator, TokenTerms } from '../../src/ports/authenticator.ts';
import { userId } from './hub-world.ts';

const LIFE_MS = 3_600_000;

interface Termed {
  readonly user: User;
  readonly terms: TokenTerms;
}

export function tokenOf(
  n: number,
  terms: Partial<TokenTerms> = {},
  user: Partial<User> = {},
): string {
  const termed: Termed = {
    user: { id: userId(n), name: `User ${n}`, guest: false, ...user },
    terms: { endsAtMs: LIFE_MS, ...terms },
  };
  return JSON.stringify(termed);
}

/** @param wallNow when a token is made */
export function termedAuthenticator(wallNow: () => number): Authenticator {
  return {
    verify: (token) => {
      if (!token.startsWith('{')) return Promise.resolve({ kind: 'invalid', reason: 'no terms' });
      const { user, terms } = JSON.parse(token) as Termed;
      return Promise.resolve({ kind: 'ok', user, terms, expiresInMs: LIFE_MS });
    },
    issue: (user, { endsAtMs = LIFE_MS, issuedAtMs = wallNow(), ...terms } = {}) => {
      const termed: Termed = { user, terms: { ...terms, endsAtMs, issuedAtMs } };
      return Promise.resolve({ token: JSON.stringify(termed), expiresInMs: LIFE_MS });
    },
  };
}
