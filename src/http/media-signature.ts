// Signed, expiring media URLs: the leave to hear a track, for an element that can send no header. Knows no users and no files.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { TrackId } from '../../protocol/ids.ts';

export interface SignedMediaUrl {
  /** Path and query, without an origin. */
  readonly url: string;
  /** Unix ms from which on it is refused. */
  readonly expiresAtMs: number;
}

export type SignatureVerdict = 'valid' | 'expired' | 'invalid';

export interface MediaSignature {
  /** The same URL for the same track within a step, so that a browser's cache knows it again. `nowMs` is Unix time. */
  sign(trackId: TrackId, nowMs: number): SignedMediaUrl;
  /** `expires` and `signature` as they came in the query. An altered expiry is `invalid`, never `expired`. */
  verify(
    trackId: string,
    query: { readonly expires: string | undefined; readonly signature: string | undefined },
    nowMs: number,
  ): SignatureVerdict;
}

export interface MediaSignatureOptions {
  /** At least 16 bytes; the same on all nodes. */
  readonly key: string | Uint8Array;
  /** How long a URL holds at least; with the step, at most a quarter longer. */
  readonly lifetimeMs?: number;
}

const HOUR_MS = 3_600_000;
/** Expiries are rounded up to a multiple of this, or of a quarter of the lifetime where that is less: minutes must not become an hour. */
const MAX_STEP_MS = HOUR_MS;
const STEPS_PER_LIFETIME = 4;
const MIN_KEY_BYTES = 16;

export function createMediaSignature(options: MediaSignatureOptions): MediaSignature {
  const { lifetimeMs = 6 * HOUR_MS } = options;
  const stepMs = Math.min(MAX_STEP_MS, lifetimeMs / STEPS_PER_LIFETIME);
  const key = Buffer.from(options.key);
  if (key.length < MIN_KEY_BYTES) {
    throw new RangeError(
      `the key that signs media URLs has ${key.length} bytes: it needs at least ${MIN_KEY_BYTES}`,
    );
  }
  // The purpose is part of what is signed: a key that signs other things too cannot be made to sign a URL by them.
  const mac = (trackId: string, expires: string) =>
    createHmac('sha256', key).update(`earshot media\n${trackId}\n${expires}`).digest();

  return {
    sign(trackId, nowMs) {
      const expiresAtMs = Math.ceil((nowMs + lifetimeMs) / stepMs) * stepMs;
      const expires = String(Math.ceil(expiresAtMs / 1000));
      const signature = mac(trackId, expires).toString('base64url');
      return {
        url: `/media/${encodeURIComponent(trackId)}?expires=${expires}&signature=${signature}`,
        expiresAtMs: Number(expires) * 1000,
      };
    },
    verify(trackId, { expires, signature }, nowMs) {
      if (expires === undefined || signature === undefined) return 'invalid';
      if (!/^\d{1,12}$/u.test(expires) || !/^[\w-]{43}$/u.test(signature)) return 'invalid';
      const isGenuine = timingSafeEqual(mac(trackId, expires), Buffer.from(signature, 'base64url'));
      if (!isGenuine) return 'invalid';
      return nowMs < Number(expires) * 1000 ? 'valid' : 'expired';
    },
  };
}
