// Owns the verdict: which thresholds held, and whether the generator may be believed at all. Pure.
import type { Latencies, Latency, LatencySummary } from './latency.ts';
import type { Second, Totals } from './phases.ts';
import type { ThresholdResult } from './report/report.ts';
import {
  isFigure,
  keeps,
  type FigureName,
  type Statistic,
  type Threshold,
} from './scenario/threshold.ts';

export interface Measured {
  readonly latencies: Readonly<Record<string, LatencySummary>>;
  readonly totals: Totals;
}

export interface GeneratorState {
  /** How much later than meant all acts but 1 %, and but three, were sent. */
  readonly latenessMs: number;
  /** The same of people who were to come. */
  readonly arrivalLatenessMs: number;
  readonly clockErrorMs: number;
  /** Of the measured seconds: those in which a thread was busy all the time, and those in which one read late. */
  readonly busySeconds: number;
  readonly slowSeconds: number;
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
const FIGURES: Readonly<Record<FigureName, (totals: Totals) => number>> = {
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
  if (isFigure(metric)) return FIGURES[metric](totals);
  const summary = latencies[metric];
  return summary === undefined ? NaN : summary[OF_STATISTIC[statistic ?? 'p99']];
}

/** So much of its own lateness is always forgiven: timers have a grain. */
const FORGIVEN_MS = 5;
/** Of a figure, what may be the generator's. */
const MOST_SHARE = 0.25;
/** In so many seconds it may fall behind, or in one. */
const MOST_SECONDS_SHARE = 0.1;
const MOST_CLOCK_ERROR_MS = 2;
/** A thread that is busy for more than this has no time left to be early. */
const BUSY_SHARE = 0.95;
/** A loop that comes so late in a second, to 1 % of what is due, stamps what it reads late. */
const SLOW_LOOP_MS = 20;

interface Witnessed {
  readonly latencies: Latencies;
  readonly seconds: readonly Pick<Second, 'busyShare' | 'loopDelayP99Ms'>[];
}

/** How the generator did in the phases and seconds that are judged. */
export function stateOf({ latencies, seconds }: Witnessed, clockErrorMs: number): GeneratorState {
  return {
    latenessMs: latenessOf(latencies.known('generator.late')),
    arrivalLatenessMs: latenessOf(latencies.known('generator.lateArrivals')),
    clockErrorMs,
    busySeconds: seconds.filter(({ busyShare }) => busyShare > BUSY_SHARE).length,
    slowSeconds: seconds.filter(({ loopDelayP99Ms }) => loopDelayP99Ms > SLOW_LOOP_MS).length,
    measuredSeconds: seconds.length,
  };
}

/** Of few, the last hundredth is one, and one is chance. */
function latenessOf(lateness: Latency | undefined): number {
  if (lateness === undefined || lateness.count === 0) return 0;
  return lateness.percentileMs(Math.max(0, 100 * (1 - Math.max(0.01, 3 / lateness.count))));
}

/** Why the figures of a run cannot be trusted; empty where they can. */
export function taints(generator: GeneratorState, latencies: Measured['latencies']): string[] {
  const { latenessMs, arrivalLatenessMs, clockErrorMs } = generator;
  const { busySeconds, slowSeconds, measuredSeconds } = generator;
  const reasons: string[] = [];
  const told = latencies['command.ack'] ?? latencies['chat.ack'] ?? latencies['join'];
  const boundMs = Math.max(FORGIVEN_MS, (told?.p99Ms ?? 0) * MOST_SHARE);
  const comingMs = Math.max(latencies['join']?.p99Ms ?? 0, latencies['resume']?.p99Ms ?? 0);
  const arrivalBoundMs = Math.max(FORGIVEN_MS, comingMs * MOST_SHARE);
  const most = Math.max(1, measuredSeconds * MOST_SECONDS_SHARE);
  if (latenessMs > boundMs) {
    reasons.push(
      `the generator sent 1 % of the acts more than ${latenessMs.toFixed(1)} ms late; up to ${boundMs.toFixed(1)} ms would be no matter`,
    );
  }
  if (arrivalLatenessMs > arrivalBoundMs) {
    reasons.push(
      `1 % of the people were sent more than ${arrivalLatenessMs.toFixed(1)} ms late; up to ${arrivalBoundMs.toFixed(1)} ms would be no matter`,
    );
  }
  if (busySeconds > most) {
    reasons.push(
      `a thread of the generator was busy all the time in ${busySeconds} of ${measuredSeconds} s: use more --threads, or --agents on other machines`,
    );
  }
  if (slowSeconds > most) {
    reasons.push(
      `the generator read what came more than ${SLOW_LOOP_MS} ms late in ${slowSeconds} of ${measuredSeconds} s: something else takes its processors`,
    );
  }
  if (clockErrorMs > MOST_CLOCK_ERROR_MS) {
    reasons.push(
      `the clocks of the generator’s machines are known to ${clockErrorMs.toFixed(1)} ms only`,
    );
  }
  return reasons;
}
