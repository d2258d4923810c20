// Reads the vectors, and makes bytes of the three ways in which they write a frame.
import { readFileSync } from 'node:fs';

type Part = string | { readonly repeat: string; readonly times: number };

/** One of `text`, `hex` and `parts`: see protocol/vectors/README.md. */
export interface VectorFrame {
  readonly text?: string;
  readonly hex?: string;
  readonly parts?: readonly Part[];
}

export interface Named {
  readonly name: string;
}

/** @param name of the file, without `.json` */
export function readVectors(name: string): unknown {
  const url = new URL(`../../../protocol/vectors/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8'));
}

export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

export function bytesOf({ text, hex, parts }: VectorFrame): Uint8Array {
  if (hex !== undefined) return fromHex(hex);
  const pieces = parts ?? (text === undefined ? undefined : [text]);
  if (pieces === undefined) throw new TypeError('a vector has text, hex or parts');
  const whole = pieces.map((part) =>
    typeof part === 'string' ? part : part.repeat.repeat(part.times),
  );
  return new TextEncoder().encode(whole.join(''));
}
