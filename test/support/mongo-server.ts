// Throw-away MongoDB for the tests that need one: the one named by MONGODB_TEST_URL, a `mongod` on the path, or a server that speaks its
// wire protocol, from `.cache/secantus`.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { MongoClient } from 'mongodb';
import { freePort } from './free-port.ts';

const SECANTUS = fileURLToPath(new URL('../../.cache/secantus/bin/secantusd-py', import.meta.url));
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
  const port = await freePort();
  const dir = mkdtempSync(path.join(tmpdir(), 'earshot-mongo-'));
  const hasMongod = spawnSync('mongod', ['--version'], { stdio: 'ignore' }).status === 0;
  if (!hasMongod && !existsSync(SECANTUS)) {
    rmSync(dir, { recursive: true, force: true });
    throw new Error('there is no mongod, and nothing in .cache/secantus');
  }
  const child = hasMongod
    ? spawn('mongod', ['--port', String(port), '--bind_ip', '127.0.0.1', '--dbpath', dir], {
        stdio: 'ignore',
      })
    : spawn(SECANTUS, ['--port', String(port), '--storage-path', ':memory:'], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    rmSync(dir, { recursive: true, force: true });
  };
  const url = `mongodb://127.0.0.1:${port}`;
  try {
    await answering(url);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, process: child, stop };
}

async function answering(url: string): Promise<void> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: PATIENCE_MS });
  try {
    await client.db('admin').command({ ping: 1 });
  } finally {
    await client.close();
  }
}
