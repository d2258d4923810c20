// Owns the sentences by which a run is judged, such as `command.last p99 <= 100`, and the names that they may judge. Knows no values.
import { z } from 'zod';
import { ACTS } from './acts.ts';

export const STATISTICS = ['p50', 'p90', 'p95', 'p99', 'p99.9', 'max', 'mean', 'count'] as const;
export type Statistic = (typeof STATISTICS)[number];
/** What is counted, and has no statistic. */
const FIGURE_NAMES = [
  'faults',
  'refused',
  'ended',
  'stalls',
  'lost',
  'unanswered',
  'unsent',
  'frames',
  'elsewhereShare',
] as const;
export type FigureName = (typeof FIGURE_NAMES)[number];

/** What is measured many times, ms. */
const LATENCY_NAMES: readonly string[] = [
  ...['connect', 'join', 'resume', 'probe', 'inStep.error', 'inStep.spread'],
  ...['feed.ack', 'feed.visible', 'feed.last', 'generator.late', 'generator.lateArrivals'],
  ...['command', ...ACTS].flatMap((act) => [`${act}.ack`, `${act}.each`, `${act}.last`]),
];

export function isFigure(metric: string): metric is FigureName {
  return (FIGURE_NAMES as readonly string[]).includes(metric);
}

type Operator = '<=' | '>=' | '<' | '>' | '==';

export interface Threshold {
  /** As it was written. */
  readonly text: string;
  /** A latency or a distance in ms with its statistic, or a figure of its own. */
  readonly metric: string;
  readonly statistic: Statistic | undefined;
  readonly operator: Operator;
  readonly limit: number;
}

/** Whether it judges a number of things, and nothing that was timed. */
export function isCounted({ metric, statistic }: Threshold): boolean {
  return statistic === undefined ? isFigure(metric) : statistic === 'count';
}

const FORM = /^\s*([a-z][\w.]*)(?:\s+([\w.]+))?\s*(<=|>=|==|<|>)\s*(-?\d+(?:\.\d+)?)\s*$/i;

/** @returns what is wrong with it, in words, where it is no threshold */
export function parseThreshold(text: string): Threshold | string {
  const match = FORM.exec(text);
  if (match === null) {
    return `"${text}" is no threshold: write for instance "join p99 <= 1000" or "faults == 0"`;
  }
  const [, metric = '', statistic, operator = '', limit = ''] = match;
  if (statistic !== undefined && !STATISTICS.includes(statistic as Statistic)) {
    return `"${text}": ${statistic} is none of ${STATISTICS.join(', ')}`;
  }
  if (isFigure(metric) && statistic !== undefined) {
    return `"${text}": ${metric} is one number and has no ${statistic}`;
  }
  if (!isFigure(metric) && !LATENCY_NAMES.includes(metric)) {
    return `"${text}": nothing is measured as ${metric}; there are ${FIGURE_NAMES.join(', ')}, and the latencies connect, join, resume, probe, inStep.error, inStep.spread, feed.ack, feed.visible, and <act>.ack, <act>.each, <act>.last of command, ${ACTS.join(', ')}`;
  }
  return {
    ...{ text, metric, statistic: statistic as Statistic | undefined },
    operator: operator as Operator,
    limit: Number(limit),
  };
}

export const ThresholdSchema = z.string().transform((text, context): Threshold => {
  const parsed = parseThreshold(text);
  if (typeof parsed !== 'string') return parsed;
  context.addIssue({ code: 'custom', message: parsed });
  return z.NEVER;
});

/** Whether `value` keeps it; what was not measured keeps none. */
export function keeps({ operator, limit }: Threshold, value: number): boolean {
  if (Number.isNaN(value)) return false;
  switch (operator) {
    case '<=':
      return value <= limit;
    case '>=':
      return value >= limit;
    case '<':
      return value < limit;
    case '>':
      return value > limit;
    case '==':
      return value === limit;
  }
}
