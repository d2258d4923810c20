// The search for the limit, over phases that the test makes up: what a trial is judged by, and where the search begins and ends.
import { describe, expect, it } from 'vitest';
import { findLimit, type Found } from '../../loadtest/limit.ts';
import { Phases } from '../../loadtest/phases.ts';
import { ScenarioSchema, type Phase } from '../../loadtest/scenario/scenario.ts';
import { intervalOf, type IntervalChanges } from '../support/crew-reports.ts';

interface Search extends Found {
  readonly ran: readonly Phase[];
}

/** @param during what one second of a phase is like; in `isComing` there are more people at its end than before */
async function search(
  changes: object,
  mostLoad: number,
  during: (phase: Phase, isComing: boolean) => IntervalChanges,
  isLedgerOnly = false,
): Promise<Search> {
  const scenario = ScenarioSchema.parse({
    name: 'searched',
    groups: [{ kind: 'rooms', rooms: 100, listeners: 2 }],
    phases: [{ name: 'steady', seconds: 4, measured: true }],
    ...changes,
  });
  const phases = new Phases(1);
  const ran: Phase[] = [];
  let atSeconds = 0;
  let there = 0;
  const lead = {
    phases,
    isOver: false,
    complete: () => Promise.resolve(),
    phase: (phase: Phase) => {
      const index = ran.push(phase) - 1;
      const isComing = phase.load > there;
      there = phase.load;
      for (let n = 0; n < phase.seconds; n += 1) {
        phases.add(intervalOf({ phase: index, ...during(phase, isComing) }));
        phases.tick((atSeconds += 1));
      }
      return Promise.resolve(index);
    },
  };
  const found = await findLimit({
    scenario,
    lead,
    mostLoad,
    clockErrorMs: 0,
    isLedgerOnly,
    say: () => undefined,
  });
  return { ...found, ran };
}

const verdicts = ({ limit }: Found) => limit.trials.map(({ load, verdict }) => [load, verdict]);

describe('a trial', () => {
  it('is judged by those who came for it, not by those of trials before', async () => {
    const found = await search({ thresholds: ['join p99 <= 100'] }, 4, ({ load }, isComing) => ({
      latencies: isComing ? { join: [load > 3 ? 500 : 50] } : {},
    }));
    // One slow trial does not make the later ones slow.
    expect(verdicts(found).slice(0, 4)).toEqual([
      [1, 'held'],
      [2, 'held'],
      [4, 'broke'],
      [Math.sqrt(8), 'held'],
    ]);
    expect(found.limit.load).toBeGreaterThan(2.7);
    // Its figures are those of both of its phases.
    const at = found.ran.findIndex(({ load, measured }) => measured && load === found.limit.load);
    expect(found).toMatchObject({ phases: [at], coming: [at - 1] });
  });

  it('has people who come, also where there are fewer than in the one before', async () => {
    const found = await search({ thresholds: ['join p99 <= 100'] }, 4, ({ load }, isComing) => ({
      latencies: isComing ? { join: [load > 2.2 ? 500 : 50] } : {},
    }));
    expect(found.limit.load).toBeGreaterThan(2);
    expect(found.limit.gaveWay.join()).not.toContain('not measured');
    // Those who only make place for them are not judged.
    expect(found.ran.some(({ name }) => name.startsWith('down to load'))).toBe(true);
  });

  it('does not believe a generator that fell behind while people came', async () => {
    const found = await search({ thresholds: ['join p99 <= 100'] }, 2, ({ load }, isComing) => ({
      latencies: isComing ? { join: [50], 'generator.lateArrivals': [1] } : {},
      loop: { busyShare: isComing && load > 1 ? 1 : 0.1 },
    }));
    expect(verdicts(found).slice(0, 2)).toEqual([
      [1, 'held'],
      [2, 'invalid'],
    ]);
    expect(found.limit.gaveWay.join()).toContain('busy all the time');
  });

  it('of what is counted alone does not mind a generator that is late', async () => {
    const late = ({ load }: Phase): IntervalChanges => ({
      latencies: { join: Array.from({ length: load > 1 ? 9 : 1 }, () => 50) },
      loop: { busyShare: 1 },
    });
    const thresholds = ['join count <= 30'];
    expect(verdicts(await search({ thresholds }, 1, late))[0]).toEqual([1, 'invalid']);
    expect(verdicts(await search({ thresholds }, 2, late, true)).slice(0, 2)).toEqual([
      [1, 'held'],
      [2, 'broke'],
    ]);
  });

  it('repeats the loss of all connections, with time to come back', async () => {
    const phases = [
      { name: 'before', seconds: 4, measured: true },
      { name: 'storm', seconds: 4, measured: true, event: 'reconnect', withinSeconds: 6 },
    ];
    const found = await search({ phases, thresholds: ['resume p99 <= 100'] }, 2, ({ event }) => ({
      latencies: event === 'reconnect' ? { resume: [50] } : {},
    }));
    expect(verdicts(found)).toEqual([
      [1, 'held'],
      [2, 'held'],
    ]);
    const measured = found.ran.filter(({ measured: isMeasured }) => isMeasured);
    expect(measured.every(({ withinSeconds, seconds }) => withinSeconds === 6 && seconds > 6)).toBe(
      true,
    );
  });

  it('takes nobody who is on the way for lost, where people come and go', async () => {
    const lost = (staySeconds: number | undefined, missing: readonly number[]) => {
      let second = 0;
      return search(
        {
          groups: [{ kind: 'rooms', rooms: 100, listeners: 2, staySeconds }],
          thresholds: ['lost == 0'],
        },
        1,
        () => {
          second += 1;
          const away = missing[second % missing.length] ?? 0;
          return { wanted: 200, joined: 200 - away, latencies: { join: [500, 500, 500] } };
        },
      );
    };
    // Each second somebody else.
    expect((await lost(undefined, [3, 0, 2])).limit.load).toBe(1);
    expect((await lost(15, [2, 1, 2])).limit.load).toBe(1);
    expect((await lost(15, [9, 8, 9])).limit.load).toBe(0);
    expect((await lost(undefined, [2, 1, 2])).limit.load).toBe(0);
  });
});

describe('the search', () => {
  it('never tries more than the most', async () => {
    const found = await search({ thresholds: ['faults == 0'] }, 0.5, () => ({}));
    expect(verdicts(found)).toEqual([[0.5, 'held']]);
    expect(found.limit).toMatchObject({ load: 0.5, brokeAt: null });
  });

  it('tries no load of nobody', async () => {
    const groups = [{ kind: 'rooms', rooms: 1, listeners: 4 }];
    const found = await search({ groups, thresholds: ['join p99 <= 1'] }, 2, () => ({
      latencies: { join: [50] },
    }));
    expect(verdicts(found)).toEqual([
      [1, 'broke'],
      [0.25, 'broke'],
    ]);
    expect(found.limit.gaveWay.join()).toContain('was 50');
  });

  it('says that nothing held', async () => {
    const found = await search({ thresholds: ['join p99 <= 1'] }, 2, () => ({
      latencies: { join: [50] },
    }));
    expect(found.limit.load).toBe(0);
    expect(found.limit.trials.every(({ verdict }) => verdict === 'broke')).toBe(true);
  });
});
