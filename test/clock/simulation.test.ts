// The clock over simulated networks: what it proves must hold, what it gives out must be near and never run backward.

import { describe, expect, test } from 'vitest';
import { type CorridorSubject, corridorSubject } from './support/corridor-subject.ts';
import { runEvent } from './support/event-report.ts';
import { busiestMinute, percentile, reportLink } from './support/link-report.ts';
import {
  feignedLeaps,
  impossible,
  loneHold,
  loneLie,
  loneTimeline,
  type Tamper,
} from './support/sim-lies.ts';
import { simEvents } from './support/sim-events.ts';
import { type LinkName, linkNames } from './support/sim-links.ts';
import { SimPlayer } from './support/sim-player.ts';
import { type SimRun, type SimScenario, simulate } from './support/simulation.ts';

function run(scenario: SimScenario): { run: SimRun; subject: CorridorSubject } {
  let subject: CorridorSubject | undefined;
  const result = simulate(scenario, (nowMs, random) => (subject = corridorSubject(nowMs, random)));
  return { run: result, subject: subject! };
}

/** How long after `fromMs` the error was last above the limit. */
function repairedAfter(result: SimRun, fromMs: number, limitMs: number): number {
  const bad = result.samples.findLast(
    (sample) => sample.trueMs >= fromMs && Math.abs(sample.excessMs) > limitMs,
  );
  return bad === undefined ? 0 : bad.trueMs - fromMs;
}

const minutes = 60_000;

describe('on every link', () => {
  /** Looser than the targets, which are for many seeds: here a method gone wrong should show, not bad luck. */
  const limits: Record<LinkName, { p95: number; max: number }> = {
    lan: { p95: 0.12, max: 0.4 },
    wifi: { p95: 0.2, max: 0.7 },
    busy: { p95: 0.3, max: 1.5 },
    lte: { p95: 0.9, max: 2.5 },
    atlantic: { p95: 0.2, max: 0.7 },
    bloat: { p95: 0.5, max: 6 },
  };

  test.each(linkNames)('%s: near, proven, monotonic and within the probe budget', (link) => {
    const report = reportLink(link, [11, 12], 4 * minutes, corridorSubject);
    expect(report.p95Ms).toBeLessThan(limits[link].p95);
    expect(report.maxMs).toBeLessThan(limits[link].max);
    expect(report.boundHeld).toBeGreaterThan(0.999);
    expect(report.estimateHeld).toBeGreaterThan(0.5);
    expect(report.backward).toBe(0);
    expect(report.steps).toBe(0);
    expect(report.mostProbesInFirstMinute).toBeLessThanOrEqual(90);
    expect(report.mostProbesInLaterMinute).toBeLessThanOrEqual(40);
  });

  test('a clock that shows whole milliseconds is still proven, and good to half of one', () => {
    const report = reportLink('wifi', [21, 22], 3 * minutes, corridorSubject, { quantumMs: 1 });
    expect(report.boundHeld).toBe(1);
    expect(report.p95Ms).toBeLessThan(0.5);
  });

  test('the skew of both a fast and a slow crystal is found', () => {
    for (const skewPpm of [-90, 90]) {
      const { subject, run: result } = run({
        link: 'wifi',
        seed: 5,
        durationMs: 5 * minutes,
        skewPpm,
      });
      const found = subject.corridor.readingAt(result.samples.at(-1)!.localMs).skewPpm;
      expect(Math.abs(found + skewPpm)).toBeLessThan(3);
    }
  });

  test('one second after the join it is good to play by, where the network is idle', () => {
    const errors = Array.from({ length: 10 }, (_, seed) => {
      const { run: result } = run({ link: 'lte', seed: seed + 1, durationMs: 1_200 });
      return Math.abs(result.samples.find((sample) => sample.trueMs >= 1_000)!.excessMs);
    }).sort((a, b) => a - b);
    expect(percentile(errors, 0.5)).toBeLessThan(1.5);
  });

  test('a join behind a full queue is not called good before the queue had time to drain', () => {
    let judged = 0;
    for (let seed = 1; seed <= 20; seed += 1) {
      const { run: result, subject } = run({ link: 'bloat', seed, durationMs: 3_000 });
      const last = result.samples.at(-1)!;
      if (Math.abs(last.excessMs) < 30) continue;
      judged += 1;
      expect(subject.corridor.readingAt(last.localMs).quality).toBe('coarse');
      expect(Math.abs(last.errorMs)).toBeLessThanOrEqual(last.maxErrorMs);
    }
    expect(judged).toBeGreaterThan(1);
  });
});

describe('when hub time jumps', () => {
  const cases = (['lan', 'wifi', 'busy', 'atlantic'] as const).flatMap((link) =>
    [30, -30, 120].map((byMs) => ({ link, byMs })),
  );

  test.each(cases)('$link: $byMs ms are mended within 5 s and announced', ({ link, byMs }) => {
    const atMs = 90_000 + Math.abs(byMs) * 7;
    const { run: result, subject } = run({
      link,
      seed: 31,
      durationMs: 2 * minutes,
      steps: [{ atMs, byMs }],
    });
    expect(repairedAfter(result, atMs, 2)).toBeLessThan(5_200);
    expect(result.announcedAtMs.some((at) => at >= atMs)).toBe(true);
    expect(subject.corridor.readingAt(result.samples.at(-1)!.localMs).resets).toBe(1);
    expect(result.backward).toBe(0);
  });

  test('a jump that the hub owns up to is followed with the second reply of the new timeline', () => {
    const { run: result } = run({
      link: 'lte',
      seed: 3,
      durationMs: 100_000,
      steps: [{ atMs: 80_000, byMs: -5_000, announced: true }],
    });
    const told = result.announcedAtMs.find((at) => at >= 80_000)!;
    const [, second] = result.repliedAtMs.filter((at) => at >= 80_040);
    expect(told).toBeLessThanOrEqual(second! + 1);
    expect(repairedAfter(result, told, 60)).toBeLessThan(200);
    expect(repairedAfter(result, told + 5_000, 3)).toBe(0);
  });
});

describe('when the device sleeps', () => {
  test.each([400, 20_000, 3_600_000])('%d ms: in step within 1 s of the first reply', (forMs) => {
    const atMs = 80_000;
    const { run: result } = run({
      link: 'wifi',
      seed: 9,
      durationMs: atMs + forMs + 15_000,
      suspends: [{ atMs, forMs }],
      sampleEveryMs: 20,
    });
    const wokeAt = atMs + forMs;
    const firstReply = result.repliedAtMs.find((at) => at > wokeAt)!;
    expect(firstReply - wokeAt).toBeLessThan(1_500);
    expect(repairedAfter(result, wokeAt, 3)).toBeLessThan(firstReply - wokeAt + 1_000);
    expect(result.backward).toBe(0);
  });

  test('a wall clock that somebody set costs nothing', () => {
    const { run: result, subject } = run({ link: 'wifi', seed: 4, durationMs: 90_000 });
    const at = result.samples.at(-1)!.localMs;
    const before = subject.corridor.readingAt(at);
    subject.session.onWallClock(at, 5);
    expect(subject.corridor.readingAt(at).quality).toBe('coarse');
    const probe = subject.session.next(at + 1);
    if (probe.kind !== 'send') throw new Error('a doubt calls for a probe at once');
    const hubMs = at + 1 + before.offsetMs;
    const { seq, t0 } = probe;
    subject.session.onReply(
      { seq, t0, t1: hubMs + 1.5, t2: hubMs + 1.5, timelineId: 1 },
      t0 + 3,
      8,
    );
    const after = subject.corridor.readingAt(at + 4);
    expect(after.quality).toBe('good');
    expect(after.resets).toBe(0);
    expect(after.maxErrorMs).toBeLessThan(before.maxErrorMs + 0.1);
  });
});

describe('when local time leaps', () => {
  test.each(['lan', 'wifi', 'atlantic'] as const)('%s: a player is left where it is', (link) => {
    const { needless, largestNeedlessMoveMs, met } = runEvent('jumps', link, 1);
    expect(met).toBe(true);
    expect(largestNeedlessMoveMs).toBe(0);
    expect(needless).toBe(0);
  });
});

describe('when local time leaps back far', () => {
  test.each([-30_000, -200_000])('by %d ms: in step again within seconds', (byMs) => {
    const atMs = 300_000;
    const { run: result } = run({
      link: 'wifi',
      seed: 3,
      durationMs: 6 * minutes,
      localJumps: [{ atMs, byMs }],
    });
    expect(result.sentAtMs.find((at) => at > atMs)! - atMs).toBeLessThan(1_100);
    expect(repairedAfter(result, atMs, 3)).toBeLessThan(2_000);
    expect(busiestMinute(result.sentAtMs.filter((at) => at >= 60_000))).toBeLessThanOrEqual(40);
  });
});

describe('when a reconnect leads to a node that is a little off', () => {
  test('it is met; a clock that did not notice would be over the limit', () => {
    const { limit, plan, measure } = simEvents.reconnect;
    const planned = plan('lan', 0);
    const { run: result } = run({
      link: 'lan',
      seed: 3,
      durationMs: planned.durationMs,
      ...planned.events,
    });
    expect(measure(result, planned)).toBeLessThanOrEqual(limit.value);
    const { atMs, nodeOffsetMs } = planned.events.reconnects[0]!;
    const unaware = result.samples.map((sample) => ({
      ...sample,
      excessMs: sample.trueMs < atMs ? 0 : -nodeOffsetMs,
    }));
    expect(measure({ ...result, samples: unaware }, planned)).toBeGreaterThan(limit.value);
  });
});

describe('when the path changes', () => {
  test('a longer way adds at most 0.5 ms beyond either path’s asymmetry, and is no step', () => {
    const atMs = 120_000;
    const { run: result, subject } = run({
      link: 'atlantic',
      seed: 8,
      durationMs: 5 * minutes,
      routes: [{ atMs, upMs: 61, downMs: 39 }],
    });
    // Before: asymmetry 1 ms, after: 11 ms; anything in between is what the two paths allow.
    const beyond = result.samples
      .filter((sample) => sample.trueMs > atMs)
      .map(({ errorMs }) => Math.max(1 - errorMs, errorMs - 11, 0));
    expect(Math.max(...beyond)).toBeLessThan(0.5);
    expect(subject.corridor.readingAt(result.samples.at(-1)!.localMs).resets).toBe(0);
  });
});

describe('a hub that lies', () => {
  test('impossible stamps are refused and counted, and the estimate is as if they had not come', () => {
    const { run: result, subject } = run({
      link: 'wifi',
      seed: 6,
      durationMs: 2 * minutes,
      tamper: impossible(0.3, { atMs: 0, forMs: Infinity }),
    });
    const reading = subject.corridor.readingAt(result.samples.at(-1)!.localMs);
    expect(reading.rejected).toBeGreaterThan(10);
    expect(reading.resets).toBe(0);
    const late = result.samples.filter((sample) => sample.trueMs > 60_000);
    expect(Math.max(...late.map((sample) => Math.abs(sample.excessMs)))).toBeLessThan(1);
    expect(result.backward).toBe(0);
  });

  test('replies to other probes, twice, or with another stamp are not matched', () => {
    const { run: result, subject } = run({
      link: 'wifi',
      seed: 6,
      durationMs: 60_000,
      tamper: (reply, random) => {
        if (random.chance(0.1)) return { ...reply, seq: reply.seq + 1_000_000 };
        return random.chance(0.1) ? { ...reply, t0: reply.t0 - 1 } : reply;
      },
    });
    expect(subject.session.unmatched).toBeGreaterThan(3);
    expect(subject.corridor.readingAt(result.samples.at(-1)!.localMs).resets).toBe(0);
  });

  test('one consistent lie now and then does not move it', () => {
    const { run: result, subject } = run({
      link: 'wifi',
      seed: 16,
      durationMs: 2 * minutes,
      tamper: loneLie(13, 5_000, { least: 500, most: 3_000 }),
    });
    expect(subject.corridor.readingAt(result.samples.at(-1)!.localMs).resets).toBe(0);
    const late = result.samples.filter((sample) => sample.trueMs > 60_000);
    expect(Math.max(...late.map((sample) => Math.abs(sample.excessMs)))).toBeLessThan(1);
  });

  const lies: readonly (readonly [string, Tamper])[] = [
    ['lies by 1 to 60 ms', loneLie(13, 90_000, { least: 1, most: 60 })],
    ['claims to have been held', loneHold(13, 90_000)],
    ['is of another timeline', loneTimeline(13, 90_000)],
  ];
  test.each(lies.flatMap(([what, tamper]) => linkNames.map((link) => ({ what, tamper, link }))))(
    '$link, where one reply in 13 $what: the bound holds, it stays good, and nothing is moved',
    ({ tamper, link }) => {
      const { run: result, corrections, goodPart } = listened(link, tamper);
      const late = result.samples.filter(({ trueMs }) => trueMs > 90_000);
      expect(late.every(({ errorMs, maxErrorMs }) => Math.abs(errorMs) <= maxErrorMs)).toBe(true);
      expect(Math.max(...late.map(({ excessMs }) => Math.abs(excessMs)))).toBeLessThan(2);
      expect(goodPart).toBe(1);
      expect(corrections).toEqual([]);
      expect(result.announcedAtMs.filter((at) => at > 90_000)).toEqual([]);
      expect(busiestMinute(result.sentAtMs.filter((at) => at >= 60_000))).toBeLessThanOrEqual(40);
    },
  );

  test.each(linkNames)(
    '%s, where it feigns one leap after the other: soon nothing is corrected by it, and the sound is not thrashed',
    (link) => {
      const { run: result, corrections, goodPart } = listened(link, feignedLeaps(7_000, 90_000));
      expect(result.announcedAtMs.filter((at) => at > 90_000).length).toBeGreaterThan(20);
      const moves = corrections.filter(({ kind }) => kind === 'move').map(({ trueMs }) => trueMs);
      for (const from of moves) {
        expect(moves.filter((at) => at >= from && at < from + 30_000).length).toBeLessThanOrEqual(
          3,
        );
      }
      expect(moves.length).toBeLessThanOrEqual(3);
      expect(goodPart).toBeLessThan(0.15);
    },
  );

  /** With a player that follows the clock; from the first lie on. */
  function listened(
    link: LinkName,
    tamper: Tamper,
  ): { run: SimRun; corrections: SimPlayer['corrections']; goodPart: number } {
    let player: SimPlayer | undefined;
    let asked = 0;
    let good = 0;
    const result = simulate(
      { link, seed: 2, durationMs: 5 * minutes, tamper },
      corridorSubject,
      (subject, world) => {
        const following = (player = new SimPlayer(subject, world));
        return {
          everyMs: following.everyMs,
          observe: (moment) => {
            following.observe(moment);
            if (moment.trueMs < 90_000) return;
            asked += 1;
            if (subject.corridor.readingAt(moment.localMs).quality === 'good') good += 1;
          },
        };
      },
    );
    const corrections = player!.corrections.filter(({ trueMs }) => trueMs > 90_000);
    return { run: result, corrections, goodPart: good / asked };
  }

  test('pure noise leaves finite numbers, bounded probes and no endless doubt', () => {
    const { run: result, subject } = run({
      link: 'wifi',
      seed: 7,
      durationMs: 3 * minutes,
      tamper: (reply, random) => {
        const t1 = random.uniform(-1e9, 1e12);
        return { ...reply, t1, t2: t1, timelineId: Math.floor(random.uniform(0, 3)) };
      },
    });
    for (const sample of result.samples) expect(Number.isFinite(sample.errorMs)).toBe(true);
    const reading = subject.corridor.readingAt(result.samples.at(-1)!.localMs);
    expect(Number.isFinite(reading.skewPpm)).toBe(true);
    expect(result.sentAtMs.filter((at) => at < 60_000).length).toBeLessThanOrEqual(90);
    expect(busiestMinute(result.sentAtMs.filter((at) => at >= 60_000))).toBeLessThanOrEqual(40);
  });
});
