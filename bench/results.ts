// Writes docs/results.md and its plots from the reports that are there, and keeps what it tells of the others. Measures nothing, and takes no
// quick run's word.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { aside } from './append-child.ts';
import { plotsOf } from './curve-plots.ts';
import { readCurves } from './curve-report.ts';
import { keepBefore } from './kept-page.ts';
import { readLimits } from './limits-report.ts';
import { readOperations } from './operations-report.ts';
import { readReport, type Report } from './report.ts';
import { resultPage, type CurvesReport, type Results } from './result-page.ts';
import { soakPlot } from './soak-plot.ts';

const PAGE = 'docs/results.md';
const PLOTS = 'docs/results';
/** Those that are told by what they printed. */
const OTHERS = [
  'generator',
  'fanout',
  'join',
  'append',
  'feed',
  'start',
  'sync',
  'clock',
  'clock-thread',
];

export async function writeResults(): Promise<void> {
  const curves = real((await readCurves()) as CurvesReport | undefined);
  const limits = real(await readLimits());
  const operations = real(await readOperations());
  const others = new Map<string, Report | undefined>();
  for (const bench of OTHERS) others.set(bench, real(await readReport(bench)));
  const plots: Results['plots'] = new Map([
    ...plotsOf(curves?.parts ?? {}),
    ...(operations?.parts.soak === undefined
      ? []
      : ([['soak', soakPlot(operations.parts.soak)]] as const)),
  ]);
  const page = resultPage({ curves, limits, operations, others, plots });
  if ([page, ...[...plots.values()].map(({ drawn }) => drawn)].some((told) => told.includes('NaN')))
    throw new Error('a report is of another version, and lacks figures: run its bench again');
  await mkdir(PLOTS, { recursive: true });
  for (const { file, drawn } of plots.values()) await writeFile(`${PLOTS}/${file}`, drawn);
  await writeFile(PAGE, keepBefore(page, await readFile(PAGE, 'utf8')));
  aside(`written to ${PAGE}`);
}

/** Neither what was quick nor what another version has left, which does not say on what it ran. */
function real<R extends Report>(report: R | undefined): R | undefined {
  return report?.isQuick === false ? report : undefined;
}
