// Draws each part of the curves as a small chart, and says in words what it shows. Measures nothing, and writes no files.
import type { PartName, Parts } from './curve-report.ts';
import { NAMES } from './curve-subjects.ts';
import { SI } from './curve-tables.ts';
import { placesOf, type Curves, type FiguresOf } from './curve.ts';
import type { Delivery } from './delivery.ts';
import { axes, bar, colours, dot, legend, line, svg, text, type Axes, type Scale } from './svg.ts';

export interface CurvePlot {
  readonly file: string;
  readonly drawn: string;
  /** For those who do not see it. */
  readonly alt: string;
}

interface Plot<T> {
  readonly title: string;
  readonly unit: string;
  readonly xLabel: string;
  readonly x: Scale['kind'];
  readonly y: Scale['kind'];
  readonly value: (figures: T) => number;
}

const WIDTH = 800;
const [LEFT, TOP, WIDE, HIGH] = [80, 84, 690, 260] as const;
const BAR_HIGH = 16;
const BAR_LEFT = 270;
const MB = 1_024 * 1_024;

const totalUs = ({ totalUs: us }: Delivery): number => us;
const A_DELIVERY = 'µs of CPU a delivery';

export function plotsOf(parts: Parts): ReadonlyMap<PartName, CurvePlot> {
  const { sizes, rooms, busy, memory, nodes, last, storm } = parts;
  const plots = new Map<PartName, CurvePlot>();
  const add = (name: PartName, drawn: Omit<CurvePlot, 'file'>): void => {
    plots.set(name, { file: `${name}.svg`, ...drawn });
  };
  const cost = { unit: A_DELIVERY, value: totalUs } as const;
  if (sizes !== undefined) {
    const title = 'Cost of a delivery against the size of a room';
    const xLabel = 'listeners of a room';
    add('sizes', lines(sizes, { ...cost, title, xLabel, x: 'log', y: 'log' }));
  }
  if (rooms !== undefined) {
    const title = 'Cost of a delivery against the number of rooms';
    add('rooms', lines(rooms, { ...cost, title, xLabel: 'rooms', x: 'log', y: 'linear' }));
  }
  if (busy !== undefined)
    add(
      'busy',
      bars(busy, { ...cost, title: 'Cost of a delivery in a busy room' }, () => ''),
    );
  if (memory !== undefined) {
    const [title, xLabel] = ['Memory against connections', 'joined, idle connections'];
    const value = ({ rssBytes }: { readonly rssBytes: number }): number => rssBytes / MB;
    add('memory', lines(memory, { title, xLabel, unit: 'MB', value, x: 'linear', y: 'linear' }));
  }
  if (nodes !== undefined) {
    const [title, xLabel] = ['CPU against nodes', 'nodes on one Redis'];
    const value = ({ wholeUs }: Delivery): number => wholeUs;
    add(
      'nodes',
      lines(nodes, {
        unit: `${A_DELIVERY}, in all`,
        value,
        title,
        xLabel,
        x: 'linear',
        y: 'linear',
      }),
    );
  }
  if (last !== undefined) {
    const title = 'Until the last listener has it, p99';
    const value = ({ p99Ms }: { readonly p99Ms: number }): number => p99Ms;
    add(
      'last',
      bars(last, { title, unit: 'ms', value }, () => ''),
    );
  }
  if (storm !== undefined) {
    const title = 'A storm of connections: until all are in';
    const value = ({ allInS }: { readonly allInS: number }): number => allInS;
    add(
      'storm',
      bars(storm, { title, unit: 's', value }, (count) =>
        count === 1 ? ', one room' : `, ${SI(count)} rooms`,
      ),
    );
  }
  return plots;
}

/** The same in every chart. */
const IN_ORDER: readonly string[] = [
  ...[NAMES.earshot, NAMES.publish, NAMES.sends, NAMES.socketIo],
  ...[NAMES.ws, NAMES.centrifugo, NAMES.earshotAtOnce],
];

function colourOf(subject: string): string {
  return colours[IN_ORDER.indexOf(subject)] ?? colours[colours.length - 1] ?? '';
}

function lines<T extends FiguresOf<T>>(curves: Curves<T>, plot: Plot<T>): Omit<CurvePlot, 'file'> {
  const { title, unit, xLabel, value } = plot;
  const series = curves.series.map(({ subject, points }) => ({
    subject,
    colour: colourOf(subject),
    points: points.map(({ x, figures }) => [x, value(figures)] as const),
  }));
  const values = series.flatMap(({ points }) => points.map(([, y]) => y));
  const frame: Axes = {
    box: { left: LEFT, top: TOP, width: WIDE, height: HIGH },
    x: placeScale(plot.x, placesOf(curves)),
    y: valueScale(plot.y, values),
    xLabel,
    yLabel: unit,
  };
  // The first is ours, and is drawn over the others.
  const drawn = [...series].reverse().flatMap(({ points, colour, subject }) => {
    const width = subject === series[0]?.subject ? 2.5 : 1.5;
    return [line(points, frame, colour, width), ...points.map((at) => dot(at, frame, colour, 3))];
  });
  const names = series.map(({ subject: name, colour }) => ({ name, colour }));
  const alt = series.map(({ subject, points }) => {
    const [first, last] = [points[0], points.at(-1)];
    if (first === undefined || last === undefined) return subject;
    return `${subject} ${shown(first[1])} at ${SI(first[0])} and ${shown(last[1])} at ${SI(last[0])}`;
  });
  return {
    drawn: svg(title, WIDTH, TOP + HIGH + 46, [
      legend(names, LEFT, 46, WIDE),
      axes(frame),
      ...drawn,
    ]),
    alt: `${title}, ${unit}, by ${xLabel}: ${alt.join('; ')}`,
  };
}

/** A bar for each subject at each place. */
function bars<T extends FiguresOf<T>>(
  curves: Curves<T>,
  { title, unit, value }: Pick<Plot<T>, 'title' | 'unit' | 'value'>,
  placeName: (x: number) => string,
): Omit<CurvePlot, 'file'> {
  const all = placesOf(curves).flatMap((x) =>
    curves.series.flatMap(({ subject, points }) => {
      const at = points.find((point) => point.x === x);
      if (at === undefined) return [];
      return {
        name: `${subject}${placeName(x)}`,
        value: value(at.figures),
        colour: colourOf(subject),
      };
    }),
  );
  const top = 40;
  const rowHigh = BAR_HIGH + 8;
  const x = valueScale(
    'linear',
    all.map((each) => each.value),
  );
  const frame: Axes = {
    box: { left: BAR_LEFT, top, width: WIDTH - BAR_LEFT - 60, height: all.length * rowHigh + 8 },
    ...{ x, y: { kind: 'linear', from: 0, to: 1, ticks: [] } },
    xLabel: unit,
  };
  const drawn = all.flatMap(({ name, value: of, colour }, i) => {
    const y = top + 8 + i * rowHigh;
    const label = { 'text-anchor': 'end' };
    return [
      text(BAR_LEFT - 8, y + 12, name, label),
      bar(of, y, BAR_HIGH, frame, colour),
      text(WIDTH - 54, y + 12, shown(of)),
    ];
  });
  return {
    drawn: svg(title, WIDTH, top + all.length * rowHigh + 54, [axes(frame), ...drawn]),
    alt: `${title}, ${unit}: ${all.map((each) => `${each.name} ${shown(each.value)}`).join('; ')}`,
  };
}

const shown = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(1));

/** Ends where the places do, and has a tick at each. */
function placeScale(kind: Scale['kind'], places: readonly number[]): Scale {
  const [from = 0, to = 1] = [places[0], places.at(-1)];
  return { kind, from, to: to > from ? to : from + 1, ticks: places };
}

/** From nothing, or on a logarithmic one from the power of ten, or half of it, below the least. */
export function valueScale(kind: Scale['kind'], values: readonly number[]): Scale {
  const above = values.filter((value) => value > 0);
  const most = Math.max(...above, 1e-3);
  if (kind === 'linear') {
    const step = stepOf(most);
    const count = Math.ceil(most / step);
    const ticks = Array.from({ length: count + 1 }, (_, i) => tidy(i * step));
    return { kind, from: 0, to: tidy(count * step), ticks };
  }
  const least = Math.min(...above, most);
  const marks = [-2, -1, 0, 1, 2, 3, 4].flatMap((power) =>
    [1, 2, 5].map((digit) => tidy(digit * 10 ** power)),
  );
  const from = marks.filter((mark) => mark <= least).at(-1) ?? least;
  const to = marks.find((mark) => mark >= most && mark > from) ?? most;
  return { kind, from, to, ticks: marks.filter((mark) => mark >= from && mark <= to) };
}

/** One, two or five tenths of a power of ten: so that there are four to ten of them. */
function stepOf(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most));
  const step = [0.1, 0.2, 0.5, 1].find((digit) => most / (digit * power) <= 8) ?? 1;
  return step * power;
}

const tidy = (value: number): number => Number(value.toPrecision(6));
