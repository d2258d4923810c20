// A node as an operator runs it: the build, started on a place that outlives it, and watched from outside. Nothing is loaded into it, but for what
// collects its garbage and counts its code where that is asked for.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { get as getPlain, type IncomingMessage } from 'node:http';
import { get as getSecure } from 'node:https';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { expectBuilt } from '../test/support/built.ts';
import { temporaryDir } from '../test/support/earshot-process.ts';
import { freePort } from '../test/support/free-port.ts';
import { quietWav } from '../test/support/quiet-wav.ts';
import { Child } from './append-child.ts';
import { OBEDIENT, UNLIMITED, emptied, startServers, type BenchServers } from './append-hub.ts';
import type { HubOrder, HubReport } from './append-inside.ts';
import { BENCH_SECRET, benchToken } from './bench-token.ts';
import { figuresIn, type Figures } from './exposition.ts';
import { connectedTo, openFilesOf } from './open-files.ts';
import { usageOf } from './usage.ts';

const MAIN = path.resolve('dist/src/main.js');
const READY_MS = 180_000;
const ALL_COME_MS = 180_000;
const ANSWER_MS = 10_000;
/** How often a node that starts is asked whether it is ready. */
const ASK_EVERY_MS = 5;
/** Some of each end within any run. */
const TRACK_SECONDS = [150, 180, 240];

export type StoresName = 'embedded' | 'shared';
type Env = Readonly<Record<string, string>>;

/** Where a node lives: its folder, its port and its configuration, the same at each start. */
export interface NodePlace {
  readonly port: number;
  readonly env: Env;
  readonly url: string;
  readonly dataDir: string;
  remove(): Promise<void>;
}

/** @param more on top of what all nodes of the benches have: the stores, certificates */
export async function makePlace(more: Env = {}): Promise<NodePlace> {
  expectBuilt();
  const temporary = await temporaryDir();
  const { dir } = temporary;
  const music = path.join(dir, 'music');
  await mkdir(music);
  for (const seconds of TRACK_SECONDS) {
    const name = `${seconds} seconds`;
    await writeFile(path.join(music, `${name}.wav`), quietWav(seconds, name));
  }
  const port = await freePort();
  const dataDir = path.join(dir, 'data');
  const env = {
    PATH: process.env['PATH'] ?? '',
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(port),
    DATA_DIR: dataDir,
    MEDIA_DIR: music,
    TOKEN_SECRET: new TextDecoder().decode(BENCH_SECRET),
    ALLOWED_ORIGINS: 'http://localhost',
    ...UNLIMITED,
    ...more,
  };
  const scheme = more['TLS_CERT_FILE'] === undefined ? 'http' : 'https';
  const url = `${scheme}://127.0.0.1:${port}`;
  return { port, env, url, dataDir, remove: () => temporary.remove() };
}

/** A Redis and a Postgres for the nodes that share them, and what names them to a node. */
export interface SharedStores {
  readonly env: Env;
  stop(): Promise<void>;
}

export async function startSharedStores(): Promise<SharedStores> {
  const servers: BenchServers = await startServers();
  try {
    await emptied(servers.redis);
    const env = {
      REDIS_URL: servers.redis.url,
      POSTGRES_URL: await servers.postgres.createDatabase(),
    };
    return { env, stop: () => servers.stop() };
  } catch (error) {
    await servers.stop();
    throw error;
  }
}

/** Nothing to start where each node keeps all in its own folder. */
export function startStores(name: StoresName): Promise<SharedStores> {
  if (name === 'shared') return startSharedStores();
  return Promise.resolve({ env: {}, stop: () => Promise.resolve() });
}

export class OperationNode {
  readonly place: NodePlace;
  /** From the start of the process until it said that it was ready. */
  readonly readyMs: number;
  readonly pid: number;
  /** Resolves when its process is gone. */
  readonly exited: Promise<unknown>;
  readonly #process: ChildProcess;
  readonly #inside: Child<HubOrder, HubReport>;

  private constructor(place: NodePlace, child: ChildProcess, readyMs: number, pid: number) {
    this.place = place;
    this.readyMs = readyMs;
    this.pid = pid;
    this.#process = child;
    this.#inside = new Child(child);
    this.exited = once(child, 'exit');
  }

  /**
   * Resolves when it is ready.
   * @param isObedient whether its garbage can be collected from here, and its code counted
   */
  static async start(place: NodePlace, isObedient = false): Promise<OperationNode> {
    const startedAt = performance.now();
    const child: ChildProcess = spawn(process.execPath, [...(isObedient ? OBEDIENT : []), MAIN], {
      env: place.env,
      stdio: ['ignore', 'pipe', 'inherit', ...(isObedient ? (['ipc'] as const) : [])],
    });
    if (child.stdout === null) throw new Error('the hub has no stdout');
    createInterface({ input: child.stdout }).on('line', passComplaints);
    while (!(await isReady(place.url))) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`the hub ended with ${child.exitCode ?? child.signalCode ?? ''}`);
      if (performance.now() - startedAt > READY_MS) {
        child.kill('SIGKILL');
        throw new Error('the hub was not ready in time');
      }
      await pause(ASK_EVERY_MS);
    }
    return new OperationNode(place, child, performance.now() - startedAt, child.pid ?? 0);
  }

  get url(): string {
    return this.place.url;
  }

  /** Resolves when there is music: the folder is read while the node already serves. */
  async hasTracks(): Promise<void> {
    const headers = { authorization: `Bearer ${await benchToken(0)}` };
    const end = performance.now() + READY_MS;
    while (performance.now() < end) {
      const { body } = await ask(`${this.url}/v1/tracks`, headers);
      const { tracks } = JSON.parse(body) as { tracks?: readonly unknown[] };
      if (tracks?.length === TRACK_SECONDS.length) return;
      await pause(50);
    }
    throw new Error('the catalogue is not whole');
  }

  async connections(): Promise<number> {
    return (await this.figures()).get('earshot_connections') ?? 0;
  }

  /** Resolves when so many are connected. Rejects where they do not come. */
  async hasConnections(count: number): Promise<void> {
    const end = performance.now() + ALL_COME_MS;
    while ((await this.connections()) < count) {
      if (performance.now() > end) throw new Error(`not ${count} people came`);
      await pause(200);
    }
  }

  async figures(): Promise<Figures> {
    const { status, body } = await ask(`${this.url}/metrics`);
    if (status !== 200) throw new Error(`/metrics answered ${status}`);
    return figuresIn(body);
  }

  /** Resident memory as the kernel counts it. */
  async rssBytes(): Promise<number> {
    return (await usageOf(this.pid)).rssBytes;
  }

  /** All that can be collected, by several collections. Of a node that was started to obey. */
  async collectGarbage(): Promise<void> {
    await this.#inside.ask({ kind: 'memory' }, 'memory');
  }

  /**
   * One full collection, and a walk over what is left, which hold the node up for a moment. Of a node that was started to obey.
   * @returns how much of the heap is code, bytes
   */
  async collectOnce(): Promise<number> {
    return (await this.#inside.ask({ kind: 'collect' }, 'collect')).codeBytes;
  }

  /**
   * What its database has open: the embedded one the files of each table from when it first touches them, a pool of connections as many as were
   * once needed at a time, at most `POSTGRES_POOL_SIZE` and the one of its lock.
   */
  async ofDatabase(): Promise<{ readonly files: number; readonly connections: number }> {
    const open = await openFilesOf(this.pid);
    const postgres = this.place.env['POSTGRES_URL'];
    return {
      files: open.filter((file) => file.startsWith(`${this.place.dataDir}${path.sep}`)).length,
      connections:
        postgres === undefined ? 0 : await connectedTo(Number(new URL(postgres).port), open),
    };
  }

  /** @returns how long it took to end, and with what */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<{ tookMs: number; code: number | null }> {
    const startedAt = performance.now();
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill(signal);
      await this.exited;
    }
    return { tookMs: performance.now() - startedAt, code: this.#process.exitCode };
  }
}

function passComplaints(line: string): void {
  const { level } = JSON.parse(line) as { level: string };
  if (level !== 'info') process.stderr.write(`${line}\n`);
}

async function isReady(url: string): Promise<boolean> {
  const answer = await ask(`${url}/readyz`).catch(() => undefined);
  return answer?.status === 200;
}

/** On a connection of its own. Whatever certificate is shown is taken: the benches make them. */
function ask(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const onResponse = (response: IncomingMessage): void => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.once('error', reject);
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body }));
    };
    const request = url.startsWith('https:')
      ? getSecure(url, { agent: false, headers, rejectUnauthorized: false }, onResponse)
      : getPlain(url, { agent: false, headers }, onResponse);
    request.once('error', reject);
    request.setTimeout(ANSWER_MS, () => request.destroy(new Error(`${url} did not answer`)));
  });
}
