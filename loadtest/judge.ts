// Owns the verdict: which thresholds held, and whether the generator may be believed at all. Pure.
import type { LatencySummary } from './latency.ts';
import type { Totals } from './phases.ts';
import type { ThresholdResult } from './report/report.ts';
import { keeps, type Statistic, type Threshold } from './scenario/threshold.ts';

export interface Measured {
  readonly latencies: Readonly<Record<string, LatencySummary>>;
  readonly totals: Totals;
}

export interface GeneratorState {
  readonly lateness: LatencySummary | undefined;
  readonly busyShareMost: number;
  readonly loopDelayP99MsMost: number;
  readonly clockErrorMs: number;
  /** Sum over the seconds in which a thread was busy almost all of the time. */
  readonly saturatedSeconds: number;
  readonly measuredSeconds: number;
}

const OF_STATISTIC: Readonly<Record<Statistic, keyof LatencySummary>> = {
  p50: 'p50Ms',
  p90: 'p90Ms',
  p95: 'p95Ms',
  p99: 'p99Ms',
  'p99.9': 'p999Ms',
  max: 'maxMs',
  mean: 'meanMs',
  count: 'count',
};

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, n) => total + n, 0);
}

/** Figures that are no latencies. */
const FIGURES: Readonly<Record<string, (totals: Totals) => number>> = {
  faults: ({ faults }) => faults.reduce((total, { count }) => total + count, 0),
  refused: ({ counts }) => sum(counts.refused),
  ended: ({ counts }) => sum(counts.ended),
  stalls: ({ stalls }) => stalls.length,
  lost: ({ counts }) => counts.lost,
  unanswered: ({ counts }) => counts.unanswered,
  unsent: ({ counts }) => counts.unsent,
  frames: ({ counts }) => counts.framesReceived,
  elsewhereShare: ({ inStep }) => (inStep.samples === 0 ? 0 : inStep.elsewhere / inStep.samples),
};

export const FIGURE_NAMES = Object.keys(FIGURES);

export function judge(thresholds: readonly Threshold[], measured: Measured): ThresholdResult[] {
  return thresholds.map((threshold) => {
    const value = valueOf(threshold, measured);
    return {
      text: threshold.text,
      value: Number.isFinite(value) ? value : null,
      kept: keeps(threshold, value),
    };
  });
}

function valueOf({ metric, statistic }: Threshold, { latencies, totals }: Measured): number {
  const figure = FIGURES[metric];
  if (figure !== undefined && statistic === undefined) return figure(totals);
  const summary = latencies[metric];
  return summary === undefined ? NaN : summary[OF_STATISTIC[statistic ?? 'p99']];
}

/** So much of its own lateness is always forgiven: timers have a grain. */
const FORGIVEN_MS = 5;
/** Of a figure, what may be the generator's. */
const MOST_SHARE = 0.25;
const SATURATED_SHARE = 0.1;
const MOST_CLOCK_ERROR_MS = 2;

/** Why the figures of a run cannot be trusted; empty where they can. */
export function taints(generator: GeneratorState, latencies: Measured['latencies']): string[] {
  const { lateness, loopDelayP99MsMost, clockErrorMs, saturatedSeconds, measuredSeconds } =
    generator;
  const reasons: string[] = [];
  const told = latencies['command.ack'] ?? latencies['chat.ack'] ?? latencies['join'];
  const boundMs = Math.max(FORGIVEN_MS, (told?.p99Ms ?? 0) * MOST_SHARE);
  const lateMs = lateness === undefined || lateness.count === 0 ? 0 : lateness.p99Ms;
  if (lateMs > boundMs) {
    reasons.push(
      `the generator sent 1 % of the acts more than ${lateMs.toFixed(1)} ms late; up to ${boundMs.toFixed(1)} ms would be no matter`,
    );
  }
  if (saturatedSeconds > measuredSeconds * SATURATED_SHARE) {
    reasons.push(
      `a thread of the generator was busy for more than 95 % of the time in ${saturatedSeconds} of ${Math.round(measuredSeconds)} s; use more --threads, or --agents on other machines`,
    );
  }
  if (loopDelayP99MsMost > Math.max(20, boundMs * 4)) {
    reasons.push(
      `the generator read what came up to ${loopDelayP99MsMost.toFixed(1)} ms late (p99 of its worst second)`,
    );
  }
  if (clockErrorMs > MOST_CLOCK_ERROR_MS) {
    reasons.push(
      `the clocks of the generator’s machines are known to ${clockErrorMs.toFixed(1)} ms only`,
    );
  }
  return reasons;
}
