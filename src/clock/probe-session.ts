// Owns the conversation of probes with one hub: what to send when, and which reply belongs to what; knows no socket and no timer.

import type { ClockStep, Corridor, Observation } from './corridor.ts';
import { slowestReplyMs } from './exchange.ts';
import { budgetMinuteMs, nextBurst, type UrgentBurst, urgentProbes } from './probe-schedule.ts';

/** What to do next: send a probe now with this sequence number and stamp, or ask again at the given local time. */
export type NextProbe =
  | { readonly kind: 'send'; readonly seq: number; readonly t0: number }
  | { readonly kind: 'wait'; readonly untilMs: number };

export interface ProbeReply {
  readonly seq: number;
  /** The probe's stamp as the hub echoed it. */
  readonly t0: number;
  readonly t1: number;
  readonly t2: number;
  readonly timelineId: number;
}

export type ReplyOutcome =
  | Observation
  /** A duplicate, a reply that came too late, or one to a probe that was never sent like that. */
  | { readonly kind: 'unmatched' };

export interface ProbeSessionOptions {
  readonly corridor: Corridor;
  /** Uniform in [0, 1): spreads the probes of a burst. */
  readonly random: () => number;
  /** Local time of the start. */
  readonly nowMs: number;
}

/** Browsers put small writes of one moment into one packet, which would make the burst one sample. */
const spacingFromMs = 15;
const spacingToMs = 30;
/** A round trip this much above the least hides whatever jump is smaller. */
const blindMs = 5;
/** What may have been sent out of turn for a blind burst to be repeated: the rest is kept for jumps. */
const extraBeforeRepeat = 6;
/** The first wakes the radio, the second finds it awake. */
const repeatProbes = 2;

/**
 * Drives a `Corridor`. The owner calls `next` when the last answer told it to and whenever an `on…` method was called,
 * sends what it is told, and hands over replies:
 *
 *     for (let step = session.next(now()); step.kind === 'send'; step = session.next(now())) send(step);
 *     schedule(step.untilMs);
 *
 * `now()` must be taken right before the send: what lies between the stamp and the wire widens the proof.
 */
export class ProbeSession {
  readonly corridor: Corridor;
  readonly #random: () => number;
  #joinedAt: number;
  /** Sequence number → `t0` of the probes that are under way. */
  readonly #pending = new Map<number, number>();
  #sentAt: number[] = [];
  #extraSentAt: number[] = [];
  #isExtra = false;
  #seq = 0;
  #leftInBurst = 0;
  #nextInBurstAt = 0;
  #lastBurstAt: number | null = null;
  #openingAt: number;
  #burstsSinceOpening = 0;
  #urgent: UrgentBurst | null = null;
  /** What is still unanswered of the burst under way, and whether all its answers so far were too slow to tell much. */
  #unanswered = 0;
  #blind = false;
  #hiddenSince: number | null = null;
  #unmatched = 0;
  #askedAt = -Infinity;
  /** By how much local time leapt back since hub time was last found elsewhere. */
  #rewoundMs = 0;

  constructor({ corridor, random, nowMs }: ProbeSessionOptions) {
    this.corridor = corridor;
    this.#random = random;
    this.#joinedAt = nowMs;
    this.#openingAt = nowMs;
  }

  /** Replies that belonged to no probe under way. */
  get unmatched(): number {
    return this.#unmatched;
  }

  next(nowMs: number): NextProbe {
    if (nowMs < this.#askedAt) this.#rewind(this.#askedAt - nowMs);
    this.#askedAt = nowMs;
    if (this.#leftInBurst === 0) {
      const burst = nextBurst(
        {
          joinedAt: this.#joinedAt,
          openingAt: this.#openingAt,
          burstsSinceOpening: this.#burstsSinceOpening,
          lastBurstAt: this.#lastBurstAt,
          urgent: this.#urgent,
          hiddenSince: this.#hiddenSince,
          sentAt: this.#sentAt,
          extraSentAt: this.#extraSentAt,
        },
        nowMs,
      );
      if (burst.dueAt > nowMs) return { kind: 'wait', untilMs: burst.dueAt };
      this.#leftInBurst = burst.probes;
      this.#nextInBurstAt = nowMs;
      this.#lastBurstAt = nowMs;
      this.#isExtra = burst.extra;
      this.#urgent = null;
      this.#unanswered = burst.probes;
      this.#blind = true;
      this.#burstsSinceOpening += 1;
    }
    if (nowMs < this.#nextInBurstAt) return { kind: 'wait', untilMs: this.#nextInBurstAt };
    return this.#send(nowMs);
  }

  /** A reply that arrived at local time `t3`, with the wall clock at that moment if there is one. */
  onReply(reply: ProbeReply, t3: number, wallMs?: number): ReplyOutcome {
    const t0 = this.#pending.get(reply.seq);
    if (t0 === undefined || t0 !== reply.t0 || t3 - t0 > slowestReplyMs) {
      this.#unmatched += 1;
      return { kind: 'unmatched' };
    }
    this.#pending.delete(reply.seq);
    const { t1, t2, timelineId } = reply;
    const outcome = this.corridor.observe({ t0, t1, t2, t3, timelineId }, wallMs);
    if (outcome.kind === 'held') this.#want(t3);
    if (outcome.kind === 'accepted' && outcome.stepped !== null) {
      if (outcome.stepped.cause !== 'settling') this.#reopen(outcome.stepped, t3);
    }
    this.#repeatIfBlind(t0, t3 - t0 - (t2 - t1), t3);
    return outcome;
  }

  /**
   * Compare the clocks, e.g. each second and on `visibilitychange`; a sleep that shows calls for probes at once.
   * @returns whether one shows
   */
  onWallClock(nowMs: number, wallMs: number): boolean {
    const hasSlept = this.corridor.noticeWall(nowMs, wallMs);
    if (hasSlept) this.#want(nowMs);
    return hasSlept;
  }

  /** The device or the page woke up, or the network changed: look at once whether all is still as it was. */
  onDisturbance(nowMs: number): void {
    this.#want(nowMs);
  }

  /** The connection was replaced: replies to what was sent on the old one will not come. */
  onReconnect(nowMs: number): void {
    this.#pending.clear();
    this.#leftInBurst = 0;
    this.#want(nowMs);
  }

  onHidden(hidden: boolean, nowMs: number): void {
    if (hidden) {
      this.#hiddenSince ??= nowMs;
    } else if (this.#hiddenSince !== null) {
      this.#hiddenSince = null;
      this.#want(nowMs);
    }
  }

  /** A radio that slept holds a whole burst back; the next one finds it awake. Without this a jump may hide for long. */
  #repeatIfBlind(t0: number, rttMs: number, nowMs: number): void {
    if (t0 < (this.#lastBurstAt ?? 0)) return;
    this.#unanswered -= 1;
    if (rttMs <= this.corridor.readingAt(nowMs).rttMinMs + blindMs) this.#blind = false;
    if (this.#unanswered > 0 || !this.#blind || this.#isExtra) return;
    if (this.#extraSentAt.length <= extraBeforeRepeat) this.#want(nowMs, repeatProbes);
  }

  /**
   * Local time leapt back. All that was done was done as long ago as before, so it moves along: else no probe would be due until local time
   * has caught up, and the budget of that minute would be spent twice.
   */
  #rewind(byMs: number): void {
    this.#rewoundMs += byMs;
    this.#joinedAt -= byMs;
    this.#openingAt -= byMs;
    this.#nextInBurstAt -= byMs;
    if (this.#lastBurstAt !== null) this.#lastBurstAt -= byMs;
    if (this.#hiddenSince !== null) this.#hiddenSince -= byMs;
    if (this.#urgent !== null) this.#urgent = { ...this.#urgent, since: this.#urgent.since - byMs };
    this.#sentAt = this.#sentAt.map((at) => at - byMs);
    this.#extraSentAt = this.#extraSentAt.map((at) => at - byMs);
  }

  #want(nowMs: number, probes: number = urgentProbes): void {
    this.#urgent = {
      since: this.#urgent?.since ?? nowMs,
      probes: Math.max(this.#urgent?.probes ?? 0, probes),
    };
  }

  #reopen({ cause, byMs }: ClockStep, nowMs: number): void {
    // Local time stood still while the device slept; what was sent before is older by as much as hub time went on.
    // A clock that leapt back looks the same to the wall clock, and no time has passed then.
    const sleptMs = cause === 'suspend' ? Math.max(0, byMs - this.#rewoundMs) : 0;
    this.#rewoundMs = 0;
    this.#sentAt = this.#sentAt.map((at) => at - sleptMs);
    this.#extraSentAt = this.#extraSentAt.map((at) => at - sleptMs);
    this.#openingAt = nowMs;
    // What was asked for to tell whether it leapt is told; the opening spreads what is left of the budget over more moments.
    this.#urgent = null;
    // The burst that brought the proof stands for the opening's first.
    this.#burstsSinceOpening = 1;
  }

  #send(nowMs: number): NextProbe {
    this.#seq = (this.#seq + 1) >>> 0;
    this.#leftInBurst -= 1;
    this.#nextInBurstAt = nowMs + spacingFromMs + this.#random() * (spacingToMs - spacingFromMs);
    this.#sentAt = this.#sentAt.filter((sent) => sent > nowMs - budgetMinuteMs);
    this.#sentAt.push(nowMs);
    this.#extraSentAt = this.#extraSentAt.filter((sent) => sent > nowMs - budgetMinuteMs);
    if (this.#isExtra) this.#extraSentAt.push(nowMs);
    for (const [seq, t0] of this.#pending) {
      if (nowMs - t0 > slowestReplyMs) this.#pending.delete(seq);
    }
    this.#pending.set(this.#seq, nowMs);
    return { kind: 'send', seq: this.#seq, t0: nowMs };
  }
}
