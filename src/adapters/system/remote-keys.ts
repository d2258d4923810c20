// The public keys of a login elsewhere (JWKS): fetched when a token needs them, kept, and asked for again when they turn. Knows no claims.
import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from 'jose';
import { StoreUnavailable } from '../../ports/room-log.ts';

export interface RemoteKeysOptions {
  readonly url: string;
  /** Monotonic, ms. */
  readonly now?: () => number;
  /** After a fetch, a key that is not among them is asked for again so much later, whoever brings what: nobody makes us hammer the login. */
  readonly cooldownMs?: number;
  /** After a failed one, nobody waits for another for so long. */
  readonly backOffMs?: number;
  /** Shorter than a hello may take. */
  readonly timeoutMs?: number;
  /** Older keys are fetched again, by the way. */
  readonly freshMs?: number;
  /** Older keys are not trusted any more where the login cannot be reached: one of them may have been withdrawn. */
  readonly trustedMs?: number;
}

/** What says something of the token, while the keys are there. */
const OF_THE_TOKEN = [
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
  errors.JOSENotSupported,
];

/**
 * The key that a token names. A token whose key is known waits for nothing, also while the login is away.
 * Rejects with `StoreUnavailable` where the keys cannot be had, with jose's errors where the token has none of them.
 */
export function createRemoteKeys({
  url,
  now = () => performance.now(),
  cooldownMs = 10_000,
  backOffMs = 5_000,
  timeoutMs = 3_000,
  freshMs = 600_000,
  trustedMs = 3_600_000,
}: RemoteKeysOptions): JWTVerifyGetKey {
  let refreshAt = -Infinity;
  let failure: { readonly until: number; readonly cause: unknown } | undefined;
  const away = (cause: unknown): StoreUnavailable =>
    new StoreUnavailable('the key set of the login', { cause });
  const failed = (error: unknown): StoreUnavailable => {
    if (error instanceof StoreUnavailable) return error;
    failure = { until: now() + backOffMs, cause: error };
    return away(error);
  };
  const keys = createRemoteJWKSet(new URL(url), {
    cooldownDuration: cooldownMs,
    cacheMaxAge: trustedMs,
    timeoutDuration: timeoutMs,
    [customFetch]: (target, init) => {
      if (failure !== undefined && now() < failure.until)
        return Promise.reject(away(failure.cause));
      refreshAt = now() + freshMs;
      return fetch(target, init);
    },
  });
  return async (header, token) => {
    if (keys.jwks() !== undefined && now() >= refreshAt) {
      refreshAt = now() + backOffMs;
      keys.reload().catch(failed);
    }
    try {
      return await keys(header, token);
    } catch (error) {
      throw OF_THE_TOKEN.some((kind) => error instanceof kind) ? error : failed(error);
    }
  };
}
