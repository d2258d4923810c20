// A whole Earshot as a process of its own: started from the build on a free port with a throw-away folder, ended by the test.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { putEmptyDatabase } from './empty-database.ts';
import { expectBuilt } from './built.ts';
import { freePort } from './free-port.ts';

const MAIN = path.resolve('dist/src/main.js');
/** A little music that is there already: making the demo tracks takes a core for a quarter of a minute. */
const MEDIA_DIR = path.resolve('test/fixtures/media');
/** Where a first database is made while others start: a quarter of it has been seen. */
const START_TIMEOUT_MS = 240_000;

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export class EarshotProcess {
  readonly port: number;
  readonly dataDir: string;
  readonly lines: LogLine[];
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number, dataDir: string, lines: LogLine[]) {
    this.#child = child;
    this.port = port;
    this.dataDir = dataDir;
    this.lines = lines;
  }

  /** Resolves when it listens. */
  static async start(
    env: Readonly<Record<string, string>> & { readonly DATA_DIR: string },
    timeoutMs = START_TIMEOUT_MS,
  ): Promise<EarshotProcess> {
    await giveDatabase(env);
    const child = spawnEarshot(env);
    const lines: LogLine[] = [];
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const port = await new Promise<number>((resolve, reject) => {
      const timeout = setTimeout(() => {
        child.kill('SIGKILL');
        reject(new Error(`did not listen in time: ${errors}${JSON.stringify(lines.slice(-5))}`));
      }, timeoutMs);
      child.once('exit', (code) => {
        clearTimeout(timeout);
        reject(new Error(`exited with ${code}: ${errors}`));
      });
      if (child.stdout === null) throw new Error('no stdout');
      createInterface({ input: child.stdout }).on('line', (line) => {
        const entry = JSON.parse(line) as LogLine;
        lines.push(entry);
        if (entry.msg !== 'Earshot is listening') return;
        clearTimeout(timeout);
        resolve(Number(new URL(entry['url'] as string).port));
      });
    });
    return new EarshotProcess(child, port, env.DATA_DIR, lines);
  }

  /** Resolves when its port answers, whether or not it can serve. */
  static async launch(
    env: Readonly<Record<string, string>> & { readonly DATA_DIR: string },
  ): Promise<EarshotProcess> {
    const port = await freePort();
    await giveDatabase(env);
    const child = spawnEarshot({ ...env, PORT: String(port) });
    child.stdout?.resume();
    child.stderr?.resume();
    const node = new EarshotProcess(child, port, env.DATA_DIR, []);
    const deadline = performance.now() + START_TIMEOUT_MS;
    for (;;) {
      const answer = await fetch(`${node.url}/healthz`).catch(() => undefined);
      if (answer?.ok === true) return node;
      if (child.exitCode !== null || performance.now() > deadline) {
        await node.kill();
        throw new Error('its port does not answer');
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** A figure without labels, as `/metrics` tells it; NaN where it tells none. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? NaN);
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** @returns its exit code */
  async end(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<number | null> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null)
      return this.#child.exitCode;
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    const [code] = (await exited) as [number | null];
    return code;
  }
}

/** What a first start would make; that it does is a matter of tests of its own. */
async function giveDatabase({
  POSTGRES_URL: url,
  DATA_DIR: dataDir,
}: Readonly<Record<string, string>>): Promise<void> {
  if (url === undefined && dataDir !== undefined) await putEmptyDatabase(dataDir);
}

function spawnEarshot(env: Readonly<Record<string, string>>): ChildProcess {
  expectBuilt();
  return spawn(process.execPath, [MAIN], {
    // Nothing of the test's own environment configures the service under test.
    env: {
      PATH: process.env['PATH'],
      HOST: '127.0.0.1',
      PORT: '0',
      DRAIN_MS: '200',
      MEDIA_DIR,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Starts it with a configuration that should fail. @returns its exit code and what it said */
export async function startToFail(
  env: Readonly<Record<string, string>>,
): Promise<{ readonly code: number | null; readonly stderr: string }> {
  const child = spawnEarshot(env);
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const timeout = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearTimeout(timeout);
  return { code, stderr };
}

/** Sends the signal once it has begun to make its database. @returns its exit code, null where the signal ended it */
export async function stopWhileItStarts(
  env: Readonly<Record<string, string>> & { readonly DATA_DIR: string },
  signal: 'SIGTERM' | 'SIGINT',
): Promise<number | null> {
  const child = spawnEarshot(env);
  child.stdout?.resume();
  child.stderr?.resume();
  const exited = once(child, 'exit');
  const timeout = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS);
  while (child.exitCode === null && (await readdir(env.DATA_DIR)).length === 0)
    await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill(signal);
  const [code] = (await exited) as [number | null];
  clearTimeout(timeout);
  return code;
}

/** A folder that is gone after `remove`. */
export async function temporaryDir(): Promise<{ readonly dir: string; remove(): Promise<void> }> {
  const dir = await mkdtemp(path.join(tmpdir(), 'earshot-test-'));
  // Whoever wrote there may end a little later.
  const how = { recursive: true, force: true, maxRetries: 10, retryDelay: 100 };
  return { dir, remove: () => rm(dir, how) };
}
