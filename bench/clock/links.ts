// Owns the table of links: the targets, the rows for us and each peer, and whether each target is met.

import type { LinkReport } from '../../test/clock/support/link-report.ts';
import type { LinkName } from '../../test/clock/support/sim-links.ts';
import type { SubjectName } from './subjects.ts';

interface LinkTargets {
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly p90AtOneSecondMs: number;
}

/** After 60 s, beyond the path's asymmetry. */
export const linkTargets: Record<LinkName, LinkTargets> = {
  lan: { p95Ms: 0.08, p99Ms: 0.1, maxMs: 0.3, p90AtOneSecondMs: 0.1 },
  wifi: { p95Ms: 0.15, p99Ms: 0.25, maxMs: 0.5, p90AtOneSecondMs: 0.2 },
  busy: { p95Ms: 0.2, p99Ms: 0.35, maxMs: 1.5, p90AtOneSecondMs: 0.25 },
  lte: { p95Ms: 0.7, p99Ms: 1, maxMs: 2.5, p90AtOneSecondMs: 1.5 },
  atlantic: { p95Ms: 0.15, p99Ms: 0.2, maxMs: 0.5, p90AtOneSecondMs: 0.2 },
  bloat: { p95Ms: 0.35, p99Ms: 0.8, maxMs: 6, p90AtOneSecondMs: 0.3 },
};
export const boundHeldTarget = 0.999;
export const probeTargets = { firstMinute: 90, laterMinute: 40, hiddenMinute: 6 } as const;

export interface SubjectReport {
  readonly subject: SubjectName;
  readonly report: LinkReport;
}

/** One line for each target that was missed. */
export function missedTargets(report: LinkReport): string[] {
  const targets = linkTargets[report.link];
  const missed: string[] = [];
  for (const key of ['p95Ms', 'p99Ms', 'maxMs', 'p90AtOneSecondMs'] as const) {
    if (report[key] > targets[key]) {
      missed.push(`${report.link}: ${key} ${milliseconds(report[key])} > ${targets[key]}`);
    }
  }
  if (report.boundHeld < boundHeldTarget) missed.push(`${report.link}: bound ${report.boundHeld}`);
  if (report.backward > 0) missed.push(`${report.link}: ${report.backward} times backward`);
  if (report.mostProbesInFirstMinute > probeTargets.firstMinute)
    missed.push(`${report.link}: ${report.mostProbesInFirstMinute} probes in the first minute`);
  if (report.mostProbesInLaterMinute > probeTargets.laterMinute)
    missed.push(`${report.link}: ${report.mostProbesInLaterMinute} probes in a later minute`);
  return missed;
}

/** The table of one link: the targets, then us, then the peers from best to worst. */
export function linkTable(link: LinkName, results: readonly SubjectReport[]): string {
  const { p95Ms, p99Ms, maxMs, p90AtOneSecondMs } = linkTargets[link];
  const own = results.filter(({ subject }) => subject === 'earshot');
  const peers = results
    .filter(({ subject }) => subject !== 'earshot')
    .sort((a, b) => a.report.p95Ms - b.report.p95Ms);
  const rows = [
    [
      link,
      'p50, ms',
      'p95',
      'p99',
      'max',
      'p90 at 1 s, joined while the cross traffic is quiet',
      'p90 at 1 s, at any moment',
      'bound held',
      'probes in the first minute',
      'in a later one',
    ],
    Array.from({ length: 10 }, () => '---'),
    [
      'target',
      '',
      ...[p95Ms, p99Ms, maxMs, p90AtOneSecondMs].map((target) => `≤ ${target}`),
      'none set',
      '≥ 99.9 %',
      `≤ ${probeTargets.firstMinute}`,
      `≤ ${probeTargets.laterMinute}`,
    ],
    ...[...own, ...peers].map(({ subject, report }) => [
      subject,
      milliseconds(report.p50Ms),
      milliseconds(report.p95Ms),
      milliseconds(report.p99Ms),
      milliseconds(report.maxMs),
      milliseconds(report.p90AtOneSecondMs),
      milliseconds(report.p90AtOneSecondAnyMs),
      subject === 'earshot' ? `${(report.boundHeld * 100).toFixed(3)} %` : 'none told',
      String(report.mostProbesInFirstMinute),
      String(report.mostProbesInLaterMinute),
    ]),
  ];
  return rows.map((row) => `| ${row.join(' | ')} |`).join('\n');
}

export function milliseconds(ms: number): string {
  if (!Number.isFinite(ms)) return '–';
  return ms < 0.9995 ? ms.toFixed(3) : ms < 9.995 ? ms.toFixed(2) : ms.toFixed(0);
}
