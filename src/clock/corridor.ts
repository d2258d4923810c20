// Owns the estimate of hub time from probes, with a bound that is proven; knows no sockets, timers or clocks, only stamps.

import { type Exchange, proveInterval, type ProvenInterval, type Rejection } from './exchange.ts';
import { fitLine, type SlopePrior } from './linear-fit.ts';
import { type Lean, PathMemory } from './path-memory.ts';
import { type Ageing, type Bounds, ProbeHistory } from './probe-history.ts';
import { type OffsetTarget, SlewedOffset } from './slewed-offset.ts';
import { StampQuantum } from './stamp-quantum.ts';
import { StepWatch } from './step-watch.ts';
import { TimelineWatch } from './timeline-watch.ts';

export type { Exchange, Rejection } from './exchange.ts';

/** `none`: no probe yet, or everything known was just proven wrong. `coarse`: good for a display. `good`: good to play by. */
export type ClockQuality = 'none' | 'coarse' | 'good';

export interface ClockReading {
  /** Hub time minus local time, as given out now. */
  readonly offsetMs: number;
  /** How much faster the hub's clock runs than the local one. */
  readonly skewPpm: number;
  /** Proven: the offset given out is not further from the truth than this, whatever the network does. */
  readonly maxErrorMs: number;
  /** Typical: about nine in ten errors are smaller, the path's asymmetry left aside. */
  readonly estErrorMs: number;
  readonly rttMinMs: number;
  readonly quality: ClockQuality;
  /** How often the history was thrown away because hub time or local time had jumped. */
  readonly resets: number;
  /** Exchanges that were refused as impossible. */
  readonly rejected: number;
}

/**
 * Why the output moved at once: `settling` before playback or before it was good for the first time; `disjoint` and `inside` are the
 * two proofs of `StepWatch`; `suspend` the same after the wall clock spoke of one; `timeline` the hub said so itself.
 */
export type StepCause = 'settling' | 'disjoint' | 'inside' | 'suspend' | 'timeline';

export interface ClockStep {
  readonly cause: StepCause;
  /** Positive when hub time moved ahead of what had been given out. */
  readonly byMs: number;
}

export type Observation =
  | { readonly kind: 'rejected'; readonly reason: Rejection }
  /** Does not fit what is known; more probes are wanted at once. */
  | { readonly kind: 'held' }
  | { readonly kind: 'accepted'; readonly stepped: ClockStep | null };

export interface CorridorOptions {
  /** The grain of the local stamps; guessed from them when left out. */
  readonly quantumMs?: number;
}

const ppm = 1e-6;
const freshPrior: SlopePrior = { mean: 0, sigma: 40 * ppm };
const steepestSkew = 500 * ppm;
/** A crystal wanders by about this much however well its past is known. */
const wanderSkew = 5 * ppm;
const kappaMost = 100 * ppm;
/** For the estimate, unlike for the bound, the typical error of the skew is what counts. */
const estimateWander = 1 * ppm;
/** `Date` is slewed by some 500 ppm and has a quantum of its own; a suspend is longer. */
const wallJumpMs = 100;
const goodErrorMs = 5;
/** The probes that prove a jump may have been slow ones; what they got wrong is part of the jump and not slewed. */
const stepSettlesMs = 3_000;
const gentleStepMs = 1;
/** With less, the best probes of an honest link are kept waiting; with more, lies of a few milliseconds add up. */
const narrowingFactor = 1.5;
/** What a queue makes unsure of the estimate is delay on one way: it does not make room for a shorter round trip. */
const narrowingMostMs = 1.25;
/** Hub time that leaps more often than this is not one to correct a player by, whoever says so. */
const leapsMost = 2;
const leapsWithinMs = 60_000;
/** Stamps of two threads may be out of order by less; and a clock that leapt back by less has caught up before it matters. */
const leapBackMs = 100;
/**
 * A long round trip may be a full queue on one way, whose whole length is error. It is believed when it stays the same for
 * some bursts, which queues do not, or when it has been the least for as long as queues last.
 */
const shortPathMs = 30;
const steadyPathMs = 2_000;
const queueDrainsMs = 20_000;
/** After a jump the path is taken for the one before until the corridor has had as long as queues last. */
const pathSettlesMs = 30_000;

/**
 * The corridor: every exchange proves an interval for hub − local; all of the last ten minutes, aged by the fitted skew
 * and what is unsure of it, are intersected. The middle is the estimate and half the width the bound.
 *
 * Sources: intersecting intervals is Marzullo's idea (*Maintaining the Time in a Distributed System*, 1984); ageing
 * them by a bound on drift is Cristian's (*Probabilistic Clock Synchronization*, 1989); judging a probe by its round
 * trip's excess is from NTP's clock filter. The combination and the step rules are our own.
 */
export class Corridor {
  readonly #quantum: StampQuantum;
  readonly #history = new ProbeHistory();
  readonly #watch = new StepWatch();
  readonly #timeline = new TimelineWatch();
  readonly #path = new PathMemory();
  readonly #output = new SlewedOffset();
  #prior = freshPrior;
  #skew = 0;
  #skewSigma = freshPrior.sigma;
  /** Both corridors at `#referenceAt`, from where they are straight lines into the future. */
  #referenceAt = 0;
  #proven: Bounds = { upperMs: Infinity, lowerMs: -Infinity };
  #likely: Bounds = { upperMs: Infinity, lowerMs: -Infinity };
  #rttMinMs = Infinity;
  /** Of the estimate, apart from its age: read far more often than anything changes it. NaN: to be told anew. */
  #typicalMs = NaN;
  /** Has been good since the last restart. */
  #settled = false;
  /** The last proven jump, whose size the next probes still refine. */
  #lastStep: { readonly cause: StepCause; readonly untilMs: number } | null = null;
  /** Local time of the last reset: replies to probes sent before it tell of the past. */
  #validFrom = -Infinity;
  /** Local time of the last reply. */
  #latestAt = -Infinity;
  /** Local times of the last leaps that rest on the hub's word alone. */
  #leaptAt: number[] = [];
  #wallMinusLocalMs: number | null = null;
  /** The wall clock told of a sleep that no probe has confirmed or refuted yet. */
  #alert = false;
  #alertedAt = -Infinity;
  /** By how much the clocks came apart, at least. */
  #alertedByMs = Infinity;
  #playing = false;
  #resets = 0;
  #rejected = 0;

  constructor(options: CorridorOptions = {}) {
    this.#quantum = new StampQuantum(options.quantumMs ?? null);
  }

  /**
   * Takes in one exchange. `wallMs` is the wall clock at `t3`, for `noticeWall`; without it suspends are found by the
   * stamps alone. A refused exchange changes nothing but a counter.
   */
  observe(exchange: Exchange, wallMs?: number): Observation {
    this.#typicalMs = NaN;
    const interval = proveInterval(exchange, this.#quantum.ms);
    if (typeof interval === 'string') return this.#reject(interval);
    this.#noticeLeapBack(exchange);
    if (interval.upperAt < this.#validFrom) return this.#reject('stale');
    this.#quantum.see(exchange.t0);
    this.#quantum.see(exchange.t3);
    if (wallMs !== undefined) this.noticeWall(exchange.t3, wallMs);

    const timeline = this.#timeline.judge(exchange.timelineId, interval, {
      ageing: this.#ageing,
      quantumMs: this.#quantum.ms,
    });
    if (timeline.kind === 'held') return { kind: 'held' };
    if (timeline.kind === 'new') return this.#restart(timeline.evidence, 'timeline');
    if (this.#history.burstCount === 0) return this.#restart([interval], 'settling');

    // Its way there belongs to the time before the sleep, its way back to the time after: it proves nothing.
    if (this.#alert && interval.upperAt < this.#alertedAt) return { kind: 'held' };
    const verdict = this.#watch.judge(interval, this.#expectation(interval), this.#alert);
    switch (verdict.kind) {
      case 'held':
        return { kind: 'held' };
      case 'stepped':
        return this.#restart(
          verdict.evidence,
          this.#alert ? 'suspend' : verdict.disjoint ? 'disjoint' : 'inside',
        );
      case 'fits':
        if (this.#alert && this.#refutesAlert(interval)) this.#endAlert();
        for (const each of verdict.evidence) {
          this.#learnPath(each);
          this.#history.add(each);
        }
        this.#estimate(interval.lowerAt);
        return { kind: 'accepted', stepped: this.#steer(null) };
    }
  }

  /**
   * Compares the wall clock with the local one. Returns true when they came apart since the last call: the device slept
   * (the monotonic clock stops on some platforms), or somebody set the time. The estimate stays but is unsure until the next
   * probe, which should be sent at once.
   */
  noticeWall(localMs: number, wallMs: number): boolean {
    if (!Number.isFinite(localMs) || !Number.isFinite(wallMs)) return false;
    const apartMs = wallMs - localMs;
    const before = this.#wallMinusLocalMs;
    this.#wallMinusLocalMs = apartMs;
    if (before === null || Math.abs(apartMs - before) < wallJumpMs) return false;
    if (this.#history.burstCount > 0) {
      this.#alert = true;
      this.#alertedAt = localMs;
      this.#alertedByMs = Math.min(this.#alertedByMs, Math.abs(apartMs - before));
    }
    return true;
  }

  /** The timeline that hub time is given out on; null before the first probe. */
  get timelineId(): number | null {
    return this.#timeline.id;
  }

  /** While something plays, changes that are not proven steps are slewed; before that they are applied at once. */
  setPlaying(playing: boolean): void {
    this.#playing = playing;
  }

  /**
   * Hub time at a local time, in ms; null before the first probe. Monotonic in `localMs`, across probes too, except
   * where an observation told of a step.
   */
  hubTimeAt(localMs: number): number | null {
    if (!this.#output.started || !Number.isFinite(localMs)) return null;
    return localMs + this.#output.offsetAt(localMs);
  }

  /** The local time at which hub time will be (or was) `hubMs`; null before the first probe. */
  localTimeAt(hubMs: number): number | null {
    if (!this.#output.started || !Number.isFinite(hubMs)) return null;
    let localMs = hubMs - this.#output.peekAt(this.#referenceAt);
    // The offset changes by at most 0.55 % of the time, so each round gains more than two digits.
    for (let round = 0; round < 5; round += 1) localMs = hubMs - this.#output.peekAt(localMs);
    return localMs;
  }

  /** All that is known of the clock at a local time. Errors are Infinity before the first probe. */
  readingAt(localMs: number): ClockReading {
    if (!this.#output.started) return this.#reading(0, Infinity, Infinity, 'none');
    const offsetMs = this.#output.peekAt(localMs);
    const ageMs = Math.abs(localMs - this.#referenceAt);
    const drift = this.#skew * (localMs - this.#referenceAt);
    const upperMs = this.#proven.upperMs + drift + this.#kappa * ageMs;
    const lowerMs = this.#proven.lowerMs + drift - this.#kappa * ageMs;
    const maxErrorMs = Math.max(upperMs - offsetMs, offsetMs - lowerMs, this.#quantum.ms / 2);
    const estErrorMs = Math.min(
      maxErrorMs,
      this.#typicalErrorMs() +
        (this.#skewSigma + estimateWander) * ageMs +
        Math.abs(this.#output.distanceAt(localMs)),
    );
    const good =
      !this.#alert &&
      estErrorMs <= goodErrorMs &&
      this.#isPlainPath(maxErrorMs) &&
      this.#leaptWithin(localMs) <= leapsMost;
    return this.#reading(offsetMs, maxErrorMs, estErrorMs, good ? 'good' : 'coarse');
  }

  /** In one literal: members beside a spread would cost more than all the arithmetic. */
  #reading(
    offsetMs: number,
    maxErrorMs: number,
    estErrorMs: number,
    quality: ClockReading['quality'],
  ): ClockReading {
    return {
      skewPpm: this.#skew / ppm,
      rttMinMs: this.#rttMinMs,
      resets: this.#resets,
      rejected: this.#rejected,
      offsetMs,
      maxErrorMs,
      estErrorMs,
      quality,
    };
  }

  /** A probe that was slow enough to hide the leap refutes nothing; but a queue does not last, and a path that became longer does. */
  #refutesAlert({ rttMs, upperAt }: ProvenInterval): boolean {
    return rttMs - this.#rttMinMs < this.#alertedByMs || upperAt - this.#alertedAt >= queueDrainsMs;
  }

  #endAlert(): void {
    this.#alert = false;
    this.#alertedByMs = Infinity;
  }

  #isPlainPath(maxErrorMs: number): boolean {
    if (maxErrorMs <= shortPathMs || this.#history.spanMs >= queueDrainsMs) return true;
    // Across a jump the path is known, and what is queue is part of the typical error.
    if (this.#path.isTelling) return true;
    const spreadMs = this.#history.rttMedianMs - this.#rttMinMs;
    return this.#history.spanMs >= steadyPathMs && spreadMs <= 2 + 0.05 * this.#rttMinMs;
  }

  get #kappa(): number {
    return Math.min(kappaMost, 3 * this.#skewSigma + wanderSkew);
  }

  get #ageing(): Ageing {
    return { skew: this.#skew, kappa: this.#kappa };
  }

  #leaptWithin(localMs: number): number {
    return this.#leaptAt.filter((at) => Math.abs(localMs - at) < leapsWithinMs).length;
  }

  /** What is remembered of a future that will come once more must not refuse replies, nor hold back the slewing, until it does. */
  #noticeLeapBack({ t0, t3: localMs }: Exchange): void {
    if (localMs < this.#latestAt - leapBackMs) {
      this.#validFrom = Math.min(this.#validFrom, t0);
      this.#referenceAt = Math.min(this.#referenceAt, localMs);
      this.#alertedAt = Math.min(this.#alertedAt, localMs);
      this.#output.rewind(localMs);
      this.#latestAt = localMs;
    }
    this.#latestAt = Math.max(this.#latestAt, localMs);
  }

  #reject(reason: Rejection): Observation {
    this.#rejected += 1;
    return { kind: 'rejected', reason };
  }

  #expectation(interval: ProvenInterval): Parameters<StepWatch['judge']>[1] {
    const ageing = this.#ageing;
    const quantumMs = this.#quantum.ms;
    const atSend = this.#history.boundsAt(interval.upperAt, ageing, quantumMs);
    const atReply = this.#history.boundsAt(interval.lowerAt, ageing, quantumMs);
    const leastRttMs = Math.min(this.#rttMinMs, Math.max(0, atReply.upperMs - atReply.lowerMs));
    return {
      atSend,
      atReply,
      ageing,
      quantumMs,
      leastRttMs,
      unsureMs: this.#middleUnsureMs(leastRttMs),
      narrowingMs: Math.min(quantumMs + narrowingFactor * this.#typicalErrorMs(), narrowingMostMs),
    };
  }

  /** A young corridor has not met an undisturbed probe yet, so the least round trip proves nothing about the middle. */
  #middleUnsureMs(leastRttMs: number): number {
    if (this.#history.burstCount < 6 || this.#history.spanMs < 10_000) return Infinity;
    return 2 + (this.#history.rttMedianMs - leastRttMs) / 2;
  }

  /** What is sure of the path while the offset is: needed when the offset is not, after a jump. */
  #learnPath(interval: ProvenInterval): void {
    this.#path.see(interval);
    if (this.#path.isActive && this.#history.spanMs < pathSettlesMs) return;
    this.#path.end();
    const { offsetMs, slope, localMs } = this.#target();
    const at = (interval.upperAt + interval.lowerAt) / 2;
    this.#path.note(interval, offsetMs + slope * (at - localMs), this.#rttMinMs);
  }

  #restart(evidence: readonly ProvenInterval[], cause: StepCause): Observation {
    if (this.#output.started) this.#resets += 1;
    const latest = evidence.reduce((at, each) => Math.max(at, each.lowerAt), -Infinity);
    if (this.#output.started && cause !== 'settling' && cause !== 'suspend') {
      this.#leaptAt = [...this.#leaptAt.slice(-leapsMost), latest];
    }
    if (cause !== 'settling') this.#path.begin(this.#rttMinMs, latest, cause === 'suspend');
    for (const interval of evidence) this.#path.see(interval);
    this.#history.clear();
    this.#watch.clear();
    this.#endAlert();
    this.#settled = false;
    // The crystals are the same as before the jump, so what is known of their rates stays, with some doubt added.
    this.#prior = {
      mean: this.#skew,
      sigma: Math.min(freshPrior.sigma, Math.hypot(this.#skewSigma, wanderSkew)),
    };
    for (const interval of evidence) this.#history.add(interval);
    this.#validFrom = evidence.reduce((at, each) => Math.min(at, each.upperAt), Infinity);
    this.#lastStep = cause === 'settling' ? null : { cause, untilMs: latest + stepSettlesMs };
    this.#estimate(latest);
    return { kind: 'accepted', stepped: this.#steer(cause) };
  }

  #estimate(localMs: number): void {
    this.#typicalMs = NaN;
    const quantumMs = this.#quantum.ms;
    const points = this.#history.midpoints(0.05 + quantumMs / 2);
    const fit = fitLine(points, this.#prior);
    if (fit !== null) {
      this.#skew = Math.max(-steepestSkew, Math.min(steepestSkew, fit.slope));
      this.#skewSigma = fit.slopeSigma;
    }
    this.#referenceAt = Math.max(this.#referenceAt, localMs);
    const at = this.#referenceAt;
    const skew = this.#skew;
    this.#proven = this.#history.boundsAt(at, this.#ageing, quantumMs);
    // Proofs that contradict each other by less than a jump: another node is a little off, or the skew was. The newest are right.
    while (this.#proven.upperMs < this.#proven.lowerMs && this.#history.burstCount > 1) {
      this.#history.forgetOldest();
      this.#proven = this.#history.boundsAt(at, this.#ageing, quantumMs);
    }
    this.#rttMinMs = this.#history.rttMinMs;
    const likelyKappa = Math.min(kappaMost, this.#skewSigma + estimateWander);
    this.#likely = this.#history.boundsAt(at, { skew, kappa: likelyKappa }, quantumMs);
  }

  #steer(proven: StepCause | null): ClockStep | null {
    const target = this.#target();
    const at = target.localMs;
    const cause = proven ?? this.#causeOfRefinement(target);
    if (cause === null) {
      this.#output.slewTo(target);
      return null;
    }
    const first = !this.#output.started;
    const byMs = this.#output.jumpTo(target);
    this.#settled ||= this.readingAt(at).quality === 'good';
    return first || byMs !== 0 ? { cause, byMs } : null;
  }

  /** Why a change that is no jump of its own may still be applied at once; null when it has to be slewed. */
  #causeOfRefinement({ localMs, offsetMs }: OffsetTarget): StepCause | null {
    if (!this.#playing) return 'settling';
    // Nobody follows a clock that has not been good yet; slewing would only put off the moment when it is.
    if (!this.#settled) return this.#lastStep?.cause ?? 'settling';
    const farMs = Math.abs(offsetMs - this.#output.peekAt(localMs));
    const last = this.#lastStep;
    return last !== null && localMs < last.untilMs && farMs > gentleStepMs ? last.cause : null;
  }

  #target(): OffsetTarget {
    const middle = (this.#likely.upperMs + this.#likely.lowerMs) / 2 + this.#lean().byMs;
    // The likely corridor may leave the proven one when the skew was misjudged; proof goes before likelihood.
    const offsetMs = Math.min(this.#proven.upperMs, Math.max(this.#proven.lowerMs, middle));
    return { localMs: this.#referenceAt, offsetMs, slope: this.#skew };
  }

  #lean(): Lean {
    return this.#path.leanOf(this.#likely.upperMs - this.#likely.lowerMs, this.#skew);
  }

  #typicalErrorMs(): number {
    if (Number.isNaN(this.#typicalMs)) this.#typicalMs = this.#typicalErrorNow();
    return this.#typicalMs;
  }

  #typicalErrorNow(): number {
    const width = this.#likely.upperMs - this.#likely.lowerMs;
    const slackMs = Math.abs(width - this.#rttMinMs) / 2;
    // Where even the fastest probe of most bursts is slow, the best one yet is hardly the best there can be.
    const jitterMs = Math.max(0, Math.min(40, this.#history.rttMedianMs - width));
    return slackMs + this.#lean().unsureMs + 0.05 * jitterMs + this.#quantum.ms / 4;
  }
}
