// A Redis whose death is part of the plan: the same port each time it starts, and its data kept, set back or lost as the fault wants it.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createClient } from 'redis';
import { freePort } from '../support/free-port.ts';
import { until } from './until.ts';

const OWN = [
  '--bind',
  '127.0.0.1',
  '--save',
  '',
  '--appendonly',
  'yes',
  '--appendfsync',
  'everysec',
];
/** A server that is there may be as busy as the machine. */
const BUSY_MS = 30_000;

export class RedisProcess {
  readonly port: number;
  readonly #base: string;
  #child: ChildProcess | undefined;

  private constructor(port: number, base: string) {
    this.port = port;
    this.#base = base;
  }

  static async make(): Promise<RedisProcess> {
    const base = await mkdtemp(path.join(tmpdir(), 'earshot-torture-redis-'));
    return new RedisProcess(await freePort(), base);
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get #dir(): string {
    return path.join(this.#base, 'data');
  }

  /** Resolves when it answers. @param args options as of `redis-server` */
  async start(args: readonly string[] = []): Promise<void> {
    await mkdir(this.#dir, { recursive: true });
    const own = ['--port', String(this.port), '--dir', this.#dir, ...OWN];
    const child = spawn('redis-server', [...own, ...args], { stdio: 'ignore' });
    await once(child, 'spawn');
    this.#child = child;
    await until('Redis answers', 10_000, () => answers(this.url));
  }

  /** A copy of what it holds at a moment of the call, made while it runs. */
  async saveTo(rdb: string): Promise<void> {
    // By the second.
    const lastSave = (): Promise<number> => this.command<number>('LASTSAVE');
    const before = await lastSave();
    await this.command('BGSAVE', 'SCHEDULE');
    await until('it has saved', 30_000, async () => (await lastSave()) > before);
    await cp(path.join(this.#dir, 'dump.rdb'), rdb);
  }

  /**
   * After `wipe`: starts on a copy that `saveTo` has made. A server that appends to a log would not look at it: the log is begun
   * anew from what it has read. Resolves when that is done.
   */
  async startOn(rdb: string): Promise<void> {
    await mkdir(this.#dir);
    await cp(rdb, path.join(this.#dir, 'dump.rdb'));
    await this.start(['--appendonly', 'no']);
    await this.command('CONFIG', 'SET', 'appendonly', 'yes');
    await until('its log is begun', 10_000, async () => {
      const told = await this.command<string>('INFO', 'persistence');
      return told.includes('aof_enabled:1') && told.includes('aof_rewrite_in_progress:0');
    });
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** Loses what it held. Not while it runs. */
  async wipe(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
  }

  /** Remembers what it holds now, for `setBack`. */
  async remember(): Promise<void> {
    await rm(this.#copy, { recursive: true, force: true });
    await cp(this.#dir, this.#copy, { recursive: true });
  }

  /** Loses what came after `remember`. Not while it runs. */
  async setBack(): Promise<void> {
    await this.wipe();
    await cp(this.#copy, this.#dir, { recursive: true });
  }

  async command<T>(...args: readonly string[]): Promise<T> {
    return asked(this.url, args, BUSY_MS);
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#base, { recursive: true, force: true });
  }

  get #copy(): string {
    return path.join(this.#base, 'copy');
  }
}

/** One command on a connection of its own. */
export async function asked<T>(
  url: string,
  args: readonly string[],
  connectTimeout = 1_000,
): Promise<T> {
  const client = createClient({ url, socket: { reconnectStrategy: false, connectTimeout } });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await client.sendCommand<T>([...args]);
  } finally {
    if (client.isOpen) client.destroy();
  }
}

export async function answers(url: string): Promise<boolean> {
  try {
    return (await asked<string>(url, ['PING'])) === 'PONG';
  } catch {
    return false;
  }
}
