// Owns what two runs of one scenario say of each other: which figures became better, which worse, and what makes them hard to compare. Pure.
import { COMMANDS } from '../scenario/scenario.ts';
import { told } from './numbers.ts';
import { REPORT_VERSION, type LatencyReport, type Report } from './report.ts';
import { ordered } from './words.ts';

/** `unclear`: too few values to tell. */
export type Judgement = 'better' | 'worse' | 'same' | 'unclear';

export interface Change {
  /** null where nothing was measured. */
  readonly before: number | null;
  readonly after: number | null;
  /** Of the later to the earlier; null where there is none. */
  readonly ratio: number | null;
  readonly judgement: Judgement;
}

export interface LatencyChange {
  readonly name: string;
  readonly count: { readonly before: number; readonly after: number };
  readonly p50: Change;
  readonly p99: Change;
  readonly judgement: Judgement;
  /** Single commands are judged together, as `command`: of many figures with few values each some would be worse by chance. */
  readonly isDecisive: boolean;
}

export interface FigureChange extends Change {
  readonly name: string;
}

export interface Comparison {
  readonly scenario: string;
  /** Up to this share of the earlier figure a difference is none. */
  readonly tolerance: number;
  /** What else was different, or not as it should be, in words. */
  readonly cautions: readonly string[];
  readonly latencies: readonly LatencyChange[];
  /** Of these fewer are better; of the limit, more. */
  readonly figures: readonly FigureChange[];
  /** Of all that is judged: worse where one is. */
  readonly judgement: Judgement;
}

export const TOLERANCE = 0.1;
/** Timers have a grain, and two runs of the same differ by it: less than this is no difference, ms. */
const GRAIN_MS = 0.5;
/** A percentile of fewer values than this is one or two of them. */
const ENOUGH = { p50: 10, p99: 100 } as const;
/** Loads that differ by less than this share are one. */
const SAME_LOAD = 0.05;

/** @returns why not, in words, where they cannot be compared */
export function compareReports(
  before: Report,
  after: Report,
  tolerance = TOLERANCE,
): Comparison | string {
  for (const { version } of [before, after] as readonly { readonly version: number }[]) {
    if (version !== REPORT_VERSION) {
      return `a report of version ${version} cannot be compared: this reads version ${REPORT_VERSION}`;
    }
  }
  if (before.scenario.name !== after.scenario.name) {
    return `different scenarios cannot be compared: ${before.scenario.name} and ${after.scenario.name}`;
  }
  if ((before.limit === null) !== (after.limit === null)) {
    return 'a search for the limit cannot be compared with a run at one load';
  }
  const latencies = latencyChanges(before, after, tolerance);
  const figures = figureChanges(before, after, tolerance);
  return {
    ...{ scenario: before.scenario.name, tolerance, cautions: cautionsOf(before, after) },
    ...{ latencies, figures },
    judgement: together([
      ...latencies.filter(({ isDecisive }) => isDecisive).map(({ judgement }) => judgement),
      ...figures.map(({ judgement }) => judgement),
    ]),
  };
}

/** How late the generator was says nothing of the hub: it is not judged. */
function latencyChanges(before: Report, after: Report, tolerance: number): LatencyChange[] {
  const { main, acts } = ordered(
    Object.keys(before.latencies).filter((name) => Object.hasOwn(after.latencies, name)),
  );
  return [...main, ...acts]
    .filter((name) => !name.startsWith('generator.'))
    .flatMap((name) => {
      const [was, is] = [before.latencies[name], after.latencies[name]];
      return was === undefined || is === undefined ? [] : [latencyChange(name, was, is, tolerance)];
    });
}

function latencyChange(
  name: string,
  was: LatencyReport,
  is: LatencyReport,
  tolerance: number,
): LatencyChange {
  const count = { before: was.count, after: is.count };
  const least = Math.min(was.count, is.count);
  const change = (of: 'p50Ms' | 'p99Ms', enough: number): Change => {
    const told = changeOf(was[of], is[of], tolerance, GRAIN_MS);
    return least < enough ? { ...told, judgement: 'unclear' } : told;
  };
  const [p50, p99] = [change('p50Ms', ENOUGH.p50), change('p99Ms', ENOUGH.p99)];
  const act = name.slice(0, name.lastIndexOf('.'));
  return {
    ...{ name, count, p50, p99, judgement: together([p50.judgement, p99.judgement]) },
    isDecisive: !(COMMANDS as readonly string[]).includes(act),
  };
}

/** The larger the worse. */
function changeOf(
  before: number | null,
  after: number | null,
  tolerance: number,
  grain = 0,
): Change {
  const ratio = before === null || after === null || before === 0 ? null : after / before;
  if (before === null || after === null) return { before, after, ratio, judgement: 'unclear' };
  const by = Math.max(grain, before * tolerance);
  const judgement = after > before + by ? 'worse' : after < before - by ? 'better' : 'same';
  return { before, after, ratio, judgement };
}

function figureChanges(before: Report, after: Report, tolerance: number): FigureChange[] {
  const of = (name: string, figure: (report: Report) => number): FigureChange => ({
    name,
    ...changeOf(figure(before), figure(after), tolerance),
  });
  return [
    ...limitChange(before, after, tolerance),
    of('faults', ({ faults }) => sum(faults.map(({ count }) => count))),
    of('stalls', ({ stalls }) => stalls.length),
    of('thresholds not kept', ({ thresholds }) => thresholds.filter(({ kept }) => !kept).length),
    of('refused', ({ counts }) => sum(Object.values(counts.refused))),
    of('ended unasked', ({ counts }) => sum(Object.values(counts.ended))),
    of('lost', ({ counts }) => counts.lost),
    of('unanswered', ({ counts }) => counts.unanswered),
    of('broken', ({ counts }) => counts.broken),
    of('at another place', ({ inStep }) => inStep.elsewhere),
  ];
}

function limitChange(before: Report, after: Report, tolerance: number): FigureChange[] {
  if (before.limit === null || after.limit === null) return [];
  const change = changeOf(before.limit.load, after.limit.load, tolerance);
  return [{ name: 'limit', ...change, judgement: turned(change.judgement) }];
}

function turned(judgement: Judgement): Judgement {
  switch (judgement) {
    case 'better':
      return 'worse';
    case 'worse':
      return 'better';
    case 'same':
    case 'unclear':
      return judgement;
  }
}

/** What is worse is not made up for by what is better. */
function together(judgements: readonly Judgement[]): Judgement {
  const first = (['worse', 'better', 'same'] as const).find((each) => judgements.includes(each));
  return first ?? 'unclear';
}

function cautionsOf(before: Report, after: Report): string[] {
  const cautions: string[] = [];
  for (const [which, { verdict, reasons }] of [
    ['earlier', before],
    ['later', after],
  ] as const) {
    if (verdict === 'invalid' || verdict === 'interrupted') {
      cautions.push(`the ${which} run is ${verdict}: ${reasons.join('; ')}`);
    }
  }
  for (const [which, of, other] of [
    ['earlier', before, after],
    ['later', after, before],
  ] as const) {
    const gone = missingIn(of, other);
    if (gone.length > 0) cautions.push(`not measured in the ${which} run: ${gone.join(', ')}`);
  }
  const differ = (what: string, of: (report: Report) => string): void => {
    if (of(before) !== of(after)) cautions.push(`${what}: ${of(before)}, then ${of(after)}`);
  };
  differ('machine of the generator', ({ machine }) => `${machine.cpu}, ${machine.cores} cores`);
  differ('Node', ({ machine }) => machine.node);
  differ('number of hubs', ({ hubs }) => String(hubs.length));
  differ('seed', ({ scenario }) => String(scenario.seed));
  differ('machines of the generator', ({ generator }) => String(generator.agents));
  for (const [what, of] of [
    ['people', mostPeople],
    ['measured seconds', measuredSeconds],
  ] as const) {
    const [was, is] = [of(before), of(after)];
    if (Math.abs(is - was) > was * SAME_LOAD) {
      cautions.push(`${what}: ${told(Math.round(was))}, then ${told(Math.round(is))}`);
    }
  }
  return cautions;
}

/** What was measured in the other one. The generator's own lateness is not compared. */
function missingIn(report: Report, other: Report): string[] {
  const isMeasured = (of: Report, name: string): boolean =>
    Object.hasOwn(of.latencies, name) && (of.latencies[name]?.count ?? 0) > 0;
  const { main, acts } = ordered(Object.keys(other.latencies));
  return [...main, ...acts].filter(
    (name) =>
      !name.startsWith('generator.') && isMeasured(other, name) && !isMeasured(report, name),
  );
}

function mostPeople({ seconds }: Report): number {
  return seconds.reduce((most, { wanted }) => Math.max(most, wanted), 0);
}

function measuredSeconds({ phases }: Report): number {
  return sum(phases.filter(({ measured }) => measured).map(({ seconds }) => seconds));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
