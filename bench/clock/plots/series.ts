// Owns the runs that are plotted: one clock, one link, one seed, as points over time; draws nothing.

import type { SimEvents, SimRun, SimSample } from '../../../test/clock/support/sim-scenario.ts';
import type { LinkName } from '../../../test/clock/support/sim-links.ts';
import { simulate } from '../../../test/clock/support/simulation.ts';
import { type SubjectName, subjects } from '../subjects.ts';
import type { Point } from '../../svg.ts';

export interface PlottedRun extends SimEvents {
  readonly subject: SubjectName;
  readonly link: LinkName;
  readonly seed: number;
  readonly durationMs: number;
  readonly skewPpm?: number;
}

export function plottedRun({ subject, ...scenario }: PlottedRun): SimRun {
  return simulate(scenario, subjects[subject]);
}

/** Seconds, and the value of each sample within a part of the run; times count from `zeroMs`. */
export function pointsOf(
  { samples }: SimRun,
  valueOf: (sample: SimSample) => number,
  { fromMs, toMs, zeroMs = 0 }: { fromMs: number; toMs: number; zeroMs?: number },
): Point[] {
  return samples
    .filter(({ trueMs }) => trueMs >= fromMs && trueMs <= toMs)
    .map((sample) => [(sample.trueMs - zeroMs) / 1_000, valueOf(sample)]);
}
