import { describe, expect, it } from 'vitest';
import { isReplay, soloStartMark, type SoloSaid } from '../../src/domain/now-playing.ts';

function said(positionMs: number, durationMs: number): SoloSaid {
  return { state: 'playing', positionMs, positionAt: 0, durationMs };
}

describe('a word about the same track', () => {
  it('begins it anew from near its start, after it came near its end', () => {
    expect(isReplay(said(0, 200_000), 2_000, 195_000)).toBe(true);
    expect(isReplay(said(0, 200_000), 2_000, 150_000)).toBe(false);
    expect(isReplay(said(0, 200_000), 120_000, 195_000)).toBe(false);
  });

  it.each([1_000, 8_000, 15_000, 19_999])(
    'goes on with a track of %d ms, whenever a pause or another word about it comes',
    (durationMs) => {
      for (let at = 0; at <= durationMs; at += durationMs / 20)
        expect(isReplay(said(0, durationMs), at, at), `at ${at}`).toBe(false);
      expect(isReplay(said(0, durationMs), 0, durationMs)).toBe(true);
    },
  );

  it('of two plays never shares its mark, however short the track is', () => {
    for (const durationMs of [1_000, 8_000, 60_000, 600_000]) {
      for (let begunAt = 0; begunAt < durationMs; begunAt += durationMs / 16) {
        const mark = soloStartMark(durationMs, begunAt);
        expect(soloStartMark(durationMs, begunAt + durationMs / 2)).toBeGreaterThan(mark);
      }
    }
  });
});
