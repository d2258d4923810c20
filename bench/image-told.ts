// The size of the image in words and a table. Measures nothing.
import { heading, row } from './append-child.ts';
import type { Told } from './curve-report.ts';
import type { Image, ImagePart } from './image.ts';

/** Packages below it are told as one. */
const LEAST_BYTES = 1e6;

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

export function toldImage({ wholeBytes, parts, packages }: Image): Told {
  return {
    title: 'The image',
    about:
      'What the image has on top of `debian:trixie-slim`, by the steps of the Dockerfile (`npm run try:image`); MB (10⁶ bytes), not compressed. A scope of packages is one group.',
    lines: [
      heading(['part', 'MB']),
      ...parts.map(({ name, bytes }) => row([name, megabytes(bytes)])),
      row(['in all', megabytes(wholeBytes)]),
      '',
      heading(['packages', 'MB']),
      ...grouped(packages).map(({ name, bytes }) => row([name, megabytes(bytes)])),
    ],
  };
}

/** @returns the heaviest first, and in the end those that are light, as one */
function grouped(packages: readonly ImagePart[]): ImagePart[] {
  const heavy = packages.filter(({ bytes }) => bytes >= LEAST_BYTES);
  const light = packages.filter(({ bytes }) => bytes < LEAST_BYTES);
  const sorted = [...heavy].sort((a, b) => b.bytes - a.bytes);
  if (light.length === 0) return sorted;
  const bytes = light.reduce((sum, part) => sum + part.bytes, 0);
  return [...sorted, { name: `${light.length} lighter ones`, bytes }];
}
