// Draws a soak over time: memory, descriptors, timers, and who was there, a panel for each. Measures nothing, and writes no files.
import { valueScale, type CurvePlot } from './curve-plots.ts';
import type { Soak } from './soak.ts';
import type { AtRest } from './soak-verdict.ts';
import { axes, band, colours, dot, legend, line, svg, text, type Axes, type Point } from './svg.ts';

interface Panel {
  readonly title: string;
  readonly lines: readonly PanelLine[];
}

interface PanelLine {
  readonly name: string;
  readonly of: (figures: AtRest) => number;
}

const WIDTH = 800;
const [LEFT, WIDE, HIGH] = [80, 690, 120] as const;
/** Above the first panel are the title and what is judged. */
const TOP = 66;
const ROW = HIGH + 50;
const MB = 1_024 * 1_024;

const PANELS: readonly Panel[] = [
  {
    title: 'Memory, MB',
    lines: [
      { name: 'resident', of: ({ rssBytes }) => rssBytes / MB },
      { name: 'taken for the heap', of: ({ takenBytes }) => takenBytes / MB },
      { name: 'what lives', of: ({ liveBytes }) => liveBytes / MB },
      { name: 'code', of: ({ codeBytes }) => codeBytes / MB },
    ],
  },
  {
    title: 'Open file descriptors',
    lines: [
      { name: 'descriptors', of: ({ openFiles }) => openFiles },
      { name: 'files of the embedded database', of: ({ databaseFiles }) => databaseFiles },
      { name: 'connections to Postgres', of: ({ databaseConnections }) => databaseConnections },
    ],
  },
  {
    title: 'Timers and active resources',
    lines: [
      { name: 'timers', of: ({ timers }) => timers },
      { name: 'active resources', of: ({ resources }) => resources },
    ],
  },
  {
    title: 'Who is there',
    lines: [
      { name: 'connections', of: ({ connections }) => connections },
      { name: 'rooms', of: ({ rooms }) => rooms },
    ],
  },
];

export function soakPlot(soak: Soak): CurvePlot {
  const { samples, judged, before } = soak;
  const minutes = samples.map(({ atSeconds }) => atSeconds / 60);
  const x = valueScale('linear', minutes);
  const drawn = PANELS.flatMap((panel, i) => {
    const top = TOP + i * ROW + 18;
    const all = panel.lines.flatMap(({ of }) => [...samples.map(of), of(before)]);
    const frame: Axes = {
      box: { left: LEFT, top, width: WIDE, height: HIGH },
      ...{ x, y: valueScale('linear', all) },
      ...(i === PANELS.length - 1 ? { xLabel: 'minutes' } : {}),
    };
    return [
      text(LEFT, top - 8, panel.title),
      legend(
        panel.lines.map(({ name }, n) => ({ name, colour: colours[n] ?? '' })),
        LEFT + 240,
        top - 8,
        WIDE - 240,
      ),
      judgedBand(judged, frame),
      axes(frame),
      ...panel.lines.flatMap(({ of }, n) => seriesOf(soak, of, frame, colours[n] ?? '')),
    ];
  });
  const high = TOP + PANELS.length * ROW + 22;
  const note =
    'Shaded: the time over which the slope of memory is judged. Dots: before anybody came, and after all had left.';
  return {
    file: 'soak.svg',
    drawn: svg('A soak over time', WIDTH, high, [text(12, 44, note, { class: 'small' }), ...drawn]),
    alt: altOf(soak),
  };
}

function judgedBand([from, to]: Soak['judged'], frame: Axes): string {
  const edge = (y: number): Point[] => [
    [from / 60, y],
    [to / 60, y],
  ];
  return band(edge(frame.y.to), edge(frame.y.from), frame, colours[6]);
}

function seriesOf(
  { samples, before, after }: Soak,
  of: PanelLine['of'],
  frame: Axes,
  colour: string,
): string[] {
  const points = samples.map((sample): Point => [sample.atSeconds / 60, of(sample)]);
  const end = points.at(-1)?.[0] ?? 0;
  return [
    line(points, frame, colour),
    dot([0, of(before)], frame, colour, 4),
    dot([end, of(after)], frame, colour, 4),
  ];
}

function altOf({ samples, before, after }: Soak): string {
  const told = PANELS.flatMap(({ title, lines }) =>
    lines.map(({ name, of }) => {
      const values = samples.map(of);
      const least = shown(Math.min(...values));
      const most = shown(Math.max(...values));
      return `${title}, ${name}: ${shown(of(before))} before anybody came, ${least} to ${most} meanwhile, ${shown(of(after))} after all had left`;
    }),
  );
  return `A soak over time. ${told.join('; ')}`;
}

const shown = (value: number): string => value.toFixed(0);
