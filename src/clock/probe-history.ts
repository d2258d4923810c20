// Owns the intervals that are still believed, gathered by burst; knows how they age, not what breaks them.

import type { ProvenInterval } from './exchange.ts';
import type { FitPoint } from './linear-fit.ts';

/** The tightest of each side that one burst gave, and its fastest probe. */
interface Burst {
  readonly startedAt: number;
  upperMs: number;
  upperAt: number;
  lowerMs: number;
  lowerAt: number;
  fastestRttMs: number;
  fastestMidMs: number;
  fastestAt: number;
}

export interface Bounds {
  readonly upperMs: number;
  readonly lowerMs: number;
}

/** How intervals age: the skew that is believed, and how far it may be wrong. Both in ms per ms. */
export interface Ageing {
  readonly skew: number;
  readonly kappa: number;
}

/** Older than this, a crystal's wander makes an interval worthless. */
const windowMs = 600_000;
/** Probes sent within this of a burst's first one belong to it. */
const burstMs = 250;

export class ProbeHistory {
  #bursts: Burst[] = [];

  get burstCount(): number {
    return this.#bursts.length;
  }

  /** From the first burst to the last, in ms. */
  get spanMs(): number {
    return (this.#bursts.at(-1)?.startedAt ?? 0) - (this.#bursts[0]?.startedAt ?? 0);
  }

  /** The least round trip in the window; Infinity without probes. */
  get rttMinMs(): number {
    let least = Infinity;
    for (const burst of this.#bursts) least = Math.min(least, burst.fastestRttMs);
    return least;
  }

  /** The median over bursts of their fastest round trip; Infinity without probes. */
  get rttMedianMs(): number {
    const sorted = this.#bursts.map((burst) => burst.fastestRttMs).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? Infinity;
  }

  clear(): void {
    this.#bursts = [];
  }

  forgetOldest(): void {
    this.#bursts.shift();
  }

  add(interval: ProvenInterval): void {
    const { upperMs, upperAt, lowerMs, lowerAt, rttMs } = interval;
    const midMs = (upperMs + lowerMs) / 2;
    const midAt = (upperAt + lowerAt) / 2;
    // One that was doubted for a while belongs where it was sent.
    const last = this.#bursts.findLast(({ startedAt }) => startedAt - burstMs <= upperAt);
    if (last === undefined || upperAt - last.startedAt > burstMs) {
      const index = last === undefined ? 0 : this.#bursts.indexOf(last) + 1;
      this.#bursts.splice(index, 0, {
        startedAt: upperAt,
        upperMs,
        upperAt,
        lowerMs,
        lowerAt,
        fastestRttMs: rttMs,
        fastestMidMs: midMs,
        fastestAt: midAt,
      });
      while ((this.#bursts[0]?.startedAt ?? Infinity) < upperAt - windowMs) this.#bursts.shift();
      return;
    }
    if (upperMs < last.upperMs) {
      last.upperMs = upperMs;
      last.upperAt = upperAt;
    }
    if (lowerMs > last.lowerMs) {
      last.lowerMs = lowerMs;
      last.lowerAt = lowerAt;
    }
    if (rttMs < last.fastestRttMs) {
      last.fastestRttMs = rttMs;
      last.fastestMidMs = midMs;
      last.fastestAt = midAt;
    }
  }

  /** The intersection at a local time of all intervals, each moved by the skew and widened by κ for its age. */
  boundsAt(localMs: number, { skew, kappa }: Ageing, quantumMs: number): Bounds {
    let upperMs = Infinity;
    let lowerMs = -Infinity;
    for (const burst of this.#bursts) {
      const sinceUpper = localMs - burst.upperAt;
      const sinceLower = localMs - burst.lowerAt;
      const upper = burst.upperMs + skew * sinceUpper + kappa * Math.abs(sinceUpper);
      const lower = burst.lowerMs - quantumMs + skew * sinceLower - kappa * Math.abs(sinceLower);
      if (upper < upperMs) upperMs = upper;
      if (lower > lowerMs) lowerMs = lower;
    }
    return { upperMs, lowerMs };
  }

  /**
   * Each burst's fastest probe as a point of offset over time. A round trip that is `x` longer than the least one may
   * have its middle off by `x/2`, to either side, so that is what it is trusted to.
   */
  midpoints(noiseMs: number): FitPoint[] {
    const least = this.rttMinMs;
    return this.#bursts.map((burst) => ({
      x: burst.fastestAt,
      y: burst.fastestMidMs,
      sigma: Math.hypot(noiseMs, (burst.fastestRttMs - least) / 2),
    }));
  }
}
