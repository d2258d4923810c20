// Owns which plots show the course of a run, and what of its report is in each. Draws nothing.
import { told } from '../numbers.ts';
import type { Report } from '../report.ts';
import { meaningOf, ordered } from '../words.ts';
import {
  MIB,
  choice,
  line,
  one,
  short,
  timesOf,
  type Band,
  type Choice,
  type Course,
  type CoursePart,
  type Line,
  type Plot,
} from './course.ts';
import { metricChoices } from './hub-metrics.ts';
import { own } from './own.ts';

type Seconds = Report['seconds'];
type HubSeconds = Report['hubSeconds'];

/** What most people would look at first, of what there is. */
const FIRST = ['command.last', 'feed.visible', 'chat.last', 'join'];
const FIRST_METRIC = 'nodejs_eventloop_lag_p99_seconds';

export function courseOf(report: Report): Course {
  const { seconds, hubSeconds, stalls } = report;
  const endSeconds = [...seconds, ...hubSeconds].reduce(
    (end, { atSeconds }) => Math.max(end, short(atSeconds)),
    0,
  );
  return {
    endSeconds,
    bands: bandsOf(report, endSeconds),
    stalls: stalls.map(({ atSeconds, lastedMs }) => ({
      from: short(atSeconds),
      to: short(atSeconds + lastedMs / 1_000),
    })),
    parts: [
      part('Load', loadPlots(seconds)),
      part('Hub', hubPlots(hubSeconds)),
      part('Generator', generatorPlots(seconds)),
    ].filter(({ plots }) => plots.length > 0),
  };
}

function part(title: string, plots: readonly Plot[]): CoursePart {
  const isDrawn = ({ choices, times }: Plot): boolean => choices.length > 0 && times.length > 0;
  return { title, plots: plots.filter(isDrawn) };
}

/** The last goes on to the end: what came in after it is its own. */
function bandsOf({ seconds, phases, limit }: Report, endSeconds: number): Band[] {
  const starts = seconds.filter(({ phase }, at) => phase !== seconds[at - 1]?.phase);
  const startOf = (second: Seconds[number] | undefined): number => {
    const before = second === undefined ? undefined : seconds[seconds.indexOf(second) - 1];
    return short(before?.atSeconds ?? 0);
  };
  return starts.map((second, at) => ({
    from: startOf(second),
    to: starts[at + 1] === undefined ? endSeconds : startOf(starts[at + 1]),
    ...(limit === null ? ofPhase(phases, second.phase) : ofTrial(limit, second.phase)),
  }));
}

type Named = Pick<Band, 'name' | 'isMeasured'>;

function ofPhase(phases: Report['phases'], phase: number): Named {
  const { name, measured } = phases[phase] ?? { name: '', measured: false };
  return { name, isMeasured: measured };
}

/** A search has two phases for each trial: people come, and then it is judged. */
function ofTrial({ trials }: NonNullable<Report['limit']>, phase: number): Named {
  const load = trials[Math.floor(phase / 2)]?.load;
  const isMeasured = phase % 2 === 1;
  return { name: isMeasured && load !== undefined ? `load ${told(load)}` : '', isMeasured };
}

function loadPlots(seconds: Seconds): Plot[] {
  const times = timesOf(seconds);
  const latencies = latencyChoices(seconds);
  const names = latencies.map(({ name }) => name);
  const first = FIRST.map((name) => names.indexOf(name)).find((at) => at >= 0);
  return [
    {
      ...{ id: 'latency', title: 'Latency', times, choices: latencies },
      ...{ chosen: first ?? 0, hasLogarithm: true },
    },
    one('people', 'People', times, 'people', [
      line('wanted', 'quiet', seconds, ({ wanted }) => wanted),
      line('connected', 'two', seconds, ({ connected }) => connected),
      line('joined', 'one', seconds, ({ joined }) => joined),
    ]),
    {
      ...{ id: 'traffic', title: 'To listeners', times, chosen: 0 },
      choices: [
        choice('frames', 'a second', [
          line('frames', 'one', seconds, ({ framesPerSecond }) => framesPerSecond),
        ]),
        choice('bytes', 'KiB a second', [
          line('bytes', 'one', seconds, ({ bytesPerSecond }) => bytesPerSecond / 1_024),
        ]),
      ],
    },
    one('requests', 'Requests of listeners', times, 'a second', [
      line('requests', 'two', seconds, ({ requestsPerSecond }) => requestsPerSecond),
    ]),
    ...(seconds.some(({ faults }) => faults > 0)
      ? [
          one('faults', 'Faults so far', times, 'faults', [
            line('faults', 'two', seconds, ({ faults }) => faults),
          ]),
        ]
      : []),
  ];
}

function latencyChoices(seconds: Seconds): Choice[] {
  const { main, acts } = ordered([
    ...new Set(seconds.flatMap(({ latencies }) => Object.keys(latencies))),
  ]);
  return [...main, ...acts].map((name) => {
    const of = (at: 0 | 1 | 2) => (second: Seconds[number]) => own(second.latencies, name)?.[at];
    return {
      ...{ name, note: meaningOf(name), unit: 'ms' },
      lines: [
        line('p50', 'three', seconds, of(0)),
        line('p99', 'one', seconds, of(1)),
        { ...line('largest', 'two', seconds, of(2)), isDotted: true },
      ],
    };
  });
}

function hubPlots(seconds: HubSeconds): Plot[] {
  const times = timesOf(seconds);
  const cpu = line('CPU', 'one', seconds, ({ cpuShare }) => percent(cpuShare));
  const memory = line('memory', 'three', seconds, ({ rssBytes }) =>
    rssBytes === undefined ? undefined : rssBytes / MIB,
  );
  const metrics = metricChoices(seconds);
  return [
    one('hub-cpu', 'CPU', times, '% of one core', measuredOf([cpu])),
    one('hub-memory', 'Memory', times, 'MiB', measuredOf([memory])),
    {
      ...{ id: 'hub-metrics', title: 'What the hub tells', times, choices: metrics },
      chosen: Math.max(
        0,
        metrics.findIndex(({ name }) => name === FIRST_METRIC),
      ),
    },
  ];
}

function generatorPlots(seconds: Seconds): Plot[] {
  const times = timesOf(seconds);
  return [
    one('generator-busy', 'Busiest thread', times, '% busy', [
      line('busy', 'one', seconds, ({ busyShare }) => percent(busyShare)),
    ]),
    one('generator-delay', 'How late it read', times, 'ms', [
      line('p99', 'one', seconds, ({ loopDelayP99Ms }) => loopDelayP99Ms),
      { ...line('largest', 'two', seconds, ({ loopDelayMs }) => loopDelayMs), isDotted: true },
    ]),
    one('generator-memory', 'Memory', times, 'MiB', [
      line('memory', 'three', seconds, ({ rssBytes }) => rssBytes / MIB),
    ]),
  ];
}

function measuredOf(lines: readonly Line[]): Line[] {
  return lines.filter(({ values }) => values.some((value) => value !== null));
}

function percent(share: number | undefined): number | undefined {
  return share === undefined ? undefined : share * 100;
}
