// One process at a time on a database, or any number of nodes: refused, taken over, lost and taken again.
import { MikroORM } from '@mikro-orm/postgresql';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import {
  DatabaseInUse,
  lockDatabase,
  type DatabaseUse,
} from '../../../src/adapters/postgres/database-lock.ts';
import { systemTimers } from '../../../src/adapters/system/system-timers.ts';
import { StoreUnavailable } from '../../../src/ports/room-log.ts';
import type { Timers } from '../../../src/ports/timers.ts';
import { ManualTime } from '../../support/manual-time.ts';
import { startPostgresServer } from '../../support/postgres-server.ts';
import { SILENT } from '../../support/postgres-stores.ts';

const server = await startPostgresServer();
afterAll(async () => server?.stop());

describe.skipIf(server === undefined)('the lock of a database', () => {
  if (server === undefined) return;
  let clientUrl: string;
  beforeEach(async () => {
    clientUrl = await server.createDatabase();
  });

  function lock(
    timers: Timers,
    patienceMs = 0,
    failed: (error: Error) => void = () => expect.unreachable('it failed'),
    use: DatabaseUse = 'alone',
  ): Promise<() => Promise<void>> {
    const target = { clientUrl, poolSize: 1 };
    return lockDatabase({ target, use, timers, log: SILENT, failed, patienceMs });
  }

  async function ask(sql: string): Promise<number> {
    const orm = await MikroORM.init({
      clientUrl,
      entities: [],
      discovery: { warnWhenNoEntities: false },
      ensureDatabase: false,
    });
    const rows: unknown[] = await orm.em.getConnection().execute(
      `${sql} from pg_locks l join pg_database d on d.oid = l.database
         where l.locktype = 'advisory' and d.datname = current_database()`,
    );
    await orm.close(true);
    return rows.length;
  }
  /** Ends the sessions that hold it, as a server that is started again does. @returns how many there were */
  const cut = (): Promise<number> => ask('select pg_terminate_backend(l.pid)');
  const holders = (): Promise<number> => ask('select l.pid');

  it('refuses a second process, and is free for the next when the first has gone', async () => {
    const release = await lock(systemTimers);
    await expect(lock(systemTimers)).rejects.toThrow(DatabaseInUse);
    await release();
    await release();
    await (
      await lock(systemTimers)
    )();
  });

  it('lets nodes share it, and refuses one that is to be alone beside them', async () => {
    const share = () => lock(systemTimers, 0, undefined, 'shared');
    const releases = [await share(), await share()];
    await expect(lock(systemTimers)).rejects.toThrow('another process uses this database');
    for (const release of releases) await release();
    const release = await lock(systemTimers);
    await expect(share()).rejects.toThrow('a process without REDIS_URL has its rooms');
    await release();
  });

  it('waits a moment for one that is about to go', async () => {
    const release = await lock(systemTimers);
    const waiting = lock(systemTimers, 10_000);
    await release();
    await (
      await waiting
    )();
  });

  it('is of one database, not of the server', async () => {
    const release = await lock(systemTimers);
    clientUrl = await server.createDatabase();
    await (
      await lock(systemTimers)
    )();
    await release();
  });

  it('is taken again where its connection was lost', async () => {
    const time = new ManualTime();
    const release = await lock(time);
    expect(await cut()).toBe(1);
    await expect.poll(holders, { timeout: 15_000 }).toBe(0);
    // Looked at from outside: whoever tries to take it might come first.
    await expect
      .poll(
        async () => {
          await time.advance(5_000);
          return holders();
        },
        { timeout: 15_000 },
      )
      .toBe(1);
    await expect(lock(systemTimers)).rejects.toThrow(DatabaseInUse);
    await release();
  });

  it('says so where somebody else has taken it meanwhile', async () => {
    const time = new ManualTime();
    const failures: Error[] = [];
    const release = await lock(time, 0, (error) => failures.push(error));
    expect(await cut()).toBe(1);
    const other = await lock(systemTimers, 10_000);
    await expect
      .poll(
        async () => {
          await time.advance(5_000);
          return failures;
        },
        { timeout: 15_000 },
      )
      .toEqual([expect.any(DatabaseInUse)]);
    await time.advance(60_000);
    expect(failures).toHaveLength(1);
    await release();
    await other();
  });

  it('cannot be had from a server that is away', async () => {
    clientUrl = 'postgresql://postgres@127.0.0.1:1/earshot';
    await expect(lock(systemTimers)).rejects.toThrow(StoreUnavailable);
  });
});
