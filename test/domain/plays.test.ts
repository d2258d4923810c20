// What is recorded as heard, over timelines that are replaced while they run.
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import type { EntryId, TrackId } from '../../protocol/ids.ts';
import { anchorAt, hasTrack, positionAt, type Anchor } from '../../protocol/schemas/playback.ts';
import {
  NOTHING_HEARD,
  closeTimeline,
  playedSegments,
  replaceTimeline,
  type Heard,
  type PlayedSegment,
} from '../../src/domain/plays.ts';

function anchor(
  entry: string,
  state: 'playing' | 'paused',
  at: number,
  positionMs = 0,
  durationMs = 1_000,
): Anchor {
  const entryId = entry as EntryId;
  return { state, entryId, trackId: `t-${entry}` as TrackId, durationMs, positionMs, at };
}

const empty = (at: number): Anchor => ({ state: 'stopped', positionMs: 0, at });

function brief(segments: readonly PlayedSegment[]): string[] {
  return segments.map(
    (s) => `${s.entryId} ${s.startedAt}-${s.isOpen ? `(${s.endedAt})` : s.endedAt}`,
  );
}

/** Replays replacements `[at, timeline]`, then closes at `end`. */
function recorded(moves: readonly [number, readonly Anchor[]][], end: number): string[] {
  let heard: Heard = NOTHING_HEARD;
  const plays: PlayedSegment[] = [];
  for (const [at, timeline] of moves) {
    const replaced = replaceTimeline(heard, timeline, at);
    plays.push(...replaced.plays);
    heard = replaced.heard;
  }
  return brief([...plays, ...closeTimeline(heard, end)]);
}

describe('playedSegments', () => {
  it('gives each entry its stretch and leaves the last one open', () => {
    const timeline = [anchor('a', 'playing', 0), anchor('b', 'playing', 1_000)];
    expect(brief(playedSegments(timeline, 0, 1_500))).toEqual(['a 0-1000', 'b 1000-(1500)']);
  });

  it('clips to what was asked for', () => {
    const timeline = [anchor('a', 'playing', 0), anchor('b', 'playing', 1_000)];
    expect(brief(playedSegments(timeline, 200, 900))).toEqual(['a 200-(900)']);
  });

  it('goes on across a seek of the same entry', () => {
    const timeline = [anchor('a', 'playing', 0), anchor('a', 'playing', 300, 700)];
    expect(brief(playedSegments(timeline, 0, 500))).toEqual(['a 0-(500)']);
  });

  it('begins anew when the entry repeats after its end', () => {
    const timeline = [anchor('a', 'playing', 0), anchor('a', 'playing', 1_000)];
    expect(brief(playedSegments(timeline, 0, 1_200))).toEqual(['a 0-1000', 'a 1000-(1200)']);
  });

  it('ends with the track, not with the silence after it', () => {
    expect(brief(playedSegments([anchor('a', 'playing', 0, 400)], 0, 5_000))).toEqual(['a 0-600']);
  });

  it('hears nothing of a paused, a stopped or a future anchor', () => {
    const timeline = [empty(0), anchor('a', 'paused', 10), anchor('a', 'playing', 900)];
    expect(playedSegments(timeline, 0, 900)).toEqual([]);
    expect(playedSegments([], 0, 900)).toEqual([]);
  });

  it('parts a stretch at a pause', () => {
    const timeline = [
      anchor('a', 'playing', 0),
      anchor('a', 'paused', 100, 100),
      anchor('a', 'playing', 300, 100),
    ];
    expect(brief(playedSegments(timeline, 0, 400))).toEqual(['a 0-100', 'a 300-(400)']);
  });
});

describe('replaceTimeline', () => {
  const playing = anchor('a', 'playing', 0);

  it('keeps one stretch through any number of seeks and replans', () => {
    expect(
      recorded(
        [
          [0, [playing]],
          [50, [playing, anchor('a', 'playing', 60, 500)]],
          [100, [anchor('a', 'playing', 60, 500), anchor('b', 'playing', 560)]],
          [
            200,
            [
              anchor('a', 'playing', 60, 500),
              anchor('a', 'playing', 210, 100),
              anchor('b', 'playing', 1_110),
            ],
          ],
        ],
        1_200,
      ),
    ).toEqual(['a 0-1110', 'b 1110-1200']);
  });

  it('does not hear what was planned and called off', () => {
    expect(
      recorded(
        [
          [0, [playing, anchor('b', 'playing', 1_000)]],
          [400, [playing, anchor('a', 'paused', 450, 450)]],
        ],
        2_000,
      ),
    ).toEqual(['a 0-450']);
  });

  it('ends a deserted room where it was last heard, though it is told later', () => {
    expect(
      recorded(
        [
          [0, [playing]],
          [5_000, [anchor('a', 'paused', 300, 300)]],
        ],
        5_000,
      ),
    ).toEqual(['a 0-300']);
  });

  it('goes on with a carried stretch where the same timeline is told again, and ends it at the pause', () => {
    const sought = anchor('a', 'playing', 60, 500);
    expect(
      recorded(
        [
          [0, [playing]],
          [50, [playing, sought]],
          [70, [sought]],
          [70, [sought]],
          [80, [anchor('a', 'paused', 75, 515)]],
        ],
        90,
      ),
    ).toEqual(['a 0-75']);
  });

  it('is silent until a first anchor in the future', () => {
    expect(
      recorded(
        [
          [0, [playing]],
          [100, [anchor('b', 'playing', 300)]],
        ],
        400,
      ),
    ).toEqual(['a 0-100', 'b 300-400']);
  });

  it('records each moment that sounds exactly once, whatever replaces what', () => {
    const move = fc.record({
      waitMs: fc.integer({ min: 1, max: 900 }),
      leadMs: fc.integer({ min: 0, max: 200 }),
      entry: fc.constantFrom('a', 'b', 'c'),
      state: fc.constantFrom('playing' as const, 'paused' as const),
      positionMs: fc.integer({ min: 0, max: 900 }),
    });
    fc.assert(
      fc.property(fc.array(move, { minLength: 1, maxLength: 12 }), (moves) => {
        let heard: Heard = NOTHING_HEARD;
        let timeline: readonly Anchor[] = [empty(0)];
        let at = 0;
        const plays: PlayedSegment[] = [];
        const truth = new Map<number, string>();
        for (const { waitMs, leadMs, entry, state, positionMs } of moves) {
          const from = at;
          at += waitMs;
          for (let t = from; t < at; t += 1) {
            const now = anchorAt(timeline, t);
            const sounds =
              hasTrack(now) &&
              now.state === 'playing' &&
              t >= now.at &&
              positionAt(now, t) < now.durationMs;
            if (sounds) truth.set(t, now.entryId);
          }
          timeline = [anchorAt(timeline, at), anchor(entry, state, at + leadMs, positionMs)];
          const replaced = replaceTimeline(heard, timeline, at);
          plays.push(...replaced.plays);
          heard = replaced.heard;
        }
        plays.push(...closeTimeline(heard, at));
        const told = new Map<number, string>();
        for (const play of plays) {
          for (let t = play.startedAt; t < play.endedAt; t += 1) {
            if (told.has(t)) throw new Error(`${t} is recorded twice`);
            told.set(t, play.entryId);
          }
        }
        expect(told).toEqual(truth);
      }),
      { numRuns: 200 },
    );
  });
});
