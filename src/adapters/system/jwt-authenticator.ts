// Identity by JSON Web Tokens signed with a secret (HS256): made here for guests, or by an operator who shares the secret.
import { SignJWT, errors, jwtVerify } from 'jose';
import { z } from 'zod';
import type { UserId } from '../../../protocol/ids.ts';
import { NameSchema, UserIdSchema } from '../../../protocol/schemas/primitives.ts';
import type { Authenticator, TokenTerms, Verified } from '../../ports/authenticator.ts';

const DeviceIdSchema = z.uuid().optional();
const ALGORITHM = 'HS256';
const AUDIENCE = 'earshot';
const CLOCK_TOLERANCE_S = 5;

export interface JwtAuthenticatorOptions {
  /** At least 32 bytes. */
  readonly secret: Uint8Array;
  /** How long a guest's token holds, ms. */
  readonly tokenLifeMs: number;
}

/** The algorithm is pinned: a token that names another one, or none, is invalid. */
export function createJwtAuthenticator({
  secret,
  tokenLifeMs,
}: JwtAuthenticatorOptions): Authenticator {
  if (secret.length < 32) throw new RangeError('the token secret must have at least 32 bytes');
  return {
    async verify(token): Promise<Verified> {
      try {
        const { payload } = await jwtVerify(token, secret, {
          algorithms: [ALGORITHM],
          audience: AUDIENCE,
          clockTolerance: CLOCK_TOLERANCE_S,
          requiredClaims: ['sub', 'exp'],
        });
        const id = UserIdSchema.safeParse(payload.sub);
        if (!id.success)
          return { kind: 'invalid', reason: 'the token’s sub is not a lower-case uuid' };
        const name = NameSchema.safeParse(payload['name']);
        if (!name.success)
          return { kind: 'invalid', reason: 'the token’s name is missing or may not be shown' };
        const device = DeviceIdSchema.safeParse(payload['device']);
        if (!device.success) return { kind: 'invalid', reason: 'the token’s device is not a uuid' };
        const endsAtMs = (payload.exp ?? 0) * 1_000;
        const terms: TokenTerms = {
          endsAtMs,
          ...(device.data === undefined ? {} : { deviceId: device.data }),
        };
        const user = { id: id.data, name: name.data, guest: payload['guest'] === true };
        return { kind: 'ok', user, expiresInMs: Math.max(0, endsAtMs - Date.now()), terms };
      } catch (error) {
        if (error instanceof errors.JWTExpired) return { kind: 'expired' };
        if (error instanceof errors.JOSEError)
          return { kind: 'invalid', reason: `the token is not valid (${error.code})` };
        throw error;
      }
    },
    async issue({ id, name, guest }, { deviceId, endsAtMs } = {}) {
      const endsAtS = Math.floor((endsAtMs ?? Date.now() + tokenLifeMs) / 1_000);
      const device = deviceId === undefined ? {} : { device: deviceId };
      const token = await new SignJWT({ name, guest, ...device })
        .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
        .setSubject(id satisfies UserId)
        .setAudience(AUDIENCE)
        .setIssuedAt()
        .setExpirationTime(endsAtS)
        .sign(secret);
      return {
        token,
        expiresInMs: endsAtMs === undefined ? tokenLifeMs : Math.max(0, endsAtMs - Date.now()),
      };
    },
  };
}
