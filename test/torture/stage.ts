// All that a run happens on: nodes, their Redis and Postgres, and the networks between them. Knows how to break none of it by itself.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EarshotProcess, type LogLine } from '../support/earshot-process.ts';
import { freePort } from '../support/free-port.ts';
import { startPostgresServer } from '../support/postgres-server.ts';
import { quietWav } from '../support/quiet-wav.ts';
import { NO_RATES } from '../support/shared-servers.ts';
import { FaultProxy } from './fault-proxy.ts';
import { MASTER_NAME, RedisPair } from './redis-pair.ts';
import { RedisProcess } from './redis-process.ts';
import { until } from './until.ts';

export type RedisKind = 'single' | 'sentinel';

export type Redis =
  | {
      readonly kind: 'single';
      readonly process: RedisProcess;
      /** The network of each node to Redis. */
      readonly proxies: readonly FaultProxy[];
    }
  | { readonly kind: 'sentinel'; readonly pair: RedisPair };

const READY_MS = 60_000;
/** Longer than any server is away. */
const START_MS = 150_000;
const TRACK_SECONDS = [15, 25, 40, 60];
export const PARTITIONS = 8;

export class Stage {
  readonly nodes: readonly Node[];
  readonly redis: Redis;
  readonly postgres: FaultProxy;
  /** Past its network. */
  readonly databaseUrl: string;
  readonly #stops: readonly (() => Promise<unknown>)[];

  private constructor(
    parts: Pick<Stage, 'nodes' | 'redis' | 'postgres' | 'databaseUrl'>,
    stops: readonly (() => Promise<unknown>)[],
  ) {
    this.nodes = parts.nodes;
    this.redis = parts.redis;
    this.postgres = parts.postgres;
    this.databaseUrl = parts.databaseUrl;
    this.#stops = stops;
  }

  /** Rejects where a Redis or a Postgres cannot be had. */
  static async start(options: {
    readonly nodes: number;
    readonly redis: RedisKind;
    readonly env?: Readonly<Record<string, string>>;
  }): Promise<Stage> {
    const stops: (() => Promise<unknown>)[] = [];
    const stopAll = async (): Promise<void> => {
      for (const stop of stops.splice(0).reverse()) await stop();
    };
    try {
      const postgresServer = await startPostgresServer();
      if (postgresServer === undefined) throw new Error('no Postgres can be had');
      stops.push(() => postgresServer.stop());
      const databaseUrl = await postgresServer.createDatabase();
      const postgres = await FaultProxy.to(Number(new URL(databaseUrl).port));
      stops.push(() => postgres.stop());
      const redis = await startRedis(options, stops);
      const dir = await mkdtemp(path.join(tmpdir(), 'earshot-torture-'));
      stops.push(() => rm(dir, { recursive: true, force: true }));
      await writeMusic(path.join(dir, 'music'));
      const nodes: Node[] = [];
      for (let i = 0; i < options.nodes; i += 1) {
        const node = new Node(`node ${i}`, {
          DATA_DIR: path.join(dir, `data-${i}`),
          MEDIA_DIR: path.join(dir, 'music'),
          PORT: String(await freePort()),
          POSTGRES_URL: through(databaseUrl, postgres),
          REDIS_PARTITIONS: String(PARTITIONS),
          TOKEN_SECRET: 'a secret of all nodes that is long enough',
          ...NO_RATES,
          ...redisEnv(redis, i),
          ...options.env,
        });
        nodes.push(node);
        stops.push(() => node.stop());
      }
      const stage = new Stage({ nodes, redis, postgres, databaseUrl }, [stopAll]);
      // One after the other: the first makes the tables.
      for (const node of nodes) await node.start();
      await stage.ready();
      return stage;
    } catch (error) {
      await stopAll();
      throw error;
    }
  }

  /** Resolves when each node says that it can serve. */
  async ready(): Promise<void> {
    for (const node of this.nodes)
      await until(`${node.name} is ready`, READY_MS, () => node.isReady());
  }

  /** Of the Redis that is the truth now, past all networks. */
  redisUrl(): Promise<string> {
    const { redis } = this;
    return redis.kind === 'single' ? Promise.resolve(redis.process.url) : redis.pair.masterUrl();
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops) await stop();
  }
}

/** One node, which comes back on the same port. */
export class Node {
  readonly name: string;
  /** Warnings and errors of all its lives. */
  readonly troubles: LogLine[] = [];
  readonly #env: Readonly<Record<string, string>> & { readonly DATA_DIR: string };
  #process: EarshotProcess | undefined;
  #isFrozen = false;

  constructor(name: string, env: Readonly<Record<string, string>> & { readonly DATA_DIR: string }) {
    this.name = name;
    this.#env = env;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#env['PORT'] ?? ''}`;
  }

  /** Whether a balancer would send somebody here. */
  get isUp(): boolean {
    return this.#process !== undefined && !this.#isFrozen;
  }

  async start(): Promise<void> {
    this.#process = await EarshotProcess.start(this.#env, START_MS);
  }

  /** Nobody is sent here any more from now on. @returns the exit code of its process; null where a signal ended it, or where there was none */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    const process = this.#process;
    this.#process = undefined;
    const code = await process?.end(signal);
    this.#keepTroubles(process);
    return code ?? null;
  }

  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  freeze(): void {
    this.#isFrozen = true;
    if (this.#process !== undefined) process.kill(this.#process.pid, 'SIGSTOP');
  }

  thaw(): void {
    this.#isFrozen = false;
    if (this.#process !== undefined) process.kill(this.#process.pid, 'SIGCONT');
  }

  async isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(2_000) })).ok;
    } catch {
      return false;
    }
  }

  /** A figure without labels; NaN where it tells none, or is not there. */
  async metric(name: string): Promise<number> {
    return (await this.#process?.metric(name)) ?? NaN;
  }

  async stop(): Promise<void> {
    await this.kill();
  }

  #keepTroubles(process: EarshotProcess | undefined): void {
    for (const line of process?.lines ?? [])
      if (line.level === 'warn' || line.level === 'error' || line.level === 'fatal')
        this.troubles.push(line);
  }
}

async function startRedis(
  options: { readonly nodes: number; readonly redis: RedisKind },
  stops: (() => Promise<unknown>)[],
): Promise<Redis> {
  if (options.redis === 'sentinel') {
    const pair = await RedisPair.start();
    stops.push(() => pair.stop());
    return { kind: 'sentinel', pair };
  }
  const process = await RedisProcess.make();
  stops.push(() => process.stop());
  await process.start();
  const proxies: FaultProxy[] = [];
  for (let i = 0; i < options.nodes; i += 1) {
    const proxy = await FaultProxy.to(process.port);
    stops.push(() => proxy.stop());
    proxies.push(proxy);
  }
  return { kind: 'single', process, proxies };
}

function redisEnv(redis: Redis, node: number): Record<string, string> {
  if (redis.kind === 'sentinel')
    return { REDIS_SENTINELS: redis.pair.sentinelUrls.join(), REDIS_MASTER_NAME: MASTER_NAME };
  return { REDIS_URL: `redis://127.0.0.1:${redis.proxies[node]?.port ?? 0}` };
}

function through(url: string, proxy: FaultProxy): string {
  const changed = new URL(url);
  changed.port = String(proxy.port);
  return changed.href;
}

async function writeMusic(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  for (const seconds of TRACK_SECONDS)
    await writeFile(path.join(dir, `${seconds}.wav`), quietWav(seconds, `${seconds} seconds`));
}
