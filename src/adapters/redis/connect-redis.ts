// Connections to Redis: one server, a cluster, or whichever server Sentinel says is the master.
import { createClient, createCluster, createSentinel } from 'redis';
import type { Log } from '../../ports/log.ts';
import { OperationalError } from '../../ports/operational-error.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import { COMMAND_TIMEOUT_MS, type RedisCommands } from './redis-commands.ts';

/** Credentials and TLS (`rediss:`) are those of the URLs; of a cluster's servers all have those of the first. */
export type RedisTarget =
  | { readonly kind: 'single'; readonly url: string }
  | { readonly kind: 'cluster'; readonly urls: readonly string[] }
  | {
      readonly kind: 'sentinel';
      readonly name: string;
      /** Of the Sentinels. */
      readonly urls: readonly string[];
      /** With these the servers are entered that the Sentinels name; over TLS where the Sentinels are. */
      readonly login?: RedisLogin;
    };

export interface RedisLogin {
  readonly username?: string;
  readonly password?: string;
}

/** Redis is there, and does not let this process in. */
export class RedisRefuses extends OperationalError {
  constructor(cause: Error) {
    const reason = cause.message.replace(/\.$/, '');
    super(`Redis refuses: ${reason}: see that its name and password are right`, { cause });
    this.name = 'RedisRefuses';
  }
}

const REFUSALS = /^(WRONGPASS|NOAUTH|NOPERM)\b/;

export interface RedisConnection {
  readonly redis: RedisCommands;
  /** Calls `listener` when a connection has come back, or a server has taken over. */
  onBack(listener: () => void): void;
  /** Sends commands to the server that keeps `key`, one right after the other on one connection, and waits for all. */
  together(key: string, commands: readonly (readonly string[])[]): Promise<readonly unknown[]>;
  stop(): Promise<void>;
}

const SENTINEL_PORT = 26_379;
const CONNECT_TIMEOUT_MS = 5_000;
const MAX_RETRY_MS = 2_000;
/** A connection that is away fails again and again: it is told once in so long. */
const TOLD_EVERY_MS = 10_000;

/** Grows from 50 ms to 2 s, spread at random, so that nodes do not come back as one. */
function retryDelay(retries: number): number {
  return Math.min(MAX_RETRY_MS, 50 * 2 ** Math.min(retries, 6)) * (0.5 + Math.random() / 2);
}

/**
 * Resolves when the first connection stands; from then on it comes back by itself.
 * @param patienceMs how long it may take
 * Rejects with `StoreUnavailable` where there is none by then, with `RedisRefuses` where it lets nobody in as who this is; nothing goes
 * on trying.
 */
export async function connectRedis(
  target: RedisTarget,
  log: Log,
  patienceMs = CONNECT_TIMEOUT_MS,
): Promise<RedisConnection> {
  const socket = { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: retryDelay };
  // A command that waits for a connection would keep its request waiting too: it is refused instead.
  const common = { disableOfflineQueue: true, commandOptions: { timeout: COMMAND_TIMEOUT_MS } };
  switch (target.kind) {
    case 'single': {
      const client = createClient({ url: target.url, socket, ...common });
      await connected(client, log, patienceMs);
      return {
        redis: client,
        onBack: (listener) => client.on('ready', listener),
        together: (_key, commands) => sentTo(client, commands),
        stop: () => stopped(client),
      };
    }
    case 'cluster': {
      const { login, tls } = partsOf(target.urls[0]);
      const cluster = createCluster({
        rootNodes: target.urls.map((url) => ({ url })),
        defaults: { socket: { ...socket, ...tls }, ...login, ...common },
      });
      await connected(cluster, log, patienceMs);
      return {
        redis: cluster,
        onBack: (listener) => cluster.on('node-ready', listener),
        together: async (key, commands) => sentTo(await cluster.getNodeClientForKey(key), commands),
        stop: () => stopped(cluster),
      };
    }
    case 'sentinel': {
      const { login, tls } = partsOf(target.urls[0]);
      const over = { ...socket, ...tls };
      const sentinel = createSentinel({
        name: target.name,
        passthroughClientErrorEvents: true,
        sentinelRootNodes: target.urls.map((url) => {
          const { hostname, port } = new URL(url);
          return { host: hostname, port: port === '' ? SENTINEL_PORT : Number(port) };
        }),
        nodeClientOptions: { socket: over, ...target.login, ...common },
        sentinelClientOptions: { socket: over, ...login },
      });
      await connected(sentinel, log, patienceMs);
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

function partsOf(url: string | undefined): {
  readonly login: RedisLogin;
  readonly tls: { readonly tls?: true };
} {
  const { username, password, protocol } = new URL(url ?? '');
  return {
    login: {
      ...(username !== '' && { username: decodeURIComponent(username) }),
      ...(password !== '' && { password: decodeURIComponent(password) }),
    },
    tls: protocol === 'rediss:' ? { tls: true } : {},
  };
}

function sentTo(
  client: { sendCommand(command: string[]): Promise<unknown> },
  commands: readonly (readonly string[])[],
): Promise<readonly unknown[]> {
  return Promise.all(commands.map((command) => client.sendCommand([...command])));
}

interface Client {
  on(event: 'error', listener: (error: unknown) => void): unknown;
  connect(): Promise<unknown>;
  destroy(): Promise<void> | void;
}

/** What Redis itself said, which its client wraps in an error of its own. */
function refusalIn(error: unknown): Error | undefined {
  if (!(error instanceof Error)) return undefined;
  return REFUSALS.test(error.message) ? error : refusalIn(error.cause);
}

async function connected(client: Client, log: Log, patienceMs: number): Promise<void> {
  let isUp = false;
  let toldAt = -Infinity;
  let lastError: unknown;
  let refused: unknown;
  client.on('error', (error) => {
    lastError = error;
    if (refusalIn(error) !== undefined) refused = error;
    // Whoever opens the first connection is told by its rejection.
    if (!isUp || performance.now() - toldAt < TOLD_EVERY_MS) return;
    toldAt = performance.now();
    log.warn({ err: error }, 'Redis is away');
  });
  let timeout: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    // By itself the client tries for ever, and nobody would hold the connection that it gets in the end.
    timeout = setTimeout(() => reject(new Error('no connection in time')), patienceMs);
  });
  try {
    await Promise.race([client.connect(), tooLate]);
    isUp = true;
  } catch (error) {
    await stopped(client);
    const refusal = refusalIn(refused ?? error);
    if (refusal !== undefined) throw new RedisRefuses(refusal);
    throw new StoreUnavailable('Redis', { cause: lastError ?? error });
  } finally {
    clearTimeout(timeout);
  }
}

function stopped(client: Client): Promise<void> {
  // Behind Sentinel it waits for what is under way, which may be a search for a master that never ends; the others throw if they were
  // closed before.
  void (async () => client.destroy())().catch(() => undefined);
  return Promise.resolve();
}
