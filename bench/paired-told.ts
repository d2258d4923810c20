// Two ways of running a node in words and tables. Measures nothing.
import { heading, median, row } from './append-child.ts';
import type { Told } from './curve-report.ts';
import { SI } from './curve-tables.ts';
import type { Cost, Paired, Ratio } from './paired-figures.ts';

const ratio = (of: Ratio): string =>
  `${of.median.toFixed(2)} (${of.least.toFixed(2)} to ${of.most.toFixed(2)})`;

export function toldPaired(title: string, about: string, paired: Paired): Told {
  const { names, load, rounds, frame } = paired;
  const { rooms, people, messagesPerSecond, windowSeconds } = load;
  const ways = names.map((name, way) => ({
    name,
    of: (pick: (cost: Cost) => number): number =>
      median(rounds.map((round) => pick(round[way as 0 | 1]))),
  }));
  return {
    title,
    about: `${about} ${SI(people)} people in ${SI(rooms)} rooms, ${SI(messagesPerSecond)} messages a second over all; CPU of the node’s process over ${windowSeconds} s, ${rounds.length} rounds of each in turn, the medians.`,
    lines: [
      heading(['', 'µs a frame that was sent', 'frames a second', 'of a core']),
      ...ways.map(({ name, of }) =>
        row([
          ...[name, of(({ usPerFrame }) => usPerFrame).toFixed(2)],
          ...[SI(Math.round(of(({ framesPerSecond }) => framesPerSecond)))],
          of(({ share }) => share).toFixed(2),
        ]),
      ),
      '',
      `${names[1]}, to ${names[0]}: a frame costs ${ratio(frame)} times as much; the median of the rounds, the least and the most.`,
    ],
  };
}
