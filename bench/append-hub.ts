// The service under measurement: the build as a process of its own, on the stores that are asked for, with nothing that limits a rate.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { createClient } from 'redis';
import { expectBuilt } from '../test/support/built.ts';
import { temporaryDir } from '../test/support/earshot-process.ts';
import { startPostgresServer, type PostgresServer } from '../test/support/postgres-server.ts';
import { quietWav } from '../test/support/quiet-wav.ts';
import { startRedisServer, type RedisServer } from '../test/support/redis-server.ts';
import { Child, type Spread } from './append-child.ts';
import type { HubOrder, HubReport } from './append-inside.ts';
import type { BusyFunction } from './append-profile.ts';
import { BENCH_SECRET, benchToken } from './bench-token.ts';

export type StoreKind = 'redis' | 'embedded';

const MAIN = path.resolve('dist/src/main.js');
const INSIDE = new URL('./append-inside.js', import.meta.url).href;
/** What Node is started with for a hub's process to obey orders, which come over its channel. */
export const OBEDIENT: readonly string[] = ['--expose-gc', '--import', INSIDE];
const START_MS = 60_000;
/** Longer than any run: nothing is planned anew in the middle of one. */
const TRACK_SECONDS = 900;
const MANY = '1000000000';
/** No rate and no number of an address is a limit. */
export const UNLIMITED = {
  REQUESTS_PER_SECOND: MANY,
  REQUEST_BURST: MANY,
  USER_REQUESTS_PER_SECOND: MANY,
  USER_REQUEST_BURST: MANY,
  ROOMS_PER_MINUTE: MANY,
  ROOM_BURST: MANY,
  ADDRESS_ROOMS_PER_MINUTE: MANY,
  ADDRESS_ROOM_BURST: MANY,
  MAX_CONNECTIONS_PER_ADDRESS: MANY,
  MAX_ROOMS_PER_CONNECTION: MANY,
  HELLO_TIMEOUT_MS: '60000',
};

type Usage = Extract<HubReport, { kind: 'usage' | 'memory' }>;

/** The servers of one bench: a Redis and a Postgres that are its own. */
export interface BenchServers {
  readonly redis: RedisServer;
  readonly postgres: PostgresServer;
  /** Undefined: listening is kept in Postgres. */
  readonly mongo?: { readonly url: string; readonly database: string };
  stop(): Promise<void>;
}

export async function startServers(): Promise<BenchServers> {
  const postgres = await startPostgresServer();
  if (postgres === undefined) throw new Error('no Postgres can be had');
  const redis = await startRedisServer();
  return {
    redis,
    postgres,
    async stop() {
      await redis.stop();
      await postgres.stop();
    },
  };
}

export class BenchHub {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #inside: Child<HubOrder, HubReport>;
  readonly #removeDir: () => Promise<void>;

  private constructor(port: number, process: ChildProcess, removeDir: () => Promise<void>) {
    this.port = port;
    this.#process = process;
    this.#inside = new Child(process);
    this.#removeDir = removeDir;
  }

  static async start(store: StoreKind, servers: BenchServers): Promise<BenchHub> {
    const [hub] = await BenchHub.startNodes(1, store, servers);
    if (hub === undefined) throw new Error('no node was asked for');
    return hub;
  }

  /** With all that it keeps in its own folder. */
  static startEmbedded(): Promise<BenchHub> {
    expectBuilt();
    return BenchHub.#startOne({});
  }

  /** So many nodes of one service. */
  static async startNodes(
    count: number,
    store: StoreKind,
    servers: BenchServers,
  ): Promise<BenchHub[]> {
    expectBuilt();
    // What another hub has left there belongs to its own database.
    if (store === 'redis') await emptied(servers.redis);
    const shared =
      store === 'redis'
        ? { REDIS_URL: servers.redis.url, POSTGRES_URL: await servers.postgres.createDatabase() }
        : {};
    const mongo =
      servers.mongo === undefined
        ? {}
        : { MONGODB_URL: servers.mongo.url, MONGODB_DATABASE: servers.mongo.database };
    const nodes: BenchHub[] = [];
    try {
      while (nodes.length < count) nodes.push(await BenchHub.#startOne({ ...shared, ...mongo }));
    } catch (error) {
      for (const node of nodes) await node.stop();
      throw error;
    }
    return nodes;
  }

  static async #startOne(stores: Readonly<Record<string, string>>): Promise<BenchHub> {
    const scratch = await temporaryDir();
    const { dir } = scratch;
    const music = path.join(dir, 'music');
    await mkdir(music);
    await writeFile(path.join(music, 'long.wav'), quietWav(TRACK_SECONDS, 'long'));
    const env = {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: '0',
      DATA_DIR: path.join(dir, 'data'),
      MEDIA_DIR: music,
      TOKEN_SECRET: new TextDecoder().decode(BENCH_SECRET),
      ALLOWED_ORIGINS: 'http://localhost',
      ...UNLIMITED,
      ...stores,
    };
    const child = spawn(process.execPath, [...OBEDIENT, MAIN], {
      env,
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    return new BenchHub(await portOf(child), child, () => scratch.remove());
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  usage(): Promise<Usage> {
    return this.#inside.ask({ kind: 'usage' }, 'usage');
  }

  /** With its garbage collected. */
  memory(): Promise<Usage> {
    return this.#inside.ask({ kind: 'memory' }, 'memory');
  }

  /**
   * The functions that took the time while `run` ran, the busiest first.
   * @param file where the whole profile goes
   */
  async busiest(file: string, run: () => Promise<unknown>): Promise<readonly BusyFunction[]> {
    await this.#inside.ask({ kind: 'watch' }, 'watch');
    await run();
    const report = await this.#inside.ask({ kind: 'watched', file }, 'watched');
    return report.busiest;
  }

  /** What the commands took inside the hub while `run` ran, from arrival to the last send, ms. */
  async inside<T>(
    run: () => Promise<T>,
  ): Promise<{ readonly report: T; readonly inside: Spread; readonly frames: number }> {
    await this.#inside.ask({ kind: 'stamp' }, 'stamp');
    const report = await run();
    const { inside, frames } = await this.#inside.ask({ kind: 'stamped' }, 'stamped');
    return { report, inside, frames };
  }

  /** The hub's own counters, by name. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    const response = await fetch(`${this.url}/metrics`);
    const lines = (await response.text()).split('\n').filter((line) => /^earshot_\w+ /.test(line));
    return new Map(
      lines.map((line): [string, number] => {
        const [name = '', value] = line.split(' ');
        return [name, Number(value)];
      }),
    );
  }

  /** The one track that there is. */
  async trackId(): Promise<string> {
    const headers = { authorization: `Bearer ${await benchToken(0)}` };
    // The folder is read while the hub already serves.
    const end = performance.now() + START_MS;
    while (performance.now() < end) {
      const response = await fetch(`${this.url}/v1/tracks`, { headers });
      const { tracks } = (await response.json()) as { tracks: readonly { id: string }[] };
      const [track] = tracks;
      if (track !== undefined) return track.id;
      await pause(50);
    }
    throw new Error('the catalogue is empty');
  }

  async stop(): Promise<void> {
    const exited = new Promise((resolve) => this.#process.once('exit', resolve));
    // At once: ten thousand goodbyes are no part of any figure.
    this.#process.kill('SIGKILL');
    await exited;
    await this.#removeDir();
  }
}

export async function emptied({ url }: RedisServer): Promise<void> {
  const redis = await createClient({ url }).connect();
  await redis.flushAll();
  redis.destroy();
}

function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    const timeout = setTimeout(() => reject(new Error('the hub did not listen in time')), START_MS);
    child.once('exit', (code) => reject(new Error(`the hub ended with ${code}`)));
    if (child.stdout === null) throw new Error('no stdout');
    createInterface({ input: child.stdout }).on('line', (line) => {
      const entry = JSON.parse(line) as { level: string; msg: string; url?: string };
      if (entry.level !== 'info') process.stderr.write(`${line}\n`);
      if (entry.msg !== 'Earshot is listening' || entry.url === undefined) return;
      clearTimeout(timeout);
      resolve(Number(new URL(entry.url).port));
    });
  });
}
