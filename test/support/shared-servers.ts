// A Redis and a Postgres of their own for nodes under test, and nodes over them.
import path from 'node:path';
import { EarshotProcess, temporaryDir } from './earshot-process.ts';
import { startPostgresServer, type PostgresServer } from './postgres-server.ts';
import { orSkipped, startRedisServer, type RedisServer } from './redis-server.ts';

/** No rate is a limit: the test asks as fast as it likes. */
export const NO_RATES = {
  REQUESTS_PER_SECOND: '100000',
  REQUEST_BURST: '100000',
  USER_REQUESTS_PER_SECOND: '100000',
  USER_REQUEST_BURST: '100000',
  ROOMS_PER_MINUTE: '100000',
  ROOM_BURST: '100000',
  ADDRESS_ROOMS_PER_MINUTE: '100000',
  ADDRESS_ROOM_BURST: '100000',
  GUESTS_PER_MINUTE: '100000',
  GUEST_BURST: '100000',
};

export class SharedServers {
  readonly redis: RedisServer;
  readonly postgres: PostgresServer;
  /** Of the database that the nodes share. */
  readonly databaseUrl: string;
  readonly #stops: (() => Promise<unknown>)[] = [];

  private constructor(redis: RedisServer, postgres: PostgresServer, databaseUrl: string) {
    this.redis = redis;
    this.postgres = postgres;
    this.databaseUrl = databaseUrl;
  }

  /** Undefined, with one line that says why, where one of them cannot be had. */
  static async start(): Promise<SharedServers | undefined> {
    const postgres = await startPostgresServer();
    if (postgres === undefined) return undefined;
    const redis = await orSkipped('Redis', () => startRedisServer());
    if (redis === undefined) {
      await postgres.stop();
      return undefined;
    }
    return new SharedServers(redis, postgres, await postgres.createDatabase());
  }

  /** The configuration of a node over these servers. */
  async env(): Promise<Record<string, string> & { readonly DATA_DIR: string }> {
    const temporary = await temporaryDir();
    this.#stops.push(() => temporary.remove());
    return {
      DATA_DIR: path.join(temporary.dir, 'data'),
      REDIS_URL: this.redis.url,
      POSTGRES_URL: this.databaseUrl,
      TOKEN_SECRET: 'a secret of all nodes that is long enough',
      ...NO_RATES,
    };
  }

  async node(env: Readonly<Record<string, string>> = {}): Promise<EarshotProcess> {
    const node = await EarshotProcess.start({ ...(await this.env()), ...env });
    this.#stops.push(() => node.kill());
    return node;
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop();
    await this.redis.stop();
    await this.postgres.stop();
  }
}
