// Owns the way from a position error to what the player does about it; knows no player, no clock and no room.

import type { ClockQuality } from './corridor.ts';
import { RecentErrors } from './recent-errors.ts';
import { SeekCost } from './seek-cost.ts';

export type ServoKind = 'webaudio' | 'element';

export interface ServoInput {
  /** Local ms. */
  readonly nowMs: number;
  /** Heard position minus the room's position; positive is ahead. */
  readonly errorMs: number;
  /** How much faster hub time runs than the clock that the player plays by. */
  readonly skewPpm: number;
  readonly clockQuality: ClockQuality;
  /** The clock's typical error: nothing smaller is corrected. */
  readonly clockErrorMs: number;
  readonly buffering: boolean;
  /** When playback last began or came back (play, wake-up, end of buffering); null when it never stopped. */
  readonly resumedAtMs: number | null;
}

/**
 * What the player should do. `rate` is absolute. A `jump` moves the position by `byMs` under a cross-fade. A `seek` goes
 * to the room's position plus `toleranceLeadMs`, which is what the seek itself is expected to cost.
 */
export type ServoAction =
  | { readonly kind: 'none' }
  | { readonly kind: 'rate'; readonly rate: number }
  | { readonly kind: 'jump'; readonly byMs: number }
  | { readonly kind: 'seek'; readonly toleranceLeadMs: number }
  | { readonly kind: 'cannot_keep_up' };

interface Thresholds {
  /** Below this only the integrator works. */
  readonly quietMs: number;
  /** Proportional correction begins above `enterMs` and ends below `leaveMs`. */
  readonly enterMs: number;
  readonly leaveMs: number;
  /** Above this the rate is too slow, and a cross-faded jump is made; equal to `jumpMostMs` where none is possible. */
  readonly rateMostMs: number;
  /** Above this a seek. */
  readonly jumpMostMs: number;
  /** Smoothing of the error. */
  readonly averageMs: number;
  /** How fast the quiet band's edge is pulled in, proportionally: without it an integrator would swing for ever. Far below what is heard. */
  readonly pullRate: number;
  /** A smaller change of rate is not worth a call; some browsers glitch at each. */
  readonly rateStep: number;
}

const thresholds: Record<ServoKind, Thresholds> = {
  webaudio: {
    quietMs: 1.5,
    enterMs: 3,
    leaveMs: 1,
    rateMostMs: 40,
    jumpMostMs: 300,
    averageMs: 500,
    pullRate: 150e-6,
    rateStep: 10e-6,
  },
  // One element cannot cross-fade with itself, and a seek of one costs a hole: the rate goes on for longer.
  element: {
    quietMs: 10,
    enterMs: 15,
    leaveMs: 8,
    rateMostMs: 120,
    jumpMostMs: 120,
    averageMs: 800,
    // An element starts some 10 ms off, by chance: of that, a tenth goes each second, at less than two cents of pitch.
    pullRate: 1e-3,
    rateStep: 50e-6,
  },
};

/** A quarter of the error a second: 20 ms reach the limit, and the end is approached without overshoot. */
const gainPerMs = 0.00025;
const rateMost = 0.005;
/** At the quiet band's edge; what is left to it is the skew's own error, a few ppm. */
const integratorPerSecond = 1.5e-6;
const integratorMost = 200e-6;
const betweenRatesMs = 500;
const coolDownMs = 2_000;
const triesWithinMs = 30_000;
const triesMost = 3;
const afterResumeMs = 1_000;
/** Longer than this without input, and the average tells of another time. */
const forgottenMs = 3_000;

/**
 * Keeps a player on the room's position. Inside the quiet band a slow integrator trims the rate, so that nothing is left to
 * creep; then a proportional rate with hysteresis; then a cross-faded jump; then one seek that aims ahead by
 * what seeks have cost so far. Jumps and seeks share a cool-down of 2 s and three tries in 30 s.
 *
 * Source: a plain PI controller split by bands; the bands come from what is heard (clicks fuse to 1–5 ms) and from other players'
 * failures (dead bands that never close, seeks that chase their own cost).
 */
export class Servo {
  readonly #limits: Thresholds;
  readonly #cost: SeekCost;
  #averageMs: number | null = null;
  readonly #recent = new RecentErrors();
  #lastInputAt = -Infinity;
  #elapsedMs = 0;
  #integrator = 0;
  #correcting = false;
  #rate: number | null = null;
  #rateAt = -Infinity;
  #movedAt: number[] = [];
  #gaveUp = false;

  /** `seekCostMs`: what a seek cost on this device before, if that is remembered. */
  constructor(kind: ServoKind, seekCostMs = kind === 'element' ? 80 : 20) {
    this.#limits = thresholds[kind];
    this.#cost = new SeekCost(seekCostMs);
  }

  /** What a seek is expected to cost, to be remembered per device. */
  get seekCostMs(): number {
    return this.#cost.expectedMs;
  }

  /** The smoothed error; null until there is one. */
  get averageErrorMs(): number | null {
    return this.#averageMs;
  }

  /** A rate that was given out last is one to catch up or to wait, not only the crystals' difference. */
  get correcting(): boolean {
    return this.#correcting;
  }

  /** The room moved (seek, skip) or the player was placed anew: errors from before mean nothing. */
  reset(): void {
    this.#forgetErrors();
    this.#cost.cancel();
    this.#correcting = false;
    this.#gaveUp = false;
    this.#movedAt = [];
  }

  /**
   * The position is to be mended at once, for a reason that the servo does not know. That counts as a try and begins a cool-down, so that
   * whoever finds such reasons over and over does not make it thrash.
   * @returns whether it may; errors from before mean nothing then
   */
  place(nowMs: number): boolean {
    if (this.#triesAt(nowMs).length >= triesMost) return false;
    this.#movedAt.push(nowMs);
    this.#forgetErrors();
    this.#cost.cancel();
    this.#correcting = false;
    this.#gaveUp = false;
    this.#forgetRate();
    return true;
  }

  /** One decision; to be called some two to ten times a second with a fresh error. */
  update(input: ServoInput): ServoAction {
    const { nowMs, errorMs, skewPpm } = input;
    const base = 1 + (Number.isFinite(skewPpm) ? skewPpm * 1e-6 : 0);
    if (!Number.isFinite(errorMs) || isHeldBack(input)) {
      this.#forgetErrors();
      this.#correcting = false;
      if (input.buffering) this.#cost.postpone(nowMs);
      // A correction that was under way must not run on unseen.
      return this.#setRate(base + this.#integrator, nowMs, true);
    }
    const average = this.#smooth(errorMs, nowMs);
    if (average === null) return { kind: 'none' };
    this.#cost.learn(average, nowMs);
    const size = Math.abs(average);
    if (size > this.#limits.rateMostMs) return this.#move(average, input, base);
    this.#gaveUp = false;
    return this.#trim(average, input, base);
  }

  /** Median of three against single bad stamps, then an exponential average. */
  #smooth(errorMs: number, nowMs: number): number | null {
    const elapsedMs = nowMs - this.#lastInputAt;
    if (elapsedMs > forgottenMs || elapsedMs < 0) this.#forgetErrors();
    this.#elapsedMs = Math.max(0, Math.min(forgottenMs, elapsedMs));
    this.#lastInputAt = nowMs;
    const median = this.#recent.add(errorMs);
    if (!this.#recent.isFull) return null;
    // Beyond what a rate can mend, the past only delays what has to be done anyway.
    const far =
      this.#averageMs === null || Math.abs(median - this.#averageMs) > this.#limits.rateMostMs;
    const share = far ? 1 : 1 - Math.exp(-elapsedMs / this.#limits.averageMs);
    this.#averageMs = (this.#averageMs ?? 0) * (1 - share) + median * share;
    return this.#averageMs;
  }

  #trim(average: number, { nowMs, clockErrorMs }: ServoInput, base: number): ServoAction {
    const size = Math.abs(average);
    const { enterMs, leaveMs, quietMs, pullRate } = this.#limits;
    if (this.#correcting && size < leaveMs) this.#correcting = false;
    // A clock that is unsure by 10 ms cannot tell an error of 5 from none.
    if (!this.#correcting && size > Math.max(enterMs, clockErrorMs)) this.#correcting = true;
    if (this.#correcting) {
      const correction = Math.max(-rateMost, Math.min(rateMost, gainPerMs * average));
      return this.#setRate(base + this.#integrator - correction, nowMs, false);
    }
    // Between the bands it pulls as at the quiet band's edge, so no error in there lasts.
    const pull = Math.max(-1, Math.min(1, average / quietMs));
    const next = this.#integrator - integratorPerSecond * pull * (this.#elapsedMs / 1_000);
    this.#integrator = Math.max(-integratorMost, Math.min(integratorMost, next));
    return this.#setRate(base + this.#integrator - pull * pullRate, nowMs, false);
  }

  #move(average: number, input: ServoInput, base: number): ServoAction {
    const { nowMs } = input;
    const since = this.#triesAt(nowMs);
    const last = since.at(-1) ?? -Infinity;
    if (isWithin(last, nowMs, coolDownMs))
      return this.#setRate(base + this.#integrator, nowMs, true);
    // Having given up, a fresh start needs all tries back, or a lone one would be repeated every ten seconds.
    if (since.length >= triesMost) this.#gaveUp = true;
    else if (since.length === 0) this.#gaveUp = false;
    const size = Math.abs(average);
    if (this.#gaveUp) {
      if (size > this.#limits.jumpMostMs) return { kind: 'cannot_keep_up' };
      return this.#trim(average, input, base);
    }

    this.#movedAt.push(nowMs);
    this.#correcting = false;
    this.#forgetErrors();
    this.#forgetRate();
    if (size <= this.#limits.jumpMostMs) {
      return { kind: 'jump', byMs: -average };
    }
    this.#cost.begin(nowMs);
    return { kind: 'seek', toleranceLeadMs: this.#cost.expectedMs };
  }

  #setRate(rate: number, nowMs: number, atOnce: boolean): ServoAction {
    if (this.#rate !== null && Math.abs(rate - this.#rate) < this.#limits.rateStep)
      return { kind: 'none' };
    if (!atOnce && isWithin(this.#rateAt, nowMs, betweenRatesMs)) return { kind: 'none' };
    this.#rate = rate;
    this.#rateAt = nowMs;
    return { kind: 'rate', rate };
  }

  #triesAt(nowMs: number): number[] {
    this.#movedAt = this.#movedAt.filter((at) => isWithin(at, nowMs, triesWithinMs));
    return this.#movedAt;
  }

  /** After a move the player may still run at the correcting rate; the next decision must set it, whatever it is. */
  #forgetRate(): void {
    this.#rate = null;
    this.#rateAt = -Infinity;
  }

  #forgetErrors(): void {
    this.#averageMs = null;
    this.#recent.clear();
  }
}

function isHeldBack({ clockQuality, buffering, resumedAtMs, nowMs }: ServoInput): boolean {
  if (clockQuality !== 'good' || buffering) return true;
  return resumedAtMs !== null && isWithin(resumedAtMs, nowMs, afterResumeMs);
}

/** To either side: a local clock that leapt back must not make a wait of seconds one of minutes. */
function isWithin(thenMs: number, nowMs: number, spanMs: number): boolean {
  return Math.abs(nowMs - thenMs) < spanMs;
}
