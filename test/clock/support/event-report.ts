// Owns the figures of one event on one link over many seeds: how soon it is mended, and what of it is heard without need.

import { corridorSubject, type CorridorSubject } from './corridor-subject.ts';
import { busiestMinute, percentile } from './link-report.ts';
import { SeededRandom } from './seeded-random.ts';
import { type EventName, type EventPlan, type SimEvent, simEvents } from './sim-events.ts';
import type { LinkName } from './sim-links.ts';
import { SimPlayer } from './sim-player.ts';
import type { SimRun } from './sim-scenario.ts';
import { simulate } from './simulation.ts';

export interface EventOutcome {
  readonly seed: number;
  /** In the unit of the event's limit. */
  readonly value: number;
  readonly met: boolean;
  readonly boundHeld: number;
  readonly backward: number;
  /** Steps that were announced though nothing had leapt. */
  readonly needlessSteps: number;
  /** Corrections of the player after its first minute. */
  readonly needed: number;
  readonly needless: number;
  readonly correctionsInBusiestMinute: number;
  /** The largest move that no proven step called for. */
  readonly largestNeedlessMoveMs: number;
  readonly mostProbesHidden: number;
}

export interface EventReport {
  readonly event: EventName;
  readonly link: LinkName;
  readonly runs: number;
  readonly met: number;
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
  readonly boundHeld: number;
  readonly backward: number;
  readonly needlessSteps: number;
  readonly neededPerRun: number;
  readonly needlessPerHour: number;
  readonly correctionsInBusiestMinute: number;
  readonly largestNeedlessMoveMs: number;
  readonly mostProbesHidden: number;
  readonly failedSeeds: readonly number[];
}

/** Below this a correction was not called for: the servo's own threshold is 3 ms of an average that is noisy. */
const neededMs = 2;
const firstMinuteMs = 60_000;
/** Within this of a leap, its proof and what refines it are due. */
const stepDueMs = 20_000;
/** Events fall anywhere within the longest phases of the links. */
const phaseMostMs = 35_000;

export function reportEvent(
  event: EventName,
  link: LinkName,
  seeds: readonly number[],
): EventReport {
  const outcomes = seeds.map((seed) => runEvent(event, link, seed));
  const values = Float64Array.from(outcomes.map(({ value }) => value)).sort();
  const most = (of: (outcome: EventOutcome) => number): number => Math.max(...outcomes.map(of));
  const sum = (of: (outcome: EventOutcome) => number): number =>
    outcomes.reduce((total, outcome) => total + of(outcome), 0);
  const hours =
    seeds.reduce((total, seed) => total + planOf(event, link, seed).durationMs, 0) / 3_600_000;
  return {
    event,
    link,
    runs: outcomes.length,
    met: outcomes.filter(({ met }) => met).length,
    p50: percentile(values, 0.5),
    p95: percentile(values, 0.95),
    max: percentile(values, 1),
    boundHeld: sum(({ boundHeld }) => boundHeld) / outcomes.length,
    backward: sum(({ backward }) => backward),
    needlessSteps: sum(({ needlessSteps }) => needlessSteps),
    neededPerRun: sum(({ needed }) => needed) / outcomes.length,
    needlessPerHour: sum(({ needless }) => needless) / hours,
    correctionsInBusiestMinute: most((outcome) => outcome.correctionsInBusiestMinute),
    largestNeedlessMoveMs: most((outcome) => outcome.largestNeedlessMoveMs),
    mostProbesHidden: most((outcome) => outcome.mostProbesHidden),
    failedSeeds: outcomes.filter(({ met }) => !met).map(({ seed }) => seed),
  };
}

function planOf(event: EventName, link: LinkName, seed: number): EventPlan {
  return simEvents[event].plan(link, new SeededRandom(seed).uniform(0, phaseMostMs));
}

/** One run of our clock with a player behind it. */
export function runEvent(event: EventName, link: LinkName, seed: number): EventOutcome {
  const told: SimEvent = simEvents[event];
  const { limit } = told;
  const plan = planOf(event, link, seed);
  let player: SimPlayer | undefined;
  const run = simulate<CorridorSubject>(
    { ...plan.events, link, seed, durationMs: plan.durationMs },
    corridorSubject,
    (subject, world) => (player = new SimPlayer(subject, world)),
  );
  const value = told.measure(run, plan, link);
  const held = run.samples.filter(({ errorMs, maxErrorMs }) => Math.abs(errorMs) <= maxErrorMs);
  const heard = (player?.corrections ?? []).filter(({ trueMs }) => trueMs > firstMinuteMs);
  const needless = heard.filter(({ trueErrorMs }) => Math.abs(trueErrorMs) < neededMs);
  return {
    seed,
    value,
    met: value <= limit.value,
    boundHeld: boundHeld(run, held.length, plan),
    backward: run.backward,
    needlessSteps: run.announcedAtMs.filter((at) => at > firstMinuteMs && !isDue(at, plan)).length,
    needed: heard.length - needless.length,
    needless: needless.length,
    correctionsInBusiestMinute: busiestMinute(heard.map(({ trueMs }) => trueMs)),
    largestNeedlessMoveMs: Math.max(
      0,
      ...needless.filter(({ kind }) => kind === 'move').map(({ byMs }) => Math.abs(byMs)),
    ),
    mostProbesHidden: probesHidden(run, plan),
  };
}

/** Hub time that has leapt unseen breaks any bound until it is met: from there to the proof does not count. */
function boundHeld(run: SimRun, held: number, plan: EventPlan): number {
  if (!plan.stepDue) return held / run.samples.length;
  const outside = run.samples.filter(({ trueMs }) => !isDue(trueMs, plan));
  const heldOutside = outside.filter(({ errorMs, maxErrorMs }) => Math.abs(errorMs) <= maxErrorMs);
  return heldOutside.length / outside.length;
}

function isDue(trueMs: number, { atMs, stepDue, events }: EventPlan): boolean {
  const from = events.suspends?.[0]?.forMs ?? 0;
  return stepDue && atMs.some((at) => trueMs >= at - from && trueMs < at + stepDueMs);
}

function probesHidden(run: SimRun, { events }: EventPlan): number {
  const spans = events.hidden ?? [];
  return Math.max(
    0,
    ...spans.map(({ atMs, forMs }) =>
      busiestMinute(run.sentAtMs.filter((at) => at >= atMs && at < atMs + forMs)),
    ),
  );
}
