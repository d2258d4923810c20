// Owns the JUnit XML of a run, for machines that show tests: a case for each threshold, and for what is always asked. Reads the report alone.
import { times, told } from './numbers.ts';
import type { Report } from './report.ts';

interface Case {
  readonly name: string;
  /** Why it failed, in words; undefined where it did not. */
  readonly failure:
    { readonly kind: string; readonly message: string; readonly detail?: string } | undefined;
}

export function junitOf(report: Report): string {
  const { scenario, at, seconds, limit, hubs } = report;
  const cases = casesOf(report);
  const failures = cases.filter(({ failure }) => failure !== undefined).length;
  const lasted = (seconds.at(-1)?.atSeconds ?? 0).toFixed(3);
  const properties = [
    ['verdict', report.verdict],
    ['seed', String(scenario.seed)],
    ['hubs', hubs.join(' ')],
    ...(limit === null ? [] : [['limit', told(limit.load)]]),
  ];
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="earshot-loadtest" tests="${cases.length}" failures="${failures}" errors="0" time="${lasted}">`,
    `  <testsuite name="${xml(scenario.name)}" tests="${cases.length}" failures="${failures}" errors="0" skipped="0" time="${lasted}" timestamp="${xml(at)}">`,
    '    <properties>',
    ...properties.map(
      ([name, value]) => `      <property name="${name}" value="${xml(value ?? '')}"/>`,
    ),
    '    </properties>',
    ...cases.map((each) => caseText(each, scenario.name)),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function casesOf({ thresholds, faults, stalls, verdict, reasons }: Report): Case[] {
  const isBelieved = verdict !== 'invalid' && verdict !== 'interrupted';
  return [
    ...thresholds.map(({ text, value, kept }) => ({
      name: text,
      failure: kept
        ? undefined
        : {
            kind: 'threshold',
            message: `${text}: it was ${value === null ? 'not measured' : told(value)}`,
          },
    })),
    { name: 'every number is accounted for', failure: faultsFailure(faults) },
    { name: 'no hub falls silent', failure: stallsFailure(stalls) },
    {
      name: 'the figures can be trusted',
      failure: isBelieved
        ? undefined
        : { kind: verdict, message: reasons.join('; '), detail: reasons.join('\n') },
    },
  ];
}

function faultsFailure(faults: Report['faults']): Case['failure'] {
  if (faults.length === 0) return undefined;
  const total = faults.reduce((sum, { count }) => sum + count, 0);
  const lines = faults.flatMap(({ stream, kind, count, meaning, examples }) => [
    `${stream} ${kind}, ${times(count, 'time')}: ${meaning}`,
    ...examples.map((example) => `  ${example}`),
  ]);
  return { kind: 'faults', message: times(total, 'fault'), detail: lines.join('\n') };
}

function stallsFailure(stalls: Report['stalls']): Case['failure'] {
  if (stalls.length === 0) return undefined;
  const lines = stalls.map(
    ({ hub, atSeconds, lastedMs }) =>
      `${hub} answered nobody for ${told(lastedMs / 1_000)} s, from ${told(atSeconds)} s on`,
  );
  return { kind: 'stalls', message: times(stalls.length, 'stall'), detail: lines.join('\n') };
}

function caseText({ name, failure }: Case, scenario: string): string {
  const head = `    <testcase classname="earshot-loadtest.${xml(scenario)}" name="${xml(name)}"`;
  if (failure === undefined) return `${head}/>`;
  const { kind, message, detail = message } = failure;
  return `${head}>\n      <failure type="${kind}" message="${xml(message)}">${xml(detail)}</failure>\n    </testcase>`;
}

/** What XML 1.0 cannot hold at all, escaped or not: most control characters, halves of pairs, and two that are no characters. */
const UNFIT = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

function xml(text: string): string {
  return text
    .replace(UNFIT, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replace(/[\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}
