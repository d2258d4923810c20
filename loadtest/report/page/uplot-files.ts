// Owns where uPlot's own files are: a page carries its script, its style and its licence.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

export interface UplotFiles {
  readonly script: string;
  readonly style: string;
  readonly licence: string;
}

export function readUplot(): UplotFiles {
  const require = createRequire(import.meta.url);
  const read = (file: string): string => readFileSync(require.resolve(`uplot/${file}`), 'utf8');
  return {
    script: read('dist/uPlot.iife.min.js'),
    style: read('dist/uPlot.min.css'),
    licence: read('LICENSE'),
  };
}
