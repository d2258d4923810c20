// Owns the tokens of the people of a run: signed with the hub's secret, so that a run of thousands asks for none. Knows no sockets.
import { SignJWT } from 'jose';
import { personId } from './placement.ts';

const LIFE_SECONDS = 86_400;

/** @param run see `personId` */
export function createTokens(secret: string, run: number): (person: number) => Promise<string> {
  const key = new TextEncoder().encode(secret);
  return (person) =>
    new SignJWT({ name: `Listener ${person}`, guest: false })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setSubject(personId(run, person))
      .setAudience('earshot')
      .setIssuedAt()
      .setExpirationTime(`${LIFE_SECONDS}s`)
      .sign(key);
}
