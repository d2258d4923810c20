// Opens what is stored in Postgres, on a server of the operator's or on the embedded one, and closes it again.
import type { Archive } from '../../ports/archive.ts';
import type { ChatLog } from '../../ports/chat-log.ts';
import type { Log } from '../../ports/log.ts';
import type { RoomLog } from '../../ports/room-log.ts';
import type { Users } from '../../ports/users.ts';
import { createOrm, type Orm, type PostgresTarget } from './orm.ts';
import { startPgliteServer } from './pglite-server.ts';
import { PostgresArchive } from './postgres-archive.ts';
import { PostgresChatLog } from './postgres-chat-log.ts';
import { PostgresKv } from './postgres-kv.ts';
import { PostgresRoomLog } from './postgres-room-log.ts';
import { PostgresUsers } from './postgres-users.ts';
import { Sql } from './sql.ts';

export interface PostgresStores {
  readonly roomLog: RoomLog;
  readonly chatLog: ChatLog;
  readonly users: Users;
  readonly archive: Archive;
  readonly kv: Pick<PostgresKv, 'get' | 'set'>;
  /** For the log, such as `PostgreSQL 18.6`. */
  readonly version: string;
  /** Closes the connections after what is under way. Idempotent. */
  stop(): Promise<void>;
}

export interface PostgresStoresOptions {
  readonly target: PostgresTarget;
  /** Whether to bring the tables up to this version first. Without, a table that is missing shows with the first statement. */
  readonly migrate: boolean;
  readonly log: Log;
}

/** Rejects with `StoreUnavailable` where the server cannot be reached. */
export async function openPostgresStores(options: PostgresStoresOptions): Promise<PostgresStores> {
  const { target, migrate, log } = options;
  const orm = await createOrm(target, (line) => log.debug({}, line));
  const sql = new Sql(orm);
  try {
    const [server] = await sql.rows<{ readonly version: string }>('select version()');
    if (migrate) await migrateUp(orm, sql, log);
    return storesOn(orm, sql, {
      vacuums: 'host' in target,
      version: /^PostgreSQL \S+/.exec(server?.version ?? '')?.[0] ?? 'PostgreSQL',
    });
  } catch (error) {
    await orm.close(true);
    throw error;
  }
}

/**
 * The stores on an embedded database in `dataDir`.
 * Rejects with `DataDirInUse`, `DataDirDamaged` or `DatabaseNotMade`.
 */
export async function openEmbeddedStores(options: {
  readonly dataDir: string;
  readonly log: Log;
  /** The database has died by itself: from now on every store is unavailable. */
  readonly failed?: (error: Error) => void;
}): Promise<PostgresStores> {
  const { dataDir, log } = options;
  const server = await startPgliteServer(dataDir);
  server.onFailure((error) => {
    log.error({ err: error }, 'the embedded database has died');
    options.failed?.(error);
  });
  try {
    const { host, port, version } = server;
    const stores = await openPostgresStores({ target: { host, port }, migrate: true, log });
    return {
      ...stores,
      version,
      async stop() {
        await stores.stop();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function migrateUp(orm: Orm, sql: Sql, log: Log): Promise<void> {
  const done = await sql.managed(() => orm.migrator.up());
  for (const { name } of done) log.info({ migration: name }, 'database migrated');
}

function storesOn(
  orm: Orm,
  sql: Sql,
  { vacuums, version }: { readonly vacuums: boolean; readonly version: string },
): PostgresStores {
  const kv = new PostgresKv(sql);
  let stopped: Promise<void> | undefined;
  return {
    roomLog: new PostgresRoomLog(sql, kv, { vacuums }),
    chatLog: new PostgresChatLog(sql),
    users: new PostgresUsers(sql),
    archive: new PostgresArchive(sql),
    kv,
    version,
    stop() {
      stopped ??= orm.close(true);
      return stopped;
    },
  };
}
