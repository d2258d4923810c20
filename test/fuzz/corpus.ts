// Where inputs are kept between runs: a file for each target, a line for each input, bytes as the characters of Latin-1 in JSON.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const DIR = path.resolve('test/fuzz/corpus');
/** Of a file: what is kept goes through every hand that takes the repository. */
const MOST_BYTES = 400_000;

export function readCorpus(target: string): Uint8Array[] {
  const file = path.join(DIR, `${target}.jsonl`);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => inputOf(JSON.parse(line) as string));
}

/** @returns how many found place: the shortest, so that they are as many as may be */
export function writeCorpus(target: string, inputs: readonly Uint8Array[]): number {
  mkdirSync(DIR, { recursive: true });
  const lines = fitting(inputs.map((input) => lineOf(input)));
  writeFileSync(path.join(DIR, `${target}.jsonl`), `${lines.sort().join('\n')}\n`);
  return lines.length;
}

/** @param lines in ASCII */
export function fitting(lines: readonly string[], mostBytes = MOST_BYTES): string[] {
  let bytes = 0;
  return [...lines]
    .sort((a, b) => a.length - b.length)
    .filter((line) => (bytes += line.length + 1) <= mostBytes);
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
