// Owns the search for the highest load that keeps the thresholds: it doubles until something gives way, then halves the rest.
import { judge, stateOf, taints } from './judge.ts';
import type { Lead } from './lead.ts';
import type { Evidence, Totals } from './phases.ts';
import type { Limit } from './report/report.ts';
import { seatCount } from './placement.ts';
import type { Scenario } from './scenario/scenario.ts';

export interface LimitOptions {
  readonly scenario: Scenario;
  readonly lead: Pick<Lead, 'phase' | 'phases' | 'complete' | 'isOver'>;
  readonly mostLoad: number;
  /** Between the generator's machines. */
  readonly clockErrorMs: number;
  /** Nothing that was timed is judged, so that the generator may be late. */
  readonly isLedgerOnly: boolean;
  readonly say: (line: string) => void;
}

interface Trial {
  readonly load: number;
  readonly people: number;
  readonly verdict: 'held' | 'broke' | 'invalid';
  readonly broken: readonly string[];
  /** The number of the phase in which people came, and that of the one that was judged. */
  readonly coming: number;
  readonly phase: number;
}

/** The limit is found when what held and what broke are this near to each other. */
const NEAR = 1.1;
/** Where nothing holds below this, nothing does. */
const LEAST = 0.02;
const SETTLE_SECONDS = 3;
/** Where the scenario has no measured phase to tell, and at most. */
const MEASURE_SECONDS = 10;
const MOST_SECONDS = 60;

export interface Found {
  readonly limit: Limit;
  /** The phases whose figures are those of the limit: of the highest load that held, or where none did, of all that were tried. */
  readonly phases: readonly number[];
  /** Those in which people came for them. */
  readonly coming: readonly number[];
}

/**
 * Each trial has two phases: one in which people come, and one that is judged, with the scenario's loss of all connections where it has
 * one. Where there are fewer than before, half of them come anew: how long coming takes is measured at each load. What was ended early is
 * no trial.
 */
export async function findLimit(options: LimitOptions): Promise<Found> {
  const trials: Trial[] = [];
  let held = 0;
  let broke: Trial | undefined;
  let load = Math.min(1, options.mostLoad);
  let there = 0;
  const isOver = (): boolean => options.lead.isOver;
  while (!isOver()) {
    if (load <= there) await fall(options, load / 2);
    const trial = await tryLoad(options, load);
    there = load;
    if (isOver()) break;
    trials.push(trial);
    options.say(toldTrial(trial));
    if (trial.verdict === 'held') held = load;
    else broke = trial;
    if (trial.verdict === 'held' && load >= options.mostLoad) break;
    if (broke !== undefined && (held > 0 ? broke.load / held <= NEAR : broke.load < LEAST)) break;
    load = nextLoad(held, broke?.load, options.mostLoad);
    // Of nobody nothing can be measured.
    if (seatCount(options.scenario, options.mostLoad, load) === 0) break;
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
    coming: judged.map(({ coming }) => coming),
  };
}

/** Twice as much while nothing broke; then halfway between what held and what broke. */
function nextLoad(held: number, broke: number | undefined, most: number): number {
  if (broke === undefined) return Math.min(most, held * 2);
  return held === 0 ? broke / 4 : Math.sqrt(held * broke);
}

async function fall({ lead }: LimitOptions, load: number): Promise<void> {
  const name = `down to load ${load.toFixed(2)}`;
  await lead.phase({ name, load, seconds: SETTLE_SECONDS, measured: false, withinSeconds: 0 });
}

async function tryLoad(options: LimitOptions, load: number): Promise<Trial> {
  const { scenario, lead, mostLoad, clockErrorMs, isLedgerOnly } = options;
  const before = lead.phases.totals();
  const lengths = scenario.phases.filter((phase) => phase.measured).map(({ seconds }) => seconds);
  const measureSeconds = Math.min(MOST_SECONDS, Math.max(0, ...lengths) || MEASURE_SECONDS);
  const storm = scenario.phases.find(({ event }) => event === 'reconnect');
  const within = storm?.withinSeconds ?? 0;
  const coming = await lead.phase({
    ...{ name: `to load ${load.toFixed(2)}`, load, seconds: SETTLE_SECONDS, measured: false },
    withinSeconds: 0,
  });
  const measured = await lead.phase({
    ...{ name: `load ${load.toFixed(2)}`, load, measured: true, withinSeconds: within },
    // Whoever loses the connection last has time to come back.
    seconds: Math.max(measureSeconds, storm === undefined ? 0 : within + SETTLE_SECONDS),
    ...(storm === undefined ? {} : { event: 'reconnect' }),
  });
  // Only what is judged by the last of all listeners has to wait until that is known.
  if (scenario.thresholds.some(({ metric }) => metric.endsWith('.last'))) await lead.complete();
  const people = seatCount(scenario, mostLoad, load);
  const evidence = lead.phases.evidence([measured], [coming]);
  const latencies = evidence.latencies.summaries();
  const totals = since(before, lead.phases.totals());
  const counts = { ...totals.counts, lost: lostOf(scenario, evidence, measured) };
  const figures = judge(scenario.thresholds, { latencies, totals: { ...totals, counts } });
  const broken = figures
    .filter(({ kept }) => !kept)
    .map(({ text, value }) => `${text} (was ${value === null ? 'not measured' : shown(value)})`);
  const tainted = isLedgerOnly ? [] : taints(stateOf(evidence, clockErrorMs), latencies);
  const trial = { load, people, coming, phase: measured };
  if (tainted.length > 0) return { ...trial, verdict: 'invalid', broken: tainted };
  return { ...trial, verdict: broken.length > 0 ? 'broke' : 'held', broken };
}

/** Who is not there in any of so many seconds is lost, and not on the way. */
const LOST_SECONDS = 5;

/** Who was meant to be there and was not, towards the end. Where people come and go, some are on their way at any moment. */
function lostOf({ groups }: Scenario, { latencies, seconds }: Evidence, phase: number): number {
  const last = seconds.filter((second) => second.phase === phase).slice(-LOST_SECONDS);
  if (last.length === 0) return 0;
  const missing = Math.min(...last.map(({ wanted, joined }) => wanted - joined));
  const isChurning = groups.some((group) => group.kind === 'rooms' && group.staySeconds);
  const join = latencies.known('join')?.summary();
  // Little's law: as many are on their way as come in the time that one of them takes.
  const onTheWay =
    !isChurning || join === undefined || join.count === 0
      ? 0
      : (join.count * join.meanMs) / 1_000 / seconds.length;
  return Math.max(0, missing - Math.ceil(onTheWay));
}

function toldTrial({ load, people, verdict, broken }: Trial): string {
  const head = `load ${load.toFixed(2)}, ${people} people: ${verdict}`;
  return broken.length === 0 ? head : `${head}: ${broken.join('; ')}`;
}

function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}

/** What was counted in between. */
function since(before: Totals, after: Totals): Totals {
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
    counts: less(after.counts, before.counts),
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
