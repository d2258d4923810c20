// Paints the covers of the demo tracks: gradients and a few shapes, one motif a piece. Knows pixels, not files.
import { encodePng } from './png.ts';

/** Red, green, blue, 0 to 255. */
type Colour = readonly [number, number, number];
/** The colour at a point; x and y from 0 (left, top) to 1. */
type Painting = (x: number, y: number) => Colour;

const SIZE = 512;
/** The width of an edge, so that it is smooth without being soft. */
const EDGE = 1.5 / SIZE;

/** A painting names its colours at each of its points: read once, they are looked up. */
const COLOURS = new Map<string, Colour>();

function hex(colour: string): Colour {
  const known = COLOURS.get(colour);
  if (known !== undefined) return known;
  const value = Number.parseInt(colour, 16);
  const read: Colour = [value >> 16, (value >> 8) & 0xff, value & 0xff];
  COLOURS.set(colour, read);
  return read;
}

function mix(a: Colour, b: Colour, share: number): Colour {
  // Most points lie outside most shapes.
  if (share <= 0) return a;
  if (share >= 1) return b;
  return [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share];
}

/** 1 inside a shape, 0 outside; `distance` is negative inside. */
function cover(distance: number, edge = EDGE): number {
  const t = Math.min(1, Math.max(0, 0.5 - distance / (2 * edge)));
  return t * t * (3 - 2 * t);
}

function circle(x: number, y: number, cx: number, cy: number, radius: number): number {
  return Math.hypot(x - cx, y - cy) - radius;
}

function box(
  x: number,
  y: number,
  cx: number,
  cy: number,
  halfWidth: number,
  halfHeight: number,
): number {
  return Math.max(Math.abs(x - cx) - halfWidth, Math.abs(y - cy) - halfHeight);
}

const harbour: Painting = (x, y) => {
  const [night, dawn, glow, sea] = [hex('16243f'), hex('e7a58a'), hex('ffe6c4'), hex('0f1b30')];
  if (y < 0.6) {
    const sky = mix(night, dawn, (y / 0.6) ** 1.7);
    const halo = mix(sky, glow, 0.55 * Math.exp(-(Math.hypot(x - 0.5, y - 0.56) ** 2) / 0.03));
    return mix(halo, glow, cover(circle(x, y, 0.5, 0.53, 0.11)));
  }
  const depth = (y - 0.6) / 0.4;
  const water = mix(mix(dawn, night, 0.45), sea, depth ** 0.6);
  const ripple = Math.sin(depth ** 0.55 * 46 + 1.2 * Math.sin(x * 5));
  const reach = 0.13 + 0.1 * depth + 0.05 * ripple;
  const path =
    cover(Math.abs(x - 0.5) - reach, 0.02) * (ripple > 0 ? 0.75 : 0.12) * (1 - 0.8 * depth);
  return mix(water, glow, path);
};

const lanterns: Painting = (x, y) => {
  let colour = mix(hex('231942'), hex('7a2f57'), y * 0.8 + 0.2 * x);
  const string = 0.2 + 0.22 * (2 * x - 1) ** 2 - 0.12 * x + 0.12;
  colour = mix(colour, hex('f0c987'), 0.6 * cover(Math.abs(y - 0.42 + string * 0.6) - 0.0022));
  for (let i = 0; i < 5; i += 1) {
    const cx = 0.12 + i * 0.19;
    const top = 0.42 - 0.6 * (0.2 + 0.22 * (2 * cx - 1) ** 2 - 0.12 * cx + 0.12);
    const cy = top + 0.13 + 0.02 * (i % 2);
    const distance = Math.hypot((x - cx) / 0.82, y - cy) - 0.085;
    colour = mix(colour, hex('ff9b54'), 0.5 * Math.exp(-((Math.max(0, distance) / 0.09) ** 2)));
    const paper = mix(hex('ffe3a3'), hex('ff7b54'), (y - cy + 0.085) / 0.17);
    const rib = 0.08 * (Math.cos((y - cy) * 150) > 0.6 ? 1 : 0);
    colour = mix(colour, mix(paper, hex('b8402f'), rib * 2), cover(distance));
  }
  const hill = 0.82 - 0.08 * Math.sin(x * 4.2 + 0.6) - 0.03 * Math.sin(x * 11);
  colour = mix(colour, hex('160f2b'), cover(hill - y));
  const road =
    Math.abs(x - 0.5 - 0.12 * Math.sin((y - 0.8) * 14)) -
    0.3 * Math.max(0, y - 0.78) ** 1.3 -
    0.004;
  return y > hill + 0.012 ? mix(colour, hex('6b4059'), 0.8 * cover(road)) : colour;
};

const tram: Painting = (x, y) => {
  let colour = mix(hex('0b1d2a'), hex('1f4e5f'), 1 - y);
  for (let i = 0; i < 14; i += 1) {
    const cx = (i * 0.381 + 0.07) % 1;
    const cy = 0.3 + ((i * 0.217) % 0.36);
    const radius = 0.025 + ((i * 0.137) % 0.05);
    const light =
      [hex('ffb347'), hex('f25c54'), hex('7bdff2'), hex('f7ede2')][i % 4] ?? hex('ffffff');
    const distance = circle(x, y, cx, cy, radius);
    colour = mix(
      colour,
      light,
      0.34 * cover(distance, 0.004) + 0.25 * Math.exp(-((Math.max(0, distance) / 0.03) ** 2)),
    );
  }
  for (let i = 0; i < 9; i += 1) {
    const drop = (i * 0.613 + 0.05) % 1;
    const slant = Math.abs(x - drop + (y - 0.5) * 0.06) - 0.0016;
    const from = (i * 0.29) % 0.4;
    if (y > 0.16 + from && y < 0.34 + from) colour = mix(colour, hex('cfe8ef'), 0.3 * cover(slant));
  }
  const inWindow = Math.max(box(x, y, 0.5, 0.47, 0.42, 0.33), circle(x, y, 0.5, 0.47, 0.51));
  const wall = mix(hex('33261d'), hex('1b1410'), y);
  colour = mix(wall, colour, cover(inWindow));
  colour = mix(colour, hex('c08457'), cover(Math.abs(inWindow) - 0.006));
  return mix(colour, hex('8a2f2b'), cover(box(x, y, 0.5, 0.97, 0.36, 0.09)));
};

const comet: Painting = (fineX, fineY) => {
  const cells = 32;
  const [column, row] = [Math.floor(fineX * cells), Math.floor(fineY * cells)];
  const [x, y] = [(column + 0.5) / cells, (row + 0.5) / cells];
  let colour = mix(hex('1a1040'), hex('3b1c71'), Math.round(y * 6) / 6);
  const hash = Math.imul(column * 374_761 + row * 668_265 + 11, 2_246_822_519) >>> 0;
  if (hash % 37 === 0) colour = hash % 2 === 0 ? hex('fdf0d5') : hex('8be9fd');
  const [along, across] = [
    (x - 0.68 - (y - 0.32)) / Math.SQRT2,
    (x - 0.68 + (y - 0.32)) / Math.SQRT2,
  ];
  const width = 0.13 * (1 + along / 0.62);
  if (along < 0 && along > -0.62 && Math.abs(across) < width) {
    const bands = [hex('ffd166'), hex('ff7f51'), hex('ce4257'), hex('720e6a')];
    colour = bands[Math.min(3, Math.floor((-along / 0.62) * 4 + Math.abs(across) * 6))] ?? colour;
  }
  if (circle(x, y, 0.68, 0.32, 0.13) < 0) colour = hex('fff3b0');
  if (circle(x, y, 0.7, 0.3, 0.07) < 0) colour = hex('ffffff');
  return colour;
};

const stairs: Painting = (x, y) => {
  let colour = mix(hex('f6ead7'), hex('e9c9a1'), y);
  colour = mix(colour, hex('e07a3f'), cover(circle(x, y, 0.74, 0.24, 0.1)));
  for (let step = 0; step < 9; step += 1) {
    const left = step * 0.1 + 0.05;
    const top = 0.9 - step * 0.078;
    const plank = box(x, y, left + 0.045, (top + 1) / 2, 0.043, (1 - top) / 2);
    const wood = mix(hex('5b3420'), hex('c98b4f'), step / 8);
    const grain = 0.1 * Math.sin(x * 260 + 3 * Math.sin(y * 17 + step * 2));
    colour = mix(colour, mix(wood, hex('3a2014'), 0.1 + grain), cover(plank));
    colour = mix(
      colour,
      mix(wood, hex('fff1d6'), 0.45),
      cover(box(x, y, left + 0.045, top + 0.008, 0.043, 0.008)),
    );
  }
  return colour;
};

const ballroom: Painting = (x, y) => {
  const [dx, dy] = [x - 0.5, (y - 0.6) * 1.5];
  const [radius, angle] = [Math.hypot(dx, dy), Math.atan2(dy, dx)];
  let colour = mix(hex('5a1528'), hex('16060d'), radius * 1.5);
  for (let turn = 0; turn < 6; turn += 1) {
    const around = (angle / (2 * Math.PI) + 1) % 1;
    const spiral = 0.035 + (turn + around) * 0.068;
    const gold = mix(hex('f4d58d'), hex('8d5a2b'), (turn + around) / 6);
    colour = mix(
      colour,
      gold,
      0.9 * cover(Math.abs(radius - spiral) - 0.0035 - 0.002 * Math.cos(3 * angle), 0.003),
    );
  }
  const beam = Math.abs(x - 0.5) - 0.05 - 0.3 * y;
  colour = mix(colour, hex('f7d9a8'), 0.16 * cover(beam, 0.05) * (1 - y * 0.5));
  for (const [cx, cy, r] of [
    [0.5, 0.1, 0.028],
    [0.44, 0.12, 0.018],
    [0.56, 0.12, 0.018],
  ] as const) {
    const distance = circle(x, y, cx, cy, r);
    colour = mix(
      colour,
      hex('fff4d6'),
      cover(distance) + 0.5 * Math.exp(-((Math.max(0, distance) / 0.045) ** 2)),
    );
  }
  return colour;
};

const ticks: Painting = (x, y) => {
  const [radius, angle] = [Math.hypot(x - 0.5, y - 0.5), Math.atan2(y - 0.5, x - 0.5)];
  let colour = mix(hex('f1f3f5'), hex('cfd6dd'), y);
  const turn = ((angle / (2 * Math.PI) + 1.25) % 1) * 24;
  const nearest = Math.round(turn);
  const isAccent = nearest % 4 === 0;
  const offAxis =
    (Math.abs(turn - nearest) * 2 * Math.PI * radius) / 24 - (isAccent ? 0.011 : 0.006);
  const along = Math.abs(radius - (isAccent ? 0.35 : 0.37)) - (isAccent ? 0.06 : 0.035);
  colour = mix(colour, isAccent ? hex('d6453d') : hex('2b3a4a'), cover(Math.max(offAxis, along)));
  const hand = Math.abs((x - 0.5) * 0.94 + (y - 0.5) * 0.34) - 0.008;
  const isUp = y < 0.5 && radius < 0.27 ? 1 : 0;
  colour = mix(colour, hex('2b3a4a'), cover(hand) * isUp);
  return mix(colour, hex('2b3a4a'), cover(circle(x, y, 0.5, 0.5, 0.035)));
};

const PAINTINGS = { harbour, lanterns, tram, comet, stairs, ballroom, ticks } as const;
export type CoverMotif = keyof typeof PAINTINGS;

/** The cover as a PNG of 512 by 512 pixels. */
export function paintCover(motif: CoverMotif): Buffer {
  const painting = PAINTINGS[motif];
  const rgb = new Uint8ClampedArray(SIZE * SIZE * 3);
  for (let row = 0; row < SIZE; row += 1) {
    for (let column = 0; column < SIZE; column += 1) {
      const [red, green, blue] = painting((column + 0.5) / SIZE, (row + 0.5) / SIZE);
      const at = (row * SIZE + column) * 3;
      rgb[at] = red;
      rgb[at + 1] = green;
      rgb[at + 2] = blue;
    }
  }
  return encodePng(new Uint8Array(rgb.buffer), SIZE, SIZE);
}
