// Brings the tables from one version to another, one process at a time. Knows not what the migrations change.
import { Migrator } from '@mikro-orm/migrations';
import { MIGRATIONS } from '../../../migrations/index.ts';
import type { Log } from '../../ports/log.ts';
import { OperationalError } from '../../ports/operational-error.ts';
import { createOrm, type Orm, type PostgresTarget } from './orm.ts';
import { isState, Sql } from './sql.ts';

/** Any number will do, as long as every version of this service takes the same: "earshot" on a telephone's keys. */
const LOCK = 3_277_468;
const LOCK_TIMEOUT = '300s';
const NO_LOCK_IN_TIME = '55P03';
const DEADLOCK = '40P01';

/** What to do about somebody who has a table in use that a migration changes, all in ms. */
export interface TablePatience {
  /** How long a statement waits for a table: whoever asks for that table meanwhile waits behind it. */
  readonly lockTimeoutMs: number;
  /** From a try to the next one, in which those others get on. */
  readonly pauseMs: number;
  /** From the first try on; then it is given up. */
  readonly patienceMs: number;
}

/** Shorter in all than the next process waits for the lock of the migrations (a third one may wait in vain), and the pause shorter than a pool keeps an idle connection. */
const PATIENCE: TablePatience = { lockTimeoutMs: 3_000, pauseMs: 5_000, patienceMs: 240_000 };

/** Somebody else has been migrating for so long that waiting is no use. */
export class MigrationsLocked extends OperationalError {
  constructor(options: ErrorOptions) {
    super(
      `another process has been changing the tables in Postgres for more than ${LOCK_TIMEOUT}: see what it waits for, then start again`,
      options,
    );
    this.name = 'MigrationsLocked';
  }
}

/** Somebody has had a table in use for so long that waiting is no use. */
export class TablesInUse extends OperationalError {
  constructor(patienceMs: number, options: ErrorOptions) {
    super(
      `a table that the migrations change has been in use for ${Math.round(patienceMs / 1_000)} s, as by pg_dump or a transaction that was left open: see in pg_stat_activity by whom, and start again when it has ended; nothing was changed`,
      options,
    );
    this.name = 'TablesInUse';
  }
}

/**
 * Runs what has not been run yet; answers the names in order. Waits while another process does so, and tries again, with a line each
 * time, while somebody has a table in use: others are kept waiting for a table no longer than `lockTimeoutMs` at a time.
 * Rejects with `MigrationsLocked`, `TablesInUse`, or `StoreUnavailable` where the server is away; then nothing was changed: it is one
 * transaction.
 */
export function migrateUp(
  target: PostgresTarget,
  log: Log,
  patience: TablePatience = PATIENCE,
): Promise<readonly string[]> {
  return locked(target, log, patience, async (migrator) => {
    const done = await migrator.up();
    return done.map(({ name }) => name);
  });
}

/** Takes the newest migration back; answers its name, or undefined where there is none. Rejects as `migrateUp` does. */
export function migrateDown(target: PostgresTarget, log: Log): Promise<string | undefined> {
  return locked(target, log, PATIENCE, async (migrator) => {
    const done = await migrator.down();
    return done[0]?.name;
  });
}

/** MikroORM with its migrator, on one connection. */
export async function createMigratingOrm(target: PostgresTarget, log: Log): Promise<Orm> {
  const migrationsList = await Promise.all(
    MIGRATIONS.map(async ({ name, load }) => ({ name, class: await load() })),
  );
  return createOrm(target, (line) => log.debug({}, line), {
    migrating: {
      extensions: [Migrator],
      migrations: {
        tableName: 'migration',
        migrationsList,
        path: 'migrations',
        snapshotName: 'snapshot',
        // The snapshot belongs to the sources: a running service must not write one into its working directory.
        snapshot: false,
        silent: true,
      },
    },
  });
}

/**
 * With the lock held by the one connection that also migrates: were it another, the lock could end while the migration goes on. It ends
 * with the connection at the latest, so that no death leaves it behind.
 */
async function locked<T>(
  target: PostgresTarget,
  log: Log,
  patience: TablePatience,
  work: (migrator: Migrator) => Promise<T>,
): Promise<T> {
  const orm = await createMigratingOrm(target, log);
  const sql = new Sql(orm);
  let taken = 0;
  try {
    const deadline = performance.now() + patience.patienceMs;
    for (;;) {
      await takeLock(sql);
      taken += 1;
      // One that has failed keeps hold of the transaction that is over.
      const migrator = new Migrator(orm.em);
      const result = await tried(sql, patience.lockTimeoutMs, () => work(migrator));
      if (!(result instanceof TableHeld)) return result;
      const { cause } = result;
      if (performance.now() >= deadline) throw new TablesInUse(patience.patienceMs, { cause });
      log.warn(
        { cause: cause.message, retryMs: patience.pauseMs },
        'a table that the migrations change is in use: trying again',
      );
      // It holds the process: a command that waits has nothing else that does.
      await new Promise((resolve) => setTimeout(resolve, patience.pauseMs));
    }
  } finally {
    // The embedded database has one session for all connections: closing would not release it there, nor end what was set.
    await sql.rows('set lock_timeout = default').catch(() => undefined);
    for (; taken > 0; taken -= 1)
      await sql.rows('select pg_advisory_unlock(?)', [LOCK]).catch(() => undefined);
    await orm.close(true);
  }
}

/** Whoever has it gets it again at once; a connection that replaced a lost one takes it anew. */
async function takeLock(sql: Sql): Promise<void> {
  try {
    await sql.rows(`set lock_timeout = '${LOCK_TIMEOUT}'`);
    await sql.rows('select pg_advisory_lock(?)', [LOCK]);
  } catch (error) {
    if (isState(error, NO_LOCK_IN_TIME)) throw new MigrationsLocked({ cause: error });
    throw error;
  }
}

/** A table was not to be had in time. */
class TableHeld {
  readonly cause: Error;

  constructor(cause: Error) {
    this.cause = cause;
  }
}

/**
 * Without an end to the wait, a statement that waits for a table behind one that reads it for long, as `pg_dump` does, has all who ask
 * for that table wait behind it: nodes of the version before serve meanwhile.
 */
async function tried<T>(
  sql: Sql,
  lockTimeoutMs: number,
  work: () => Promise<T>,
): Promise<T | TableHeld> {
  await sql.rows(`set lock_timeout = ${lockTimeoutMs}`);
  try {
    return await sql.managed(work);
  } catch (error) {
    const cause = causeOf(error, NO_LOCK_IN_TIME) ?? causeOf(error, DEADLOCK);
    if (cause === undefined) throw error;
    return new TableHeld(cause);
  }
}

/** Whatever it is wrapped in, as failures of a migration are. */
function causeOf(error: unknown, state: string): Error | undefined {
  for (let each = error; each instanceof Error; each = each.cause)
    if (isState(each, state)) return each;
  return undefined;
}
