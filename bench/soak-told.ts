// A soak in words and tables: what was there, what it took, and whether that grew. Measures nothing.
import { heading, row } from './append-child.ts';
import type { Told } from './curve-report.ts';
import { SI } from './curve-tables.ts';
import type { Soak } from './soak.ts';
import type { AtRest, Growth } from './soak-verdict.ts';

const MB = 1_024 * 1_024;
const megabytes = (bytes: number): string => (bytes / MB).toFixed(1);
export const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;
const signed = (value: number): string => {
  const told = value.toFixed(2);
  return Number(told) > 0 ? `+${told}` : told.replace(/^-0.00$/, '0.00');
};
const ms = (value: number | null): string => (value === null ? '–' : value.toFixed(1));

export function toldSoak(soak: Soak): Told {
  return {
    title: 'A soak',
    about: `One node, ${soak.stores === 'shared' ? 'on Redis and Postgres' : 'embedded stores'}, ${soak.minutes} minutes at ${loadOf(soak)}: parties, rooms where people hardly stay, a stadium and a feed, at most ${SI(soak.people)} people and ${SI(soak.rooms)} rooms at once. People joined ${SI(soak.joined)} times, and left ${SI(soak.left)} times. Watched from outside, each time after a full collection: the kernel’s figures of the process, and \`/metrics\`; and from inside, how much of the heap is code. The generator shares the machine with the node.`,
    lines: [...grown(soak), ...given(soak), ...ledger(soak)],
  };
}

function loadOf({ load, limit }: Soak): string {
  if (limit === undefined) return `a load of ${load}, which was given`;
  const whose = limit.isOfGenerator ? ' (where the generator gave way, not the node)' : '';
  return `half of the most that was held, ${SI(limit.people)} people${whose}`;
}

function grown(soak: Soak): string[] {
  const [from, to] = soak.judged.map((seconds) => (seconds / 60).toFixed(0));
  return [
    `From minute ${from} to ${to}, a sample each ${soak.sampleSeconds} s; the slope is that of the least squares, an hour:`,
    '',
    heading([
      ...['memory', 'mean, MB', 'slope, MB', 'slope', 'standard error', '95 % lie in', 'samples'],
      ...['as good as', 'verdict'],
    ]),
    growthRow('resident', soak.rss),
    growthRow('of it, taken for the heap', soak.taken),
    growthRow('of the heap, what a full collection leaves', soak.live),
    growthRow('of what is left, code', soak.code),
    growthRow('of what is left, all else', soak.rest),
    '',
  ];
}

function growthRow(name: string, of: Growth | undefined): string {
  if (of === undefined) return row([name, '–', '–', '–', '–', '–', '–', '–', 'too few samples']);
  const { meanBytes, perHour, standardError, low, high, samples, effectiveSamples } = of;
  return row([
    ...[name, megabytes(meanBytes), signed((perHour * meanBytes) / MB), percent(perHour)],
    ...[percent(standardError), `${percent(low)} to ${percent(high)}`, samples],
    ...[effectiveSamples.toFixed(0), of.verdict],
  ]);
}

function given({ before, after, kept }: Soak): string[] {
  const figure = (
    name: string,
    of: (at: AtRest) => number,
    shown: (value: number) => string = SI,
  ): string => row([name, shown(of(before)), shown(of(after))]);
  return [
    'Where nobody is, before (after a first crowd has come and gone) and after:',
    '',
    heading(['', 'before', 'after']),
    figure('open file descriptors', ({ openFiles }) => openFiles),
    figure('files of the embedded database', ({ databaseFiles }) => databaseFiles),
    figure('connections to Postgres', ({ databaseConnections }) => databaseConnections),
    figure('timers', ({ timers }) => timers),
    figure('active resources', ({ resources }) => resources),
    figure('rooms in memory', ({ rooms }) => rooms),
    figure('connections', ({ connections }) => connections),
    figure('resident, MB', ({ rssBytes }) => rssBytes, megabytes),
    figure('heap, garbage collected, MB', ({ liveBytes }) => liveBytes, megabytes),
    figure('of it, code, MB', ({ codeBytes }) => codeBytes, megabytes),
    '',
    kept.length === 0
      ? 'All was given back: there are no more descriptors, timers, rooms or connections of people than before.'
      : `NOT given back: ${kept.join('; ')}.`,
    '',
  ];
}

function ledger({ faults, lost, join, last, doubts }: Soak): string[] {
  return [
    `The ledger: ${faults} faults, ${lost} lost. A join took ${ms(join.p99Ms)} ms (p99 of ${SI(join.count)}), a command to its last listener ${ms(last.p99Ms)} ms (p99 of ${SI(last.count)}).`,
    ...(doubts.length === 0
      ? []
      : [`The load test does not trust its own figures: ${doubts.join('; ')}.`]),
  ];
}
