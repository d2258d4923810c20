import { describe, expect, test } from 'vitest';
import { Corridor } from '../../src/clock/corridor.ts';
import { ProbeSession } from '../../src/clock/probe-session.ts';
import { busiestMinute } from './support/link-report.ts';
import { SeededRandom } from './support/seeded-random.ts';

/** A session whose every probe is answered over a path of 5 ms each way. */
class Conversation {
  readonly corridor = new Corridor({ quantumMs: 0.005 });
  readonly session: ProbeSession;
  readonly sentAt: number[] = [];
  nowMs: number;
  answering = true;

  offsetMs = 700;
  /** Queue on the way down. */
  queueMs = 0;

  constructor(nowMs = 1_000) {
    this.nowMs = nowMs;
    const random = new SeededRandom(1);
    this.session = new ProbeSession({
      corridor: this.corridor,
      random: () => random.next(),
      nowMs,
    });
  }

  runTo(untilMs: number, disturb?: (nowMs: number) => void): this {
    while (this.nowMs < untilMs) {
      disturb?.(this.nowMs);
      const step = this.session.next(this.nowMs);
      if (step.kind === 'wait') {
        expect(step.untilMs).toBeGreaterThan(this.nowMs);
        this.nowMs = Math.min(untilMs, step.untilMs);
        continue;
      }
      this.sentAt.push(this.nowMs);
      const { seq, t0 } = step;
      const hubMs = t0 + 5 + this.offsetMs;
      if (!this.answering) continue;
      const reply = { seq, t0, t1: hubMs, t2: hubMs, timelineId: 1 };
      this.session.onReply(reply, t0 + 10 + this.queueMs);
    }
    return this;
  }

  sentWithin(fromMs: number, toMs: number): number {
    return this.sentAt.filter((at) => at >= fromMs && at < toMs).length;
  }
}

describe('schedule', () => {
  test('six at the join, 15 to 30 ms apart, then more within the first seconds', () => {
    const talk = new Conversation(0).runTo(4_000);
    const first = talk.sentAt.slice(0, 6);
    expect(first[0]).toBe(0);
    for (let index = 1; index < first.length; index += 1) {
      const gap = first[index]! - first[index - 1]!;
      expect(gap).toBeGreaterThanOrEqual(15);
      expect(gap).toBeLessThanOrEqual(30);
    }
    for (const [fromMs, toMs] of [
      [120, 400],
      [1_000, 2_000],
      [2_500, 3_000],
    ] as const) {
      const sent = talk.sentWithin(fromMs, toMs);
      expect(sent).toBeGreaterThanOrEqual(3);
    }
  });

  test('steady: a burst less than 5 s after the other, fewer probes while the proof is good', () => {
    const talk = new Conversation(0).runTo(400_000);
    const sent = talk.sentWithin(300_000, 360_000);
    expect(sent).toBeGreaterThan(20);
    expect(sent).toBeLessThanOrEqual(40);
    const gaps = talk.sentAt.slice(1).map((at, index) => at - talk.sentAt[index]!);
    expect(Math.max(...gaps)).toBeLessThan(5_000);
  });

  test('the budget holds although something disturbs every second', () => {
    const talk = new Conversation(0);
    let nextAt = 0;
    talk.runTo(600_000, (nowMs) => {
      if (nowMs < nextAt) return;
      nextAt = nowMs + 1_000;
      talk.session.onDisturbance(nowMs);
    });
    expect(talk.sentWithin(0, 60_000)).toBeLessThanOrEqual(90);
    expect(busiestMinute(talk.sentAt.filter((at) => at >= 60_000))).toBeLessThanOrEqual(40);
    expect(talk.sentWithin(300_000, 360_000)).toBeGreaterThan(30);
  });

  test('the budget holds without any answer', () => {
    const talk = new Conversation(0);
    talk.answering = false;
    talk.runTo(300_000);
    expect(talk.sentWithin(0, 60_000)).toBeLessThanOrEqual(90);
    expect(busiestMinute(talk.sentAt.filter((at) => at >= 60_000))).toBeLessThanOrEqual(40);
  });

  test('hidden: six a minute at most; seen again: at once', () => {
    const talk = new Conversation(0).runTo(100_000);
    talk.session.onHidden(true, talk.nowMs);
    talk.runTo(400_000);
    const hidden = talk.sentAt.filter((at) => at >= 100_000 && at < 400_000);
    expect(busiestMinute(hidden)).toBeLessThanOrEqual(6);
    expect(hidden.length).toBeGreaterThan(20);
    talk.session.onHidden(false, talk.nowMs);
    expect(talk.session.next(talk.nowMs).kind).toBe('send');
  });

  test('a sleep that the wall clock shows calls for probes at once', () => {
    const talk = new Conversation(0);
    talk.session.onWallClock(0, 1_000_000);
    talk.runTo(71_000);
    talk.session.onWallClock(71_000, 1_071_000);
    expect(talk.session.next(talk.nowMs).kind).toBe('wait');
    talk.session.onWallClock(71_001, 1_091_001);
    expect(talk.session.next(71_001).kind).toBe('send');
  });
});

describe('local time that leaps back', () => {
  test.each([-400, -30_000, -200_000])(
    'by %d ms: probes go on, and the budget is still one of true minutes',
    (byMs) => {
      const talk = new Conversation(0).runTo(300_000);
      const before = talk.sentAt.map((at) => at + byMs);
      talk.sentAt.length = 0;
      talk.offsetMs -= byMs;
      talk.nowMs += byMs;
      const from = talk.nowMs;
      talk.runTo(from + 120_000);
      expect(talk.sentAt[0]).toBeLessThan(from + 4_600);
      expect(
        busiestMinute([...before, ...talk.sentAt].filter((at) => at > from - 60_000)),
      ).toBeLessThanOrEqual(40);
      expect(talk.sentWithin(from + 60_000, from + 120_000)).toBeGreaterThan(20);
      expect(talk.corridor.readingAt(talk.nowMs)).toMatchObject({ quality: 'good', rejected: 0 });
      expect(Math.abs(talk.corridor.readingAt(talk.nowMs).offsetMs - talk.offsetMs)).toBeLessThan(
        0.1,
      );
    },
  );

  test('by much in a hidden page: the next burst comes when it would have', () => {
    const talk = new Conversation(0).runTo(300_000);
    talk.session.onHidden(true, talk.nowMs);
    talk.runTo(360_000);
    talk.nowMs -= 200_000;
    talk.offsetMs += 200_000;
    talk.sentAt.length = 0;
    const from = talk.nowMs;
    talk.runTo(from + 60_000);
    expect(talk.sentAt[0]).toBeLessThan(from + 31_000);
  });
});

describe('what is kept for a jump', () => {
  test('a link that is always slow has its bursts repeated only so often', () => {
    const talk = new Conversation(0).runTo(100_000);
    talk.queueMs = 60;
    talk.runTo(400_000);
    const regular = 2 * Math.ceil(60 / 4.5);
    expect(busiestMinute(talk.sentAt.filter((at) => at >= 200_000))).toBeLessThanOrEqual(
      regular + 8,
    );
  });

  test('a minute slept through is a minute gone: the budget is free again', () => {
    const sentAfter = (sleptMs: number): number => {
      const talk = new Conversation(0);
      talk.session.onWallClock(0, 1_000_000);
      talk.runTo(100_000);
      for (let at = 100_000; at < 104_000; at += 500) {
        talk.session.onDisturbance(at);
        talk.runTo(at + 500);
      }
      talk.session.onWallClock(104_000, 1_104_000 + sleptMs);
      talk.offsetMs += sleptMs;
      talk.runTo(107_500);
      return talk.sentWithin(104_000, 107_500);
    };
    expect(sentAfter(400)).toBeLessThan(5);
    expect(sentAfter(60_000)).toBeGreaterThan(8);
  });
});

describe('replies', () => {
  function sendOne(): { session: ProbeSession; seq: number; t0: number } {
    const { session } = new Conversation(0);
    const step = session.next(0);
    if (step.kind !== 'send') throw new Error('the first step is a probe');
    return { session, seq: step.seq, t0: step.t0 };
  }

  test('a duplicate counts once', () => {
    const { session, seq, t0 } = sendOne();
    const reply = { seq, t0, t1: 50, t2: 50, timelineId: 1 };
    expect(session.onReply(reply, 9).kind).toBe('accepted');
    expect(session.onReply(reply, 10).kind).toBe('unmatched');
    expect(session.unmatched).toBe(1);
  });

  test('an unknown number, another stamp, or a reply after ten seconds is not matched', () => {
    const { session, seq, t0 } = sendOne();
    const reply = { seq, t0, t1: 50, t2: 50, timelineId: 1 };
    expect(session.onReply({ ...reply, seq: seq + 1 }, 9).kind).toBe('unmatched');
    expect(session.onReply({ ...reply, t0: t0 + 1 }, 9).kind).toBe('unmatched');
    expect(session.onReply(reply, 10_001).kind).toBe('unmatched');
    expect(session.corridor.hubTimeAt(10_002)).toBeNull();
  });

  test('what was sent on a connection that is gone is not matched', () => {
    const { session, seq, t0 } = sendOne();
    session.onReconnect(500);
    expect(session.onReply({ seq, t0, t1: 50, t2: 50, timelineId: 1 }, 501).kind).toBe('unmatched');
    expect(session.next(501).kind).toBe('send');
  });

  test('a probe that does not fit calls for more at once', () => {
    const talk = new Conversation(0).runTo(72_000);
    const waiting = talk.session.next(talk.nowMs);
    if (waiting.kind !== 'wait') throw new Error('expected to wait between bursts');
    const step = talk.session.next(waiting.untilMs);
    if (step.kind !== 'send') throw new Error('expected a probe');
    const { seq, t0 } = step;
    const hubMs = t0 + 5 + 900;
    const outcome = talk.session.onReply({ seq, t0, t1: hubMs, t2: hubMs, timelineId: 1 }, t0 + 10);
    expect(outcome.kind).toBe('held');
    talk.sentAt.length = 0;
    talk.nowMs = t0 + 10;
    talk.runTo(t0 + 300);
    expect(talk.sentAt.length).toBeGreaterThan(3);
  });
});
