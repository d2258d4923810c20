// Owns what a page tells of the ledger: what was accounted for, what went wrong, and how well people were in step.
import { times, told, toldBytes, toldShare, toldWhole } from '../numbers.ts';
import type { Report } from '../report.ts';
import { wordsOf } from '../words.ts';
import { markup, type Markup } from './markup.ts';
import { facts, mark, table, type Column } from './tables.ts';

const NAME_AND_NUMBER: readonly Column[] = [
  { head: 'what', kind: 'text' },
  { head: 'number', kind: 'number' },
];

export function ledgerSection(report: Report): Markup {
  const { sent, counts, faults, stalls } = report;
  const { ended, refused, ...flat } = counts;
  return markup`<section id="ledger"><h2>The ledger</h2>
${faultsPart(faults)}
${stallsPart(stalls)}
<div class="columns">
<div><h3>Accounted for</h3>${countTable('Accounted for', sent)}
<h3>Refused</h3>${namedPart('Refused', refused, 'No request was refused.')}
<h3>Ended unasked</h3>${namedPart('Ended unasked', ended, 'No connection ended unasked.')}</div>
<div><h3>Connections and requests</h3>${countTable('Connections and requests', flat)}</div>
</div></section>`;
}

function faultsPart(faults: Report['faults']): Markup {
  if (faults.length === 0) {
    return markup`<p>${mark('good', 'no faults')} Every number was accounted for.</p>`;
  }
  const total = faults.reduce((sum, { count }) => sum + count, 0);
  return markup`<p>${mark('bad', times(total, 'fault'))}</p>
${faults.map(
  ({ kind, stream, count, meaning, examples }) => markup`<div class="fault">
<h3 class="plot-title">${stream} ${kind}, ${times(count, 'time')}</h3><p class="soft">${meaning}</p>
${examples.length === 0 ? undefined : markup`<ul>${examples.map((example) => markup`<li><code>${example}</code></li>`)}</ul>`}
</div>`,
)}`;
}

function stallsPart(stalls: Report['stalls']): Markup {
  if (stalls.length === 0) {
    return markup`<p>${mark('good', 'no stalls')} No hub that was asked was silent for a second.</p>`;
  }
  return markup`<h3>Stalls</h3>${table(
    'Stalls',
    [
      { head: 'hub', kind: 'text' },
      { head: 'from', kind: 'number' },
      { head: 'answered nobody for', kind: 'number' },
    ],
    stalls.map(({ hub, atSeconds, lastedMs }) => [
      hub,
      `${told(atSeconds)} s`,
      `${told(lastedMs / 1_000)} s`,
    ]),
  )}`;
}

function countTable(label: string, counted: Readonly<Record<string, number>>): Markup {
  const rows = Object.entries(counted).map(([name, count]) => {
    const [word, meaning] = wordsOf(name);
    return [
      markup`${word}${meaning === undefined ? undefined : markup`<small>${meaning}</small>`}`,
      name.startsWith('bytes') ? toldBytes(count) : toldWhole(count),
    ];
  });
  return table(label, NAME_AND_NUMBER, rows);
}

function namedPart(
  label: string,
  counted: Readonly<Record<string, number>>,
  otherwise: string,
): Markup {
  const entries = Object.entries(counted).sort(([, a], [, b]) => b - a);
  if (entries.length === 0) return markup`<p class="soft">${otherwise}</p>`;
  return table(
    label,
    NAME_AND_NUMBER,
    entries.map(([name, count]) => [markup`<code>${name}</code>`, toldWhole(count)]),
  );
}

export function inStepSection({ inStep, latencies }: Report): Markup {
  const { samples, elsewhere, unready, contradictions, truthWidthMs } = inStep;
  const error = latencies['inStep.error'];
  const spread = latencies['inStep.spread'];
  const summary = (each: typeof error): string =>
    each === undefined || each.p50Ms === null || each.p99Ms === null || each.maxMs === null
      ? 'not measured'
      : `p50 ${told(each.p50Ms)}, p99 ${told(each.p99Ms)}, at most ${told(each.maxMs)} ms`;
  return markup`<section id="step"><h2>Being in step</h2>
<p class="soft measure">Where each player is, compared with where it should be. All listeners of a machine run by one clock, so what each has proven of hub time holds for all.</p>
${facts([
  ['positions compared', toldWhole(samples)],
  [
    'at another place',
    `${toldWhole(elsewhere)}${samples > 0 ? ` (${toldShare(elsewhere / samples)})` : ''}`,
  ],
  ['not ready', toldWhole(unready)],
  ['off the true place', summary(error)],
  ['first to last in a room', summary(spread)],
  ['the truth was known to', `± ${told(truthWidthMs / 2)} ms`],
  ['contradictions between proofs', toldWhole(contradictions)],
])}</section>`;
}
