// Connections to Redis: one server, a cluster, or whichever server Sentinel says is the master.
import { createClient, createCluster, createSentinel } from 'redis';
import type { Log } from '../../ports/log.ts';
import { COMMAND_TIMEOUT_MS, type RedisCommands } from './redis-commands.ts';

export type RedisTarget =
  | { readonly kind: 'single'; readonly url: string }
  | { readonly kind: 'cluster'; readonly urls: readonly string[] }
  | { readonly kind: 'sentinel'; readonly name: string; readonly urls: readonly string[] };

export interface RedisConnection {
  readonly redis: RedisCommands;
  /** Calls `listener` when a connection has come back, or a server has taken over. */
  onBack(listener: () => void): void;
  /** Sends commands to the server that keeps `key`, one right after the other on one connection, and waits for all. */
  together(key: string, commands: readonly (readonly string[])[]): Promise<readonly unknown[]>;
  stop(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 5_000;
const MAX_RETRY_MS = 2_000;

/** Grows from 50 ms to 2 s, spread at random, so that nodes do not come back as one. */
function retryDelay(retries: number): number {
  return Math.min(MAX_RETRY_MS, 50 * 2 ** Math.min(retries, 6)) * (0.5 + Math.random() / 2);
}

/** Resolves when the first connection stands; rejects where there is none. From then on it comes back by itself. */
export async function connectRedis(target: RedisTarget, log: Log): Promise<RedisConnection> {
  const failed = (error: unknown): void => log.warn({ err: error }, 'Redis is away');
  const socket = { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: retryDelay };
  // A command that waits for a connection would keep its request waiting too: it is refused instead.
  const common = { disableOfflineQueue: true, commandOptions: { timeout: COMMAND_TIMEOUT_MS } };
  switch (target.kind) {
    case 'single': {
      const client = createClient({ url: target.url, socket, ...common });
      client.on('error', failed);
      await client.connect();
      return {
        redis: client,
        onBack: (listener) => client.on('ready', listener),
        together: (_key, commands) => sentTo(client, commands),
        stop: () => stopped(client),
      };
    }
    case 'cluster': {
      const cluster = createCluster({
        rootNodes: target.urls.map((url) => ({ url })),
        defaults: { socket, ...common },
      });
      cluster.on('error', failed);
      await cluster.connect();
      return {
        redis: cluster,
        onBack: (listener) => cluster.on('node-ready', listener),
        together: async (key, commands) => sentTo(await cluster.getNodeClientForKey(key), commands),
        stop: () => stopped(cluster),
      };
    }
    case 'sentinel': {
      const sentinel = createSentinel({
        name: target.name,
        sentinelRootNodes: target.urls.map((url) => {
          const { hostname, port } = new URL(url);
          return { host: hostname, port: Number(port) };
        }),
        nodeClientOptions: { socket, ...common },
        sentinelClientOptions: { socket },
      });
      sentinel.on('error', failed);
      await sentinel.connect();
      return {
        redis: sentinel,
        onBack: (listener) => sentinel.on('ready', listener).on('topology-change', listener),
        together: (_key, commands) =>
          sentinel.use((client) =>
            Promise.all(commands.map((command) => client.sendCommand(false, [...command]))),
          ),
        stop: () => stopped(sentinel),
      };
    }
  }
}

function sentTo(
  client: { sendCommand(command: string[]): Promise<unknown> },
  commands: readonly (readonly string[])[],
): Promise<readonly unknown[]> {
  return Promise.all(commands.map((command) => client.sendCommand([...command])));
}

function stopped(client: { destroy(): void }): Promise<void> {
  client.destroy();
  return Promise.resolve();
}
