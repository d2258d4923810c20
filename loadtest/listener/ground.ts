// Owns what all listeners of a thread share: where they connect, their time, and where they put what they find. No code.
import type { Agenda } from '../agenda.ts';
import type { Faults } from '../ledger/faults.ts';
import type { Tally } from '../ledger/room-trace.ts';
import type { Latencies } from '../latency.ts';
import type { Random } from '../random.ts';
import type { Target } from '../wire/lean-socket.ts';
import type { Counts } from './counts.ts';
import type { HubSilence } from './hub-silence.ts';

export interface Ground {
  /** Listeners are spread over them, and go on to the next one when they lost theirs. */
  readonly targets: readonly Target[];
  /** Of each target, in their order. */
  readonly silences: readonly HubSilence[];
  /** Taken in turn; empty: the system's choice. */
  readonly sourceAddresses: readonly string[];
  readonly agenda: Agenda;
  readonly random: Random;
  readonly faults: Faults;
  readonly tally: Tally;
  readonly counts: Counts;
  readonly latencies: Latencies;
  /** Those of the phase that ran then. @param ms by the machine's clock */
  latenciesAt(ms: number): Latencies;
  tokenOf(person: number): Promise<string>;
}
