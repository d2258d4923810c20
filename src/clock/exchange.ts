// Owns what one probe and its reply prove about the hub's clock; knows no history and trusts no number.

/** Four stamps of one probe. `t0` and `t3` are local monotonic ms, `t1` and `t2` hub ms. */
export interface Exchange {
  readonly t0: number;
  readonly t1: number;
  readonly t2: number;
  readonly t3: number;
  /** The hub's timeline that `t1` and `t2` lie on; another one means that hub time has jumped. */
  readonly timelineId: number;
}

/** Why an exchange was not believed. */
export type Rejection =
  | 'not_finite'
  | 'out_of_range'
  | 'backwards'
  | 'impossible'
  /** The hub says that it held the probe for longer than it takes to answer one. */
  | 'held_long'
  | 'too_slow'
  /** Sent before the last proven jump, so it tells of the time before. */
  | 'stale';

/** What an exchange proves: `lowerMs ≤ hub − local ≤ upperMs`, the bounds still without the stamps' quantum. */
export interface ProvenInterval {
  readonly upperMs: number;
  readonly upperAt: number;
  readonly lowerMs: number;
  readonly lowerAt: number;
  /** Round trip without the time that the hub held the probe. */
  readonly rttMs: number;
}

/** Beyond 2⁴³ ms (the year 2248) a double resolves less than 2 µs, and no honest clock stands there. */
const largestStampMs = 2 ** 43;
/** A reply slower than this proves nothing that a later one would not prove better. */
export const slowestReplyMs = 10_000;
/**
 * Both stamps of the hub are taken in one callback, microseconds apart, however late its loop was before. What was held for longer was
 * stopped between the two, which is rarer than a lost frame; and whatever is believed here, a lie could narrow the proof by.
 */
export const longestHeldMs = 1;

/**
 * Checks an exchange and turns it into the interval that it proves: the probe cannot arrive before it was sent, nor
 * the reply before it was answered, so `t2 − t3 ≤ hub − local ≤ t1 − t0`. (Marzullo's intervals, one per exchange,
 * are the root of this; NTP keeps their middle and throws the bounds away.)
 *
 * `quantumMs` is the grain of the local stamps: a floored stamp may make a round trip look that much too short.
 */
export function proveInterval(exchange: Exchange, quantumMs: number): ProvenInterval | Rejection {
  const { t0, t1, t2, t3, timelineId } = exchange;
  for (const stamp of [t0, t1, t2, t3, timelineId]) {
    if (!Number.isFinite(stamp)) return 'not_finite';
    if (Math.abs(stamp) > largestStampMs) return 'out_of_range';
  }
  if (t2 < t1 || t3 < t0) return 'backwards';
  if (t3 - t0 > slowestReplyMs) return 'too_slow';
  const upperMs = t1 - t0;
  const lowerMs = t2 - t3;
  // A hub that claims to have held the probe for longer than the whole exchange took is wrong or lying.
  if (upperMs - lowerMs < -2 * quantumMs - 0.01) return 'impossible';
  if (t2 - t1 > longestHeldMs) return 'held_long';
  return { upperMs, upperAt: t0, lowerMs, lowerAt: t3, rttMs: Math.max(0, upperMs - lowerMs) };
}
