// Owns what a page tells of latencies: their percentiles as curves, and the tables of a run and of each of its phases.
import { told, toldBytes, toldSeconds, toldShare, toldWhole } from '../numbers.ts';
import type { LatencyReport, PhaseReport, Report } from '../report.ts';
import { GROUPS, meaningOf, ordered } from '../words.ts';
import type { Colour } from './course.ts';
import { curveOf, curvesFigure } from './curves.ts';
import { markup, type Markup } from './markup.ts';
import { own } from './own.ts';
import { aligned, table, type Column } from './tables.ts';

const COLOURS: readonly Colour[] = ['three', 'one', 'two'];
const COLUMNS: readonly Column[] = [
  { head: 'ms', kind: 'wide' },
  ...['count', 'p50', 'p90', 'p95', 'p99', 'p99.9', 'largest', 'mean'].map((head): Column => ({
    head,
    kind: 'number',
  })),
];

type Latencies = Report['latencies'];

export function curvesSection(report: Report): Markup | undefined {
  const figures = GROUPS.map(({ title, names }) => {
    const curves = names.flatMap((name, at) => curveOf(report, name, COLOURS[at] ?? 'quiet') ?? []);
    return curves.length === 0 ? undefined : curvesFigure(title, curves);
  });
  if (figures.every((figure) => figure === undefined)) return undefined;
  return markup`<section id="percentiles"><h2>Percentiles</h2>
<p class="soft measure">Of the measured phases together; both axes are logarithmic. A curve ends with the largest of its values, of which there are as many as in brackets.</p>
<div class="curves">${figures}</div></section>`;
}

export function latenciesSection({ latencies, limit }: Report): Markup | undefined {
  const { main, acts } = ordered(Object.keys(latencies));
  if (main.length + acts.length === 0) return undefined;
  return markup`<section id="latencies"><h2>Latencies</h2>
<p class="soft measure">${limit === null ? 'Of the measured phases together. ' : ''}Each counts from the moment at which an act was meant.</p>
${latencyTable('Latencies', latencies, main, true)}
${acts.length === 0 ? undefined : markup`<details><summary>Each act</summary>${latencyTable('Latencies of each act', latencies, acts, false)}</details>`}
</section>`;
}

/** The phases of a search are its trials, which are told elsewhere. */
export function phasesSection({ phases, limit }: Report): Markup | undefined {
  if (limit !== null || phases.length === 0) return undefined;
  const columns: readonly Column[] = [
    { head: 'phase', kind: 'wide' },
    ...[
      'load',
      'lasted',
      'frames/s',
      'received/s',
      'requests/s',
      'busiest thread',
      'read late, p99',
    ].map((head): Column => ({ head, kind: 'number' })),
  ];
  return markup`<section id="phases"><h2>Phases</h2>
${table('Phases', columns, phases.map(phaseRow))}
${phases.map((phase, at) => {
  const { main, acts } = ordered(Object.keys(phase.latencies));
  const label = `Latencies of phase ${at + 1}, ${phase.name}`;
  return markup`<details><summary>Latencies of ${phase.name}</summary>${latencyTable(label, phase.latencies, [...main, ...acts], false)}</details>`;
})}
</section>`;
}

function phaseRow(phase: PhaseReport) {
  const { name, measured, load, seconds, frames, bytes, requests } = phase;
  const { busyShareMost, loopDelayP99MsMost } = phase;
  const aSecond = (value: number): number => (seconds > 0 ? value / seconds : 0);
  return [
    markup`${name}${measured ? markup`<small>measured</small>` : undefined}`,
    told(load),
    toldSeconds(seconds),
    toldWhole(aSecond(frames)),
    toldBytes(aSecond(bytes)),
    aligned(aSecond(requests)),
    toldShare(busyShareMost),
    markup`${told(loopDelayP99MsMost)} ms`,
  ];
}

function latencyTable(
  label: string,
  latencies: Latencies,
  names: readonly string[],
  hasMeanings: boolean,
): Markup {
  const rows = names.flatMap((name) => {
    const summary = own(latencies, name);
    if (summary === undefined) return [];
    const meaning = hasMeanings
      ? markup`<small class="meaning">${meaningOf(name)}</small>`
      : undefined;
    return [[markup`${name}${meaning}`, ...cellsOf(summary)]];
  });
  return table(label, COLUMNS, rows);
}

function cellsOf(summary: LatencyReport): Markup[] {
  const { count, p50Ms, p90Ms, p95Ms, p99Ms, p999Ms, maxMs, meanMs } = summary;
  return [
    markup`${toldWhole(count)}`,
    ...[p50Ms, p90Ms, p95Ms, p99Ms, p999Ms, maxMs, meanMs].map(aligned),
  ];
}
