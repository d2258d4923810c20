// Brings the tables from one version to another, one process at a time. Knows not what the migrations change.
import { MIGRATIONS } from '../../../migrations/index.ts';
import type { Log } from '../../ports/log.ts';
import { createOrm, type Orm, type PostgresTarget } from './orm.ts';
import { Sql } from './sql.ts';

/** Any number will do, as long as every version of this service takes the same: "earshot" on a telephone's keys. */
const LOCK = 3_277_468;
const LOCK_TIMEOUT = '300s';
const NO_LOCK_IN_TIME = '55P03';
const NO_SUCH_TABLE = '42P01';

export interface MigrationStatus {
  readonly name: string;
  /** `unknown`: made by a newer version of this service. */
  readonly state: 'done' | 'pending' | 'unknown';
}

/** The tables are not those of this version, and were not to be changed. */
export class MigrationsPending extends Error {
  constructor(names: readonly string[]) {
    super(
      `the tables in Postgres are not up to date (missing: ${names.join(', ')}): run \`node dist/src/migrate.js\`, or start with MIGRATE=on`,
    );
    this.name = 'MigrationsPending';
  }
}

/** Somebody else has been migrating for so long that waiting is no use. */
export class MigrationsLocked extends Error {
  constructor(options: ErrorOptions) {
    super(
      `another process has been changing the tables in Postgres for more than ${LOCK_TIMEOUT}: see what it waits for, then start again`,
      options,
    );
    this.name = 'MigrationsLocked';
  }
}

/**
 * Runs what has not been run yet; answers the names in order. Waits while another process does so.
 * Rejects with `MigrationsLocked`, or `StoreUnavailable` where the server is away; then nothing was changed: it is one transaction.
 */
export function migrateUp(target: PostgresTarget, log: Log): Promise<readonly string[]> {
  return locked(target, log, async (orm) => {
    const done = await orm.migrator.up();
    return done.map(({ name }) => name);
  });
}

/** Takes the newest migration back; answers its name, or undefined where there is none. Rejects as `migrateUp` does. */
export function migrateDown(target: PostgresTarget, log: Log): Promise<string | undefined> {
  return locked(target, log, async (orm) => {
    const done = await orm.migrator.down();
    return done[0]?.name;
  });
}

/** All migrations that this version or the database knows, in order. Changes nothing. */
export async function migrationStatus(
  target: PostgresTarget,
  log: Log,
): Promise<readonly MigrationStatus[]> {
  const orm = await createOrm(target, (line) => log.debug({}, line));
  try {
    return await statusBy(new Sql(orm));
  } finally {
    await orm.close(true);
  }
}

/** Rejects with `MigrationsPending` unless every migration of this version has been run. */
export async function requireMigrated(sql: Sql): Promise<void> {
  const pending = (await statusBy(sql)).filter(({ state }) => state === 'pending');
  if (pending.length > 0) throw new MigrationsPending(pending.map(({ name }) => name));
}

async function statusBy(sql: Sql): Promise<readonly MigrationStatus[]> {
  const done = await namesDone(sql);
  const known = MIGRATIONS.map(({ name }) => name);
  return [
    ...known.map((name) => ({ name, state: done.includes(name) ? 'done' : 'pending' }) as const),
    ...done
      .filter((name) => !known.includes(name))
      .map((name) => ({ name, state: 'unknown' }) as const),
  ];
}

async function namesDone(sql: Sql): Promise<readonly string[]> {
  try {
    const rows = await sql.rows<{ readonly name: string }>(
      'select name from migration order by id',
    );
    return rows.map(({ name }) => name);
  } catch (error) {
    if (isState(error, NO_SUCH_TABLE)) return [];
    throw error;
  }
}

/**
 * With the lock held by the one connection that also migrates: were it another, the lock could end while the migration goes on. It ends
 * with the connection at the latest, so that no death leaves it behind.
 */
async function locked<T>(
  target: PostgresTarget,
  log: Log,
  work: (orm: Orm) => Promise<T>,
): Promise<T> {
  const orm = await createOrm(target, (line) => log.debug({}, line), { isMigrating: true });
  const sql = new Sql(orm);
  try {
    await sql.rows(`set lock_timeout = '${LOCK_TIMEOUT}'`);
    await sql.rows('select pg_advisory_lock(?)', [LOCK]);
    await sql.rows('set lock_timeout = default');
    return await sql.managed(() => work(orm));
  } catch (error) {
    if (isState(error, NO_LOCK_IN_TIME)) throw new MigrationsLocked({ cause: error });
    throw error;
  } finally {
    // The embedded database has one session for all connections: closing would not release it there.
    await sql.rows('select pg_advisory_unlock(?)', [LOCK]).catch(() => undefined);
    await orm.close(true);
  }
}

function isState(error: unknown, state: string): boolean {
  return error instanceof Error && 'code' in error && error.code === state;
}
