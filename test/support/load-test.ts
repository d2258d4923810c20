// The load test as a process of its own, as an operator starts it, and the report that it wrote.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ReportSchema, type Report } from '../../loadtest/report/report.ts';
import { expectBuilt } from './built.ts';

const MAIN = path.resolve('dist/loadtest/main.js');

export interface LoadTestRun {
  readonly code: number | null;
  readonly output: string;
  /** Undefined where none was written. */
  readonly report: Report | undefined;
}

export interface RunningLoadTest {
  readonly pid: number;
  readonly ended: Promise<LoadTestRun>;
  /** Nothing happens to one that has ended. */
  end(signal: 'SIGINT' | 'SIGKILL'): void;
}

/** An agent on a free port of this machine. */
export async function startAgent(
  key: string,
): Promise<{ readonly port: number; stop(): Promise<void> }> {
  expectBuilt();
  const child = spawn(process.execPath, [MAIN, 'agent', '--host', '127.0.0.1', '--port', '0'], {
    env: { PATH: process.env['PATH'], AGENT_KEY: key },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    port: Number(/:(\d+)/.exec(line.toString())?.[1]),
    stop: async () => {
      const exited = once(child, 'exit');
      child.kill();
      await exited;
    },
  };
}

/** @param out where the report is to be written */
export function startLoadTest(
  args: readonly string[],
  out: string,
  env: Readonly<Record<string, string>> = {},
): RunningLoadTest {
  expectBuilt();
  const child = spawn(process.execPath, [MAIN, ...args, '--out', out], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, 'close').then(async ([code]): Promise<LoadTestRun> => {
    const text = await readFile(path.join(out, 'report.json'), 'utf8').catch(() => undefined);
    const report = text === undefined ? undefined : ReportSchema.parse(JSON.parse(text));
    return { code: code as number | null, output, report };
  });
  return { pid: child.pid ?? 0, ended, end: (signal) => void child.kill(signal) };
}
