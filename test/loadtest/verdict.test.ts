// The word for a whole run: a search that found nothing did not pass, and what the generator could not carry is not held against the hub.
import { describe, expect, it } from 'vitest';
import { textOf } from '../../loadtest/cli/terminal.ts';
import type { Limit } from '../../loadtest/report/report.ts';
import { verdictOn, type Outcome } from '../../loadtest/verdict.ts';
import { limitReport } from '../support/load-report.ts';

const OUTCOME: Outcome = {
  ...{ isInterrupted: false, lost: undefined, thresholds: [], taints: [], limit: null },
  faultsAtEnd: 0,
};
const of = (changes: Partial<Outcome>) => verdictOn({ ...OUTCOME, ...changes });

function limitOf(load: number, verdict: 'broke' | 'invalid'): Limit {
  const broken = ['because of this'];
  return {
    ...{ load, brokeAt: 2, gaveWay: broken },
    trials: [
      ...(load > 0 ? [{ load, people: 10, verdict: 'held' as const, broken: [] }] : []),
      { load: 2, people: 20, verdict, broken },
    ],
  };
}

describe('a run', () => {
  const threshold = { text: 'faults == 0', value: 1, kept: false };

  it('passed where all was kept, and the generator is believed', () => {
    expect(of({})).toEqual({ verdict: 'passed', reasons: [] });
    expect(of({ thresholds: [threshold] }).verdict).toBe('failed');
    expect(of({ thresholds: [threshold], taints: ['late'] })).toEqual({
      ...{ verdict: 'invalid', reasons: ['late'] },
    });
  });

  it('that lost a machine is invalid, and names it; one that was ended early is no more', () => {
    expect(of({ lost: 'agent one is gone' })).toEqual({
      ...{ verdict: 'invalid', reasons: ['it could not go on: agent one is gone'] },
    });
    expect(of({ isInterrupted: true, lost: 'x' }).verdict).toBe('interrupted');
  });
});

describe('a search', () => {
  it('passed where something held, also where the generator gave way after it', () => {
    expect(of({ limit: limitOf(1, 'broke') })).toEqual({ verdict: 'passed', reasons: [] });
    expect(of({ limit: limitOf(1, 'invalid') }).verdict).toBe('passed');
  });

  it('failed where nothing held, and is invalid where that was the generator', () => {
    expect(of({ limit: limitOf(0, 'broke') })).toMatchObject({ verdict: 'failed' });
    const { verdict, reasons } = of({ limit: limitOf(0, 'invalid') });
    expect(verdict).toBe('invalid');
    expect(reasons.join()).toMatch(/the generator gave way first.*because of this/);
  });

  it('failed where faults were found at its end', () => {
    const { verdict, reasons } = of({ limit: limitOf(1, 'broke'), faultsAtEnd: 3 });
    expect(verdict).toBe('failed');
    expect(reasons.join()).toContain('3 faults');
  });

  it('says that the limit is at least what held where the generator gave way', () => {
    const told = (limit: Limit): string => textOf(limitReport({ limit }));
    expect(told(limitOf(1, 'broke'))).toMatch(/it holds load 1\.00, 10 people; at 2\.00 this gave/);
    expect(told(limitOf(1, 'invalid'))).toMatch(
      /at least load 1\.00, 10 people; at 2\.00 the generator gave way/,
    );
    expect(told(limitOf(0, 'broke'))).toContain('no load held; at 2.00 this gave way:');
    expect(told({ load: 0, brokeAt: null, gaveWay: [], trials: [] })).toContain('no trial');
  });
});
