// Which migrations a database has seen. Changes nothing, and loads no migration.
import { MIGRATIONS } from '../../../migrations/index.ts';
import type { Log } from '../../ports/log.ts';
import { OperationalError } from '../../ports/operational-error.ts';
import { createOrm, type PostgresTarget } from './orm.ts';
import { isState, Sql } from './sql.ts';

const NO_SUCH_TABLE = '42P01';

/** The tables are not those of this version, and were not to be changed. */
export class MigrationsPending extends OperationalError {
  constructor(names: readonly string[]) {
    super(
      `the tables in Postgres are not up to date (missing: ${names.join(', ')}): run \`node dist/src/migrate.js\`, or start with MIGRATE=on`,
    );
    this.name = 'MigrationsPending';
  }
}

export interface MigrationStatus {
  readonly name: string;
  /** `unknown`: made by a newer version of this service. */
  readonly state: 'done' | 'pending' | 'unknown';
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

/** The names of those of this version that have not been run, in order. */
export async function pendingMigrations(sql: Sql): Promise<readonly string[]> {
  const status = await statusBy(sql);
  return status.filter(({ state }) => state === 'pending').map(({ name }) => name);
}

/** Rejects with `MigrationsPending` unless every migration of this version has been run. */
export async function requireMigrated(sql: Sql): Promise<void> {
  const pending = await pendingMigrations(sql);
  if (pending.length > 0) throw new MigrationsPending(pending);
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
      // Where MikroORM keeps it, whatever the path of the role is.
      'select name from public.migration order by id',
    );
    return rows.map(({ name }) => name);
  } catch (error) {
    if (isState(error, NO_SUCH_TABLE)) return [];
    throw error;
  }
}
