// Tokens for the benches' own hub, whose secret is no secret.
import { createJwtAuthenticator } from '../src/adapters/system/jwt-authenticator.ts';
import type { UserId } from '../protocol/ids.ts';

export const BENCH_SECRET = new TextEncoder().encode('the benches sign with this, and nobody else');

/** @param n a person's number */
export function idOfPerson(n: number): UserId {
  return `00000000-0000-4000-9000-${n.toString(16).padStart(12, '0')}` as UserId;
}

/** @param n a person's number; each has an id of their own */
export async function benchToken(n: number): Promise<string> {
  const id = idOfPerson(n);
  const { token } = await createJwtAuthenticator({
    secret: BENCH_SECRET,
    tokenLifeMs: 3_600_000,
  }).issue({
    id,
    name: `Member ${n}`,
    guest: false,
  });
  return token;
}
