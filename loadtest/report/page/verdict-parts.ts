// Owns what a page tells first: the verdict and why, the figures at a glance, the thresholds, and the search for the limit.
import { isCounted, parseThreshold } from '../../scenario/threshold.ts';
import { times, told, toldOr, toldWhole } from '../numbers.ts';
import type { LatencyReport, Report } from '../report.ts';
import { markup, type Markup } from './markup.ts';
import { mark, table, type Tone } from './tables.ts';

type Limit = NonNullable<Report['limit']>;

interface Told {
  readonly tone: Tone;
  readonly word: string;
  readonly sentence: string;
}

export function verdictPart(report: Report): Markup {
  const { tone, word, sentence } = verdictOf(report);
  return markup`<div class="verdict ${tone}"><strong>${word}</strong><p>${sentence}</p>${
    report.reasons.length === 0
      ? undefined
      : markup`<ul>${report.reasons.map((reason) => markup`<li>${reason}</li>`)}</ul>`
  }</div>`;
}

const AT_END: Told = {
  ...{ tone: 'bad', word: 'Failed' },
  sentence: 'A load held, and yet faults were found at the end.',
};

export function verdictOf({ verdict, thresholds, limit }: Report): Told {
  const broken = thresholds.filter(({ kept }) => !kept).length;
  switch (verdict) {
    case 'passed':
      if (limit !== null) return limitOf(limit);
      return {
        ...{ tone: 'good', word: 'Passed' },
        sentence:
          thresholds.length === 0
            ? 'There were no thresholds.'
            : `All ${times(thresholds.length, 'threshold')} kept.`,
      };
    case 'failed':
      if (limit !== null) return limit.load === 0 ? limitOf(limit) : AT_END;
      return {
        ...{ tone: 'bad', word: 'Failed' },
        sentence: `${toldWhole(broken)} of ${times(thresholds.length, 'threshold')} not kept.`,
      };
    case 'invalid':
      return {
        ...{ tone: 'doubtful', word: 'Invalid' },
        sentence: 'The generator itself tainted the figures: they say nothing of the hub.',
      };
    case 'interrupted':
      return {
        ...{ tone: 'neutral', word: 'Interrupted' },
        sentence: 'What was measured until then follows.',
      };
  }
}

function limitOf({ load, brokeAt, trials }: Limit): Told {
  const people = trials.find((trial) => trial.load === load && trial.verdict === 'held')?.people;
  if (people === undefined) {
    return {
      tone: 'bad',
      word: 'Nothing held',
      sentence: 'No load that was tried kept all thresholds.',
    };
  }
  const held = `It holds load ${told(load)}, ${times(people, 'person', 'people')}`;
  if (brokeAt === null) {
    return { tone: 'neutral', word: 'No limit found', sentence: `${held}; nothing gave way.` };
  }
  // Beyond what the generator can do nothing is known of the hub.
  return trials.some((trial) => trial.load === brokeAt && trial.verdict === 'invalid')
    ? {
        ...{ tone: 'doubtful', word: 'The generator gave way' },
        sentence: `${held}; at load ${told(brokeAt)} the generator could no longer be believed, so the hub may hold more.`,
      }
    : {
        ...{ tone: 'good', word: 'Limit found' },
        sentence: `${held}; at load ${told(brokeAt)} it did not.`,
      };
}

/** A few figures that most people look for; those that were not measured are left out. */
export function glancePart({ seconds, latencies, faults }: Report): Markup {
  const most = (of: (second: Report['seconds'][number]) => number): number =>
    seconds.reduce((largest, second) => Math.max(largest, of(second)), 0);
  const p99 = (name: string, summary: LatencyReport | undefined) =>
    summary === undefined
      ? []
      : [[name, markup`${toldOr(summary.p99Ms)} <small>ms p99</small>`] as const];
  const entries = [
    ['people there', markup`${toldWhole(most(({ joined }) => joined))}`] as const,
    [
      'frames to listeners',
      markup`${toldWhole(most(({ framesPerSecond }) => framesPerSecond))} <small>/s</small>`,
    ] as const,
    ...p99('a command, to all', latencies['command.last']),
    ...p99('a play, to friends', latencies['feed.visible']),
    ...p99('joining', latencies['join']),
    ...p99('coming back', latencies['resume']),
    ...p99('off the true place', latencies['inStep.error']),
    [
      'faults',
      markup`${toldWhole(faults.reduce((total, { count }) => total + count, 0))}`,
    ] as const,
  ];
  return markup`<dl class="glance">${entries.map(
    ([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`,
  )}</dl>`;
}

export function thresholdsSection({ thresholds }: Report): Markup | undefined {
  if (thresholds.length === 0) return undefined;
  return markup`<section id="thresholds"><h2>Thresholds</h2>
${table(
  'Thresholds',
  [
    { head: 'threshold', kind: 'text' },
    { head: 'was', kind: 'number' },
    { head: 'verdict', kind: 'name' },
  ],
  thresholds.map(({ text, value, kept }) => [
    markup`<code>${text}</code>`,
    value === null ? 'not measured' : `${told(value)}${unitOf(text)}`,
    kept ? mark('good', 'kept') : mark('bad', 'not kept'),
  ]),
  true,
)}</section>`;
}

/** Latencies are in ms, and whatever else is judged is a number of things. */
export function unitOf(text: string): string {
  const threshold = parseThreshold(text);
  return typeof threshold === 'string' || isCounted(threshold) ? '' : ' ms';
}

export function limitSection({ limit }: Report): Markup | undefined {
  if (limit === null) return undefined;
  const { sentence } = limitOf(limit);
  return markup`<section id="limit"><h2>The limit</h2>
<p class="measure">${sentence}</p>
${
  limit.gaveWay.length === 0
    ? undefined
    : markup`<div class="verdict neutral"><p>This gave way:</p><ul>${limit.gaveWay.map((what) => markup`<li>${what}</li>`)}</ul></div>`
}
<h3>Trials</h3>
${table(
  'Trials',
  [
    { head: 'load', kind: 'number' },
    { head: 'people', kind: 'number' },
    { head: 'verdict', kind: 'name' },
    { head: 'why', kind: 'prose' },
  ],
  limit.trials.map(({ load, people, verdict, broken }) => [
    load.toFixed(2),
    toldWhole(people),
    trialMark(verdict),
    markup`${broken.map((what) => markup`<div>${what}</div>`)}`,
  ]),
)}</section>`;
}

function trialMark(verdict: Limit['trials'][number]['verdict']): Markup {
  switch (verdict) {
    case 'held':
      return mark('good', 'held');
    case 'broke':
      return mark('bad', 'broke');
    case 'invalid':
      return mark('doubtful', 'invalid');
  }
}
