// Makes a new input of one or two that are known: small changes of bytes, numbers, texts and nesting, all drawn from one seed.
import type { Random } from '../../loadtest/random.ts';

const MOST_BYTES = 20_000;
const MOST_CHANGES = 4;

/** What has broken readers of JSON, of numbers and of names elsewhere. */
const HURTFUL = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'null',
  'true',
  '-0',
  '1e400',
  '-1e400',
  '9007199254740993',
  '-1',
  '0.1',
  '4294967296',
  '""',
  '"\\u0000"',
  '"\\ud800"',
  '"\\u202e"',
  '{}',
  '[]',
  '[[[[[[[[[[[[[[[[[[',
  '{"a":',
  '\\',
  '"',
  ',',
  '%00',
  '%2e%2e%2f',
  '../',
  '\u0000',
  '\u00ff\u00fe',
  ' ',
];

type Change = (bytes: number[], random: Random, other: readonly number[]) => void;

const place = (bytes: readonly number[], random: Random): number => random.int(bytes.length + 1);

const CHANGES: readonly Change[] = [
  (bytes, random) => {
    const at = random.int(Math.max(1, bytes.length));
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.int(8));
  },
  (bytes, random) => {
    bytes[random.int(Math.max(1, bytes.length))] = random.int(256);
  },
  (bytes, random) => {
    bytes.splice(place(bytes, random), 1 + random.int(8));
  },
  (bytes, random) => {
    const from = place(bytes, random);
    bytes.splice(place(bytes, random), 0, ...bytes.slice(from, from + 1 + random.int(40)));
  },
  (bytes, random) => {
    bytes.splice(place(bytes, random), random.int(12), ...wordOf(random));
  },
  (bytes, random) => {
    const number = numberIn(bytes, random);
    if (number !== undefined) bytes.splice(number.at, number.length, ...wordOf(random));
  },
  (bytes, random) => {
    const text = textIn(bytes, random);
    if (text !== undefined) bytes.splice(text.at, text.length, ...wordOf(random));
  },
  (bytes, random, other) => {
    const from = random.int(Math.max(1, other.length));
    const part = other.slice(from, from + 1 + random.int(60));
    bytes.splice(place(bytes, random), random.int(60), ...part);
  },
  (bytes, random) => {
    bytes.length = random.int(bytes.length + 1);
  },
];

/** The same bytes for the same draws. */
export function mutate(seed: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  const bytes = [...seed];
  const others = [...other];
  const changes = 1 + random.int(MOST_CHANGES);
  for (let n = 0; n < changes; n += 1) random.pick(CHANGES)?.(bytes, random, others);
  return Uint8Array.from(bytes.slice(0, MOST_BYTES));
}

function wordOf(random: Random): number[] {
  return [...Buffer.from(random.pick(HURTFUL) ?? '', 'latin1')];
}

interface Span {
  readonly at: number;
  readonly length: number;
}

function numberIn(bytes: readonly number[], random: Random): Span | undefined {
  return spanIn(bytes, random, /-?\d+(?:\.\d+)?/g);
}

/** With its quotes. */
function textIn(bytes: readonly number[], random: Random): Span | undefined {
  return spanIn(bytes, random, /"[^"\\]*"/g);
}

function spanIn(bytes: readonly number[], random: Random, pattern: RegExp): Span | undefined {
  const found = [...Buffer.from(bytes).toString('latin1').matchAll(pattern)];
  const match = random.pick(found);
  return match === undefined ? undefined : { at: match.index, length: match[0].length };
}
