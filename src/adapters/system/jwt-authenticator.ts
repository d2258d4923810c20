// Identity by JSON Web Tokens: the hub's own, signed with its secret (HS256), and those of a login of the operator's, by its secret or key set.
import { randomUUID } from 'node:crypto';
import {
  SignJWT,
  decodeProtectedHeader,
  errors,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from 'jose';
import { z } from 'zod';
import type { UserId } from '../../../protocol/ids.ts';
import { NameSchema, UserIdSchema } from '../../../protocol/schemas/primitives.ts';
import type { Authenticator, TokenTerms, Verified } from '../../ports/authenticator.ts';
import { uuidFrom } from './system-random.ts';

const DeviceIdSchema = z.uuid().optional();
/** Longer than any login's ids are. */
const SubjectSchema = z.string().min(1).max(256);
const TokenIdSchema = z.string().min(1).max(256).optional();
/** Of the tokens that are signed with the hub's own secret. */
export const ALGORITHM = 'HS256';
export const AUDIENCE = 'earshot';
/** The role. */
export const OPERATOR = 'operator';

export interface JwtAuthenticatorOptions {
  /** At least 32 bytes. */
  readonly secret: Uint8Array;
  /** How long a guest's token holds, ms. */
  readonly tokenLifeMs: number;
  /** How far the clock of who signs may be off; 5 by default. */
  readonly clockToleranceS?: number;
  /** The claim, or the path to it, that says who is an operator; `roles` by default. */
  readonly rolesClaim?: string;
  /** The login whose tokens are taken beside the hub's own. */
  readonly people?: {
    /** HS256, at least 32 bytes. */
    readonly secret?: Uint8Array | undefined;
    readonly keySet?:
      { readonly keyOf: JWTVerifyGetKey; readonly algorithms: readonly string[] } | undefined;
    readonly issuer: string | undefined;
    readonly audience: string;
  };
}

/**
 * The algorithm decides which keys are tried, and each kind of key is pinned to its own: a public key is never taken for a secret, and a
 * token that is not signed is invalid. `verify` rejects with `StoreUnavailable` where the key set is needed and cannot be had.
 */
export function createJwtAuthenticator({
  secret,
  tokenLifeMs,
  clockToleranceS = 5,
  rolesClaim = 'roles',
  people,
}: JwtAuthenticatorOptions): Authenticator {
  for (const each of [secret, people?.secret])
    if (each !== undefined && each.length < 32)
      throw new RangeError('the token secret must have at least 32 bytes');
  const common = { clockTolerance: clockToleranceS, requiredClaims: ['sub', 'exp'] };
  const ownTerms: JWTVerifyOptions = { ...common, algorithms: [ALGORITHM], audience: AUDIENCE };
  const peopleTerms = (algorithms: readonly string[]): JWTVerifyOptions => ({
    ...common,
    algorithms: [...algorithms],
    ...(people === undefined ? {} : { audience: people.audience }),
    ...(people?.issuer === undefined ? {} : { issuer: people.issuer }),
  });

  const bySecret = async (token: string): Promise<Verified> => {
    try {
      return ownVerified((await jwtVerify(token, secret, ownTerms)).payload, rolesClaim);
    } catch (error) {
      const isOthers = error instanceof errors.JWSSignatureVerificationFailed;
      if (!isOthers || people?.secret === undefined) throw error;
      const { payload } = await jwtVerify(token, people.secret, peopleTerms([ALGORITHM]));
      return peopleVerified(payload, rolesClaim);
    }
  };
  const byKeySet = async (
    token: string,
    keySet: NonNullable<NonNullable<typeof people>['keySet']>,
  ): Promise<Verified> => {
    const terms = peopleTerms(keySet.algorithms);
    return peopleVerified((await jwtVerify(token, keySet.keyOf, terms)).payload, rolesClaim);
  };

  return {
    async verify(token): Promise<Verified> {
      const algorithm = algorithmOf(token);
      const keySet = people?.keySet;
      try {
        return keySet === undefined || algorithm === undefined || algorithm === ALGORITHM
          ? await bySecret(token)
          : await byKeySet(token, keySet);
      } catch (error) {
        if (error instanceof errors.JWTExpired) return { kind: 'expired' };
        if (error instanceof errors.JOSEError)
          return { kind: 'invalid', reason: `the token is not valid (${faultOf(error)})` };
        throw error;
      }
    },
    async issue({ id, name, guest }, { deviceId, endsAtMs, tokenId, issuedAtMs } = {}) {
      const endsAtS = Math.floor((endsAtMs ?? Date.now() + tokenLifeMs) / 1_000);
      const device = deviceId === undefined ? {} : { device: deviceId };
      const token = await new SignJWT({ name, guest, ...device })
        .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
        .setSubject(id satisfies UserId)
        .setAudience(AUDIENCE)
        .setJti(tokenId ?? randomUUID())
        .setIssuedAt(Math.floor((issuedAtMs ?? Date.now()) / 1_000))
        .setExpirationTime(endsAtS)
        .sign(secret);
      return {
        token,
        expiresInMs: endsAtMs === undefined ? tokenLifeMs : Math.max(0, endsAtMs - Date.now()),
      };
    },
  };
}

/** As the token says by itself: good for choosing which keys are tried, and for nothing else. */
function algorithmOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).alg;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** With the claim that is at fault, where it is one. */
function faultOf(error: errors.JOSEError): string {
  return error instanceof errors.JWTClaimValidationFailed
    ? `${error.code}: ${error.claim}`
    : error.code;
}

function ownVerified(payload: JWTPayload, rolesClaim: string): Verified {
  const device = DeviceIdSchema.safeParse(payload['device']);
  if (!device.success) return { kind: 'invalid', reason: 'the token’s device is not a uuid' };
  const isGuest = payload['guest'] === true;
  const { data: deviceId } = device;
  // What the hub gives a guest says nothing of roles.
  const isOperator = !isGuest && deviceId === undefined && hasRole(payload, rolesClaim);
  const terms = deviceId === undefined ? {} : { deviceId };
  return verifiedOf(payload.sub, payload, isGuest, terms, isOperator);
}

/** `guest` and `device` are the hub's own claims: a login makes neither. */
function peopleVerified(payload: JWTPayload, rolesClaim: string): Verified {
  return verifiedOf(personOf(payload), payload, false, {}, hasRole(payload, rolesClaim));
}

/**
 * The id of a login's person: the subject where it is a uuid, and else one that is made of it and of who issued it, so that a name such as
 * `auth0|1234` is always the same person's. Undefined where there is none. A uuid in capitals stays as it is, which is no id: it must
 * not become somebody else than the same in small letters.
 */
function personOf({ sub, iss }: JWTPayload): string | undefined {
  if (z.uuid().safeParse(sub?.toLowerCase()).success) return sub;
  const subject = SubjectSchema.safeParse(sub);
  return subject.success ? uuidFrom(JSON.stringify([iss ?? '', subject.data])) : undefined;
}

function verifiedOf(
  subject: string | undefined,
  payload: JWTPayload,
  guest: boolean,
  device: Pick<TokenTerms, 'deviceId'>,
  isOperator: boolean,
): Verified {
  const id = UserIdSchema.safeParse(subject);
  if (!id.success) return { kind: 'invalid', reason: 'the token’s sub is no id of a person' };
  const name = NameSchema.safeParse(payload['name']);
  if (!name.success)
    return { kind: 'invalid', reason: 'the token’s name is missing or may not be shown' };
  const tokenId = TokenIdSchema.safeParse(payload.jti);
  if (!tokenId.success)
    return { kind: 'invalid', reason: 'the token’s jti is no text of 1 to 256 characters' };
  const endsAtMs = (payload.exp ?? 0) * 1_000;
  const terms: TokenTerms = {
    endsAtMs,
    ...device,
    ...(tokenId.data === undefined ? {} : { tokenId: tokenId.data }),
    ...(payload.iat === undefined ? {} : { issuedAtMs: payload.iat * 1_000 }),
    ...(isOperator ? { isOperator } : {}),
  };
  const user = { id: id.data, name: name.data, guest };
  return { kind: 'ok', user, expiresInMs: Math.max(0, endsAtMs - Date.now()), terms };
}

/** The claim of that very name, which may have dots in it, or else the member at the end of the path. */
function hasRole(payload: JWTPayload, claim: string): boolean {
  const roles: unknown = Object.hasOwn(payload, claim) ? payload[claim] : memberOf(payload, claim);
  if (typeof roles === 'string') return roles.split(/[\s,]+/).includes(OPERATOR);
  return Array.isArray(roles) && roles.includes(OPERATOR);
}

function memberOf(payload: JWTPayload, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => {
    const isObject = typeof value === 'object' && value !== null && Object.hasOwn(value, name);
    return isObject ? (value as Record<string, unknown>)[name] : undefined;
  }, payload);
}
