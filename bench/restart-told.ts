// Restarts in words and a table. Measures nothing.
import { heading, row } from './append-child.ts';
import type { Told } from './curve-report.ts';
import { SI } from './curve-tables.ts';
import type { Restart } from './restart.ts';
import { storesTold } from './stores-told.ts';

const seconds = (ms: number): string => (ms / 1_000).toFixed(2);

export function toldRestart({ rooms, people, busyPeople, stores }: Restart): Told {
  return {
    title: 'From a kill to being ready',
    about: `A node is killed (kill -9) while ${SI(busyPeople)} people steer and talk, with ${SI(rooms)} rooms of ${SI(people)} people of before in its stores, and those that the kills before have left there. From the start of the next process until \`/readyz\` answers 200.`,
    lines: [
      heading([...['stores', 'median, s', 'worst, s', 'restarts', 'the very first start, s']]),
      ...stores.map(({ stores: name, firstMs, killed, medianMs, worstMs }) =>
        row([
          ...[storesTold(name), seconds(medianMs), seconds(worstMs), killed.length],
          seconds(firstMs),
        ]),
      ),
    ],
  };
}
