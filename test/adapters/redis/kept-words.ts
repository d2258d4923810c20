// What earlier versions have written into Redis and told over it, kept as it was: nodes of two versions share a Redis during an upgrade.
// `KEEP_WORDS=1.3` keeps what this version writes otherwise than the newest that is kept, as that of 1.3.
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { expect, it } from 'vitest';

const FOLDER = path.resolve('test/fixtures/words');
const VERSION = process.env['KEEP_WORDS'];

export interface Example<W> {
  /** What this version writes. */
  write(): Promise<W> | W;
  /** What this version makes of what any version wrote. */
  read(words: W): unknown;
}

interface Kept<W> {
  readonly words: W;
  readonly meaning: unknown;
}

interface KeptFile<W> {
  readonly name: string;
  readonly kept: Readonly<Record<string, Kept<W>>>;
}

/** Oldest first. */
function filesOf<W>(family: string): readonly KeptFile<W>[] {
  if (!existsSync(FOLDER)) return [];
  return (
    readdirSync(FOLDER)
      .filter((name) => new RegExp(`^${family}-\\d[\\d.]*\\.json$`).test(name))
      // Without the ending: 1.2.1 comes after 1.2.
      .sort((a, b) => path.parse(a).name.localeCompare(path.parse(b).name, 'en', { numeric: true }))
      .map((name) => {
        const text = readFileSync(path.join(FOLDER, name), 'utf8');
        return { name, kept: JSON.parse(text) as KeptFile<W>['kept'] };
      })
  );
}

/** As JSON has it. */
function plain(value: unknown): unknown {
  return value === undefined ? null : (JSON.parse(JSON.stringify(value)) as unknown);
}

async function keep(family: string, kept: KeptFile<unknown>['kept']): Promise<void> {
  const file = path.join(FOLDER, `${family}-${VERSION ?? ''}.json`);
  // What was released is never written again.
  if (existsSync(file)) throw new Error(`${file} is kept already`);
  mkdirSync(FOLDER, { recursive: true });
  const options = { ...(await resolveConfig(file)), filepath: file };
  writeFileSync(file, await format(JSON.stringify(kept), options));
}

/**
 * Tests that all that is kept of a family is read as what it meant, and that each example is written now as it was kept last.
 * @returns the words of an example as they were kept last
 */
export function testKept<W>(
  family: string,
  examples: Readonly<Record<string, Example<W>>>,
): (example: string) => W {
  const all = Object.entries(examples);

  it('is written as it is kept', async () => {
    const now: Record<string, Kept<W>> = {};
    for (const [name, example] of all) {
      const words = plain(await example.write()) as W;
      now[name] = { words, meaning: plain(await example.read(words)) };
    }
    const newest = filesOf<W>(family).at(-1);
    const isKept = JSON.stringify(newest?.kept) === JSON.stringify(now);
    if (VERSION !== undefined && !isKept) await keep(family, now);
    // Where it differs on purpose: a file beside it, by KEEP_WORDS, and the old one stays.
    else expect(now).toEqual(newest?.kept);
  });

  it.each(filesOf<W>(family))('still means what it meant: $name', async ({ kept }) => {
    for (const [name, { words, meaning }] of Object.entries(kept)) {
      const example = examples[name];
      if (example === undefined) throw new Error(`nobody reads “${name}” any more`);
      // A reader may find more in it by now, and nothing else.
      expect({ [name]: plain(await example.read(words)) }).toMatchObject({ [name]: meaning });
    }
  });

  return (example) => {
    const words = filesOf<W>(family).at(-1)?.kept[example]?.words;
    if (words === undefined) throw new Error(`no words of ${family} are kept for ${example}`);
    return words;
  };
}
