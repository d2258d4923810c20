import { describe, expect, test } from 'vitest';
import { Corridor, type Exchange } from '../../src/clock/corridor.ts';
import { SlewedOffset } from '../../src/clock/slewed-offset.ts';
import { StampQuantum } from '../../src/clock/stamp-quantum.ts';
import { exchange } from './support/exchange.ts';

function settled(offsetMs = 1_000): Corridor {
  const corridor = new Corridor({ quantumMs: 0.005 });
  for (let at = 0; at < 30_000; at += 1_000) corridor.observe(exchange(at, offsetMs));
  corridor.setPlaying(true);
  return corridor;
}

describe('Corridor', () => {
  test('before the first probe it says nothing', () => {
    const corridor = new Corridor();
    expect(corridor.hubTimeAt(5)).toBeNull();
    expect(corridor.localTimeAt(5)).toBeNull();
    expect(corridor.readingAt(5)).toMatchObject({ quality: 'none', maxErrorMs: Infinity });
  });

  test('one exchange gives the middle and half the round trip', () => {
    const corridor = new Corridor({ quantumMs: 0.005 });
    const outcome = corridor.observe(exchange(100, 700, 9, 3));
    expect(outcome).toMatchObject({ kind: 'accepted', stepped: { cause: 'settling' } });
    expect(corridor.hubTimeAt(112)).toBeCloseTo(112 + 703, 1);
    const reading = corridor.readingAt(112);
    expect(reading.maxErrorMs).toBeGreaterThanOrEqual(6);
    expect(reading.maxErrorMs).toBeLessThan(6.1);
    expect(reading.rttMinMs).toBeCloseTo(12, 6);
  });

  test('two slow exchanges that are slow on opposite ways prove more than either', () => {
    const corridor = new Corridor({ quantumMs: 0.005 });
    corridor.observe(exchange(0, 0, 1, 50));
    corridor.observe(exchange(60, 0, 50, 1));
    const reading = corridor.readingAt(120);
    expect(reading.maxErrorMs).toBeLessThan(1.1);
    expect(Math.abs(reading.offsetMs)).toBeLessThan(0.1);
  });

  test('the bound grows with the age of the last probe', () => {
    const corridor = settled();
    const now = corridor.readingAt(30_000).maxErrorMs;
    const later = corridor.readingAt(630_000).maxErrorMs;
    expect(later).toBeGreaterThan(now + 2);
    expect(later).toBeLessThan(now + 60);
  });

  test('hub and local time map back and forth, while it slews as well', () => {
    const corridor = settled();
    corridor.observe(exchange(30_000, 1_004, 1, 9));
    for (const at of [29_000, 30_015, 31_000, 45_000]) {
      const hubMs = corridor.hubTimeAt(at)!;
      expect(corridor.localTimeAt(hubMs)).toBeCloseTo(at, 6);
    }
  });

  test('one probe that misses the corridor is held, a second that agrees proves the jump', () => {
    const corridor = settled();
    expect(corridor.observe(exchange(30_000, 1_100)).kind).toBe('held');
    expect(corridor.hubTimeAt(30_015)).toBeCloseTo(31_015, 1);
    const outcome = corridor.observe(exchange(30_020, 1_100));
    expect(outcome).toMatchObject({ kind: 'accepted', stepped: { cause: 'disjoint' } });
    expect(corridor.hubTimeAt(30_035)).toBeCloseTo(31_135, 1);
    expect(corridor.readingAt(30_035).resets).toBe(1);
  });

  test('a second one that does not agree with the first proves nothing', () => {
    const corridor = settled();
    expect(corridor.observe(exchange(30_000, 1_100)).kind).toBe('held');
    expect(corridor.observe(exchange(30_020, 400)).kind).toBe('held');
    expect(corridor.observe(exchange(30_040, 1_000)).kind).toBe('accepted');
    expect(corridor.observe(exchange(30_060, 400)).kind).toBe('held');
    expect(corridor.readingAt(30_070).resets).toBe(0);
  });

  test('a jump inside the round trip takes three in agreement', () => {
    const corridor = new Corridor({ quantumMs: 0.005 });
    for (let at = 0; at < 30_000; at += 1_000) corridor.observe(exchange(at, 0, 40, 40));
    corridor.setPlaying(true);
    expect(corridor.observe(exchange(30_000, 25, 40, 40)).kind).toBe('held');
    expect(corridor.observe(exchange(30_100, 25, 40, 40)).kind).toBe('held');
    expect(corridor.observe(exchange(30_200, 25, 40, 40))).toMatchObject({
      stepped: { cause: 'inside' },
    });
    expect(corridor.hubTimeAt(30_300)).toBeCloseTo(30_325, 0);
  });

  test('a way that got longer explains its own shift and is no jump', () => {
    const corridor = new Corridor({ quantumMs: 0.005 });
    for (let at = 0; at < 30_000; at += 1_000) corridor.observe(exchange(at, 0, 40, 40));
    for (let at = 30_000; at < 60_000; at += 1_000) {
      expect(corridor.observe(exchange(at, 0, 90, 40)).kind).toBe('accepted');
    }
    expect(Math.abs(corridor.readingAt(60_000).offsetMs)).toBeLessThan(1);
  });

  test('proofs that contradict each other by less than a jump: the newest hold', () => {
    const corridor = new Corridor({ quantumMs: 0.005 });
    for (let at = 0; at < 30_000; at += 1_000) corridor.observe(exchange(at, 0, 0.12, 0.12));
    corridor.setPlaying(true);
    expect(corridor.observe(exchange(30_000, 0.28, 0.12, 0.12)).kind).toBe('held');
    for (let at = 30_020; at < 60_000; at += 1_000) {
      expect(corridor.observe(exchange(at, 0.28, 0.12, 0.12)).kind).toBe('accepted');
    }
    const { offsetMs, maxErrorMs, resets } = corridor.readingAt(60_000);
    expect(resets).toBe(0);
    expect(Math.abs(offsetMs - 0.28)).toBeLessThan(maxErrorMs);
    expect(maxErrorMs).toBeGreaterThan(0.11);
    expect(Math.abs(offsetMs - 0.28)).toBeLessThan(0.1);
  });

  test('a new timeline is followed when a second reply names it, and replies from before it are stale', () => {
    const corridor = settled();
    expect(corridor.observe(exchange(30_000, -500, 5, 5, 2)).kind).toBe('held');
    expect(corridor.hubTimeAt(30_010)).toBeCloseTo(31_010, 1);
    expect(corridor.timelineId).toBe(1);
    const outcome = corridor.observe(exchange(30_020, -500, 5, 5, 2));
    expect(outcome).toMatchObject({ kind: 'accepted', stepped: { cause: 'timeline' } });
    expect(corridor.hubTimeAt(30_030)).toBeCloseTo(29_530, 1);
    expect(corridor.timelineId).toBe(2);
    expect(corridor.observe(exchange(29_990, 1_000, 5, 40, 1))).toEqual({
      kind: 'rejected',
      reason: 'stale',
    });
  });

  test.each<[string, Exchange[]]>([
    ['one reply', [exchange(30_000, -500, 5, 5, 2), exchange(30_020, 1_000)]],
    ['two that disagree', [exchange(30_000, -500, 5, 5, 2), exchange(30_020, 700, 5, 5, 2)]],
    ['two that name two', [exchange(30_000, -500, 5, 5, 2), exchange(30_020, -500, 5, 5, 3)]],
    [
      'two with one of the old between them',
      [exchange(30_000, -500, 5, 5, 2), exchange(30_020, 1_000), exchange(30_040, -500, 5, 5, 2)],
    ],
  ])('a new timeline is not believed of %s', (_, replies) => {
    const corridor = settled();
    for (const reply of replies) corridor.observe(reply);
    expect(corridor.readingAt(30_100)).toMatchObject({ resets: 0, quality: 'good' });
    expect(corridor.hubTimeAt(30_100)).toBeCloseTo(31_100, 1);
  });

  test('hub time that leaps three times within a minute is not good to correct by, until a minute later', () => {
    const corridor = settled();
    const leap = (at: number, offsetMs: number, timelineId: number): void => {
      for (let sent = at; sent < at + 9_000; sent += 500) {
        corridor.observe(exchange(sent, offsetMs, 5, 5, timelineId));
      }
    };
    leap(30_000, -500, 2);
    leap(40_000, 2_000, 3);
    expect(corridor.readingAt(49_000).quality).toBe('good');
    leap(50_000, 100, 3);
    expect(corridor.readingAt(59_000)).toMatchObject({ quality: 'coarse', resets: 3 });
    expect(corridor.readingAt(92_000).quality).toBe('good');
  });

  test.each<[string, Partial<Exchange>]>([
    ['not_finite', { t1: NaN }],
    ['not_finite', { t2: Infinity }],
    ['out_of_range', { t1: 1e18, t2: 1e18 }],
    ['backwards', { t2: 30_000 }],
    ['backwards', { t3: 29_000 }],
    ['impossible', { t2: 31_500 }],
    ['held_long', { t2: 31_007 }],
    ['too_slow', { t3: 45_000 }],
  ])('refuses what cannot be: %s %o', (reason, change) => {
    const corridor = settled();
    const before = corridor.readingAt(30_000);
    const outcome = corridor.observe({ ...exchange(30_000, 1_000), ...change });
    expect(outcome).toEqual({ kind: 'rejected', reason });
    expect(corridor.readingAt(30_000)).toEqual({ ...before, rejected: 1 });
  });

  describe('a probe that leaves less than a round trip takes', () => {
    /** As `exchange`, told by a hub that draws its two stamps together until so much of the round trip is left. */
    const drawn = (t0: number, offsetMs: number, leftMs: number): Exchange => {
      const t1 = t0 + offsetMs;
      return { t0, t1, t2: t1, t3: t0 + leftMs, timelineId: 1 };
    };

    test('alone moves neither estimate nor bound', () => {
      const corridor = settled();
      const before = corridor.readingAt(30_100);
      expect(corridor.observe(drawn(30_000, 1_002, 1)).kind).toBe('held');
      expect(corridor.observe(exchange(30_040, 996)).kind).toBe('held');
      const after = corridor.readingAt(30_100);
      expect(after.offsetMs).toBe(before.offsetMs);
      expect(after.maxErrorMs).toBe(before.maxErrorMs);
    });

    test('is believed with a second one: the path became shorter', () => {
      const corridor = settled();
      expect(corridor.observe(exchange(30_000, 1_000, 2, 5)).kind).toBe('held');
      expect(corridor.observe(exchange(30_020, 1_000, 2.01, 5)).kind).toBe('accepted');
      const { rttMinMs, maxErrorMs, resets } = corridor.readingAt(30_100);
      expect(rttMinMs).toBeCloseTo(7, 6);
      expect(maxErrorMs).toBeLessThan(5.1);
      expect(resets).toBe(0);
    });

    test('is believed as far as the second one backs it', () => {
      const corridor = settled();
      corridor.observe(exchange(30_000, 1_000, 1, 5));
      expect(corridor.observe(exchange(30_020, 1_000, 4, 5)).kind).toBe('accepted');
      expect(corridor.readingAt(30_100).rttMinMs).toBeCloseTo(9, 6);
      expect(corridor.observe(exchange(30_040, 1_000, 1, 5)).kind).toBe('accepted');
      expect(corridor.readingAt(30_100).rttMinMs).toBeCloseTo(6, 6);
    });

    test('is not backed by one from the other side', () => {
      const corridor = settled();
      expect(corridor.observe(exchange(30_000, 997)).kind).toBe('held');
      expect(corridor.observe(exchange(30_020, 1_002)).kind).toBe('held');
      expect(corridor.observe(exchange(30_040, 1_000)).kind).toBe('accepted');
      expect(Math.abs(corridor.readingAt(30_100).offsetMs - 1_000)).toBeLessThan(0.1);
    });
  });

  test.each([-30_000, -200_000])(
    'local time that leaps by %d ms is no reason to refuse what comes after',
    (byMs) => {
      const corridor = new Corridor({ quantumMs: 0.005 });
      for (let at = 300_000; at < 330_000; at += 1_000) corridor.observe(exchange(at, 0));
      corridor.setPlaying(true);
      for (const at of [330_000, 330_020]) corridor.observe(exchange(at, 400));
      corridor.hubTimeAt(330_100);
      const from = 330_100 + byMs;
      for (let at = from; at < from + 8_000; at += 20) corridor.observe(exchange(at, 400 - byMs));
      const { offsetMs, maxErrorMs, rejected, quality } = corridor.readingAt(from + 8_000);
      expect(rejected).toBe(0);
      expect(Math.abs(offsetMs - (400 - byMs))).toBeLessThan(0.1);
      expect(maxErrorMs).toBeLessThan(5.2);
      expect(quality).toBe('good');
    },
  );

  describe('a wall clock that left local time', () => {
    const doubting = (): Corridor => {
      const corridor = new Corridor({ quantumMs: 0.005 });
      for (let at = 0; at < 30_000; at += 1_000) corridor.observe(exchange(at, 1_000), at);
      corridor.noticeWall(30_000, 30_250);
      return corridor;
    };

    test('is doubted until a probe comes that could not have hidden the leap', () => {
      const corridor = doubting();
      expect(corridor.observe(exchange(30_010, 1_000, 300, 5)).kind).toBe('accepted');
      expect(corridor.readingAt(30_400).quality).toBe('coarse');
      expect(corridor.observe(exchange(30_420, 1_000)).kind).toBe('accepted');
      expect(corridor.readingAt(30_500).quality).toBe('good');
    });

    test('is not doubted for longer than a queue lasts', () => {
      const corridor = doubting();
      for (let at = 30_010; at < 51_000; at += 500) corridor.observe(exchange(at, 1_000, 300, 5));
      expect(corridor.readingAt(51_400).quality).toBe('good');
    });
  });

  test('while it plays an unproven change is slewed; before that it is applied at once', () => {
    const make = (playing: boolean): number => {
      const corridor = new Corridor({ quantumMs: 0.005 });
      corridor.observe(exchange(0, 0, 5, 45));
      corridor.setPlaying(playing);
      const before = corridor.readingAt(60).offsetMs;
      corridor.observe(exchange(60, 0, 5, 5));
      return Math.abs(corridor.readingAt(71).offsetMs - before);
    };
    expect(make(false)).toBeGreaterThan(15);
    expect(make(true)).toBeLessThan(0.1);
  });
});

describe('SlewedOffset', () => {
  test.each([0.5, 5, 80, -3, -300])('%d ms are slewed steadily and to the end', (distanceMs) => {
    const output = new SlewedOffset();
    output.jumpTo({ localMs: 0, offsetMs: 100, slope: 50e-6 });
    output.offsetAt(10);
    output.slewTo({ localMs: 5, offsetMs: 100 + distanceMs, slope: 50e-6 });
    let fastest = 0;
    let last = 10 + output.offsetAt(10);
    for (let at = 11; at < 400_000; at += 7) {
      const hubMs = at + output.offsetAt(at);
      const rate = (hubMs - last) / (at === 11 ? 1 : 7) - 1 - 50e-6;
      fastest = Math.max(fastest, Math.abs(rate));
      last = hubMs;
    }
    expect(fastest).toBeLessThan(Math.abs(distanceMs) < 2 ? 501e-6 : 5_001e-6);
    expect(fastest).toBeGreaterThan(499e-6);
    expect(output.distanceAt(400_000)).toBe(0);
  });

  test('a target older than the last reading does not change what was read', () => {
    const output = new SlewedOffset();
    output.jumpTo({ localMs: 0, offsetMs: 0, slope: 0 });
    const given = output.offsetAt(100);
    output.slewTo({ localMs: 50, offsetMs: -1, slope: 0 });
    expect(output.offsetAt(100)).toBe(given);
  });
});

describe('SlewedOffset, when local time leaps back', () => {
  test('what is left is slewed from there on, not from when local time has caught up', () => {
    const output = new SlewedOffset();
    output.jumpTo({ localMs: 200_000, offsetMs: 0, slope: 0 });
    output.slewTo({ localMs: 200_000, offsetMs: 1, slope: 0 });
    output.offsetAt(200_010);
    output.rewind(5_000);
    expect(output.offsetAt(5_000)).toBe(0);
    expect(output.offsetAt(7_001)).toBe(1);
  });
});

describe('StampQuantum', () => {
  test('finds the grain and only ever gets finer', () => {
    const quantum = new StampQuantum();
    quantum.see(17);
    expect(quantum.ms).toBe(1);
    quantum.see(1234.3);
    expect(quantum.ms).toBe(0.1);
    quantum.see(99);
    expect(quantum.ms).toBe(0.1);
    quantum.see(1_000_000.005);
    expect(quantum.ms).toBe(0.005);
    quantum.see(Math.PI);
    expect(quantum.ms).toBe(0.005);
  });
});
