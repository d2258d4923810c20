// Owns the plots of percentiles: each further nine of the share takes as much room as the one before (as HdrHistogram draws them), so
// that the slowest few are seen. Drawn here, as SVG: they need no script.
import { told, toldOr, toldWhole } from '../numbers.ts';
import type { LatencyReport, Report } from '../report.ts';
import type { Colour } from './course.ts';
import { markup, type Markup } from './markup.ts';
import { own } from './own.ts';

export interface Curve {
  readonly name: string;
  readonly colour: Colour;
  readonly isDashed?: boolean;
  readonly summary: LatencyReport;
  readonly points: Report['curves'][string];
}

const BOX = { left: 42, top: 24, width: 306, height: 166 } as const;
const SIZE = { width: 360, height: 226 } as const;
const TICKS = [0, 50, 90, 99, 99.9, 99.99];
/** How many powers of ten a plot spans at most: what is far below is of no interest. */
const MOST_DECADES = 5;
const STEPS = [1, 2, 5];
const FINE_STEPS = [1, 1.5, 2, 3, 4, 5, 6, 8];

interface Span {
  readonly from: number;
  readonly to: number;
}

export function curveOf(
  { curves, latencies }: Pick<Report, 'curves' | 'latencies'>,
  name: string,
  colour: Colour,
): Curve | undefined {
  const [points, summary] = [own(curves, name), own(latencies, name)];
  return points === undefined || summary === undefined || summary.count === 0
    ? undefined
    : { name, colour, summary, points };
}

export function curvesFigure(title: string, curves: readonly Curve[]): Markup {
  const shown = curves.map((curve) => ({ ...curve, points: resolvedPoints(curve) }));
  const nines = Math.max(2, ...shown.flatMap(({ points }) => points.map(([x]) => x)));
  const span = spanOf(shown.flatMap(({ points }) => points.map(([, ms]) => ms)));
  return markup`<figure class="plot">
<figcaption><h3 class="plot-title">${title}</h3><ul class="legend">${curves.map(
    ({ name, colour, summary }) =>
      markup`<li><i class="swatch ${colour}"></i>${name} <span class="soft">(${toldWhole(summary.count)})</span></li>`,
  )}</ul></figcaption>
<svg viewBox="0 0 ${SIZE.width} ${SIZE.height}" role="img" aria-label="${spokenOf(title, curves)}">
${axes(nines, span)}
${shown.map(({ points, colour, isDashed }) => {
  const places = points.map(([x, ms]) => `${placeX(x, nines)} ${placeY(ms, span)}`);
  const last = points.at(-1);
  return markup`<path class="curve ${colour}${isDashed === true ? ' dashed' : ''}" d="M${places.join('L')}"/>${
    last &&
    markup`<circle class="${colour}" fill="none" cx="${placeX(last[0], nines)}" cy="${placeY(last[1], span)}" r="2.5"/>`
  }`;
})}
</svg></figure>`;
}

/** As `[powers of ten of 1 / (1 - share), ms]`. Of a hundred values there is no 99.9th percentile: the curve ends with the largest. */
function resolvedPoints({ points, summary }: Curve): [number, number][] {
  const count = Math.max(1, summary.count);
  const resolved = points
    .map(([percent, ms]): [number, number] => [Math.log10(100 / (100 - percent)), ms])
    .filter(([x]) => x < Math.log10(count));
  const largest = summary.maxMs ?? points.at(-1)?.[1];
  const end = Math.min(Math.log10(count), Math.log10(100 / (100 - (TICKS.at(-1) ?? 0))));
  return largest === undefined ? resolved : [...resolved, [end, largest]];
}

function spanOf(values: readonly number[]): Span {
  const most = Math.max(...values, 0);
  const positive = values.filter((value) => value > 0);
  if (most <= 0) return { from: 0.1, to: 1 };
  const least = Math.max(Math.min(...positive), most / 10 ** MOST_DECADES);
  const from = roundBelow(least);
  return { from, to: Math.max(roundAbove(most), from * 2) };
}

function roundBelow(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * (FINE_STEPS.findLast((step) => step * power <= value) ?? 1);
}

function roundAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * (FINE_STEPS.find((step) => step * power >= value) ?? 10);
}

function axes(nines: number, span: Span): Markup[] {
  const bottom = BOX.top + BOX.height;
  const right = BOX.left + BOX.width;
  const across = TICKS.filter((tick) => ninesOf(tick) <= nines).map((tick) => {
    const x = placeX(ninesOf(tick), nines);
    return markup`<path class="grid" d="M${x} ${BOX.top}V${bottom}"/><text x="${x}" y="${bottom + 16}" text-anchor="middle">${tick}</text>`;
  });
  const up = ticksOf(span).map((tick) => {
    const y = placeY(tick, span);
    return markup`<path class="grid" d="M${BOX.left} ${y}H${right}"/><text x="${BOX.left - 7}" y="${y + 4}" text-anchor="end">${Number(tick.toPrecision(2))}</text>`;
  });
  return [
    ...across,
    ...up,
    markup`<text x="${BOX.left - 7}" y="12" text-anchor="end">ms</text>`,
    markup`<text x="${right}" y="${SIZE.height - 4}" text-anchor="end">percentile</text>`,
  ];
}

/** As many as have room: powers of ten where the plot spans many, and finer steps where it spans less than one. */
function ticksOf(span: Span): number[] {
  const candidates = [[1], STEPS, FINE_STEPS].map((steps) => ticksBy(steps, span));
  return candidates.find((ticks) => ticks.length >= 3) ?? candidates.at(-1) ?? [];
}

function ticksBy(steps: readonly number[], { from, to }: Span): number[] {
  const powers: number[] = [];
  for (let at = Math.floor(Math.log10(from)); at <= Math.log10(to); at++) powers.push(10 ** at);
  return powers
    .flatMap((power) => steps.map((step) => step * power))
    .filter((tick) => tick >= from * 0.999 && tick <= to * 1.001);
}

function ninesOf(percent: number): number {
  return Math.log10(100 / (100 - percent));
}

function placeX(nines: number, most: number): number {
  return tenths(BOX.left + (BOX.width * nines) / most);
}

function placeY(ms: number, { from, to }: Span): number {
  const share = Math.log(Math.max(from, ms) / from) / Math.log(to / from);
  return tenths(BOX.top + BOX.height * (1 - share));
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}

function spokenOf(title: string, curves: readonly Curve[]): string {
  const told99 = curves.map(
    ({ name, summary: { p50Ms, p99Ms, maxMs } }) =>
      `${name} p50 ${toldOr(p50Ms)}, p99 ${toldOr(p99Ms)}, at most ${maxMs === null ? '–' : told(maxMs)} ms`,
  );
  return `Percentiles, ${title}: ${told99.join('; ')}.`;
}
