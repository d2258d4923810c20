// The keys of the environment that tell whose tokens are taken beside the hub's own: what they mean, and which of them go together.
import { z } from 'zod';
import { count } from './store-config.ts';

/** Signed with a private key; what signs with a shared secret is never taken from a key set. */
export const KEY_SET_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

export const MIN_SECRET_LENGTH = 32;
const LOCAL_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]']);

export const secret = z
  .string()
  .min(MIN_SECRET_LENGTH, `needs at least ${MIN_SECRET_LENGTH} characters`);

export const IDENTITY_KEYS = {
  JWT_JWKS_URL: z
    .string()
    .optional()
    .describe(
      'key set (JWKS) of a login of yours, https:// except on localhost: its tokens are taken as well; needs JWT_ISSUER',
    ),
  JWT_ALGORITHMS: z
    .string()
    .default('RS256,ES256,EdDSA')
    .describe('how tokens may be signed by a key of JWT_JWKS_URL, by commas; never HS256 or none'),
  JWT_SECRET: secret
    .optional()
    .describe(
      'HS256 secret of a login of yours, another one than TOKEN_SECRET: its tokens are taken as well',
    ),
  JWT_ISSUER: z
    .string()
    .min(1)
    .optional()
    .describe('iss that tokens of a login of yours must have'),
  JWT_AUDIENCE: z
    .string()
    .min(1)
    .default('earshot')
    .describe('aud that tokens of a login of yours must have'),
  JWT_CLOCK_TOLERANCE_SECONDS: count
    .max(300)
    .default(5)
    .describe('how far the clock of who signs tokens may be off'),
  JWT_ROLES_CLAIM: z
    .string()
    .min(1)
    .default('roles')
    .describe(
      'claim that makes an operator of who has the word "operator" in it; a path such as realm_access.roles works',
    ),
};

type IdentityEnvironment = z.infer<z.ZodObject<typeof IDENTITY_KEYS>>;

export interface IdentityConfig {
  /** Undefined: the hub's own secret alone. */
  readonly people:
    | {
        readonly keySet:
          { readonly url: string; readonly algorithms: readonly string[] } | undefined;
        readonly secret: string | undefined;
        readonly issuer: string | undefined;
        readonly audience: string;
      }
    | undefined;
  readonly clockToleranceS: number;
  readonly rolesClaim: string;
}

/** What of these keys does not go together, one line each. */
export function identityFaults(
  env: IdentityEnvironment & { readonly TOKEN_SECRET?: string | undefined },
): string[] {
  const faults: string[] = [];
  const { JWT_JWKS_URL: url, JWT_SECRET: shared, JWT_ISSUER: issuer } = env;
  if (url !== undefined && !isKeySetUrl(url))
    faults.push(
      'JWT_JWKS_URL: is no address such as https://login.example.org/jwks.json; http:// is for localhost alone, and no password may be in it',
    );
  if (url !== undefined && issuer === undefined)
    faults.push('JWT_ISSUER: must be set where JWT_JWKS_URL is, to what its tokens have for iss');
  const known: readonly string[] = KEY_SET_ALGORITHMS;
  for (const algorithm of algorithmsOf(env))
    if (!known.includes(algorithm))
      faults.push(`JWT_ALGORITHMS: "${algorithm}" is none of ${known.join(', ')}`);
  if (issuer !== undefined && url === undefined && shared === undefined)
    faults.push('JWT_ISSUER: is of tokens by JWT_JWKS_URL or JWT_SECRET, so set one of them');
  if (shared !== undefined && shared === env.TOKEN_SECRET)
    faults.push('JWT_SECRET: must be another one than TOKEN_SECRET');
  return faults;
}

export function identityOf(env: IdentityEnvironment): IdentityConfig {
  const { JWT_JWKS_URL: url, JWT_SECRET: shared } = env;
  return {
    people:
      url === undefined && shared === undefined
        ? undefined
        : {
            keySet: url === undefined ? undefined : { url, algorithms: algorithmsOf(env) },
            secret: shared,
            issuer: env.JWT_ISSUER,
            audience: env.JWT_AUDIENCE,
          },
    clockToleranceS: env.JWT_CLOCK_TOLERANCE_SECONDS,
    rolesClaim: env.JWT_ROLES_CLAIM,
  };
}

function algorithmsOf({ JWT_ALGORITHMS: text }: IdentityEnvironment): string[] {
  return text.split(',').map((part) => part.trim());
}

function isKeySetUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && LOCAL_HOSTS.has(hostname));
}
