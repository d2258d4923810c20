// Owns the page of a comparison: what became better or worse, and the percentiles of both runs over each other. Judges nothing.
import type { Change, Comparison, Judgement } from './compare.ts';
import { toldRatio } from './comparison-text.ts';
import { told, toldMoment, toldOr, toldWhole } from './numbers.ts';
import { curveOf, curvesFigure } from './page/curves.ts';
import { markup, type Markup } from './page/markup.ts';
import { pageOf } from './page/shell.ts';
import { aligned, facts, mark, table, type Column, type Tone } from './page/tables.ts';
import type { Report } from './report.ts';
import { meaningOf } from './words.ts';

export function comparisonHtml(comparison: Comparison, before: Report, after: Report): string {
  const { scenario, tolerance, judgement, cautions } = comparison;
  const tone = toneOf(judgement);
  const decisive = comparison.latencies.filter(({ isDecisive }) => isDecisive);
  const single = comparison.latencies.filter(({ isDecisive }) => !isDecisive);
  return pageOf({
    title: `${scenario}: ${judgement} · Earshot load tests`,
    body: markup`<header>
<p class="kicker">Earshot load tests · two runs</p>
<h1>${scenario}</h1>
<div class="verdict ${tone}"><strong>${wordOf(judgement)}</strong><p>${sentenceOf(comparison)} A difference of up to ${told(tolerance * 100)} % is none.</p>${
      cautions.length === 0
        ? undefined
        : markup`<ul>${cautions.map((caution) => markup`<li>Mind: ${caution}</li>`)}</ul>`
    }</div>
</header>
<main>
<section><h2>Latencies</h2>
${latencyTable('Latencies', decisive)}
${
  single.length === 0
    ? undefined
    : markup`<details><summary>Single commands <small>judged together, as command</small></summary>${latencyTable('Latencies of single commands', single)}</details>`
}</section>
<section><h2>Counts</h2>${figureTable(comparison)}</section>
${curves(comparison, before, after)}
<section><h2>The runs</h2><div class="columns">
<div><h3>Before</h3>${runFacts(before)}</div>
<div><h3>After</h3>${runFacts(after)}</div>
</div></section>
</main>
<footer><p>Percentiles of few values are not judged: p50 of less than 10, p99 of less than 100.</p></footer>`,
  });
}

const COLUMNS: readonly Column[] = [
  { head: 'before', kind: 'number' },
  { head: 'after', kind: 'number' },
  { head: 'ratio', kind: 'number' },
  { head: 'judgement', kind: 'name' },
];

function latencyTable(label: string, latencies: Comparison['latencies']): Markup {
  const rows = latencies.flatMap(({ name, count, p50, p99 }) => [
    [
      markup`${name} p50<small class="meaning">${meaningOf(name)}</small>`,
      toldWhole(count.before),
      toldWhole(count.after),
      ...cellsOf(p50, aligned),
    ],
    [
      markup`${name} p99`,
      toldWhole(count.before),
      toldWhole(count.after),
      ...cellsOf(p99, aligned),
    ],
  ]);
  const counts: readonly Column[] = [
    { head: 'values before', kind: 'number' },
    { head: 'values after', kind: 'number' },
  ];
  return table(label, [{ head: 'ms', kind: 'wide' }, ...counts, ...COLUMNS], rows);
}

function figureTable({ figures }: Comparison): Markup {
  const rows = figures.map(({ name, ...change }) => [
    name,
    ...cellsOf(change, (value) => markup`${toldOr(value)}`),
  ]);
  return table('Counts', [{ head: 'what', kind: 'text' }, ...COLUMNS], rows, true);
}

function cellsOf(change: Change, figure: (value: number | null) => Markup) {
  const { before, after, judgement } = change;
  return [
    figure(before),
    figure(after),
    toldRatio(change),
    toneOf(judgement) === 'neutral'
      ? markup`<span class="soft">${judgement}</span>`
      : mark(toneOf(judgement), judgement),
  ];
}

function curves({ latencies }: Comparison, before: Report, after: Report): Markup {
  const figures = latencies.flatMap(({ name, isDecisive }) => {
    if (!isDecisive) return [];
    const was = curveOf(before, name, 'quiet');
    const is = curveOf(after, name, 'one');
    if (was === undefined || is === undefined) return [];
    return [
      curvesFigure(name, [
        { ...was, name: 'before', isDashed: true },
        { ...is, name: 'after' },
      ]),
    ];
  });
  return markup`<section><h2>Percentiles</h2>
<p class="soft measure">Of the measured phases together; both axes are logarithmic. In brackets how many values there are.</p>
<div class="curves">${figures}</div></section>`;
}

function runFacts({ at, verdict, hubs, machine, generator, scenario }: Report): Markup {
  const { threads, lateness, busyShareMost } = generator;
  return facts([
    ['began', toldMoment(at)],
    ['verdict', verdict],
    [hubs.length === 1 ? 'hub' : 'hubs', hubs.map((hub) => markup`<div>${hub}</div>`)],
    ['seed', String(scenario.seed)],
    ['machine', `${machine.cpu}, ${machine.cores} cores`],
    ['Node', machine.node],
    ['threads', String(threads)],
    ['sent acts late by', `${toldOr(lateness.p99Ms)} ms (p99)`],
    ['busiest thread', `${told(Math.round(busyShareMost * 100))} %`],
  ]);
}

function sentenceOf({ latencies, figures }: Comparison): string {
  const judged = [...latencies.filter(({ isDecisive }) => isDecisive), ...figures];
  const named = (judgement: Judgement): string =>
    judged
      .filter((each) => each.judgement === judgement)
      .map(({ name }) => name)
      .join(', ');
  const [worse, better] = [named('worse'), named('better')];
  return [
    ...(worse === '' ? [] : [`Worse: ${worse}.`]),
    ...(better === '' ? [] : [`Better: ${better}.`]),
    ...(worse === '' && better === '' ? ['No figure that is judged changed.'] : []),
  ].join(' ');
}

function toneOf(judgement: Judgement): Tone {
  switch (judgement) {
    case 'better':
      return 'good';
    case 'worse':
      return 'bad';
    case 'same':
    case 'unclear':
      return 'neutral';
  }
}

function wordOf(judgement: Judgement): string {
  switch (judgement) {
    case 'better':
      return 'Better';
    case 'worse':
      return 'Worse';
    case 'same':
      return 'The same';
    case 'unclear':
      return 'Not to be told';
  }
}
