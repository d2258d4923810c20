// Owns a local crystal that is off, wanders and may sleep; true time in, local stamps out.

import type { SeededRandom } from './seeded-random.ts';

export interface SimClockOptions {
  readonly random: SeededRandom;
  readonly durationMs: number;
  /** Left out: ±5 to ±100 ppm by chance. */
  readonly skewPpm?: number;
  readonly quantumMs?: number;
  /** Sleeps during which the local clock stands still: true time of falling asleep, and for how long. */
  readonly suspends?: readonly Span[];
  /** Leaps of the local clock itself, which honest platforms do not make and some virtual machines do. */
  readonly localJumps?: readonly Leap[];
  /** Somebody sets the time of day. */
  readonly wallJumps?: readonly Leap[];
}

/** Part of a run, in true time. */
export interface Span {
  readonly atMs: number;
  readonly forMs: number;
}

export interface Leap {
  readonly atMs: number;
  readonly byMs: number;
}

const gridMs = 1_000;
/** Temperature: 0.5 ppm up and down over ten minutes, and a random walk of the rate beside it. */
const sinePpm = 0.5;
const sinePeriodMs = 600_000;
const walkPpmPerRootSecond = 0.02;

export class SimClock {
  readonly #originMs: number;
  readonly #wallOriginMs: number;
  readonly #quantumMs: number;
  readonly #phaseMs: number[] = [];
  readonly #suspends: readonly Span[];
  readonly #localJumps: readonly Leap[];
  readonly #wallJumps: readonly Leap[];

  constructor({
    random,
    durationMs,
    skewPpm,
    quantumMs = 0.1,
    suspends = [],
    localJumps = [],
    wallJumps = [],
  }: SimClockOptions) {
    const sign = random.chance(0.5) ? 1 : -1;
    let ratePpm = skewPpm ?? sign * random.uniform(5, 100);
    this.#originMs = random.uniform(500, 100_000);
    this.#wallOriginMs = 1_800_000_000_000 + random.uniform(0, 1e9);
    this.#quantumMs = quantumMs;
    this.#suspends = suspends;
    this.#localJumps = localJumps;
    this.#wallJumps = wallJumps;
    const sinePhase = random.uniform(0, 2 * Math.PI);
    let phaseMs = 0;
    for (let at = 0; at <= durationMs + 30_000; at += gridMs) {
      this.#phaseMs.push(phaseMs);
      const sine = sinePpm * Math.sin((2 * Math.PI * at) / sinePeriodMs + sinePhase);
      phaseMs += (ratePpm + sine) * 1e-6 * gridMs;
      ratePpm += random.normal(walkPpmPerRootSecond * Math.sqrt(gridMs / 1_000));
    }
  }

  /** Local time, unrounded. */
  localAt(trueMs: number): number {
    const awakeMs = this.awakeMsAt(trueMs);
    return this.#originMs + awakeMs + this.#phaseAt(awakeMs) + leaptBy(this.#localJumps, trueMs);
  }

  /** How long the device has been awake. */
  awakeMsAt(trueMs: number): number {
    return trueMs - this.#sleptBy(trueMs);
  }

  /** How fast the crystal runs, beyond true time. */
  ratePpmAt(trueMs: number): number {
    const awakeMs = this.awakeMsAt(trueMs);
    return ((this.#phaseAt(awakeMs + gridMs) - this.#phaseAt(awakeMs)) / gridMs) * 1e6;
  }

  /** What `performance.now()` returns. */
  stampAt(trueMs: number): number {
    const steps = Math.floor(this.localAt(trueMs) / this.#quantumMs);
    // Divide by the whole number of steps a ms has: 0.1 · n would leave the grid's doubles.
    return this.#quantumMs < 1 ? steps / Math.round(1 / this.#quantumMs) : steps * this.#quantumMs;
  }

  /** What `Date.now()` returns. */
  wallAt(trueMs: number): number {
    return Math.floor(this.#wallOriginMs + trueMs + leaptBy(this.#wallJumps, trueMs));
  }

  /** True time at which the local clock shows `localMs`; the earliest one if it stands there. */
  trueAt(localMs: number): number {
    let trueMs = localMs - this.#originMs;
    for (let round = 0; round < 4; round += 1) {
      trueMs += localMs - this.#originMs - trueMs - this.#phaseAt(trueMs);
    }
    for (const { atMs, forMs } of this.#suspends) if (trueMs > atMs) trueMs += forMs;
    for (const { atMs, byMs } of this.#localJumps) {
      if (trueMs > atMs) trueMs = Math.max(atMs, trueMs - byMs);
    }
    return trueMs;
  }

  /** The moment itself, or the end of the sleep that it falls into. */
  awakeAt(trueMs: number): number {
    for (const { atMs, forMs } of this.#suspends) {
      if (trueMs >= atMs && trueMs < atMs + forMs) return atMs + forMs;
    }
    return trueMs;
  }

  #phaseAt(awakeMs: number): number {
    const position = Math.max(0, awakeMs / gridMs);
    const index = Math.min(this.#phaseMs.length - 2, Math.floor(position));
    const from = this.#phaseMs[index] ?? 0;
    const to = this.#phaseMs[index + 1] ?? from;
    return from + (to - from) * (position - index);
  }

  #sleptBy(trueMs: number): number {
    let slept = 0;
    for (const { atMs, forMs } of this.#suspends) {
      slept += Math.max(0, Math.min(forMs, trueMs - atMs));
    }
    return slept;
  }
}

function leaptBy(leaps: readonly Leap[], trueMs: number): number {
  let byMs = 0;
  for (const leap of leaps) if (trueMs >= leap.atMs) byMs += leap.byMs;
  return byMs;
}
