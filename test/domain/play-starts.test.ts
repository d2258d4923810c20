import { describe, expect, it } from 'vitest';
import type { EntryId, TrackId } from '../../protocol/ids.ts';
import type { Anchor, TrackAnchor } from '../../protocol/schemas/playback.ts';
import { playStarts, startOfTimeline } from '../../src/domain/play-starts.ts';

const DURATION = 60_000;

function anchor(
  entry: string,
  at: number,
  positionMs = 0,
  state: TrackAnchor['state'] = 'playing',
): Anchor {
  const [entryId, trackId] = [entry as EntryId, 'track' as TrackId];
  return { state, entryId, trackId, durationMs: DURATION, positionMs, at };
}

function startsOf(...timeline: Anchor[]): (number | undefined)[] {
  return playStarts(timeline, undefined).map((start) => start?.at);
}

describe('a play of an entry', () => {
  it('goes on through pauses and seeks', () => {
    const timeline = [
      anchor('a', 1_000),
      anchor('a', 5_000, 4_000, 'paused'),
      anchor('a', 9_000, 4_000),
      anchor('a', 10_000, 50_000),
      anchor('a', 11_000, 3_000),
    ];
    expect(startsOf(...timeline)).toEqual([1_000, 1_000, 1_000, 1_000, 1_000]);
  });

  it('is another one after its own end, after another entry, and after a stop', () => {
    const [first, second] = [anchor('a', 1_000), anchor('a', 61_000)];
    expect(startsOf(first, second)).toEqual([1_000, 61_000]);
    expect(startsOf(first, anchor('b', 9_000), anchor('a', 20_000))).toEqual([
      1_000, 9_000, 20_000,
    ]);
    const stopped = anchor('a', 61_000, DURATION, 'stopped');
    expect(startsOf(first, stopped, anchor('a', 90_000))).toEqual([1_000, undefined, 90_000]);
  });

  it('is another one when it is begun again past half of it, and the same before', () => {
    expect(startsOf(anchor('a', 1_000), anchor('a', 32_000))).toEqual([1_000, 32_000]);
    expect(startsOf(anchor('a', 1_000), anchor('a', 11_000))).toEqual([1_000, 1_000]);
    const resumed = [anchor('a', 1_000, 0, 'paused'), anchor('a', 90_000)];
    expect(startsOf(...resumed)).toEqual([1_000, 1_000]);
  });

  it('is known by its start when what began it has left the timeline', () => {
    const timeline = [anchor('a', 1_000), anchor('a', 20_000, 40_000), anchor('b', 40_000)];
    const kept = timeline.slice(1);
    const first = startOfTimeline({ timeline, first: undefined }, kept);
    expect(first).toEqual({ entryId: 'a', at: 1_000 });
    const later = [anchor('a', 25_000, 10_000)];
    expect(startOfTimeline({ timeline: kept, first }, later)).toEqual(first);
    expect(startOfTimeline({ timeline: kept, first }, [anchor('b', 30_000)])?.at).toBe(30_000);
    expect(startOfTimeline({ timeline: kept, first }, [anchor('b', 40_000)])?.at).toBe(40_000);
  });

  it('is read off the timeline where what is known is of another one', () => {
    const [entryId, at] = ['a' as EntryId, 1_000];
    expect(playStarts([anchor('b', 5_000)], { entryId, at })[0]?.at).toBe(5_000);
    expect(playStarts([anchor('a', 500)], { entryId, at })[0]?.at).toBe(500);
  });
});
