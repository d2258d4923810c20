// A drain in words and a table. Measures nothing.
import { heading, row } from './append-child.ts';
import type { Told } from './curve-report.ts';
import { SI } from './curve-tables.ts';
import type { Drain } from './drain.ts';
import type { LatencyFigures } from './load-report.ts';

const ms = (value: number | null): string => (value === null ? '–' : value.toFixed(0));
const cells = ({ count, p50Ms, p99Ms, maxMs }: LatencyFigures): string[] => [
  ...[SI(count), ms(p50Ms), ms(p99Ms), ms(maxMs)],
];

export function toldDrain({ people, rooms, runs }: Drain): Told {
  return {
    title: 'A drain',
    about: `Two nodes on one Redis and Postgres, ${SI(people)} people in ${SI(rooms)} rooms, all on one of them, which is sent SIGTERM. They go to the other node within the window (DRAIN_MS; by itself a hub gives a second for each 1,000 people, and 2,000 ms at least), where others come and go meanwhile. Both nodes, both stores and the generators with their ledgers share the machine’s cores: with as many cores again the waits are shorter.`,
    lines: [
      heading([
        ...['DRAIN_MS', 'connections', 'gone after, s', 'exit code', 'back in the room, of'],
        ...['p50, ms', 'p99, ms', 'max, ms', 'faults', 'lost'],
      ]),
      ...runs.map((run) =>
        row([
          ...[SI(run.windowMs), SI(run.connections), (run.exitMs / 1_000).toFixed(2)],
          ...[run.exitCode ?? 'none', ...cells(run.resume), run.faults, run.lost],
        ]),
      ),
      '',
      'What is seen of it while it goes on:',
      '',
      heading([
        ...['DRAIN_MS', 'who', 'what', 'of', 'p50, ms', 'p99, ms', 'max, ms'],
        ...['p99 of the worst second from the signal on, ms', 'faults', 'lost'],
      ]),
      ...runs.flatMap(({ windowMs, heard, faults, lost, coming }) => [
        row([
          ...[SI(windowMs), 'those who were moved', 'a message, to each who hears it'],
          ...[...cells(heard), '–', faults, lost],
        ]),
        row([
          ...[SI(windowMs), `${coming.people} who come and go at the other node`, 'a join'],
          ...[...cells(coming.join), ms(coming.worstJoinMs), coming.faults, coming.lost],
        ]),
      ]),
      '',
      ...runs.flatMap(({ windowMs, doubts, coming }) =>
        [...doubts, ...coming.doubts].map(
          (doubt) =>
            `The load test does not trust its own times (DRAIN_MS ${SI(windowMs)}): ${doubt}.`,
        ),
      ),
    ],
  };
}
