// Opens what is stored in Postgres, on a server of the operator's or on the embedded one, and closes it again.
import type { FriendLimits } from '../../domain/people.ts';
import type { Accounts } from '../../ports/accounts.ts';
import type { ActivityLog } from '../../ports/activity-log.ts';
import type { Archive } from '../../ports/archive.ts';
import type { ArchiveWriter } from '../../ports/archive-writer.ts';
import type { ChatLog } from '../../ports/chat-log.ts';
import type { Friends } from '../../ports/friends.ts';
import type { Log } from '../../ports/log.ts';
import type { Revocations } from '../../ports/revocations.ts';
import type { RoomLog } from '../../ports/room-log.ts';
import type { Traces } from '../../ports/traces.ts';
import type { Users } from '../../ports/users.ts';
import { pendingMigrations, requireMigrated } from './migration-status.ts';
import { createOrm, type Orm, type PostgresTarget } from './orm.ts';
import { startPgliteServer } from './pglite-server.ts';
import { PostgresAccounts } from './postgres-accounts.ts';
import { PostgresActivityLog } from './postgres-activity-log.ts';
import {
  PostgresActivityOutbox,
  type PostgresActivityOutboxOptions,
} from './postgres-activity-outbox.ts';
import { PostgresActivityRejects } from './postgres-activity-rejects.ts';
import { PostgresArchive } from './postgres-archive.ts';
import { PostgresArchiver, type PostgresArchiverOptions } from './postgres-archiver.ts';
import { PostgresChatLog } from './postgres-chat-log.ts';
import { PostgresFriends } from './postgres-friends.ts';
import { PostgresKv } from './postgres-kv.ts';
import { PostgresRevocations } from './postgres-revocations.ts';
import { PostgresRoomLog } from './postgres-room-log.ts';
import { PostgresTraces } from './postgres-traces.ts';
import { PostgresUsers } from './postgres-users.ts';
import { Sql } from './sql.ts';

export interface PostgresStores {
  readonly roomLog: RoomLog;
  /** As of `PostgresRoomLog`. */
  readonly beginEpochs: PostgresRoomLog['beginEpochs'];
  readonly chatLog: ChatLog;
  readonly users: Users;
  readonly friends: Friends;
  readonly accounts: Accounts;
  readonly revocations: Revocations;
  readonly activityLog: ActivityLog;
  readonly archive: Archive;
  readonly traces: Traces;
  /** What the outbox of listening holds that its store will never take. */
  readonly activityRejects: PostgresActivityRejects;
  /** Keeps what is told until `activityLog` has it. Start it. */
  createActivityOutbox(options: Omit<PostgresActivityOutboxOptions, 'sql'>): PostgresActivityOutbox;
  readonly kv: Pick<PostgresKv, 'get' | 'set' | 'setOnce'>;
  /** What brings the tables up to a live log of the rooms elsewhere. Nobody else appends to `roomLog` and `chatLog` then. */
  createArchiver(options: Pick<PostgresArchiverOptions, 'live' | 'metrics' | 'log'>): ArchiveWriter;
  /** For the log, such as `PostgreSQL 18.6`. */
  readonly version: string;
  /** Closes the connections after what is under way. Idempotent. */
  stop(): Promise<void>;
}

export interface PostgresStoresOptions {
  readonly target: PostgresTarget;
  /** Whether to bring the tables up to this version first. Without, they must be. */
  readonly migrate: boolean;
  readonly log: Log;
  readonly friendLimits?: FriendLimits;
}

/** Rejects with `StoreUnavailable` where the server cannot be reached; `MigrationsPending`, `MigrationsLocked` or `TablesInUse` by its tables. */
export async function openPostgresStores(options: PostgresStoresOptions): Promise<PostgresStores> {
  const { target, migrate, log } = options;
  const orm = await createOrm(target, (line) => log.debug({}, line));
  const sql = new Sql(orm);
  try {
    if (migrate) await migrateWhatIsPending(sql, target, log);
    else await requireMigrated(sql);
    const [server] = await sql.rows<{ readonly version: string }>('select version()');
    return storesOn(orm, sql, {
      vacuums: 'host' in target,
      friendLimits: options.friendLimits,
      version: /^PostgreSQL \S+/.exec(server?.version ?? '')?.[0] ?? 'PostgreSQL',
    });
  } catch (error) {
    await orm.close(true);
    throw error;
  }
}

/**
 * Nearly every start finds nothing to do: what migrates, which is much code, is loaded where there is. Without the lock, as migrations
 * only become more while nodes of this version start: one is taken back when none of them runs (docs/deploying.md).
 */
async function migrateWhatIsPending(sql: Sql, target: PostgresTarget, log: Log): Promise<void> {
  if ((await pendingMigrations(sql)).length === 0) return;
  const { migrateUp } = await import('./migrate.ts');
  for (const migration of await migrateUp(target, log))
    log.info({ migration }, 'database migrated');
}

export interface EmbeddedStores extends PostgresStores {
  /** As of `PgliteServer`. */
  copyTo(directory: string): Promise<void>;
}

/** By how many epochs the rooms of a copy go on: two restores of one copy, a second apart, are not taken for each other. @param at wall time, ms */
export function epochsSince(at: number): number {
  return 1 + Math.max(0, Math.floor((Date.now() - at) / 1_000));
}

/**
 * The stores on an embedded database in `dataDir`.
 * Rejects with `DataDirInUse`, `DataDirDamaged` or `DatabaseNotMade`.
 */
export async function openEmbeddedStores(options: {
  readonly dataDir: string;
  readonly log: Log;
  readonly friendLimits?: FriendLimits;
  /** The database has died by itself: from now on every store is unavailable. */
  readonly failed?: (error: Error) => void;
}): Promise<EmbeddedStores> {
  const { dataDir, log, friendLimits } = options;
  const server = await startPgliteServer(dataDir);
  server.onFailure((error) => {
    log.error({ err: error }, 'the embedded database has died');
    options.failed?.(error);
  });
  try {
    const { host, port, version } = server;
    const stores = await openPostgresStores({
      ...{ target: { host, port }, migrate: true, log },
      ...(friendLimits === undefined ? {} : { friendLimits }),
    });
    const { copiedAt } = server;
    if (copiedAt !== undefined) {
      // What the other one did since is not in it, and must not be taken for what is done from now on.
      const rooms = await stores.beginEpochs(epochsSince(copiedAt));
      server.forgetCopy();
      log.warn({ rooms, copiedAt }, 'this is a backup: its rooms go on under a new epoch');
    }
    return {
      ...stores,
      version,
      copyTo: (directory) => server.copyTo(directory),
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

function storesOn(
  orm: Orm,
  sql: Sql,
  {
    vacuums,
    friendLimits,
    version,
  }: {
    readonly vacuums: boolean;
    readonly friendLimits: FriendLimits | undefined;
    readonly version: string;
  },
): PostgresStores {
  const kv = new PostgresKv(sql);
  let stopped: Promise<void> | undefined;
  const roomLog = new PostgresRoomLog(sql, kv, { vacuums });
  return {
    roomLog,
    beginEpochs: (raise) => roomLog.beginEpochs(raise),
    chatLog: new PostgresChatLog(sql),
    users: new PostgresUsers(sql),
    friends: new PostgresFriends(sql, friendLimits),
    accounts: new PostgresAccounts(sql),
    revocations: new PostgresRevocations(sql),
    activityLog: new PostgresActivityLog(sql),
    activityRejects: new PostgresActivityRejects(sql),
    createActivityOutbox: (options) => new PostgresActivityOutbox({ ...options, sql }),
    archive: new PostgresArchive(sql),
    traces: new PostgresTraces(sql),
    kv,
    createArchiver: (options) => new PostgresArchiver({ ...options, sql, archive: roomLog }),
    version,
    stop() {
      stopped ??= orm.close(true);
      return stopped;
    },
  };
}
