// What threads of the generator report, made up: every test changes what it is about.
import { machineNow } from '../../loadtest/machine-clock.ts';
import type { IntervalReport } from '../../loadtest/crew-messages.ts';
import { Latencies } from '../../loadtest/latency.ts';
import { noTally } from '../../loadtest/ledger/room-trace.ts';
import { Counts } from '../../loadtest/listener/counts.ts';

export interface IntervalChanges extends Partial<Omit<IntervalReport, 'latencies' | 'loop'>> {
  readonly loop?: Partial<IntervalReport['loop']>;
  readonly latencies?: Readonly<Record<string, readonly number[]>>;
}

export function intervalOf({ latencies = {}, loop, ...changes }: IntervalChanges): IntervalReport {
  const recorded = new Latencies();
  for (const [name, values] of Object.entries(latencies)) {
    for (const ms of values) recorded.record(name, ms);
  }
  return {
    ...{ kind: 'interval', thread: 0, phase: 0, fromMs: machineNow() - 1_000, toMs: machineNow() },
    ...{ wanted: 0, connected: 0, joined: 0 },
    ...{ counts: new Counts().report(), tally: noTally(), faults: [], stalls: [] },
    inStep: { samples: 0, elsewhere: 0, unready: 0, contradictions: 0, truthWidthMs: 0 },
    loop: { busyShare: 0.1, delayP99Ms: 1, delayMaxMs: 2, ...loop },
    ...{ rssBytes: 1, earlier: [] },
    ...changes,
    latencies: recorded.take(),
  };
}
