// Owns the one word for a whole run, and the reasons for it. Pure.
import type { Limit, Report, ThresholdResult } from './report/report.ts';

export interface Outcome {
  readonly isInterrupted: boolean;
  /** Why it could not go on, where it could not. */
  readonly lost: string | undefined;
  /** Of a run that does not search for the limit, as are the taints. */
  readonly thresholds: readonly ThresholdResult[];
  readonly taints: readonly string[];
  readonly limit: Limit | null;
  /** Found after the last trial of a search, when what everybody holds was compared. */
  readonly faultsAtEnd: number;
}

export function verdictOn(outcome: Outcome): Pick<Report, 'verdict' | 'reasons'> {
  const { isInterrupted, lost, thresholds, taints, limit } = outcome;
  if (isInterrupted) return { verdict: 'interrupted', reasons: [...taints, 'it was ended early'] };
  if (lost !== undefined) {
    return { verdict: 'invalid', reasons: [`it could not go on: ${lost}`, ...taints] };
  }
  if (limit !== null) return verdictOnSearch(limit, outcome.faultsAtEnd);
  if (taints.length > 0) return { verdict: 'invalid', reasons: [...taints] };
  return { verdict: thresholds.every(({ kept }) => kept) ? 'passed' : 'failed', reasons: [] };
}

function verdictOnSearch(limit: Limit, faultsAtEnd: number): Pick<Report, 'verdict' | 'reasons'> {
  if (faultsAtEnd > 0) {
    const faults = faultsAtEnd === 1 ? 'a fault was' : `${faultsAtEnd} faults were`;
    const reason = `${faults} found when what everybody holds was compared at the end`;
    return { verdict: 'failed', reasons: [reason] };
  }
  if (limit.load > 0) return { verdict: 'passed', reasons: [] };
  return isGeneratorsLimit(limit)
    ? {
        verdict: 'invalid',
        reasons: ['no load was measured: the generator gave way first', ...limit.gaveWay],
      }
    : { verdict: 'failed', reasons: ['no load that was tried kept all thresholds'] };
}

/** Whether the generator gave way and not the hub: the limit is at least what held. */
export function isGeneratorsLimit({ brokeAt, trials }: Pick<Limit, 'brokeAt' | 'trials'>): boolean {
  return trials.some(({ load, verdict }) => load === brokeAt && verdict === 'invalid');
}
