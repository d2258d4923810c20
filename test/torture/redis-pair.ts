// A Redis with a replica and three sentinels, each server behind a network of its own, so that replication can stop before a master dies.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../support/free-port.ts';
import { FaultProxy } from './fault-proxy.ts';
import { RedisProcess, answers, asked } from './redis-process.ts';
import { until } from './until.ts';

export const MASTER_NAME = 'earshot';
const SENTINELS = 3;
const PATIENCE_MS = 30_000;
/**
 * A master that stands still for less is not given up: where a busy machine stopped one that had just taken over, the other would be master,
 * which has lost all it had.
 */
const DEAD_AFTER_MS = 5_000;

interface Member {
  readonly process: RedisProcess;
  readonly proxy: FaultProxy;
}

export class RedisPair {
  readonly sentinelUrls: readonly string[];
  readonly #members: readonly [Member, Member];
  readonly #stops: readonly (() => Promise<unknown>)[];

  private constructor(
    members: readonly [Member, Member],
    sentinelUrls: readonly string[],
    stops: readonly (() => Promise<unknown>)[],
  ) {
    this.#members = members;
    this.sentinelUrls = sentinelUrls;
    this.#stops = stops;
  }

  static async start(): Promise<RedisPair> {
    const stops: (() => Promise<unknown>)[] = [];
    const member = async (): Promise<Member> => {
      const process = await RedisProcess.make();
      stops.push(() => process.stop());
      const proxy = await FaultProxy.to(process.port);
      stops.push(() => proxy.stop());
      return { process, proxy };
    };
    const members = [await member(), await member()] as const;
    const [master, replica] = members;
    await master.process.start(announcing(master));
    await replica.process.start([...announcing(replica), ...following(master)]);
    const urls: string[] = [];
    for (let i = 0; i < SENTINELS; i += 1) {
      const port = await freePort();
      const dir = await mkdtemp(path.join(tmpdir(), 'earshot-torture-sentinel-'));
      stops.push(() => rm(dir, { recursive: true, force: true }));
      const child = await startSentinel(port, dir, master.proxy.port);
      stops.push(() => ended(child));
      urls.push(`redis://127.0.0.1:${port}`);
    }
    const pair = new RedisPair(members, urls, stops.toReversed());
    await pair.#whole();
    return pair;
  }

  /** Stops what the master tells its replica; what it acknowledges from now on dies with it. */
  freezeReplication(): Promise<void> {
    return this.#now().then(({ master }) => master.proxy.hold('down', 'replication'));
  }

  /** Kills the master. Resolves when the replica has taken over, and the old master follows it. */
  async failOver(): Promise<void> {
    const { master, replica } = await this.#now();
    await master.process.kill();
    await until('a replica has taken over', PATIENCE_MS, async () => {
      const now = await this.#masterPort();
      return now === replica.proxy.port && (await isMaster(replica.process.url));
    });
    master.proxy.heal();
    await master.process.wipe();
    await master.process.start([...announcing(master), ...following(replica)]);
    await this.#whole();
  }

  /** The URL of the server that is master now, past its network. */
  async masterUrl(): Promise<string> {
    const { master } = await this.#now();
    return master.process.url;
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops) await stop();
  }

  async #now(): Promise<{ readonly master: Member; readonly replica: Member }> {
    const port = await this.#masterPort();
    const [a, b] = this.#members;
    return a.proxy.port === port ? { master: a, replica: b } : { master: b, replica: a };
  }

  async #masterPort(): Promise<number> {
    const ask = ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER_NAME];
    let port = 0;
    await until('a sentinel answers', PATIENCE_MS, async () => {
      const [, told] = await asked<[string, string]>(this.sentinelUrls[0] ?? '', ask);
      port = Number(told);
      return true;
    });
    return port;
  }

  /** The replica has caught up, and each sentinel knows it and the other sentinels. */
  async #whole(): Promise<void> {
    await until('the replica follows', PATIENCE_MS, async () => {
      const { master, replica } = await this.#now();
      const own = await replication(master.process.url);
      const theirs = await replication(replica.process.url);
      return own.includes('state=online') && theirs.includes('master_link_status:up');
    });
    for (const url of this.sentinelUrls) {
      await until('the sentinels know all', PATIENCE_MS, async () => {
        const replicas = await asked<unknown[]>(url, ['SENTINEL', 'REPLICAS', MASTER_NAME]);
        const others = await asked<unknown[]>(url, ['SENTINEL', 'SENTINELS', MASTER_NAME]);
        return replicas.length === 1 && others.length === SENTINELS - 1;
      });
    }
  }
}

function announcing({ proxy }: Member): string[] {
  const ip = ['--replica-announce-ip', '127.0.0.1'];
  return [...ip, '--replica-announce-port', String(proxy.port)];
}

function following({ proxy }: Member): string[] {
  return ['--replicaof', '127.0.0.1', String(proxy.port)];
}

function replication(url: string): Promise<string> {
  return asked<string>(url, ['INFO', 'replication']);
}

async function isMaster(url: string): Promise<boolean> {
  return (await replication(url)).includes('role:master');
}

async function startSentinel(port: number, dir: string, masterPort: number): Promise<ChildProcess> {
  const file = path.join(dir, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${dir}`,
    `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds ${MASTER_NAME} ${DEAD_AFTER_MS}`,
    `sentinel failover-timeout ${MASTER_NAME} 5000`,
  ];
  await writeFile(file, `${lines.join('\n')}\n`);
  const child = spawn('redis-sentinel', [file], { stdio: 'ignore' });
  await once(child, 'spawn');
  await until('a sentinel answers', PATIENCE_MS, () => answers(`redis://127.0.0.1:${port}`));
  return child;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
