// Owns the suspicion that hub time has jumped: it waits until enough probes agree on it; knows not what a jump leads to.

import type { ProvenInterval } from './exchange.ts';
import type { Ageing, Bounds } from './probe-history.ts';

/** A probe that does not fit, and by how much its middle is off the corridor's. */
interface Suspect {
  readonly interval: ProvenInterval;
  readonly movedMs: number;
  /** How far the middle may be off for reasons other than a jump. */
  readonly excusedMs: number;
  /** What it would leave of the corridor's width. */
  readonly leftMs: number;
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
  /** How much narrower than the least round trip an honest corridor may well become. */
  readonly narrowingMs: number;
}

export type Verdict =
  /** `evidence`: what may be believed now, which is not the probe itself where it only backs one before it. */
  | { readonly kind: 'fits'; readonly evidence: readonly ProvenInterval[] }
  /** Held back until the next probes tell; `disjoint` when a jump is the only honest explanation. */
  | { readonly kind: 'held'; readonly disjoint: boolean }
  /** Hub time has jumped; `evidence` is all that is known of it since. */
  | {
      readonly kind: 'stepped';
      readonly disjoint: boolean;
      readonly evidence: readonly ProvenInterval[];
    };

const suspectsKeptMs = 30_000;
/** A path that became shorter shows in the burst that is asked for at once, or in the next one; two lies are further apart. */
const narrowKeptMs = 10_000;
const insideAgreeing = 3;
const slackMs = 0.05;

/**
 * Tells a jump of hub time from a slow network.
 *
 * (a) An interval that misses the corridor cannot come from delay. One more that agrees with it, and it is proven.
 * (b) A jump smaller than the round trip stays inside the corridor. But a probe's middle cannot be off by more than half
 *     of what its round trip exceeds the least one, so a middle that moved further, three times over by the same amount,
 *     is a jump too (or a path whose two ways changed by exactly opposite amounts, which nothing can tell apart).
 *
 * And a lie from a probe: what would leave less of the corridor than a round trip takes is believed as far as a second one backs
 * it, which a path that became shorter does within a burst. One false proof would else stand until it has aged.
 */
export class StepWatch {
  #disjoint: Suspect[] = [];
  #inside: Suspect[] = [];
  #narrow: Suspect[] = [];

  clear(): void {
    this.#disjoint = [];
    this.#inside = [];
    this.#narrow = [];
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
      return this.#narrowed(suspect, expected);
    }
    const agreeing = recent(this.#inside, interval).filter((other) => agree(other, suspect));
    this.#inside = [...agreeing, suspect];
    if (this.#inside.length < insideAgreeing && !alert) return { kind: 'held', disjoint: false };
    const evidence = this.#inside.map((each) => each.interval);
    return { kind: 'stepped', disjoint: false, evidence };
  }

  #narrowed(suspect: Suspect, expected: Expectation): Verdict {
    const { interval } = suspect;
    const leastMs = expected.leastRttMs - expected.narrowingMs - slackMs;
    this.#narrow = recent(this.#narrow, interval, narrowKeptMs).filter((other) =>
      meet(other.interval, interval, expected),
    );
    if (expected.unsureMs === Infinity || suspect.leftMs >= leastMs)
      return { kind: 'fits', evidence: [interval] };
    const alike = this.#narrow.filter((other) => narrowsLike(other, suspect, leastMs));
    const [boldest, ...backed] = [...alike, suspect].sort((a, b) => a.leftMs - b.leftMs);
    const boldestOfBacked = backed[0];
    if (boldest === undefined || boldestOfBacked === undefined) {
      this.#narrow.push(suspect);
      return { kind: 'held', disjoint: false };
    }
    const isBacked = boldestOfBacked.leftMs - boldest.leftMs <= expected.narrowingMs;
    this.#narrow = this.#narrow.filter((other) => !alike.includes(other));
    if (!isBacked) this.#narrow.push(boldest);
    const believed = isBacked ? [boldest, ...backed] : backed;
    return { kind: 'fits', evidence: believed.map((each) => each.interval) };
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
      leftMs:
        Math.min(atSend.upperMs, interval.upperMs) -
        Math.max(atReply.lowerMs, interval.lowerMs - quantumMs),
    };
  }
}

function recent(
  suspects: readonly Suspect[],
  interval: ProvenInterval,
  keptMs = suspectsKeptMs,
): Suspect[] {
  return suspects.filter((each) => interval.upperAt - each.interval.upperAt < keptMs);
}

function agree(one: Suspect, other: Suspect): boolean {
  return Math.abs(one.movedMs - other.movedMs) <= one.excusedMs + other.excusedMs;
}

/** Both come from the same side, or both are faster than any probe before. */
function narrowsLike(one: Suspect, other: Suspect, leastMs: number): boolean {
  if (one.interval.rttMs < leastMs && other.interval.rttMs < leastMs) return true;
  return Math.sign(one.movedMs) === Math.sign(other.movedMs);
}

/** Whether one offset can explain both intervals, the skew between them allowed for. */
export function meet(
  earlier: ProvenInterval,
  later: ProvenInterval,
  { ageing: { skew, kappa }, quantumMs }: Pick<Expectation, 'ageing' | 'quantumMs'>,
): boolean {
  const apartMs = later.upperAt - earlier.upperAt;
  const tolerance =
    slackMs + 2 * quantumMs + kappa * (Math.abs(apartMs) + later.rttMs + earlier.rttMs);
  return (
    earlier.upperMs + skew * apartMs + tolerance >= later.lowerMs &&
    earlier.lowerMs + skew * apartMs - tolerance <= later.upperMs
  );
}
