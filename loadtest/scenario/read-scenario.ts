// Owns the way to a scenario: by the name of one that comes along, or from a file of YAML, JSON, TypeScript or JavaScript; with what the
// command line changes about it. Errors name the file and what is wrong there.
import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { createJiti } from 'jiti';
import { parse } from 'yaml';
import { z } from 'zod';
import { BUILT_IN } from './built-in.ts';
import { ScenarioSchema, type Scenario } from './scenario.ts';

/** What may be changed without a file. */
export interface Overrides {
  readonly seed?: number | undefined;
  /** Of the first group. */
  readonly rooms?: number | undefined;
  readonly listeners?: number | undefined;
  readonly people?: number | undefined;
  /** Of each measured phase. */
  readonly seconds?: number | undefined;
  readonly arrivalsPerSecond?: number | undefined;
  readonly thresholds?: readonly string[] | undefined;
  readonly noThresholds?: boolean | undefined;
}

const IN_TEXT = ['.yaml', '.yml', '.json'];
const IN_CODE = ['.ts', '.mts', '.js', '.mjs'];

/** @throws with words for whoever wrote it */
export async function readScenario(nameOrFile: string, overrides: Overrides): Promise<Scenario> {
  const known = Object.hasOwn(BUILT_IN, nameOrFile) ? BUILT_IN[nameOrFile] : undefined;
  const source = known ?? (await readSource(nameOrFile));
  const parsed = ScenarioSchema.safeParse(changed(source, overrides));
  if (parsed.success) return parsed.data;
  throw new Error(
    `${known === undefined ? nameOrFile : `scenario ${nameOrFile}`}: ${z.prettifyError(parsed.error)}`,
  );
}

async function readSource(file: string): Promise<unknown> {
  const extension = extname(file);
  if (!IN_TEXT.includes(extension) && !IN_CODE.includes(extension)) {
    throw new Error(
      `there is no scenario "${file}": name one of ${Object.keys(BUILT_IN).join(', ')}, or a file (.yaml, .json, .ts, .js)`,
    );
  }
  if (IN_CODE.includes(extension)) {
    const loaded = await createJiti(import.meta.url).import<Record<string, unknown>>(resolve(file));
    const { scenario } = loaded;
    if (scenario === undefined) throw new Error(`${file} exports no "scenario"`);
    return scenario;
  }
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Error(
      `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  });
  try {
    return parse(text) as unknown;
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

type Draft = Record<string, unknown>;

/** The schema judges the result: here nothing is certain of what was written. */
function changed(source: unknown, overrides: Overrides): unknown {
  if (typeof source !== 'object' || source === null) return source;
  const draft: Draft = { ...source };
  const { seed, rooms, listeners, people, seconds, arrivalsPerSecond } = overrides;
  if (seed !== undefined) draft['seed'] = seed;
  if (arrivalsPerSecond !== undefined) draft['arrivalsPerSecond'] = arrivalsPerSecond;
  const [first, ...others] = listOf(draft['groups']);
  if (first !== undefined) {
    const sizes = Object.entries({ rooms, listeners, people }).filter(([, n]) => n !== undefined);
    draft['groups'] = [{ ...first, ...Object.fromEntries(sizes) }, ...others];
  }
  if (seconds !== undefined) {
    draft['phases'] = listOf(draft['phases']).map((phase) =>
      phase['measured'] === true ? { ...phase, seconds } : phase,
    );
  }
  const kept = overrides.noThresholds === true ? [] : (draft['thresholds'] ?? []);
  if (Array.isArray(kept))
    draft['thresholds'] = [...(kept as unknown[]), ...(overrides.thresholds ?? [])];
  return draft;
}

function listOf(value: unknown): Draft[] {
  return Array.isArray(value) ? (value as Draft[]) : [];
}
