// Two runs held against each other: what counts as better or worse, what is too little to tell, and what cannot be compared at all.
import { describe, expect, it } from 'vitest';
import { compareReports, type Comparison } from '../../loadtest/report/compare.ts';
import { comparisonHtml } from '../../loadtest/report/comparison-html.ts';
import { comparisonText } from '../../loadtest/report/comparison-text.ts';
import type { LatencyReport, Report } from '../../loadtest/report/report.ts';
import { badReport, latencyOf, limitReport, loadReport } from '../support/load-report.ts';

function compared(before: Report, after: Report, tolerance?: number): Comparison {
  const comparison = compareReports(before, after, tolerance);
  if (typeof comparison === 'string') throw new Error(comparison);
  return comparison;
}

/** One that measured this alone. */
function withJoin(join: LatencyReport): Report {
  return loadReport({ latencies: { join } });
}

function joinChange(before: LatencyReport, after: LatencyReport, tolerance?: number) {
  return compared(withJoin(before), withJoin(after), tolerance).latencies[0]!;
}

describe('latencies of two runs', () => {
  it('are the same to themselves', () => {
    const comparison = compared(loadReport(), loadReport());
    expect(comparison).toMatchObject({ judgement: 'same', cautions: [], tolerance: 0.1 });
    expect(comparison.latencies.every(({ judgement }) => judgement === 'same')).toBe(true);
  });

  it('are worse or better beyond the tolerance, with their ratio', () => {
    const change = joinChange(latencyOf(20), latencyOf(25));
    expect(change).toMatchObject({ name: 'join', judgement: 'worse' });
    expect(change.p99).toEqual({ before: 100, after: 125, ratio: 1.25, judgement: 'worse' });
    expect(change.p50).toEqual({ before: 20, after: 25, ratio: 1.25, judgement: 'worse' });
    expect(joinChange(latencyOf(25), latencyOf(20)).judgement).toBe('better');
  });

  it('are the same up to the tolerance and at it', () => {
    expect(joinChange(latencyOf(20), latencyOf(22)).judgement).toBe('same');
    expect(joinChange(latencyOf(20), latencyOf(18)).judgement).toBe('same');
    expect(joinChange(latencyOf(20), latencyOf(22), 0.05).judgement).toBe('worse');
    expect(joinChange(latencyOf(20), latencyOf(29), 0.5).judgement).toBe('same');
  });

  it('do not differ by less than the grain of a timer, however much that is of them', () => {
    expect(joinChange(latencyOf(0.02), latencyOf(0.08)).judgement).toBe('same');
    expect(joinChange(latencyOf(0.2), latencyOf(0.8)).judgement).toBe('worse');
  });

  it('are worse where one percentile is, though another is better', () => {
    const after = { ...latencyOf(20), p50Ms: 10, p99Ms: 200 };
    expect(joinChange(latencyOf(20), after)).toMatchObject({
      ...{ p50: { judgement: 'better' }, p99: { judgement: 'worse' } },
      judgement: 'worse',
    });
  });

  it('of too few values are unclear, and decide nothing', () => {
    expect(joinChange(latencyOf(20, 99), latencyOf(60, 1_000))).toMatchObject({
      ...{ p50: { judgement: 'worse' }, p99: { judgement: 'unclear', ratio: 3 } },
    });
    const few = compared(withJoin(latencyOf(20, 9)), withJoin(latencyOf(60, 9)));
    expect(few.latencies[0]?.judgement).toBe('unclear');
    expect(few.judgement).toBe('same');
  });

  it('that were not measured have no ratio', () => {
    const none = { ...latencyOf(20), p50Ms: null, p99Ms: null };
    expect(joinChange(none, latencyOf(20)).p99).toEqual({
      ...{ before: null, after: 100, ratio: null, judgement: 'unclear' },
    });
    expect(joinChange(latencyOf(0), latencyOf(20)).p99).toMatchObject({
      ...{ ratio: null, judgement: 'worse' },
    });
  });

  it('are those of both, without how late the generator was', () => {
    const before = loadReport({ latencies: { join: latencyOf(1), connect: latencyOf(1) } });
    const after = loadReport({
      latencies: { join: latencyOf(1), resume: latencyOf(1), 'generator.late': latencyOf(90) },
    });
    const withLate = { ...before.latencies, 'generator.late': latencyOf(1) };
    const { latencies, judgement } = compared({ ...before, latencies: withLate }, after);
    expect(latencies.map(({ name }) => name)).toEqual(['join']);
    expect(judgement).toBe('same');
  });
});

describe('a latency that only one run measured', () => {
  it('is told, and not the generator’s own', () => {
    const both = loadReport({ latencies: { join: latencyOf(1), 'generator.late': latencyOf(1) } });
    const { 'generator.late': _, ...rest } = both.latencies;
    const more = loadReport({
      latencies: { ...both.latencies, resume: latencyOf(1), 'seek.ack': latencyOf(1, 0) },
    });
    expect(compared(more, loadReport({ latencies: rest })).cautions).toEqual([
      'not measured in the later run: resume',
    ]);
    expect(compared(both, more).cautions).toEqual(['not measured in the earlier run: resume']);
    expect(compared(more, more).cautions).toEqual([]);
  });
});

describe('single commands', () => {
  it('are told, and decide nothing that all commands together do not', () => {
    const of = (seekMs: number): Report =>
      loadReport({ latencies: { 'seek.ack': latencyOf(seekMs), 'command.ack': latencyOf(6) } });
    const { latencies, judgement } = compared(of(6), of(60));
    expect(
      latencies.map(({ name, judgement, isDecisive }) => [name, judgement, isDecisive]),
    ).toEqual([
      ['command.ack', 'same', true],
      ['seek.ack', 'worse', false],
    ]);
    expect(judgement).toBe('same');
  });
});

describe('counts of two runs', () => {
  it('are worse where something came that was not there', () => {
    const { figures, judgement } = compared(loadReport(), badReport());
    expect(judgement).toBe('worse');
    expect(figures.find(({ name }) => name === 'faults')).toEqual({
      ...{ name: 'faults', before: 0, after: 7, ratio: null, judgement: 'worse' },
    });
    const worse = figures.filter((figure) => figure.judgement === 'worse').map(({ name }) => name);
    expect(worse).toEqual(['faults', 'stalls', 'thresholds not kept', 'refused', 'ended unasked']);
    expect(compared(badReport(), loadReport()).judgement).toBe('better');
  });

  it('of a limit are better the higher it is', () => {
    const limit = limitReport().limit!;
    const higher = limitReport({ limit: { ...limit, load: 2 } });
    expect(compared(limitReport(), higher).figures[0]).toEqual({
      ...{ name: 'limit', before: 1, after: 2, ratio: 2, judgement: 'better' },
    });
    expect(compared(higher, limitReport()).judgement).toBe('worse');
  });
});

describe('what cannot be compared', () => {
  it('is refused in words: other scenarios, other versions, a search with a run', () => {
    const other = loadReport({ scenario: { name: 'storm', description: '', seed: 1 } });
    expect(compareReports(loadReport(), other)).toBe(
      'different scenarios cannot be compared: party and storm',
    );
    const newer = { ...loadReport(), version: 2 } as unknown as Report;
    expect(compareReports(loadReport(), newer)).toBe(
      'a report of version 2 cannot be compared: this reads version 1',
    );
    expect(compareReports(limitReport(), loadReport())).toBe(
      'a search for the limit cannot be compared with a run at one load',
    );
  });

  it('well is said to be so: runs that are not valid, other machines, another load', () => {
    const base = loadReport();
    const after = loadReport({
      ...{ verdict: 'invalid', reasons: ['it read late'], hubs: ['a', 'b'] },
      machine: { ...base.machine, cores: 8 },
      seconds: base.seconds.map((second) => ({ ...second, wanted: second.wanted * 2 })),
      phases: base.phases.map((phase) => ({ ...phase, seconds: phase.seconds / 2 })),
    });
    expect(compared(base, after).cautions).toEqual([
      'the later run is invalid: it read late',
      'machine of the generator: A processor, 4 cores, then A processor, 8 cores',
      'number of hubs: 1, then 2',
      'people: 100, then 200',
      'measured seconds: 12, then 6',
    ]);
  });
});

describe('a comparison', () => {
  it('is told in the terminal, a line for each figure', () => {
    const text = comparisonText(
      compared(withJoin(latencyOf(20)), { ...badReport(), latencies: { join: latencyOf(25) } }),
    );
    expect(text.split('\n')).toEqual([
      'party: WORSE, differences up to 10 % are none',
      '',
      'ms        before  after   ratio',
      'join p50      20     25  × 1.25  worse',
      'join p99     100    125  × 1.25  worse',
      '',
      '                     before  after   ratio',
      'faults                    0      7       –  worse',
      'stalls                    0      1       –  worse',
      'thresholds not kept       0      3       –  worse',
      'refused                   0      3       –  worse',
      'ended unasked             0      6       –  worse',
      'lost                      0      0',
      'unanswered                0      0',
      'broken                    0      0',
      'at another place          4      4  × 1.00',
    ]);
  });

  it('is a page of its own, which loads nothing and runs nothing', () => {
    const [before, after] = [loadReport(), badReport()];
    const page = comparisonHtml(compared(before, after), before, after);
    expect(page).toContain('Worse: faults, stalls, thresholds not kept, refused, ended unasked.');
    expect(page).toContain('script-src &#39;none&#39;');
    expect(page).not.toMatch(/<script|\ssrc=|@import|url\(/);
    expect(page).not.toMatch(/NaN|Infinity|undefined|>null/);
  });

  it('takes nothing in a report for markup', () => {
    const hostile = '</style><script>alert(1)</script>" onload="x';
    const of = (name: string): Report =>
      loadReport({
        ...{ at: name, hubs: [name], verdict: 'invalid', reasons: [name] },
        scenario: { name, description: name, seed: 1 },
        machine: { cpu: name, cores: 1, memoryBytes: 1, node: name, platform: name },
        latencies: { [name]: latencyOf(3) },
        curves: { [name]: [[50, 3]] },
      });
    const pageOf = (name: string): string => {
      const page = comparisonHtml(compared(of(name), of(name)), of(name), of(name));
      return page.replace(/ content="default-src[^"]*"/, '');
    };
    for (const shape of [/</g, />/g, /"/g]) {
      expect(pageOf(hostile).match(shape)?.length).toBe(pageOf('benign').match(shape)?.length);
    }
  });
});
