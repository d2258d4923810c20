// Where inputs are kept between runs: a file for each target, a line for each input, bytes as the characters of Latin-1 in JSON.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const DIR = path.resolve('test/fuzz/corpus');

export function readCorpus(target: string): Uint8Array[] {
  const file = path.join(DIR, `${target}.jsonl`);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => inputOf(JSON.parse(line) as string));
}

export function writeCorpus(target: string, inputs: readonly Uint8Array[]): void {
  mkdirSync(DIR, { recursive: true });
  const lines = inputs.map((input) => lineOf(input)).sort();
  writeFileSync(path.join(DIR, `${target}.jsonl`), `${lines.join('\n')}\n`);
}

/** As it stands in the corpus, in ASCII alone: readable in a difference, and in a report. */
export function lineOf(input: Uint8Array): string {
  return JSON.stringify(Buffer.from(input).toString('latin1')).replaceAll(
    /[\u007f-\u00ff]/g,
    (char) => `\\u00${char.charCodeAt(0).toString(16)}`,
  );
}

export function inputOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}
