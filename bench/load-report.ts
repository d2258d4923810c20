// What the benches take from a report of the load test.
import type { LatencyReport, Report } from '../loadtest/report/report.ts';

export interface LatencyFigures {
  readonly count: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
}

/** Of all measured phases, or of those that are given. */
export function latencyOf(
  { latencies }: { readonly latencies: Readonly<Record<string, LatencyReport>> },
  name: string,
): LatencyFigures {
  const { count = 0, p50Ms = null, p99Ms = null, maxMs = null } = latencies[name] ?? {};
  return { count, p50Ms, p99Ms, maxMs };
}

export function faultsOf({ faults }: Report): number {
  return faults.reduce((sum, { count }) => sum + count, 0);
}

/** Why the load test does not trust its own figures. Of a run that was ended the last reason is that it was, which is no doubt. */
export function doubtsOf({ verdict, reasons }: Report): readonly string[] {
  return verdict === 'interrupted' ? reasons.slice(0, -1) : reasons;
}
