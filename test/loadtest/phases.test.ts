// What phases are judged by: their own figures, those of people who came for them, and how the generator did in both.
import { describe, expect, it } from 'vitest';
import { Phases } from '../../loadtest/phases.ts';
import { intervalOf, type IntervalChanges } from '../support/crew-reports.ts';

/** A second each. */
function phasesOf(...seconds: readonly IntervalChanges[]): Phases {
  const phases = new Phases(1);
  seconds.forEach((changes, at) => {
    phases.add(intervalOf(changes));
    phases.tick(at + 1);
  });
  return phases;
}

const came = { join: [40], connect: [20], 'generator.lateArrivals': [3] };

describe('the evidence of a phase', () => {
  it('is its own figures, and who came in the phases that belong to it', () => {
    const phases = phasesOf(
      { phase: 0, latencies: { ...came, 'seek.ack': [5] } },
      { phase: 1, latencies: { ...came, 'seek.ack': [5] } },
      { phase: 2, latencies: { 'seek.ack': [7, 8] } },
    );
    const { latencies } = phases.evidence([2], [1]);
    expect(latencies.of('seek.ack').count).toBe(2);
    expect(latencies.of('join').count).toBe(1);
    expect(latencies.of('connect').count).toBe(1);
    // How late they were sent belongs to it as well.
    expect(latencies.of('generator.lateArrivals').count).toBe(1);
    expect(phases.evidence([2], [0, 1]).latencies.of('join').count).toBe(2);
  });

  it('counts the seconds in which people came, and no others', () => {
    const phases = phasesOf(
      { phase: 0, latencies: came, loop: { busyShare: 1 } },
      { phase: 1, latencies: { 'seek.ack': [5], 'generator.lateArrivals': [1] } },
      { phase: 2 },
    );
    const { seconds } = phases.evidence([2], [0, 1]);
    expect(seconds.map(({ phase }) => phase)).toEqual([0, 2]);
    expect(seconds[0]?.busyShare).toBe(1);
  });
});
