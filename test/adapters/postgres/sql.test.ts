// How long statements are kept from a database that was away for a moment, and which one is taken for away.
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createOrm, type Orm } from '../../../src/adapters/postgres/orm.ts';
import { Sql, isAway } from '../../../src/adapters/postgres/sql.ts';
import { StoreUnavailable } from '../../../src/ports/room-log.ts';

/** A database that answers nothing but what the test says. */
class FakeDatabase {
  isAway = false;
  statements = 0;

  readonly orm = {
    em: { getConnection: () => ({ getKnex: () => ({ raw: () => this.#answer() }) }) },
  } as unknown as Orm;

  async #answer(): Promise<{ rows: object[] }> {
    this.statements += 1;
    await Promise.resolve();
    if (this.isAway) throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    return { rows: [{ n: 1 }] };
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('Sql', () => {
  it('keeps statements from a database that is away, ever longer, until one gets through', async () => {
    const database = new FakeDatabase();
    const sql = new Sql(database.orm);
    const isRefused = () => expect(sql.rows('select 1')).rejects.toThrow(StoreUnavailable);
    database.isAway = true;
    for (const [failures, waitMs] of [100, 200, 400].entries()) {
      await isRefused();
      expect(database.statements).toBe(failures + 1);
      vi.advanceTimersByTime(waitMs - 1);
      await isRefused();
      expect(database.statements).toBe(failures + 1);
      vi.advanceTimersByTime(1);
    }
    database.isAway = false;
    expect(await sql.rows('select 1')).toEqual([{ n: 1 }]);
    database.isAway = true;
    await isRefused();
    vi.advanceTimersByTime(100);
    await isRefused();
    expect(database.statements).toBe(6);
  });

  it('takes a server that only reads for one that is away, and no fault of a statement', () => {
    const answer = (code: string) => Object.assign(new Error('answer'), { code });
    for (const code of ['08006', '25006', '53300', '57P01'])
      expect(isAway(answer(code))).toBe(true);
    for (const code of ['22P02', '23505', '42P01', '25P02'])
      expect(isAway(answer(code))).toBe(false);
  });

  it('takes a server for away that lets in and says nothing, as one that is frozen', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const clientUrl = `postgresql://somebody@127.0.0.1:${port}/earshot`;
    const orm = await createOrm({ clientUrl, poolSize: 1 }, () => undefined);
    try {
      await expect(new Sql(orm).rows('select 1')).rejects.toThrow(StoreUnavailable);
    } finally {
      await orm.close(true);
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  });

  it('waits no longer where many statements fail at once', async () => {
    const database = new FakeDatabase();
    const sql = new Sql(database.orm);
    database.isAway = true;
    await Promise.allSettled(Array.from({ length: 10 }, () => sql.rows('select 1')));
    database.isAway = false;
    vi.advanceTimersByTime(100);
    expect(await sql.rows('select 1')).toEqual([{ n: 1 }]);
  });
});
