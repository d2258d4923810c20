// Throw-away Redis for the tests that need a real one: the one named by REDIS_TEST_URL, or servers started here on free ports.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createClient } from 'redis';
import { freePort } from './free-port.ts';
import { endOf } from './process-end.ts';

const REQUIRE_ALL = process.env['EARSHOT_TEST_REQUIRE_ALL'] === '1';
const PATIENCE_MS = 30_000;
/** A server that stands still for less is not given up: a busy machine stops one for a second. */
const DEAD_AFTER_MS = 3_000;

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  readonly process: ChildProcess;
  /** Ends it at once, and with it all that it held. */
  stop(): Promise<void>;
}

/** Undefined, with one line that says why, where there is none to be had; a failure where all are required. */
export async function orSkipped<T>(what: string, start: () => Promise<T>): Promise<T | undefined> {
  try {
    return await start();
  } catch (error) {
    if (REQUIRE_ALL) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    console.warn(`skipped on ${what}: none could be started (${reason.split('\n')[0] ?? ''})`);
    return undefined;
  }
}

/** @param args options as of `redis-server`, after those that make it throw-away */
export async function startRedisServer(args: readonly string[] = []): Promise<RedisServer> {
  const port = await freePort();
  const dir = mkdtempSync(path.join(tmpdir(), 'earshot-redis-'));
  const own = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', ''];
  const child = spawn('redis-server', [...own, ...args], { stdio: 'ignore' });
  const ended = endOf(child);
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    rmSync(dir, { recursive: true, force: true });
  };
  const password = args[args.indexOf('--requirepass') + 1];
  const login = args.includes('--requirepass') ? `:${encodeURIComponent(password ?? '')}@` : '';
  const url = `redis://${login}127.0.0.1:${port}`;
  const failed = new Promise<never>((_resolve, reject) => child.once('error', reject));
  const over = ended.then(() => Promise.reject(new Error('redis-server ended at once')));
  try {
    await Promise.race([answering(url, child), failed, over]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, url, process: child, stop };
}

/** A master with a replica, and a sentinel that lets the replica take over when the master is gone. */
export async function startRedisSentinel(
  name: string,
  passwords?: { readonly servers: string; readonly sentinel: string },
): Promise<{
  readonly master: RedisServer;
  readonly replica: RedisServer;
  /** Of the sentinel. */
  readonly url: string;
  stop(): Promise<void>;
}> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  try {
    const secret =
      passwords === undefined
        ? []
        : ['--requirepass', passwords.servers, '--masterauth', passwords.servers];
    const master = await startRedisServer(secret);
    stops.push(() => master.stop());
    const replica = await startRedisServer([
      ...['--replicaof', '127.0.0.1', String(master.port)],
      ...secret,
    ]);
    stops.push(() => replica.stop());
    const port = await freePort();
    const dir = mkdtempSync(path.join(tmpdir(), 'earshot-sentinel-'));
    const file = path.join(dir, 'sentinel.conf');
    const lines = [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${dir}`,
      `sentinel monitor ${name} 127.0.0.1 ${master.port} 1`,
      `sentinel down-after-milliseconds ${name} ${DEAD_AFTER_MS}`,
      `sentinel failover-timeout ${name} 5000`,
      ...(passwords === undefined
        ? []
        : [`sentinel auth-pass ${name} ${passwords.servers}`, `requirepass ${passwords.sentinel}`]),
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    const child = spawn('redis-sentinel', [file], { stdio: 'ignore' });
    const ended = endOf(child);
    stops.push(async () => {
      child.kill('SIGKILL');
      await ended;
      rmSync(dir, { recursive: true, force: true });
    });
    const login = passwords === undefined ? '' : `:${passwords.sentinel}@`;
    const url = `redis://${login}127.0.0.1:${port}`;
    await answering(url, child);
    const client = await createClient({ url: master.url }).connect();
    // A replica that the sentinel has not heard of, or that has not caught up, cannot take over.
    await until(async () => {
      const replication = await client.info('replication');
      return replication.includes('state=online');
    });
    client.destroy();
    const watcher = await createClient({ url }).connect();
    await until(async () => {
      const known = await watcher.sendCommand<unknown[]>(['SENTINEL', 'REPLICAS', name]);
      return known.length === 1;
    });
    watcher.destroy();
    return { master, replica, url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Three masters that share the slots of a cluster, and go on with theirs when one of them is gone. */
export async function startRedisCluster(options: readonly string[] = []): Promise<{
  readonly urls: readonly string[];
  readonly servers: readonly RedisServer[];
  /** The server that keeps a key. */
  serverOf(key: string): Promise<RedisServer>;
  stop(): Promise<void>;
}> {
  const servers: RedisServer[] = [];
  const busPorts: number[] = [];
  const stop = async (): Promise<void> => {
    for (const server of servers) await server.stop();
  };
  try {
    for (let i = 0; i < 3; i += 1) {
      const bus = await freePort();
      busPorts.push(bus);
      const own = [...CLUSTER_OPTIONS, '--cluster-port', String(bus), ...options];
      servers.push(await startRedisServer(own));
    }
    await joinCluster(servers, busPorts);
    const serverOf = async (key: string): Promise<RedisServer> => {
      const slot = Number(await asked(servers[0]?.url ?? '', ['CLUSTER', 'KEYSLOT', key]));
      const server = servers.findLast((_, i) => slot >= firstSlot(i, servers.length));
      if (server === undefined) throw new Error('no server has the slot');
      return server;
    };
    return { urls: servers.map(({ url }) => url), servers, serverOf, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const SLOTS = 16_384;
const CLUSTER_OPTIONS = [
  ['--cluster-enabled', 'yes'],
  ['--cluster-node-timeout', String(DEAD_AFTER_MS)],
  ['--cluster-require-full-coverage', 'no'],
].flat();

function firstSlot(server: number, servers: number): number {
  return Math.floor((SLOTS * server) / servers);
}

/** One command on a connection of its own. */
export async function asked(url: string, command: readonly string[]): Promise<unknown> {
  const client = await createClient({ url }).connect();
  try {
    return await client.sendCommand([...command]);
  } finally {
    client.destroy();
  }
}

async function joinCluster(
  servers: readonly RedisServer[],
  busPorts: readonly number[],
): Promise<void> {
  const clients = await Promise.all(servers.map(({ url }) => createClient({ url }).connect()));
  try {
    for (const [i, client] of clients.entries()) {
      const from = firstSlot(i, clients.length);
      const to = firstSlot(i + 1, clients.length) - 1;
      await client.sendCommand(['CLUSTER', 'ADDSLOTSRANGE', String(from), String(to)]);
      for (const [n, { port }] of servers.entries()) {
        const at = ['127.0.0.1', String(port), String(busPorts[n])];
        await client.sendCommand(['CLUSTER', 'MEET', ...at]);
      }
    }
    await until(async () => {
      const infos = await Promise.all(
        clients.map((client) => client.sendCommand<string>(['CLUSTER', 'INFO'])),
      );
      return infos.every(
        (info) => info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3'),
      );
    });
  } finally {
    for (const client of clients) client.destroy();
  }
}

/** The server that was started, and none that was on its port before it. */
async function answering(url: string, server: ChildProcess): Promise<void> {
  await until(async () => {
    const client = createClient({ url, socket: { reconnectStrategy: false } });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return (await client.info('server')).includes(`process_id:${server.pid}\r\n`);
    } catch {
      return false;
    } finally {
      if (client.isOpen) client.destroy();
    }
  });
}

/** Asks again and again, as only a server can tell when it is there. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error('it did not come up in time');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
