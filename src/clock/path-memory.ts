// Owns what is remembered of the path across a jump of hub time: its least round trip, and which way its queue stands.

import type { ProvenInterval } from './exchange.ts';

/** By how much a probe exceeded the least delay of each way, when the offset was known. */
interface Excess {
  readonly at: number;
  readonly upMs: number;
  readonly downMs: number;
}

/** The tightest of each side that one burst gave. */
interface BurstBounds {
  readonly lastAt: number;
  readonly upper: ProvenInterval;
  readonly lower: ProvenInterval;
}

/** A share of the corridor's width that is one way's queue. */
export interface Lean {
  /** To be added to the corridor's middle. */
  readonly byMs: number;
  /** How far the result may still be off for that reason; 0 where nothing is remembered. */
  readonly unsureMs: number;
}

const upright: Lean = { byMs: 0, unsureMs: 0 };
const excessesKept = 8;
/** Queues change by the second; what was seen of them before is worth no more after this. */
const queueLastsMs = 8_000;
const burstsKept = 12;
const burstGapMs = 80;
/** A queue sways by more than this part of its length; a path that became longer does not. */
const swaying = 0.04;
const restingMs = 0.3;

/**
 * After a jump everything known of the offset is void, and a full queue would be half error until it drains. But the path is the
 * same as before: what the corridor is wider than its least round trip is queue, and it belongs to the way whose delay sways.
 * (chrony corrects its offsets by such an asymmetry of jitter. How the queue is shared out is Bayes on exponential delays.)
 */
export class PathMemory {
  #excesses: Excess[] = [];
  #leastRttMs: number | null = null;
  #bursts: BurstBounds[] = [];

  get isActive(): boolean {
    return this.#leastRttMs !== null;
  }

  /** Whether it says which way a queue stands: a single burst may have met one that is not usual. */
  get isTelling(): boolean {
    return this.#leastRttMs !== null && this.#bursts.length > 1;
  }

  /** A probe while the offset is known. */
  note({ upperMs, upperAt, lowerMs }: ProvenInterval, offsetMs: number, leastRttMs: number): void {
    const upMs = Math.max(0, upperMs - offsetMs - leastRttMs / 2);
    const downMs = Math.max(0, offsetMs - lowerMs - leastRttMs / 2);
    this.#excesses = [...this.#excesses.slice(1 - excessesKept), { at: upperAt, upMs, downMs }];
  }

  /**
   * The offset jumped at `localMs`; the path stayed. `asleep`: longer ago than local time tells, so the queues are others.
   * A second jump before the first is settled knows the path only from before both.
   */
  begin(leastRttMs: number, localMs: number, asleep: boolean): void {
    this.#leastRttMs = this.#leastRttMs ?? leastRttMs;
    this.#bursts = [];
    this.#excesses = asleep ? [] : this.#excesses.filter(({ at }) => localMs - at < queueLastsMs);
  }

  /**
   * A probe since the jump. Those of one burst meet the same queue and, held back in order behind the first, seem to sway on the
   * way that is still: only the tightest of each side counts.
   */
  see(interval: ProvenInterval): void {
    if (this.#leastRttMs === null) return;
    const last = this.#bursts.at(-1);
    const { upperAt } = interval;
    if (last === undefined || upperAt - last.lastAt > burstGapMs) {
      const burst = { lastAt: upperAt, upper: interval, lower: interval };
      this.#bursts = [...this.#bursts.slice(1 - burstsKept), burst];
      return;
    }
    this.#bursts[this.#bursts.length - 1] = {
      lastAt: upperAt,
      upper: interval.upperMs < last.upper.upperMs ? interval : last.upper,
      lower: interval.lowerMs > last.lower.lowerMs ? interval : last.lower,
    };
  }

  /** The corridor has a least round trip of its own again. */
  end(): void {
    this.#leastRttMs = null;
    this.#bursts = [];
  }

  /** For a corridor of this width, its bounds drifting by `skew`. */
  leanOf(widthMs: number, skew: number): Lean {
    if (this.#leastRttMs === null) return upright;
    const queueMs = widthMs - this.#leastRttMs;
    if (queueMs <= restingMs) return upright;
    const up = this.#spread(
      ({ upper: { upperMs, upperAt } }) => upperMs - skew * upperAt,
      ({ upMs }) => upMs,
    );
    const down = this.#spread(
      ({ lower: { lowerMs, lowerAt } }) => skew * lowerAt - lowerMs,
      ({ downMs }) => downMs,
    );
    // Least of as many exponential delays each as there were bursts, whose sum is known: what is up of it is a truncated exponential.
    const steepness = Math.max(1, this.#bursts.length) * (1 / up - 1 / down) * queueMs;
    const swayed = Math.min(1, Math.max(up, down) / (swaying * queueMs));
    const { mean, sigma } = truncatedExponential(steepness);
    return {
      byMs: swayed * (0.5 - mean) * queueMs,
      unsureMs: (swayed * sigma + (1 - swayed) / 2) * queueMs,
    };
  }

  /** How much one way sways above its least delay, and swayed just before the jump. */
  #spread(delayOf: (burst: BurstBounds) => number, excessOf: (excess: Excess) => number): number {
    const delays = this.#bursts.map(delayOf);
    const least = Math.min(...delays);
    const all = [...delays.map((delay) => delay - least), ...this.#excesses.map(excessOf)];
    const sum = all.reduce((total, excess) => total + excess, 0);
    return restingMs + sum / Math.max(1, all.length);
  }
}

/** Mean and standard deviation of the density ∝ exp(−steepness · x) on [0, 1]. */
function truncatedExponential(steepness: number): { mean: number; sigma: number } {
  const size = Math.abs(steepness);
  if (size < 0.01) return { mean: 0.5, sigma: Math.sqrt(1 / 12) };
  const falling = Math.exp(-size);
  const mean = 1 / size - falling / (1 - falling);
  const sigma = Math.sqrt(Math.max(0, 1 / (size * size) - falling / (1 - falling) ** 2));
  return { mean: steepness > 0 ? mean : 1 - mean, sigma };
}
