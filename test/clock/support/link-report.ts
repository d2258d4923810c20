// Owns the figures of one link over many seeds: percentiles of the error beyond the asymmetry, coverage of the bound, probes.

import type { LinkName } from './sim-links.ts';
import { type SimScenario, simulate, type SimSubject } from './simulation.ts';

export interface LinkReport {
  readonly link: LinkName;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** 90th percentile over the seeds, one second after the join. */
  readonly p90AtOneSecondMs: number;
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

/** Runs one link with each seed. Errors count from 60 s on; `make` builds the estimator under test. */
export function reportLink(
  link: LinkName,
  seeds: readonly number[],
  durationMs: number,
  make: (nowMs: number, random: () => number) => SimSubject,
  extra: Partial<SimScenario> = {},
): LinkReport {
  const excess: number[] = [];
  const early: number[] = [];
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
    const atOne = run.samples.find((sample) => sample.trueMs >= 1_000);
    if (atOne !== undefined) early.push(Math.abs(atOne.excessMs));
    backward += run.backward;
    steps += run.announcedAtMs.filter((at) => at > settledAfterMs).length;
    first = Math.max(first, run.sentAtMs.filter((at) => at < settledAfterMs).length);
    later = Math.max(later, busiestMinute(run.sentAtMs.filter((at) => at >= settledAfterMs)));
  }
  excess.sort((a, b) => a - b);
  early.sort((a, b) => a - b);
  return {
    link,
    p50Ms: percentile(excess, 0.5),
    p95Ms: percentile(excess, 0.95),
    p99Ms: percentile(excess, 0.99),
    maxMs: percentile(excess, 1),
    p90AtOneSecondMs: percentile(early, 0.9),
    boundHeld: covered / read,
    estimateHeld: estimated / settled,
    backward,
    steps,
    mostProbesInFirstMinute: first,
    mostProbesInLaterMinute: later,
  };
}

/** Of sorted values; NaN of none. */
export function percentile(sorted: readonly number[], part: number): number {
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
