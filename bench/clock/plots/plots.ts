// Owns the plots of docs/sync: which runs they show and how; the drawing is svg.ts, the running series.ts.

import { mkdir, writeFile } from 'node:fs/promises';
import { linkNames } from '../../../test/clock/support/sim-links.ts';
import type { SubjectReport } from '../links.ts';
import { type SubjectName, subjectNames } from '../subjects.ts';
import { plottedRun, pointsOf } from './series.ts';
import {
  type Axes,
  axes,
  band,
  colours,
  dot,
  legend,
  line,
  type Scale,
  svg,
  text,
  worstOf,
} from '../../svg.ts';

const folder = 'docs/sync';
/** Any other would do; this one shows queues early and late. */
const seed = 3;
const minuteMs = 60_000;
const colourOf = (subject: SubjectName): string => colours[subjectNames.indexOf(subject)] ?? '#888';
const legendOf = (names: readonly SubjectName[]): { name: string; colour: string }[] =>
  names.map((name) => ({ name, colour: colourOf(name) }));

/** Writes what needs no statistics, and `links.svg` where each clock was run on each link. */
export async function writePlots(reports: readonly SubjectReport[]): Promise<string[]> {
  const plots = [
    { name: 'bufferbloat.svg', drawn: bufferbloat() },
    { name: 'step.svg', drawn: step() },
    { name: 'bound.svg', drawn: bound() },
  ];
  if (reports.length === linkNames.length * subjectNames.length) {
    plots.push({ name: 'links.svg', drawn: linksPlot(reports) });
  }
  await mkdir(folder, { recursive: true });
  for (const { name, drawn } of plots) await writeFile(`${folder}/${name}`, drawn);
  return plots.map(({ name }) => `${folder}/${name}`);
}

/** One panel a clock: the error over a quarter of an hour behind a queue that fills and drains. */
function bufferbloat(): string {
  const durationMs = 15 * minuteMs;
  const x: Scale = { kind: 'linear', from: 0, to: 15, ticks: [0, 5, 10, 15] };
  const y: Scale = { kind: 'log', from: 0.01, to: 300, ticks: [0.01, 0.1, 1, 10, 100] };
  const columns = 2;
  const panels = subjectNames.map((subject, index) => {
    const left = 70 + (index % columns) * 380;
    const top = 56 + Math.floor(index / columns) * 128;
    const isLast = index >= subjectNames.length - columns;
    const panel: Axes = {
      box: { left, top, width: 310, height: 90 },
      x,
      y,
      ...(isLast ? { xLabel: 'minutes after the join' } : {}),
      ...(index % columns === 0 ? { yLabel: 'error, ms' } : {}),
    };
    const run = plottedRun({ subject, link: 'bloat', seed, durationMs });
    const all = pointsOf(run, ({ excessMs }) => excessMs, { fromMs: 0, toMs: durationMs });
    const worst = worstOf(all, 5).map(([seconds, ms]) => [seconds / 60, ms] as const);
    return `${axes(panel)}\n${line(worst, panel, colourOf(subject))}\n${text(left + 6, top - 5, subject)}`;
  });
  return svg('Behind a bloated buffer: the largest error of each 5 s, one run', 800, 590, panels);
}

/** Hub time leaps by 30 ms: who notices, and when. */
function step(): string {
  const atMs = 120_000;
  const names: readonly SubjectName[] = [
    'sendspin',
    '@ircam/sync',
    'beatsync',
    'snapcast',
    'jellyfin',
    'timesync, 10 s',
    'earshot',
  ];
  const panel: Axes = {
    box: { left: 70, top: 70, width: 700, height: 270 },
    x: { kind: 'linear', from: -5, to: 60, ticks: [0, 10, 20, 30, 40, 50, 60] },
    y: { kind: 'linear', from: -35, to: 10, ticks: [-30, -20, -10, 0, 10] },
    xLabel: 'seconds after the leap',
    yLabel: 'error, ms',
  };
  const lines = names.map((subject) => {
    const steps = [{ atMs, byMs: 30 }];
    const run = plottedRun({ subject, link: 'wifi', seed, durationMs: 190_000, steps });
    const span = { fromMs: atMs - 5_000, toMs: atMs + 60_000, zeroMs: atMs };
    const points = pointsOf(run, ({ excessMs }) => excessMs, span);
    const leaps = (index: number): boolean =>
      Math.abs((points[index]?.[1] ?? 0) - (points[index - 1]?.[1] ?? 0)) > 1;
    const thinned = points.filter(
      (_, index) => index % 10 === 0 || leaps(index) || leaps(index + 1),
    );
    return line(thinned, panel, colourOf(subject), subject === 'earshot' ? 2.5 : 1.4);
  });
  return svg('Hub time leaps by +30 ms, on Wi-Fi', 800, 390, [
    legend(legendOf([...names].reverse()), 70, 46, 700),
    axes(panel),
    ...lines,
  ]);
}

/** The proof around what is given out, with the truth inside. */
function bound(): string {
  const durationMs = minuteMs;
  const panel: Axes = {
    box: { left: 70, top: 70, width: 700, height: 270 },
    x: { kind: 'linear', from: 0, to: 60, ticks: [0, 10, 20, 30, 40, 50, 60] },
    y: { kind: 'linear', from: -150, to: 150, ticks: [-150, -100, -50, 0, 50, 100, 150] },
    xLabel: 'seconds after the join',
    yLabel: 'hub time − estimate, ms',
  };
  const run = plottedRun({ subject: 'earshot', link: 'bloat', seed, durationMs });
  const span = { fromMs: 0, toMs: durationMs };
  const every = (
    of: (sample: (typeof run.samples)[number]) => number,
  ): (readonly [number, number])[] => pointsOf(run, of, span).filter((_, index) => index % 2 === 0);
  const [own, likely, truth] = [colours[0], colours[1], colours[2]];
  return svg(
    'What is proven, what is likely, and the truth: a join behind a full queue',
    800,
    390,
    [
      legend(
        [
          { name: 'proven bound', colour: own },
          { name: 'estimated error', colour: likely },
          { name: 'true error', colour: truth },
        ],
        70,
        46,
        700,
      ),
      axes(panel),
      band(
        every(({ maxErrorMs }) => maxErrorMs),
        every(({ maxErrorMs }) => -maxErrorMs),
        panel,
        own,
      ),
      band(
        every(({ estErrorMs }) => estErrorMs),
        every(({ estErrorMs }) => -estErrorMs),
        panel,
        likely,
      ),
      line(
        every(({ errorMs }) => -errorMs),
        panel,
        truth,
        1.8,
      ),
    ],
  );
}

/** p95 of each clock on each link. */
function linksPlot(reports: readonly SubjectReport[]): string {
  const rowHeight = 44;
  const box = { left: 90, top: 76, width: 680, height: rowHeight * linkNames.length };
  const panel: Axes = {
    box,
    x: { kind: 'log', from: 0.02, to: 200, ticks: [0.02, 0.1, 1, 10, 100] },
    y: { kind: 'linear', from: linkNames.length, to: 0, ticks: [] },
    xLabel: '95th percentile of the error beyond the path’s asymmetry, ms',
  };
  const names = linkNames.map((link, row) =>
    text(box.left - 8, box.top + (row + 0.5) * rowHeight + 4, link, { 'text-anchor': 'end' }),
  );
  const rules = linkNames
    .slice(1)
    .map(
      (_, row) => `<path class="grid" d="M${box.left} ${box.top + (row + 1) * rowHeight}h680"/>`,
    );
  const dots = reports.map(({ subject, report }) => {
    const among = subjectNames.indexOf(subject);
    const row = linkNames.indexOf(report.link) + (among + 1) / (subjectNames.length + 1);
    return dot([report.p95Ms, row], panel, colourOf(subject), subject === 'earshot' ? 6 : 4);
  });
  return svg('Error on each link', 800, box.top + box.height + 50, [
    legend(legendOf(subjectNames), 90, 46, 690),
    axes(panel),
    ...rules,
    ...names,
    ...dots,
  ]);
}
