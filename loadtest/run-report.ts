// Owns how what a run found becomes its report: what counts as measured, what of it is judged, and the verdict. Pure but for the machine's name.
import { cpus, totalmem } from 'node:os';
import { judge, stateOf, taints } from './judge.ts';
import { FAULT_KINDS } from './ledger/faults.ts';
import type { Found } from './limit.ts';
import type { Phases } from './phases.ts';
import { REPORT_VERSION, type HubSecond, type PhaseReport, type Report } from './report/report.ts';
import type { Phase, Scenario } from './scenario/scenario.ts';
import { verdictOn } from './verdict.ts';

/** What a run leaves behind. */
export interface RunFindings {
  readonly scenario: Scenario;
  readonly at: Date;
  readonly isLedgerOnly: boolean;
  readonly isInterrupted: boolean;
  readonly phases: Phases;
  /** The phases that were begun, under the numbers that `phases` keeps them by. */
  readonly ran: readonly Phase[];
  /** Why it could not go on, where it could not. */
  readonly lost: string | undefined;
  /** Where the limit was looked for. */
  readonly found: Found | undefined;
  readonly faultsAtEnd: number;
  /** Their addresses. */
  readonly hubs: readonly string[];
  readonly hubSeconds: readonly HubSecond[];
  readonly agents: number;
  /** Of each machine. */
  readonly threads: number;
  readonly clockErrorMs: number;
}

const CURVE = [0, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.9, 99.95, 99.99, 100];

export function reportOf(run: RunFindings): Report {
  const { scenario, at, isLedgerOnly, isInterrupted, phases, ran, lost, found } = run;
  const { hubs, hubSeconds, agents, threads, clockErrorMs, faultsAtEnd } = run;
  const limit = found?.limit ?? null;
  const measured = found?.phases ?? [...ran.keys()].filter((index) => ran[index]?.measured);
  const { latencies, seconds } = phases.evidence(measured, found?.coming ?? [...ran.keys()]);
  const summaries = latencies.summaries();
  const totals = phases.totals();
  const thresholds =
    limit === null ? judge(scenario.thresholds, { latencies: summaries, totals }) : [];
  const isTimed = limit === null && !isLedgerOnly;
  const { verdict, reasons } = verdictOn({
    ...{ isInterrupted, lost },
    taints: isTimed ? taints(stateOf({ latencies, seconds }, clockErrorMs), summaries) : [],
    ...{ thresholds, limit, faultsAtEnd },
  });
  return {
    version: REPORT_VERSION,
    scenario: { name: scenario.name, description: scenario.description, seed: scenario.seed },
    ...{ at: at.toISOString(), verdict, reasons, hubs: [...hubs] },
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryBytes: totalmem(),
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
    },
    generator: {
      agents,
      threads: threads * Math.max(1, agents),
      lateness: withoutNaN(latencies.of('generator.late').summary()),
      busyShareMost: Math.max(0, ...seconds.map(({ busyShare }) => busyShare)),
      loopDelayP99MsMost: Math.max(0, ...seconds.map((each) => each.loopDelayP99Ms)),
      clockErrorMs,
    },
    thresholds,
    latencies: mapped(summaries, withoutNaN),
    curves: mapped(summaries, (_, name) =>
      CURVE.map((percent): [number, number] => [percent, latencies.of(name).percentileMs(percent)]),
    ),
    faults: totals.faults.map((fault) => ({
      ...{ kind: fault.kind, stream: fault.stream, meaning: FAULT_KINDS[fault.kind] },
      ...{ count: fault.count, examples: [...fault.examples] },
    })),
    stalls: totals.stalls.map(({ target, ...stall }) => ({
      hub: hubs[target] ?? '',
      ...stall,
    })),
    counts: {
      ...totals.counts,
      ended: { ...totals.counts.ended },
      refused: { ...totals.counts.refused },
    },
    sent: { ...totals.tally },
    inStep: { ...totals.inStep },
    phases: ran.map((phase, index) => phaseReport(phases, phase, index)),
    seconds: phases.seconds.map((second) => ({
      ...second,
      latencies: mapped(second.latencies, ([p50, p99, most]): [number, number, number] => [
        p50,
        p99,
        most,
      ]),
    })),
    hubSeconds: [...hubSeconds],
    limit,
  };
}

function phaseReport(phases: Phases, phase: Phase, index: number): PhaseReport {
  const { latencies, ...figures } = phases.figures(index);
  return {
    ...{ name: phase.name, measured: phase.measured, load: phase.load, ...figures },
    latencies: mapped(latencies, withoutNaN),
  };
}

function mapped<From, To>(
  record: Readonly<Record<string, From>>,
  map: (value: From, name: string) => To,
): Record<string, To> {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [name, map(value, name)]),
  );
}

/** JSON has no NaN: what was not measured is null. */
function withoutNaN<Summary extends object>(summary: Summary) {
  return Object.fromEntries(
    Object.entries(summary).map(([name, value]) => [name, Number.isNaN(value) ? null : value]),
  ) as { [K in keyof Summary]: K extends 'count' ? number : number | null };
}
