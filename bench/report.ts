// What every bench leaves: a file of its figures, with the machine, the load on it before and after, and the tables as they were printed.
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import path from 'node:path';
import { aside, isQuick, said } from './append-child.ts';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
}

/** What all reports have beside their own figures. */
export interface Report {
  readonly bench: string;
  readonly at: string;
  readonly machine: Machine;
  /** Short rounds: to see that it works, not to be believed. */
  readonly isQuick: boolean;
  /** Of the last minute, five and fifteen minutes, when the bench began and when it ended. */
  readonly loadBefore: readonly number[];
  readonly loadAfter: readonly number[];
  /** The lines that were printed. */
  readonly said: readonly string[];
}

/** Figures of quick runs have a folder of their own: they must not stand where real ones are. */
export const RESULTS = isQuick ? 'bench/results/quick' : 'bench/results';
const loadBefore = loadavg();

export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    system: `${type()} ${release()}`,
    node: process.version,
  };
}

/** Writes `<bench>.json`, and says where it is. */
export async function writeReport(bench: string, figures: object): Promise<void> {
  const report: Report = {
    bench,
    at: new Date().toISOString(),
    machine: machine(),
    isQuick,
    loadBefore,
    loadAfter: loadavg(),
    said: [...said],
    ...figures,
  };
  const file = fileOf(bench);
  await mkdir(RESULTS, { recursive: true });
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
  aside(`\nwritten to ${file}`);
}

/** Undefined where the bench has not run. */
export async function readReport<Figures extends object>(
  bench: string,
): Promise<(Report & Figures) | undefined> {
  try {
    return JSON.parse(await readFile(fileOf(bench), 'utf8')) as Report & Figures;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function fileOf(bench: string): string {
  return path.join(RESULTS, `${bench}.json`);
}

/** The first line that a command prints; undefined where there is no such command. */
export function firstLineOf(command: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: 'pipe' }).split('\n')[0];
  } catch {
    // Whoever asks says so.
    return undefined;
  }
}
