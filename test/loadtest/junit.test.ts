// A run as JUnit XML: which cases there are, which fail with which words, and that nothing in a report breaks it.
import { describe, expect, it } from 'vitest';
import { junitOf } from '../../loadtest/report/junit.ts';
import { badReport, limitReport, loadReport } from '../support/load-report.ts';

interface Case {
  readonly name: string;
  readonly failure: string | undefined;
}

const NAMED = { lt: '<', gt: '>', quot: '"', amp: '&' } as const;

function unescaped(text: string): string {
  return text.replace(/&(?:#(\d+)|(lt|gt|quot|amp));/g, (_, code: string | undefined, name) =>
    code === undefined ? NAMED[name as keyof typeof NAMED] : String.fromCharCode(Number(code)),
  );
}

function casesOf(xml: string): Case[] {
  const cases = xml.matchAll(
    /<testcase classname="[^"<]*" name="([^"<]*)"(?:\/>|>\s*<failure type="\w+" message="([^"<]*)">[^<]*<\/failure>\s*<\/testcase>)/g,
  );
  return [...cases].map(([, name = '', failure]) => ({
    name: unescaped(name),
    failure: failure === undefined ? undefined : unescaped(failure),
  }));
}

describe('the JUnit XML of a run', () => {
  it('has a case for each threshold, for faults, for stalls, and for being believed', () => {
    const xml = junitOf(loadReport());
    expect(casesOf(xml)).toEqual([
      { name: 'faults == 0', failure: undefined },
      { name: 'command.last p99 <= 250', failure: undefined },
      { name: 'every number is accounted for', failure: undefined },
      { name: 'no hub falls silent', failure: undefined },
      { name: 'the figures can be trusted', failure: undefined },
    ]);
    expect(xml).toContain('tests="5" failures="0" errors="0" skipped="0" time="16.020"');
    expect(xml).toContain('timestamp="2026-03-01T20:15:00.000Z"');
  });

  it('tells of each failure the value in words', () => {
    const xml = junitOf(badReport());
    expect(casesOf(xml)).toEqual([
      { name: 'faults == 0', failure: 'faults == 0: it was 7' },
      { name: 'command.last p99 <= 250', failure: 'command.last p99 <= 250: it was 612' },
      { name: 'resume p99 <= 1000', failure: 'resume p99 <= 1000: it was not measured' },
      { name: 'every number is accounted for', failure: '7 faults' },
      { name: 'no hub falls silent', failure: '1 stall' },
      { name: 'the figures can be trusted', failure: undefined },
    ]);
    expect(xml).toContain('tests="6" failures="5"');
    expect(unescaped(xml)).toContain(
      'chat missing, 7 times: a number of the sequence never came by itself\n  room 3, Listener 12: 41 after 33',
    );
    expect(xml).toContain('http://hub.example:8080 answered nobody for 2.30 s, from 9.20 s on');
  });

  it.each(['invalid', 'interrupted'] as const)(
    'fails the last case of a run that is %s',
    (verdict) => {
      const reasons = ['it read late', 'it was busy'];
      expect(casesOf(junitOf(loadReport({ verdict, reasons }))).at(-1)).toEqual({
        name: 'the figures can be trusted',
        failure: 'it read late; it was busy',
      });
    },
  );

  it('names the limit that a search found', () => {
    expect(junitOf(limitReport())).toContain('<property name="limit" value="1"/>');
    expect(junitOf(loadReport())).not.toContain('name="limit"');
  });

  it('stays one well-formed document, whatever a report holds', () => {
    const hostile = `"/><failure>]]>&amp;\u0000\u001b[31m\ud800\uffff\n<!--'`;
    const report = badReport({
      scenario: { name: hostile, description: hostile, seed: 1 },
      ...{ hubs: [hostile], at: hostile, verdict: 'invalid', reasons: [hostile] },
      thresholds: [{ text: hostile, value: null, kept: false }],
      faults: [{ kind: hostile, stream: hostile, meaning: hostile, count: 1, examples: [hostile] }],
      stalls: [{ hub: hostile, atSeconds: 1, lastedMs: 2_000 }],
    });
    const xml = junitOf(report);
    expect(xml).not.toMatch(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u);
    expect(xml).not.toMatch(/&(?!(?:lt|gt|quot|amp|#\d+);)|<!--/);
    const tags = [...xml.matchAll(/<(\/?)(\w+)[^<>]*?(\/?)>/g)].filter(([, , , empty]) => !empty);
    expect(tags.map(([, end, name]) => `${end}${name}`).join(' ')).toBe(
      `testsuites testsuite properties /properties ${'testcase failure /failure /testcase '.repeat(4)}/testsuite /testsuites`,
    );
    const [first] = casesOf(xml);
    expect(first?.name).toBe(hostile.replace(/[\u0000\u001b\ud800\uffff]/g, '\ufffd'));
  });
});
