// Owns the search for the highest load that keeps the thresholds: it doubles until something gives way, then halves the rest.
import { judge, stateOf, taints } from './judge.ts';
import type { Lead } from './lead.ts';
import type { Second, Totals } from './phases.ts';
import type { Limit } from './report/report.ts';
import { seatCount } from './placement.ts';
import type { Scenario } from './scenario/scenario.ts';

export interface LimitOptions {
  readonly scenario: Scenario;
  readonly lead: Lead;
  readonly mostLoad: number;
  /** Between the generator's machines. */
  readonly clockErrorMs: number;
  readonly say: (line: string) => void;
}

interface Trial {
  readonly load: number;
  readonly people: number;
  readonly verdict: 'held' | 'broke' | 'invalid';
  readonly broken: readonly string[];
  /** The number of the phase that was judged. */
  readonly phase: number;
}

/** The limit is found when what held and what broke are this near to each other. */
const NEAR = 1.1;
const SETTLE_SECONDS = 3;
/** Where the scenario has no measured phase to tell, and at most. */
const MEASURE_SECONDS = 10;
const MOST_SECONDS = 60;

export interface Found {
  readonly limit: Limit;
  /** The phases whose figures are those of the limit: of the highest load that held, or where none did, of all that were tried. */
  readonly phases: readonly number[];
}

/** Each trial has two phases: one in which people come, and one that is judged. What was ended early is no trial. */
export async function findLimit(options: LimitOptions): Promise<Found> {
  const trials: Trial[] = [];
  let held = 0;
  let broke: Trial | undefined;
  let load = 1;
  for (;;) {
    const trial = await tryLoad(options, load);
    if (options.lead.isInterrupted) break;
    trials.push(trial);
    options.say(toldTrial(trial));
    if (trial.verdict === 'held') held = load;
    else broke = trial;
    if (trial.verdict === 'held' && load >= options.mostLoad) break;
    if (broke !== undefined && (held > 0 ? broke.load / held <= NEAR : broke.load < 0.02)) break;
    load = nextLoad(held, broke?.load, options.mostLoad);
  }
  const judged = trials.filter((trial) => held === 0 || trial.load === held);
  return {
    limit: {
      load: held,
      brokeAt: broke?.load ?? null,
      gaveWay: [...(broke?.broken ?? [])],
      trials: trials.map(({ load: tried, people, verdict, broken }) => ({
        ...{ load: tried, people, verdict, broken: [...broken] },
      })),
    },
    phases: judged.map(({ phase }) => phase),
  };
}

/** Twice as much while nothing broke; then halfway between what held and what broke. */
function nextLoad(held: number, broke: number | undefined, most: number): number {
  if (broke === undefined) return Math.min(most, held * 2);
  return held === 0 ? broke / 4 : Math.sqrt(held * broke);
}

async function tryLoad(options: LimitOptions, load: number): Promise<Trial> {
  const { scenario, lead, mostLoad, clockErrorMs } = options;
  const before = lead.phases.totals();
  const lengths = scenario.phases.filter((phase) => phase.measured).map(({ seconds }) => seconds);
  const measureSeconds = Math.min(MOST_SECONDS, Math.max(0, ...lengths) || MEASURE_SECONDS);
  const phase = { load, withinSeconds: 0 } as const;
  await lead.phase({
    ...{ ...phase, name: `to load ${load.toFixed(2)}`, seconds: SETTLE_SECONDS, measured: false },
  });
  const measured = await lead.phase({
    ...{ ...phase, name: `load ${load.toFixed(2)}`, seconds: measureSeconds, measured: true },
  });
  const people = seatCount(scenario, mostLoad, load);
  const all = lead.phases.latenciesOf([measured]);
  const latencies = all.summaries();
  const after = lead.phases.totals();
  const figures = judge(scenario.thresholds, {
    latencies,
    totals: since(before, after, lead.phases.seconds.at(-1)),
  });
  const broken = figures
    .filter(({ kept }) => !kept)
    .map(({ text, value }) => `${text} (was ${value === null ? 'not measured' : shown(value)})`);
  const seconds = lead.phases.seconds.filter((second) => second.phase === measured);
  const tainted = taints(stateOf(all, seconds, clockErrorMs), latencies);
  const trial = { load, people, phase: measured };
  if (tainted.length > 0) return { ...trial, verdict: 'invalid', broken: tainted };
  return { ...trial, verdict: broken.length > 0 ? 'broke' : 'held', broken };
}

function toldTrial({ load, people, verdict, broken }: Trial): string {
  const head = `load ${load.toFixed(2)}, ${people} people: ${verdict}`;
  return broken.length === 0 ? head : `${head}: ${broken.join('; ')}`;
}

function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}

/** What was counted in between. Who was meant to be there and was not at the end counts as lost. */
function since(before: Totals, after: Totals, last: Second | undefined): Totals {
  const faults = after.faults.map((fault) => {
    const earlier = before.faults.find(
      ({ kind, stream }) => kind === fault.kind && stream === fault.stream,
    );
    return { ...fault, count: fault.count - (earlier?.count ?? 0) };
  });
  return {
    ...after,
    faults,
    stalls: after.stalls.slice(before.stalls.length),
    counts: {
      ...less(after.counts, before.counts),
      lost: last === undefined ? 0 : Math.max(0, last.wanted - last.joined),
    },
    inStep: { ...less(after.inStep, before.inStep), truthWidthMs: after.inStep.truthWidthMs },
  };
}

/** Each number less the earlier one, in depth. */
function less<T extends object>(after: T, before: T): T {
  const earlier = before as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(after).map(([name, value]: [string, unknown]) => {
      const was = earlier[name];
      if (typeof value === 'number') return [name, value - (typeof was === 'number' ? was : 0)];
      if (typeof value === 'object' && value !== null) return [name, less(value, was ?? {})];
      return [name, value];
    }),
  ) as T;
}
