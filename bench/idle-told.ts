// The memory of an idle node in words and a table. Measures nothing.
import { heading, row } from './append-child.ts';
import type { Told } from './curve-report.ts';
import type { Idle, Weights } from './idle.ts';
import { storesTold } from './stores-told.ts';

const MB = 1_024 * 1_024;
/** A report that was read again has null where nothing was told. */
const megabytes = (bytes: number | null): string =>
  bytes === null || Number.isNaN(bytes) ? '–' : (bytes / MB).toFixed(1);
const cells = ({ rssBytes, pssBytes, heapBytes, externalBytes }: Weights): string[] =>
  [rssBytes, pssBytes, heapBytes, externalBytes].map(megabytes);

export function toldIdle({ rounds, settleSeconds, stores }: Idle): Told {
  return {
    title: 'An idle node',
    about: `Memory of a node’s process where nobody is, ${settleSeconds} s after its start, and then with its garbage collected; MB, the median of ${rounds} ${rounds === 1 ? 'node' : 'nodes'}. Embedded stores are part of the process; Redis and Postgres are processes of their own, and not among it.`,
    lines: [
      heading([
        ...['stores', '', 'resident', 'proportional (PSS)', 'heap used'],
        'outside of the heap, by V8’s count',
      ]),
      ...stores.flatMap(({ stores: name, settled, collected }) => [
        row([storesTold(name), 'as it is', ...cells(settled)]),
        row([storesTold(name), 'collected', ...cells(collected)]),
      ]),
    ],
  };
}
