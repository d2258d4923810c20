// The token by which an operator comes, signed with the secret that the nodes have. Knows no command line.
import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { ALGORITHM, AUDIENCE, OPERATOR } from './adapters/system/jwt-authenticator.ts';
import { uuidFrom } from './adapters/system/system-random.ts';
import type { Config } from './config.ts';
import { Refused } from './operator-calls.ts';

export interface OperatorTokenTerms {
  /** What others see, and what their id is made of. */
  readonly name: string;
  readonly hours: number;
}

/** Signed as the hub signs its own, so nodes take it beside those of any login. Rejects with `Refused` where there is no secret. */
export async function signOperatorToken(
  { tokenSecret, identity }: Pick<Config, 'tokenSecret' | 'identity'>,
  { name, hours }: OperatorTokenTerms,
): Promise<string> {
  const { people, rolesClaim } = identity;
  if (tokenSecret === undefined)
    throw new Refused(
      people === undefined
        ? 'no TOKEN_SECRET, nor TOKEN_SECRET_FILE: set the one that the nodes have (those that were given none have made one that only they know)'
        : `no TOKEN_SECRET, nor TOKEN_SECRET_FILE: a token of an operator comes from your login, with "${OPERATOR}" in its claim ${rolesClaim}`,
    );
  return (
    // The claim of that very name goes before a path, so a name with dots in it does as well.
    new SignJWT({ name, [rolesClaim]: [OPERATOR] })
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
      // The same with each token, as what an operator does is logged by their id.
      .setSubject(uuidFrom(`operator ${name}`))
      .setAudience(AUDIENCE)
      .setJti(randomUUID())
      .setIssuedAt()
      .setExpirationTime(`${hours}h`)
      .sign(new TextEncoder().encode(tokenSecret))
  );
}
