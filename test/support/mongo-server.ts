// Throw-away MongoDB for the tests that need one: the one named by MONGODB_TEST_URL, a `mongod` on the path, or a server that speaks its
// wire protocol, from `.cache/secantus`.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MongoClient } from 'mongodb';
import { freePort } from './free-port.ts';
import { endOf } from './process-end.ts';

// From the root, as what is built for a bench lies elsewhere.
const SECANTUS = path.resolve('.cache/secantus/bin/secantusd-py');
const PATIENCE_MS = 30_000;

export interface MongoServer {
  readonly url: string;
  /** Undefined where somebody else runs it. */
  readonly process: ChildProcess | undefined;
  stop(): Promise<void>;
}

export async function startMongoServer(): Promise<MongoServer> {
  const given = process.env['MONGODB_TEST_URL'];
  if (given !== undefined) return { url: given, process: undefined, stop: () => Promise.resolve() };
  const server = await OwnMongoServer.start();
  return { url: server.url, process: server.process, stop: () => server.stop() };
}

/** One that the test itself runs: it may be killed, and be started again on what it has kept. */
export class OwnMongoServer {
  readonly url: string;
  readonly #port: number;
  readonly #dir: string;
  readonly #keeps: boolean;
  #child: ChildProcess;
  #ended: Promise<void>;

  private constructor(port: number, dir: string, keeps: boolean) {
    this.url = `mongodb://127.0.0.1:${port}`;
    this.#port = port;
    this.#dir = dir;
    this.#keeps = keeps;
    this.#child = this.#spawn();
    this.#ended = endOf(this.#child);
  }

  /** @param keeps whether it must have what it had when it is started again */
  static async start({ keeps = false } = {}): Promise<OwnMongoServer> {
    if (!hasMongod() && !existsSync(SECANTUS))
      throw new Error('there is no mongod, and nothing in .cache/secantus');
    const dir = mkdtempSync(path.join(tmpdir(), 'earshot-mongo-'));
    const server = new OwnMongoServer(await freePort(), dir, keeps);
    await server.#answering();
    return server;
  }

  get process(): ChildProcess {
    return this.#child;
  }

  /** With SIGKILL: it writes nothing any more. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** Loses what it held. Not while it runs. */
  wipe(): void {
    rmSync(this.#dir, { recursive: true });
    mkdirSync(this.#dir);
  }

  /** After `kill`. Resolves when it answers. */
  async startAgain(): Promise<void> {
    this.#child = this.#spawn();
    this.#ended = endOf(this.#child);
    await this.#answering();
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async #answering(): Promise<void> {
    try {
      await answering(this.url);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  #spawn(): ChildProcess {
    const port = String(this.#port);
    const [command, args] = hasMongod()
      ? ['mongod', ['--port', port, '--bind_ip', '127.0.0.1', '--dbpath', this.#dir]]
      : [SECANTUS, ['--port', port, '--storage-path', this.#keeps ? this.#dir : ':memory:']];
    return spawn(command, args, { stdio: 'ignore' });
  }
}

function hasMongod(): boolean {
  return spawnSync('mongod', ['--version'], { stdio: 'ignore' }).status === 0;
}

async function answering(url: string): Promise<void> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: PATIENCE_MS });
  try {
    await client.db('admin').command({ ping: 1 });
  } finally {
    await client.close();
  }
}
