// The load test as the benches start it: a process of its own, a scenario in a file, and the report that it writes.
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Report } from '../loadtest/report/report.ts';
import type { ScenarioInput } from '../loadtest/scenario/scenario.ts';
import { BENCH_SECRET } from './bench-token.ts';

const LOAD_TEST = path.resolve('dist/loadtest/main.js');
/** What it ends with where it has something to report. */
const REPORTED = [0, 1, 3, 130];

export interface RunningLoadTest {
  readonly pid: number;
  readonly report: Promise<Report>;
  /** What was so far is reported. */
  end(): void;
  /** Ends it at once, if it runs; nothing is reported. */
  over(): Promise<void>;
}

/** @param dir where its scenario and its report may lie */
export async function startLoadTest(
  url: string,
  dir: string,
  scenario: ScenarioInput,
  flags: readonly string[] = [],
): Promise<RunningLoadTest> {
  const name = scenario.name.replaceAll(' ', '-');
  const file = path.join(dir, `${name}.json`);
  const out = path.join(dir, name);
  await writeFile(file, JSON.stringify(scenario));
  const child = spawn(process.execPath, [LOAD_TEST, file, '--url', url, '--out', out, ...flags], {
    env: { PATH: process.env['PATH'], TOKEN_SECRET: new TextDecoder().decode(BENCH_SECRET) },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  let isOver = false;
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      isOver = true;
      resolve();
    });
  });
  const report = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code !== null && REPORTED.includes(code)) resolve();
      else reject(new Error(`the load test ended with ${code}`));
    });
  }).then(async () => JSON.parse(await readFile(path.join(out, 'report.json'), 'utf8')) as Report);
  // Whoever ends it at once does not ask for it.
  report.catch(() => undefined);
  const over = async (): Promise<void> => {
    if (isOver) return;
    child.kill('SIGKILL');
    await exited;
  };
  return { pid: child.pid ?? 0, report, end: () => child.kill('SIGINT'), over };
}
