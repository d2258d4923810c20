// Owns the figures of one link over many seeds: percentiles of the error beyond the asymmetry, coverage of the bound, probes.

import type { LinkName } from './sim-links.ts';
import type { SimScenario, SimSubject } from './sim-scenario.ts';
import { simulate } from './simulation.ts';

export interface LinkReport {
  readonly link: LinkName;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** 90th percentile over joins, one second later, where cross traffic is quiet then; Infinity where a tenth had no estimate yet. */
  readonly p90AtOneSecondMs: number;
  /** The same at any moment, a full queue among them. */
  readonly p90AtOneSecondAnyMs: number;
  /** The error's whole distribution: its value at each of `curveParts`. */
  readonly curveMs: readonly number[];
  /** Part of the time in which the proven bound held; 1 is always. */
  readonly boundHeld: number;
  /** Part of the time in which the error beyond the asymmetry was within the estimated one. */
  readonly estimateHeld: number;
  readonly backward: number;
  readonly steps: number;
  readonly mostProbesInFirstMinute: number;
  readonly mostProbesInLaterMinute: number;
}

const settledAfterMs = 60_000;
const joinedMs = 1_000;
/** A percentile of 24 joins would be chance. */
const joinsPerSeed = 10;
const joinSeedStride = 10_007;
/** Parts of the time at which the distribution is told, finer towards its end. */
export const curveParts: readonly number[] = [
  ...Array.from({ length: 99 }, (_, index) => (index + 1) / 100),
  0.995,
  0.998,
  0.999,
  1,
];

/** Runs one link with each seed. Errors count from 60 s on; `make` builds the estimator under test. */
export function reportLink(
  link: LinkName,
  seeds: readonly number[],
  durationMs: number,
  make: (nowMs: number, random: () => number) => SimSubject,
  extra: Partial<SimScenario> = {},
): LinkReport {
  const excess: number[] = [];
  let read = 0;
  let covered = 0;
  let estimated = 0;
  let settled = 0;
  let backward = 0;
  let steps = 0;
  let first = 0;
  let later = 0;
  for (const seed of seeds) {
    const run = simulate({ ...extra, link, seed, durationMs }, make);
    for (const sample of run.samples) {
      read += 1;
      if (Math.abs(sample.errorMs) <= sample.maxErrorMs) covered += 1;
      if (sample.trueMs < settledAfterMs) continue;
      settled += 1;
      excess.push(Math.abs(sample.excessMs));
      if (Math.abs(sample.excessMs) <= sample.estErrorMs) estimated += 1;
    }
    backward += run.backward;
    steps += run.announcedAtMs.filter((at) => at > settledAfterMs).length;
    first = Math.max(first, run.sentAtMs.filter((at) => at < settledAfterMs).length);
    later = Math.max(later, busiestMinute(run.sentAtMs.filter((at) => at >= settledAfterMs)));
  }
  const sorted = Float64Array.from(excess).sort();
  return {
    link,
    p50Ms: percentile(sorted, 0.5),
    p95Ms: percentile(sorted, 0.95),
    p99Ms: percentile(sorted, 0.99),
    maxMs: percentile(sorted, 1),
    p90AtOneSecondMs: p90AfterJoin(link, seeds, make, { ...extra, quietJoin: true }),
    p90AtOneSecondAnyMs: p90AfterJoin(link, seeds, make, extra),
    curveMs: curveParts.map((part) => percentile(sorted, part)),
    boundHeld: covered / read,
    estimateHeld: estimated / settled,
    backward,
    steps,
    mostProbesInFirstMinute: first,
    mostProbesInLaterMinute: later,
  };
}

function p90AfterJoin(
  link: LinkName,
  seeds: readonly number[],
  make: (nowMs: number, random: () => number) => SimSubject,
  extra: Partial<SimScenario>,
): number {
  const errors = seeds.flatMap((seed) =>
    Array.from({ length: joinsPerSeed }, (_, index) => {
      const scenario = { ...extra, link, seed: seed + index * joinSeedStride, durationMs: 1_100 };
      const atOne = simulate(scenario, make).samples.find(({ trueMs }) => trueMs >= joinedMs);
      return atOne === undefined ? Infinity : Math.abs(atOne.excessMs);
    }),
  );
  return percentile(Float64Array.from(errors).sort(), 0.9);
}

/** Of sorted values; NaN of none. */
export function percentile(sorted: ArrayLike<number>, part: number): number {
  const index = Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1);
  return sorted[Math.max(0, index)] ?? NaN;
}

/** The most events within any 60 s of a sorted list of times. */
export function busiestMinute(timesMs: readonly number[]): number {
  let most = 0;
  let from = 0;
  for (const [index, at] of timesMs.entries()) {
    while ((timesMs[from] ?? at) <= at - 60_000) from += 1;
    most = Math.max(most, index - from + 1);
  }
  return most;
}
