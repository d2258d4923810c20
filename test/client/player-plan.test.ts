import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import type { EntryId, TrackId } from '../../protocol/ids.ts';
import {
  anchorAt,
  hasTrack,
  positionAt,
  type Anchor,
  type TrackAnchor,
} from '../../protocol/schemas/playback.ts';
import { planStretches, wantedEntries } from '../../src/client/player-plan.ts';

function anchor(
  entry: string,
  positionMs: number,
  at: number,
  state: TrackAnchor['state'] = 'playing',
): TrackAnchor {
  return {
    state,
    entryId: entry as EntryId,
    trackId: `t-${entry}` as TrackId,
    durationMs: 10_000,
    positionMs,
    at,
  };
}

const toLocal = (at: number): number => at - 1_000;

describe('planStretches', () => {
  it('gives a playing anchor until its track ends, in local time', () => {
    expect(planStretches([anchor('a', 2_000, 5_000)], 6_000, toLocal)).toMatchObject([
      { entryId: 'a', startMs: 4_000, positionMs: 2_000, endMs: 12_000, joins: false },
    ]);
  });

  it('joins what begins where the one before ends by itself, also the same entry again', () => {
    const timeline = [anchor('a', 0, 0), anchor('a', 0, 10_000), anchor('b', 0, 20_000)];
    const stretches = planStretches(timeline, 100, toLocal);
    expect(stretches.map(({ joins }) => joins)).toEqual([false, true, true]);
    expect(new Set(stretches.map(({ id }) => id)).size).toBe(3);
  });

  it('does not join after a cut', () => {
    const [, second] = planStretches([anchor('a', 0, 0), anchor('b', 0, 4_000)], 0, toLocal);
    expect(second?.joins).toBe(false);
  });

  it('takes anchors on one line for one stretch, and keeps its id when the first is forgotten', () => {
    const all = planStretches([anchor('a', 0, 0), anchor('a', 3_000, 3_000)], 3_500, toLocal);
    const later = planStretches([anchor('a', 3_000, 3_000)], 3_500, toLocal);
    expect(all).toHaveLength(1);
    expect(later[0]?.id).toBe(all[0]?.id);
  });

  it('says at every moment what the timeline says (PB2, PB3)', () => {
    const anchors = fc
      .array(
        fc.record({
          entry: fc.constantFrom('a', 'b', 'c'),
          position: fc.integer({ min: 0, max: 10_000 }),
          gap: fc.integer({ min: 1, max: 12_000 }),
          state: fc.constantFrom('playing' as const, 'paused' as const),
        }),
        { minLength: 1, maxLength: 6 },
      )
      .map((steps): Anchor[] => {
        let at = 0;
        return steps.map(({ entry, position, gap, state }) => {
          at += gap;
          return anchor(entry, position, at, state);
        });
      });
    fc.assert(
      fc.property(anchors, fc.integer({ min: 0, max: 80_000 }), (timeline, now) => {
        const [first] = timeline;
        if (first !== undefined && now < first.at) return;
        const wanted = anchorAt(timeline, now);
        const heard = planStretches(timeline, now, (at) => at).find(
          ({ startMs, endMs }) => startMs <= now && now < endMs,
        );
        const positionMs = positionAt(wanted, now);
        const sounds =
          hasTrack(wanted) && wanted.state === 'playing' && positionMs < wanted.durationMs;
        if (!sounds) expect(heard).toBeUndefined();
        else {
          expect(heard?.entryId).toBe(wanted.entryId);
          expect((heard?.positionMs ?? 0) + now - (heard?.startMs ?? 0)).toBe(positionMs);
        }
      }),
    );
  });
});

describe('wantedEntries', () => {
  const queue = Object.fromEntries(
    ['a', 'b', 'c', 'd'].map((id) => [id, { trackId: `t-${id}`, durationMs: 10_000, rank: id }]),
  ) as never;
  const wanted = (timeline: readonly Anchor[], repeat: 'off' | 'all' = 'off'): string[] =>
    wantedEntries({ queue, playback: { timeline, repeat, shuffle: false } }, 1_000, 2).map(
      ({ entryId }) => entryId,
    );

  it('is the current, the planned, and the two that follow these', () => {
    expect(wanted([anchor('a', 0, 0)])).toEqual(['a', 'b', 'c']);
    expect(wanted([anchor('a', 0, 0), anchor('b', 0, 10_000)])).toEqual(['a', 'b', 'c', 'd']);
  });

  it('begins again at the front when all are repeated', () => {
    expect(wanted([anchor('d', 0, 0)], 'all')).toEqual(['d', 'a', 'b']);
    expect(wanted([anchor('d', 0, 0)])).toEqual(['d']);
  });
});
