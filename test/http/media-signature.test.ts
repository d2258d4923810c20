import { expect, it } from 'vitest';
import type { TrackId } from '../../protocol/ids.ts';
import { createMediaSignature } from '../../src/http/media-signature.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = Date.parse('2026-03-04T05:06:07Z');
const TRACK = 'Track-_1' as TrackId;
const signature = createMediaSignature({ key: 'a key for tests only', lifetimeMs: 4 * HOUR_MS });

function queryOf(url: string) {
  const { searchParams } = new URL(url, 'http://hub');
  return {
    expires: searchParams.get('expires') ?? undefined,
    signature: searchParams.get('signature') ?? undefined,
  };
}

it('is the same URL for an hour, and always good for the whole lifetime', () => {
  const urls = new Set<string>();
  for (let minute = 0; minute < 60; minute += 1) {
    const nowMs = Math.floor(NOW_MS / HOUR_MS) * HOUR_MS + 1 + minute * 60_000;
    const { url, expiresAtMs } = signature.sign(TRACK, nowMs);
    urls.add(url);
    expect(expiresAtMs - nowMs).toBeGreaterThanOrEqual(4 * HOUR_MS);
    expect(expiresAtMs - nowMs).toBeLessThanOrEqual(5 * HOUR_MS);
  }
  expect(urls.size).toBe(1);
});

it('of minutes holds for minutes: at most a quarter longer than it is meant to', () => {
  const lifetimeMs = 5 * 60_000;
  const brief = createMediaSignature({ key: 'a key for tests only', lifetimeMs });
  const urls = new Set<string>();
  for (let second = 0; second < 3_600; second += 10) {
    const nowMs = NOW_MS + second * 1_000;
    const { url, expiresAtMs } = brief.sign(TRACK, nowMs);
    urls.add(url);
    expect(expiresAtMs - nowMs).toBeGreaterThanOrEqual(lifetimeMs);
    expect(expiresAtMs - nowMs).toBeLessThanOrEqual(lifetimeMs * 1.25);
  }
  // And is still the same one for a while.
  expect(urls.size).toBeLessThan(60);
});

it('holds until its expiry and not a millisecond longer', () => {
  const { url, expiresAtMs } = signature.sign(TRACK, NOW_MS);
  expect(signature.verify(TRACK, queryOf(url), expiresAtMs - 1)).toBe('valid');
  expect(signature.verify(TRACK, queryOf(url), expiresAtMs)).toBe('expired');
});

it('is invalid when any part of it is altered, missing or made with another key', () => {
  const query = queryOf(signature.sign(TRACK, NOW_MS).url);
  const made = query.signature ?? '';
  const flipped = (made.startsWith('A') ? 'B' : 'A') + made.slice(1);
  const verify = (part: Partial<typeof query>, track: string = TRACK) =>
    signature.verify(track, { ...query, ...part }, NOW_MS);
  expect(verify({})).toBe('valid');
  expect(verify({ signature: flipped })).toBe('invalid');
  expect(verify({ signature: made.slice(0, -1) })).toBe('invalid');
  expect(verify({ signature: `${made}=` })).toBe('invalid');
  expect(verify({ signature: '' })).toBe('invalid');
  expect(verify({ signature: undefined })).toBe('invalid');
  expect(verify({ expires: undefined })).toBe('invalid');
  expect(verify({ expires: `0${query.expires ?? ''}` })).toBe('invalid');
  expect(verify({ expires: 'NaN' })).toBe('invalid');
  expect(verify({ expires: '1' })).toBe('invalid');
  expect(verify({}, 'Track-_2')).toBe('invalid');
  const other = createMediaSignature({ key: 'another key for tests' });
  expect(other.verify(TRACK, query, NOW_MS)).toBe('invalid');
});

it('refuses a key that could be guessed', () => {
  expect(() => createMediaSignature({ key: 'short' })).toThrow('at least 16');
});
