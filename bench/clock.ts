// What the clock is worth on simulated links, beside other methods on the same seeds, and how it stands what happens to clocks.
import { parseArgs } from 'node:util';
import type { EventReport } from '../test/clock/support/event-report.ts';
import { eventNames } from '../test/clock/support/sim-events.ts';
import { linkNames } from '../test/clock/support/sim-links.ts';
import { isQuick, say } from './append-child.ts';
import { eventTable, missedEvents } from './clock/event-table.ts';
import { runJobs } from './clock/jobs.ts';
import { linkTable, missedTargets, type SubjectReport } from './clock/links.ts';
import { fresh, type SeedChoice, tuned } from './clock/seeds.ts';
import { writePlots } from './clock/plots/plots.ts';
import { subjectNames } from './clock/subjects.ts';
import { writeReport } from './report.ts';

const MINUTE_MS = 60_000;
const LARGEST_SEED = 2 ** 31;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: isQuick ? '2' : '24' },
    minutes: { type: 'string', default: isQuick ? '3' : '15' },
    /** Few seeds, to see that it works. */
    quick: { type: 'boolean', default: false },
    /** A number that seeds are drawn from; `now` takes one from the time, and prints it. */
    fresh: { type: 'string' },
    /** One link. */
    only: { type: 'string' },
    /** `links` or `events`. */
    part: { type: 'string' },
    /** One event. */
    event: { type: 'string' },
    /** Without the peers. */
    own: { type: 'boolean', default: false },
    /** Draws docs/sync/*.svg as well. */
    plots: { type: 'boolean', default: false },
  },
});
const COUNT = Number(values.seeds);
const MINUTES = Number(values.minutes);
const LINKS = linkNames.filter((link) => values.only === undefined || values.only === link);
const EVENTS = eventNames.filter((event) => values.event === undefined || values.event === event);
const SUBJECTS = subjectNames.filter((name) => !values.own || name === 'earshot');

function chooseSeeds(): SeedChoice {
  if (values.fresh === undefined) return tuned(COUNT);
  const from = values.fresh === 'now' ? Date.now() % LARGEST_SEED : Number(values.fresh);
  return fresh(from, COUNT);
}

async function runLinks({ name, seeds }: SeedChoice): Promise<SubjectReport[]> {
  const durationMs = MINUTES * MINUTE_MS;
  const results = await runJobs(
    LINKS.flatMap((link) =>
      SUBJECTS.map((subject) => ({ kind: 'link', subject, link, seeds, durationMs }) as const),
    ),
  );
  const reports = results.filter((result) => result.kind === 'link');
  say(
    `\n${seeds.length} seeds (${name}) of ${MINUTES} minutes; ms after the first minute, beyond the path’s asymmetry`,
  );
  for (const link of LINKS) {
    const ofLink = reports.filter(({ report }) => report.link === link);
    say(`\n${linkTable(link, ofLink)}`);
  }
  return reports.map(({ subject, report }) => ({ subject, report }));
}

async function runEvents({ name, seeds }: SeedChoice): Promise<EventReport[]> {
  const results = await runJobs(
    EVENTS.flatMap((event) =>
      LINKS.map((link) => ({ kind: 'event', event, link, seeds }) as const),
    ),
  );
  const reports = results.filter((result) => result.kind === 'event').map(({ report }) => report);
  say(`\n${seeds.length} seeds (${name}) an event and link, with a player behind the clock`);
  say(`\n${eventTable(reports)}`);
  return reports;
}

async function main(): Promise<void> {
  const choice = chooseSeeds();
  const links = values.part === 'events' ? [] : await runLinks(choice);
  const events = values.part === 'links' ? [] : await runEvents(choice);
  const own = links.filter(({ subject }) => subject === 'earshot');
  const missed = [...own.flatMap(({ report }) => missedTargets(report)), ...missedEvents(events)];
  say(
    missed.length === 0
      ? '\nAll targets are met; the one of a second after a join is for joins while the cross traffic is quiet.'
      : `\nMissed:\n${missed.join('\n')}`,
  );
  await writeReport('clock', { seeds: choice, minutes: MINUTES, links, events, missed });
  if (values.plots) say(`drawn: ${(await writePlots(links)).join(', ')}`);
}

await main();
