// Tokens as a login makes them that shares a secret with the hub.
import { SignJWT } from 'jose';
import { userId } from './hub-world.ts';

/** @param claims beside those that a good token has; an operator's `roles`, say, or an `iat` of another time than now */
export function signedToken(
  secret: string,
  claims: Readonly<Record<string, unknown>> = {},
  { sub = userId(99), expires = '10m' } = {},
): Promise<string> {
  return new SignJWT({ name: 'Op', ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(sub)
    .setAudience('earshot')
    .setIssuedAt(typeof claims['iat'] === 'number' ? claims['iat'] : undefined)
    .setExpirationTime(expires)
    .sign(new TextEncoder().encode(secret));
}

export function operatorToken(secret: string): Promise<string> {
  return signedToken(secret, { roles: ['operator'] });
}
