// Owns the suspicion that hub time has jumped: it waits until enough probes agree on it; knows not what a jump leads to.

import type { ProvenInterval } from './exchange.ts';
import type { Ageing, Bounds } from './probe-history.ts';

/** A probe that does not fit, and by how much its middle is off the corridor's. */
interface Suspect {
  readonly interval: ProvenInterval;
  readonly movedMs: number;
  /** How far the middle may be off for reasons other than a jump. */
  readonly excusedMs: number;
}

/** What the corridor looked like where the probe was sent and answered. */
export interface Expectation {
  readonly atSend: Bounds;
  readonly atReply: Bounds;
  readonly ageing: Ageing;
  readonly quantumMs: number;
  /** Round trip of an undisturbed probe. */
  readonly leastRttMs: number;
  /** How wrong the corridor's middle itself may well be; Infinity where it is too young to judge by. */
  readonly unsureMs: number;
}

export type Verdict =
  | { readonly kind: 'fits' }
  /** Held back until the next probes tell; `disjoint` when a jump is the only honest explanation. */
  | { readonly kind: 'held'; readonly disjoint: boolean }
  /** Hub time has jumped; `evidence` is all that is known of it since. */
  | {
      readonly kind: 'stepped';
      readonly disjoint: boolean;
      readonly evidence: readonly ProvenInterval[];
    };

const suspectsKeptMs = 30_000;
const insideAgreeing = 3;
const slackMs = 0.05;

/**
 * Tells a jump of hub time from a slow network.
 *
 * (a) An interval that misses the corridor cannot come from delay. One more that agrees with it, and it is proven.
 * (b) A jump smaller than the round trip stays inside the corridor. But a probe's middle cannot be off by more than half
 *     of what its round trip exceeds the least one, so a middle that moved further, three times over by the same amount,
 *     is a jump too (or a path whose two ways changed by exactly opposite amounts, which nothing can tell apart).
 */
export class StepWatch {
  #disjoint: Suspect[] = [];
  #inside: Suspect[] = [];

  clear(): void {
    this.#disjoint = [];
    this.#inside = [];
  }

  /** `alert`: something outside (the wall clock) says that a jump is likely, so one disjoint probe is enough. */
  judge(interval: ProvenInterval, expected: Expectation, alert: boolean): Verdict {
    const { atSend, atReply, quantumMs } = expected;
    const suspect = this.#measure(interval, expected);
    const tolerance = slackMs + quantumMs;
    const disjoint =
      interval.upperMs + tolerance < atSend.lowerMs ||
      interval.lowerMs - quantumMs - tolerance > atReply.upperMs;
    const moved = Math.abs(suspect.movedMs) > suspect.excusedMs;

    if (disjoint) {
      const agreeing = recent(this.#disjoint, interval).filter((other) =>
        meet(other.interval, interval, expected),
      );
      const evidence = [...agreeing, suspect].map((each) => each.interval);
      if (alert || agreeing.length > 0) return { kind: 'stepped', disjoint: true, evidence };
      this.#disjoint = [suspect];
      // A probe that misses the corridor has moved as well: it counts for rule (b) beside those that just do not miss.
      if (moved) this.#inside = [...recent(this.#inside, interval), suspect];
      return { kind: 'held', disjoint: true };
    }

    // What contradicts the suspect speaks for the corridor; what fits both (a slow probe) speaks for neither.
    this.#disjoint = recent(this.#disjoint, interval).filter((other) =>
      meet(other.interval, interval, expected),
    );
    if (!moved) {
      this.#inside = recent(this.#inside, interval).filter((other) => agree(other, suspect));
      return { kind: 'fits' };
    }
    const agreeing = recent(this.#inside, interval).filter((other) => agree(other, suspect));
    this.#inside = [...agreeing, suspect];
    if (this.#inside.length < insideAgreeing && !alert) return { kind: 'held', disjoint: false };
    const evidence = this.#inside.map((each) => each.interval);
    return { kind: 'stepped', disjoint: false, evidence };
  }

  #measure(interval: ProvenInterval, expected: Expectation): Suspect {
    const { atSend, atReply, leastRttMs, quantumMs, unsureMs } = expected;
    const middle = (interval.upperMs + interval.lowerMs - quantumMs) / 2;
    const corridorMiddle =
      (atSend.upperMs + atSend.lowerMs + atReply.upperMs + atReply.lowerMs) / 4;
    return {
      interval,
      movedMs: middle - corridorMiddle,
      excusedMs: Math.abs(interval.rttMs - leastRttMs) / 2 + unsureMs + quantumMs,
    };
  }
}

function recent(suspects: readonly Suspect[], interval: ProvenInterval): Suspect[] {
  return suspects.filter((each) => interval.upperAt - each.interval.upperAt < suspectsKeptMs);
}

function agree(one: Suspect, other: Suspect): boolean {
  return Math.abs(one.movedMs - other.movedMs) <= one.excusedMs + other.excusedMs;
}

/** Whether one offset can explain both intervals, the skew between them allowed for. */
function meet(earlier: ProvenInterval, later: ProvenInterval, expected: Expectation): boolean {
  const { skew, kappa } = expected.ageing;
  const apartMs = later.upperAt - earlier.upperAt;
  const tolerance =
    slackMs + 2 * expected.quantumMs + kappa * (Math.abs(apartMs) + later.rttMs + earlier.rttMs);
  return (
    earlier.upperMs + skew * apartMs + tolerance >= later.lowerMs &&
    earlier.lowerMs + skew * apartMs - tolerance <= later.upperMs
  );
}
