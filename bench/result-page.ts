// docs/results.md as text: from the reports of the benches, whatever there is of them. Reads and writes no files.
import { heading, row } from './append-child.ts';
import type { CurvePlot } from './curve-plots.ts';
import { told, PART_NAMES, type CurvesFigures, type PartName } from './curve-report.ts';
import { goalTable, goalsOf } from './goals.ts';
import { MACHINES } from './kept-page.ts';
import type { LimitsFigures } from './limits-report.ts';
import { OPERATION_NAMES, toldOperations, type OperationName } from './operations-report.ts';
import type { OperationsReport, Ran } from './operations-report.ts';
import type { Machine, Report } from './report.ts';
import type { Versions } from './versions.ts';

export type CurvesReport = Report & CurvesFigures & { readonly versions: Versions };
export type LimitsReport = Report & LimitsFigures;

export interface Results {
  readonly curves: CurvesReport | undefined;
  readonly limits: LimitsReport | undefined;
  readonly operations: OperationsReport | undefined;
  /** By bench, in the order in which they are told; undefined where one has not run. */
  readonly others: ReadonlyMap<string, Report | undefined>;
  readonly plots: ReadonlyMap<PartName | OperationName, CurvePlot>;
}

const INTRO = `What \`npm run bench\` measured, as it wrote it: nothing here is written by hand. [benchmarks.md](benchmarks.md) tells what the benches do, and what the figures mean. The ratios matter; the microseconds are the machine's.`;

export function resultPage(results: Results): string {
  const { curves, limits, operations, others } = results;
  const lines = [
    ...['# Results', '', INTRO, ''],
    ...['## Goals', '', ...goalTable(goalsOf(curves?.parts ?? {}, limits, operations?.parts)), ''],
    ...[MACHINES, '', ...machines(results), ''],
    ...(curves === undefined ? [] : ['## Versions', '', ...versions(curves), '']),
    ...['## When', '', ...runs(results), ''],
    ...(curves === undefined ? [] : curveLines(curves, results.plots)),
    ...(limits === undefined ? [] : ['## At the limit', '', ...markdown(limits.said)]),
    ...(operations === undefined ? [] : operationLines(operations, results.plots)),
    ...[...others].flatMap(([bench, report]) =>
      report === undefined ? [] : [`## \`bench:${bench}\``, '', ...markdown(report.said)],
    ),
  ];
  // One empty line at most.
  return `${lines
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trimEnd()}\n`;
}

function reportsOf(results: Results): [string, Report | undefined][] {
  const { curves, limits, operations, others } = results;
  return [['curves', curves], ['limits', limits], ['operations', operations], ...others];
}

/** Of operations each part that was run here by its own name: others may have been measured elsewhere. */
function machines(results: Results): string[] {
  const by = new Map<string, string[]>();
  for (const [bench, report] of reportsOf(results)) {
    if (report === undefined) continue;
    const machine = toldMachine(report.machine);
    const parts = OPERATION_NAMES.filter((name) => results.operations?.parts[name] !== undefined);
    const benches = bench === 'operations' ? parts : [bench];
    by.set(machine, [...(by.get(machine) ?? []), ...benches]);
  }
  return [...by].map(([machine, benches]) => `- ${benches.join(', ')}: ${machine}`);
}

function versions({ versions: of }: CurvesReport): string[] {
  return Object.entries(of).map(([name, version]) =>
    version.startsWith(name) ? `- ${version}` : `- ${name} ${version}`,
  );
}

function toldMachine({ cpu, cores, memoryBytes, system, node }: Machine): string {
  const gigabytes = (memoryBytes / 1_024 ** 3).toFixed(0);
  return `${cores} × ${cpu}, ${gigabytes} GB, ${system}, Node.js ${node}`;
}

/** All that is not of the same day stands beside its date, and all that was disturbed beside the load. */
function runs(results: Results): string[] {
  const { curves, operations } = results;
  const parts = [
    ...PART_NAMES.map((name) => {
      const part = curves?.parts[name];
      const rounds = part?.rounds === 1 ? '1 round' : `${part?.rounds ?? 0} rounds`;
      return partRow(`curves, ${name}`, part, `, ${rounds}`);
    }),
    ...OPERATION_NAMES.map((name) => partRow(`operations, ${name}`, operations?.parts[name])),
  ];
  const others = reportsOf(results).flatMap(([bench, report]) => {
    if (bench === 'curves' || bench === 'operations') return [];
    if (report === undefined) return notRun(bench);
    const { at, loadBefore, loadAfter } = report;
    return row([bench, `ended ${minute(at)}`, '', load(loadBefore), load(loadAfter)]);
  });
  return [
    'The load is that of the machine over one, five and fifteen minutes: what a bench itself brings about is in it afterwards, and what was there before it is in both.',
    '',
    heading(['bench', 'when', 'took', 'load before', 'load after']),
    ...parts,
    ...others,
  ];
}

/** Of a bench whose parts may be of several days. */
function partRow(name: string, part: Ran | undefined, more = ''): string {
  if (part === undefined) return notRun(name);
  const { at, tookSeconds, loadBefore, loadAfter } = part;
  const took = `${(tookSeconds / 60).toFixed(1)} min${more}`;
  return row([name, began(at), took, load(loadBefore), load(loadAfter)]);
}

const notRun = (bench: string): string => row([bench, 'not run', '', '', '']);
const began = (at: string): string => `began ${minute(at)}`;
const minute = (at: string): string => `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;
const load = (of: readonly number[]): string => of.map((each) => each.toFixed(1)).join(' ');

function curveLines({ parts }: CurvesReport, plots: Results['plots']): string[] {
  const toldParts = told(parts);
  return PART_NAMES.flatMap((name) => {
    const [part, of, plot] = [parts[name], toldParts[name], plots.get(name)];
    if (part === undefined || of === undefined) return [];
    return [
      ...[`## ${of.title}`, '', of.about, ''],
      ...(plot === undefined ? [] : [`![${plot.alt}](results/${plot.file})`, '']),
      ...markdown([...of.lines, ...part.leftOut]),
    ];
  });
}

function operationLines({ parts, leftOut }: OperationsReport, plots: Results['plots']): string[] {
  const toldParts = toldOperations(parts);
  const lines = OPERATION_NAMES.flatMap((name) => {
    const [of, plot] = [toldParts[name], plots.get(name)];
    if (of === undefined) return [];
    return [
      ...[`### ${of.title}`, '', of.about, ''],
      ...(plot === undefined ? [] : [`![${plot.alt}](results/${plot.file})`, '']),
      ...markdown(of.lines),
    ];
  });
  return ['## In operation', '', ...lines, ...markdown(leftOut)];
}

/** Lines as they were printed, parted so that a table stays one, and a sentence by itself. */
function markdown(said: readonly string[]): string[] {
  const lines = said.join('\n').split('\n');
  return [
    ...lines.flatMap((line, i) => {
      const isRow = line.startsWith('|');
      const isGoingOn = isRow && lines[i - 1]?.startsWith('|') === true;
      return isGoingOn ? [line] : ['', line];
    }),
    '',
  ];
}
