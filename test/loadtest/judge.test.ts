// The verdict: what was asked is held against what was measured, and the generator is believed only while it kept up with itself.
import { describe, expect, it } from 'vitest';
import { judge, stateOf, taints } from '../../loadtest/judge.ts';
import { Latencies } from '../../loadtest/latency.ts';
import { noTally } from '../../loadtest/ledger/room-trace.ts';
import { Counts } from '../../loadtest/listener/counts.ts';
import type { Totals } from '../../loadtest/phases.ts';
import { parseThreshold, type Threshold } from '../../loadtest/scenario/threshold.ts';

const TOTALS: Totals = {
  ...{ counts: new Counts().report(), tally: noTally(), faults: [], stalls: [] },
  inStep: { samples: 10, elsewhere: 1, unready: 0, contradictions: 0, truthWidthMs: 0.1 },
};

function threshold(text: string): Threshold {
  const parsed = parseThreshold(text);
  if (typeof parsed === 'string') throw new Error(parsed);
  return parsed;
}

function latenciesOf(values: Readonly<Record<string, readonly number[]>>): Latencies {
  const latencies = new Latencies();
  for (const [name, all] of Object.entries(values))
    for (const ms of all) latencies.record(name, ms);
  return latencies;
}

const SECOND = { busyShare: 0.5, loopDelayP99Ms: 1 };
const seconds = (count: number, changes: Partial<typeof SECOND> = {}) =>
  Array.from({ length: count }, () => ({ ...SECOND, ...changes }));
const thousand = (ms: number): number[] => Array.from({ length: 1_000 }, () => ms);

describe('thresholds', () => {
  const latencies = latenciesOf({ join: [10, 20, 30] }).summaries();

  it.each([
    ['join max <= 30', true],
    ['join p50 <= 15', false],
    ['join count == 3', true],
    // Without a statistic it is the 99th percentile.
    ['join <= 29', false],
    ['faults == 0', true],
    ['elsewhereShare <= 0.1', true],
    ['seek.last p99 <= 5', false],
  ])('%s: %s', (text, kept) => {
    expect(judge([threshold(text)], { latencies, totals: TOTALS })[0]).toMatchObject({
      text,
      kept,
    });
  });

  it('count faults, refusals and ends by all that they name', () => {
    const counts = { ...TOTALS.counts, refused: { a: 2, b: 1 }, ended: { '1006': 4 }, lost: 5 };
    const fault = { kind: 'missing', stream: 'chat', count: 7, examples: [] } as const;
    const totals = { ...TOTALS, counts, faults: [fault] };
    const texts = ['faults == 7', 'refused == 3', 'ended == 4', 'lost == 5'];
    const results = judge(texts.map(threshold), { latencies, totals });
    expect(results.map(({ kept }) => kept)).toEqual([true, true, true, true]);
  });
});

describe('the generator', () => {
  const told = { 'command.ack': thousand(40) };
  const verdictOn = (
    values: Readonly<Record<string, readonly number[]>>,
    each: readonly (typeof SECOND)[] = seconds(20),
    clockErrorMs = 0,
  ): string[] => {
    const latencies = latenciesOf({ ...told, ...values });
    return taints(stateOf({ latencies, seconds: each }, clockErrorMs), latencies.summaries());
  };

  it('is believed while it is early, idle and reads at once', () => {
    expect(verdictOn({ 'generator.late': thousand(2) })).toEqual([]);
    expect(verdictOn({ 'generator.late': thousand(9) })).toEqual([]);
  });

  it('is not where its own lateness could be a quarter of what it measured', () => {
    expect(verdictOn({ 'generator.late': thousand(11) }).join()).toMatch(
      /sent 1 % of the acts more than 11/,
    );
  });

  it('is forgiven one act of few, and not a hundredth of many', () => {
    expect(verdictOn({ 'generator.late': [1, 1, 1, 1, 1, 60] })).toEqual([]);
    const many = [...thousand(1), ...Array.from({ length: 20 }, () => 60)];
    expect(verdictOn({ 'generator.late': many })).toHaveLength(1);
  });

  it('is measured against those who come where people came late', () => {
    const late = { 'generator.lateArrivals': thousand(90) };
    expect(verdictOn({ ...late, resume: thousand(1_000) })).toEqual([]);
    expect(verdictOn({ ...late, resume: thousand(100) }).join()).toMatch(/1 % of the people/);
  });

  it('is not where it had no time, or read late, in more than a tenth of the seconds', () => {
    const busy = [...seconds(17), ...seconds(3, { busyShare: 0.99 })];
    expect(verdictOn({}, busy).join()).toMatch(/busy all the time in 3 of 20 s/);
    const slow = [...seconds(17), ...seconds(3, { loopDelayP99Ms: 50 })];
    expect(verdictOn({}, slow).join()).toMatch(/read what came .* in 3 of 20 s/);
    expect(verdictOn({}, [...seconds(18), ...seconds(2, { busyShare: 0.99 })])).toEqual([]);
    // One second of a short run is chance.
    expect(verdictOn({}, [...seconds(3), ...seconds(1, { loopDelayP99Ms: 50 })])).toEqual([]);
  });

  it('is not where its machines do not know each other’s time', () => {
    expect(verdictOn({}, seconds(20), 0.5)).toEqual([]);
    expect(verdictOn({}, seconds(20), 5).join()).toMatch(/clocks .* 5\.0 ms/);
  });
});
