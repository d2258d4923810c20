// Owns the drawing of small charts as SVG text, readable on light and on dark pages; knows nothing of clocks.

export type Point = readonly [x: number, y: number];

export interface Scale {
  readonly kind: 'linear' | 'log';
  readonly from: number;
  readonly to: number;
  readonly ticks: readonly number[];
}

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface Axes {
  readonly box: Box;
  readonly x: Scale;
  readonly y: Scale;
  /** With units. */
  readonly xLabel?: string;
  readonly yLabel?: string;
}

/** The colours of the first lines are told apart by those who see no red or green as well (Okabe and Ito). */
export const colours = [
  '#d55e00',
  '#0072b2',
  '#009e73',
  '#cc79a7',
  '#b8860b',
  '#56b4e9',
  '#7f7f7f',
  '#8b5cf6',
] as const;

const style = `<style>
text{font:12px system-ui,sans-serif;fill:#444}.title{font-size:14px;font-weight:600}.small{font-size:11px}
.grid{stroke:#999;stroke-opacity:.25}.axis{stroke:#888}.ground{fill:#fff}
@media (prefers-color-scheme:dark){text{fill:#ccc}.ground{fill:#14171a}}
</style>`;

export function svg(
  title: string,
  width: number,
  height: number,
  parts: readonly string[],
): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    style,
    `<rect class="ground" width="${width}" height="${height}"/>`,
    text(12, 22, title, { class: 'title' }),
    ...parts,
    '</svg>\n',
  ].join('\n');
}

export function text(
  x: number,
  y: number,
  value: string,
  attributes: Readonly<Record<string, string>> = {},
): string {
  const told = Object.entries(attributes).map(([name, of]) => ` ${name}="${of}"`);
  return `<text x="${short(x)}" y="${short(y)}"${told.join('')}>${escaped(value)}</text>`;
}

/** Frame, grid, ticks and labels. */
export function axes({ box, x, y, xLabel, yLabel }: Axes): string {
  const bottom = box.top + box.height;
  const right = box.left + box.width;
  const parts = x.ticks.map((tick) => {
    const at = short(placeX(tick, box, x));
    return `<path class="grid" d="M${at} ${box.top}V${bottom}"/>${text(+at, bottom + 15, named(tick), { 'text-anchor': 'middle', class: 'small' })}`;
  });
  for (const tick of y.ticks) {
    const at = short(placeY(tick, box, y));
    parts.push(
      `<path class="grid" d="M${box.left} ${at}H${right}"/>${text(box.left - 6, +at + 4, named(tick), { 'text-anchor': 'end', class: 'small' })}`,
    );
  }
  parts.push(
    `<rect class="axis" fill="none" x="${box.left}" y="${box.top}" width="${box.width}" height="${box.height}"/>`,
  );
  if (xLabel !== undefined)
    parts.push(text(box.left + box.width / 2, bottom + 32, xLabel, { 'text-anchor': 'middle' }));
  if (yLabel !== undefined) {
    const middle = box.top + box.height / 2;
    const at = box.left - 42;
    parts.push(
      text(at, middle, yLabel, {
        'text-anchor': 'middle',
        transform: `rotate(-90 ${at} ${middle})`,
      }),
    );
  }
  return parts.join('\n');
}

export function line(
  points: readonly Point[],
  { box, x, y }: Axes,
  colour: string,
  width = 1.5,
): string {
  const path = points.map(
    ([px, py], index) =>
      `${index === 0 ? 'M' : 'L'}${short(placeX(px, box, x))} ${short(placeY(py, box, y))}`,
  );
  return `<path fill="none" stroke="${colour}" stroke-width="${width}" stroke-linejoin="round" d="${path.join('')}"/>`;
}

/** What lies between two lines with the same x. */
export function band(
  upper: readonly Point[],
  lower: readonly Point[],
  { box, x, y }: Axes,
  colour: string,
): string {
  const path = [...upper, ...[...lower].reverse()].map(
    ([px, py]) => `${short(placeX(px, box, x))} ${short(placeY(py, box, y))}`,
  );
  return `<path fill="${colour}" fill-opacity=".18" d="M${path.join('L')}Z"/>`;
}

export function dot([px, py]: Point, { box, x, y }: Axes, colour: string, radius: number): string {
  const cx = short(placeX(px, box, x));
  const cy = short(placeY(py, box, y));
  return `<circle cx="${cx}" cy="${cy}" r="${radius}" fill="${colour}" fill-opacity=".85"/>`;
}

/** From nothing to `value`, lying. */
export function bar(value: number, top: number, height: number, { box, x }: Axes, colour: string) {
  const width = placeX(value, box, x) - box.left;
  return `<rect x="${box.left}" y="${top}" width="${short(width)}" height="${height}" fill="${colour}"/>`;
}

/** Names beside their colours, in one row that breaks at `width`. */
export function legend(
  entries: readonly { readonly name: string; readonly colour: string }[],
  left: number,
  top: number,
  width: number,
): string {
  let x = left;
  let y = top;
  return entries
    .map(({ name, colour }) => {
      const needed = 30 + name.length * 6.6;
      if (x + needed > left + width) {
        x = left;
        y += 17;
      }
      const entry = `<rect x="${short(x)}" y="${y - 9}" width="12" height="9" fill="${colour}"/>${text(x + 17, y, name)}`;
      x += needed;
      return entry;
    })
    .join('\n');
}

function part(value: number, { kind, from, to }: Scale): number {
  const within = Math.max(Math.min(from, to), Math.min(Math.max(from, to), value));
  if (kind === 'linear') return (within - from) / (to - from);
  return Math.log(within / from) / Math.log(to / from);
}

function placeX(value: number, box: Box, scale: Scale): number {
  return box.left + box.width * part(value, scale);
}

function placeY(value: number, box: Box, scale: Scale): number {
  return box.top + box.height * (1 - part(value, scale));
}

function short(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function named(value: number): string {
  return String(value).replace('-', '−');
}

function escaped(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

/** The largest error of each stretch of time: a line of all samples would be a smear. */
export function worstOf(points: readonly Point[], everySeconds: number): Point[] {
  const worst = new Map<number, number>();
  for (const [seconds, value] of points) {
    const slot = Math.floor(seconds / everySeconds);
    worst.set(slot, Math.max(worst.get(slot) ?? 0, Math.abs(value)));
  }
  return [...worst].map(([slot, value]) => [(slot + 0.5) * everySeconds, value]);
}
