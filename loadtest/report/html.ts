// Owns the page of a run: one file with all that its report tells, which needs no network and no server. Reads the report alone.
import { toldMoment } from './numbers.ts';
import { courseSection } from './page/course-parts.ts';
import { silentMetrics } from './page/hub-metrics.ts';
import { curvesSection, latenciesSection, phasesSection } from './page/latency-parts.ts';
import { inStepSection, ledgerSection } from './page/ledger-parts.ts';
import { markup } from './page/markup.ts';
import { courseOf } from './page/plots.ts';
import { runSection } from './page/run-part.ts';
import { pageOf } from './page/shell.ts';
import {
  glancePart,
  limitSection,
  thresholdsSection,
  verdictOf,
  verdictPart,
} from './page/verdict-parts.ts';
import type { Report } from './report.ts';

/** What comes of the report is text wherever it stands: a name or an example in it cannot become markup. */
export function htmlOf(report: Report): string {
  const { scenario, at } = report;
  const course = courseOf(report);
  const sections = [
    { id: 'thresholds', name: 'Thresholds', part: thresholdsSection(report) },
    { id: 'limit', name: 'Limit', part: limitSection(report) },
    {
      id: 'course',
      name: 'Over time',
      part: courseSection(course, silentMetrics(report.hubSeconds)),
    },
    { id: 'percentiles', name: 'Percentiles', part: curvesSection(report) },
    { id: 'latencies', name: 'Latencies', part: latenciesSection(report) },
    { id: 'phases', name: 'Phases', part: phasesSection(report) },
    { id: 'ledger', name: 'Ledger', part: ledgerSection(report) },
    { id: 'step', name: 'In step', part: inStepSection(report) },
    { id: 'run', name: 'Run', part: runSection(report) },
  ].filter(({ part }) => part !== undefined);
  return pageOf({
    title: `${scenario.name}: ${verdictOf(report).word} · Earshot load test`,
    course,
    body: markup`<header>
<p class="kicker">Earshot load test · <time datetime="${at}">${toldMoment(at)}</time></p>
<h1>${scenario.name}</h1>
${scenario.description === '' ? undefined : markup`<p class="lead">${scenario.description}</p>`}
${verdictPart(report)}
${glancePart(report)}
<nav aria-label="Parts of this report"><ul>${sections.map(({ id, name }) => markup`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>
</header>
<main>
${sections.map(({ part }) => markup`${part}\n`)}</main>
<footer><p>The same figures are in report.json. <code>earshot-loadtest compare</code> holds two of them against each other.</p></footer>`,
  });
}
