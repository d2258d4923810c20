// Who may write to a database: one process that has its rooms there, or any number that share theirs in Redis. Knows nothing of what is kept.
import type { Log } from '../../ports/log.ts';
import { OperationalError } from '../../ports/operational-error.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import type { Timers } from '../../ports/timers.ts';
import { createOrm, type PostgresTarget } from './orm.ts';
import { Sql } from './sql.ts';

/** Beside the number of the migrations: a start holds both for a while. */
const LOCK = 3_277_469;
/** A process that is being replaced may still be sending its people away. */
const PATIENCE_MS = 10_000;
const TRY_EVERY_MS = 250;
/** More often than a pool closes what is idle. */
const LOOK_EVERY_MS = 5_000;

/** `alone`: with its rooms in it. `shared`: beside other nodes, with the rooms in Redis. */
export type DatabaseUse = 'alone' | 'shared';

const IN_USE: Readonly<Record<DatabaseUse, string>> = {
  alone:
    'another process uses this database: stop it first, give this one another POSTGRES_URL, or set REDIS_URL for both to share their rooms',
  shared:
    'a process without REDIS_URL has its rooms in this database: stop it first, or give this node another POSTGRES_URL',
};

/** Another living process uses the same database in a way that does not go with this one's. */
export class DatabaseInUse extends OperationalError {
  constructor(use: DatabaseUse) {
    super(IN_USE[use]);
    this.name = 'DatabaseInUse';
  }
}

export interface DatabaseLockOptions {
  readonly target: PostgresTarget & { readonly clientUrl: string };
  readonly use: DatabaseUse;
  readonly timers: Timers;
  readonly log: Log;
  /** The lock went with its connection, and somebody else has it now: this process must end. Called once. */
  readonly failed: (error: DatabaseInUse) => void;
  /** How long somebody else may hold it before it is refused, ms. */
  readonly patienceMs?: number;
}

/**
 * Locks the database on a connection of its own, which is looked at from then on: where it was lost the lock is taken again.
 * Rejects with `DatabaseInUse`, or `StoreUnavailable` where the server is away.
 * @returns the release; idempotent
 */
export async function lockDatabase(options: DatabaseLockOptions): Promise<() => Promise<void>> {
  const { target, use, timers, log, failed, patienceMs = PATIENCE_MS } = options;
  const orm = await createOrm({ ...target, poolSize: 1 }, (line) => log.debug({}, line));
  const sql = new Sql(orm);
  let released: Promise<void> | undefined;
  const release = (): Promise<void> => (released ??= orm.close(true));
  try {
    const deadline = performance.now() + patienceMs;
    while (!(await take(sql, use))) {
      if (performance.now() >= deadline) throw new DatabaseInUse(use);
      await new Promise<void>((resolve) => timers.after(TRY_EVERY_MS, resolve));
    }
  } catch (error) {
    await release();
    throw error;
  }

  let isLooking = false;
  const look = async (): Promise<void> => {
    if (isLooking) return;
    isLooking = true;
    try {
      if ((await take(sql, use)) || released !== undefined) return;
      stopLooking();
      failed(new DatabaseInUse(use));
    } catch (error) {
      // Away for all of this process, which says so itself; the lock is taken again when it is back.
      if (!(error instanceof StoreUnavailable) && released === undefined)
        log.warn({ err: error }, 'the lock of the database could not be looked at');
    } finally {
      isLooking = false;
    }
  };
  const stopLooking = timers.every(LOOK_EVERY_MS, () => void look());
  return () => {
    stopLooking();
    return release();
  };
}

/**
 * Whether this session has the lock: it may be taken again by whoever has it, and a session that replaced a lost one takes it anew.
 * A machine that dies without a word keeps it for half a minute, not for the hours that a server gives a silent connection by itself.
 */
async function take(sql: Sql, use: DatabaseUse): Promise<boolean> {
  const lock = use === 'alone' ? 'pg_try_advisory_lock' : 'pg_try_advisory_lock_shared';
  const [row] = await sql.rows<{ readonly ours: boolean }>(
    `select ${lock}(?) as ours, set_config('tcp_keepalives_idle', '15', false),
       set_config('tcp_keepalives_interval', '5', false), set_config('tcp_keepalives_count', '3', false)`,
    [LOCK],
  );
  return row?.ours === true;
}
