// The tables: made and unmade by the migrations, with rows in place, and the same as the entities say.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MIGRATIONS } from '../../../migrations/index.ts';
import {
  TablesInUse,
  createMigratingOrm,
  migrateDown,
  migrateUp,
} from '../../../src/adapters/postgres/migrate.ts';
import {
  MigrationsPending,
  migrationStatus,
  requireMigrated,
} from '../../../src/adapters/postgres/migration-status.ts';
import { createOrm, type Orm, type PostgresTarget } from '../../../src/adapters/postgres/orm.ts';
import { openPostgresStores } from '../../../src/adapters/postgres/open-postgres-stores.ts';
import {
  startPgliteServer,
  type PgliteServer,
} from '../../../src/adapters/postgres/pglite-server.ts';
import { Sql } from '../../../src/adapters/postgres/sql.ts';
import { logRecorder, type Line } from '../../support/log-recorder.ts';
import { startPostgresServer } from '../../support/postgres-server.ts';
import { SILENT } from '../../support/postgres-stores.ts';

const NAMES = MIGRATIONS.map(({ name }) => name);

interface Database {
  readonly target: PostgresTarget;
  close(): Promise<void>;
}

async function migrateToFirst(target: PostgresTarget): Promise<void> {
  const orm = await createMigratingOrm(target, SILENT);
  await orm.migrator.up({ to: NAMES[0]! });
  await orm.close(true);
}

/** @param open a database without tables */
function migrationsOn(open: () => Promise<Database>): void {
  let database: Database;
  let orm: Orm;
  let sql: Sql;

  beforeAll(async () => {
    database = await open();
    orm = await createMigratingOrm(database.target, SILENT);
    sql = new Sql(orm);
  });

  afterAll(async () => {
    await orm.close(true);
    await database.close();
  });

  async function tables(): Promise<string[]> {
    const rows = await sql.rows<{ name: string }>(
      "select tablename as name from pg_tables where schemaname = 'public' order by 1",
    );
    return rows.map(({ name }) => name);
  }

  async function downToEmpty(): Promise<void> {
    while ((await migrateDown(database.target, SILENT)) !== undefined);
  }

  it('go up from empty, down to empty, and up again', async () => {
    await expect(requireMigrated(sql)).rejects.toThrow(MigrationsPending);
    expect(await migrateUp(database.target, SILENT)).toEqual(NAMES);
    const up = await tables();
    expect(up).toContain('room_event');
    expect(await migrateUp(database.target, SILENT)).toEqual([]);
    for (const name of NAMES.toReversed()) {
      expect(await migrateDown(database.target, SILENT)).toBe(name);
    }
    expect(await tables()).toEqual(['migration']);
    expect(await migrateDown(database.target, SILENT)).toBeUndefined();
    await migrateUp(database.target, SILENT);
    expect(await tables()).toEqual(up);
    await requireMigrated(sql);
  });

  it('make exactly the tables of the entities', async () => {
    await migrateUp(database.target, SILENT);
    expect(await orm.schema.getUpdateSchemaSQL({ wrap: false, safe: false })).toBe('');
  });

  it('make exactly the indexes of the entities, by what each is of', async () => {
    const indexes = async (): Promise<string[]> => {
      const rows = await sql.rows<{ definition: string }>(
        "select indexdef as definition from pg_indexes where schemaname = 'public' and tablename <> 'migration' order by 1",
      );
      return rows.map(({ definition }) => definition);
    };
    await migrateUp(database.target, SILENT);
    const migrated = await indexes();
    await downToEmpty();
    await orm.schema.createSchema({ wrap: false });
    const meant = await indexes();
    await orm.schema.dropSchema({ wrap: false });
    expect(migrated).toEqual(meant);
  });

  it('tell what is done, what is pending and what is of a newer version', async () => {
    await downToEmpty();
    await orm.migrator.up({ to: NAMES[0]! });
    await sql.rows("insert into migration (name) values ('29991231000000-later')");
    expect(await migrationStatus(database.target, SILENT)).toEqual([
      { name: NAMES[0], state: 'done' },
      ...NAMES.slice(1).map((name) => ({ name, state: 'pending' })),
      { name: '29991231000000-later', state: 'unknown' },
    ]);
    await expect(requireMigrated(sql)).rejects.toThrow(NAMES[1]!);
    await sql.rows("delete from migration where name = '29991231000000-later'");
  });

  it('keep the rows of the first version, up and down again', async () => {
    await downToEmpty();
    await orm.migrator.up({ to: NAMES[0]! });
    const [room, other, session, user] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
    await sql.rows(
      `insert into chat_item (room_id, seq, at, kind, user_id, name, text, target)
       select ?::uuid, n, n, 'message', ?::uuid, 'Ana', 'said ' || n, null::int from generate_series(1, 300) n
       union all select ?::uuid, 1, 1, 'message', ?::uuid, 'Ana', 'elsewhere', null
       union all select ?::uuid, 301, 301, 'deletion', ?::uuid, null, null, 7`,
      [room, user, other, user, room, user],
    );
    await sql.rows('insert into session (id, room_id, started_at) values (?, ?, 1)', [
      session,
      room,
    ]);
    await sql.rows(
      `insert into room_event (room_id, epoch, revision, event_id, at, type, event)
       values (?, 1, 2, 'arrival', 1, 'MembersArrived', '{}')`,
      [room],
    );
    await sql.rows(
      `insert into participation (session_id, user_id, name, arrived_at, epoch, revision)
       values (?, ?, 'Ana', 1, 1, 2), (?, ?, 'Ana', 2, 1, 9)`,
      [session, user, session, user],
    );
    await sql.rows(`insert into "user" (id, name, guest) values (?, 'Ana', true)`, [user]);
    const columns = 'room_id, seq, at, kind, user_id, name, text, deleted, target, key';
    const chat = () => sql.rows(`select ${columns} from chat_item order by room_id, seq`);
    const stays = () =>
      sql.rows(
        'select id, session_id, user_id, arrived_at, epoch, revision from participation order by arrived_at',
      );
    const people = () => sql.rows('select id, name, guest from "user"');
    const now = async () => ({ chat: await chat(), stays: await stays(), people: await people() });
    const before = await now();
    expect(before.chat).toHaveLength(302);

    await migrateUp(database.target, SILENT);
    expect(await now()).toEqual(before);
    const [ids] = await sql.rows<{ count: number; kind: string; key: string }>(
      `select count(distinct id)::int as count, min(pg_typeof(id)::text) as kind,
         (select pg_get_constraintdef(oid) from pg_constraint where conname = 'chat_item_pkey') as key
       from chat_item`,
    );
    expect(ids).toEqual({ count: 302, kind: 'uuid', key: 'PRIMARY KEY (id)' });
    const again = `insert into chat_item (room_id, seq, at, kind, user_id) values (?, 5, 1, 'message', ?)`;
    await expect(sql.rows(again, [room, user])).rejects.toThrow('chat_item_seq_unique');
    expect(
      await sql.rows('select event_id from participation order by arrived_at'),
      'an arrival whose event is not kept has its number for an id',
    ).toEqual([{ event_id: 'arrival' }, { event_id: '1-9' }]);

    expect(
      await sql.rows('select audience, policy_version, friend_code, private_until from "user"'),
    ).toEqual([{ audience: 'friends', policy_version: 0, friend_code: null, private_until: null }]);
    await sql.rows('insert into friendship (user_id, friend_id, since) values (?, ?, 1)', [
      user,
      other,
    ]);

    while ((await migrateDown(database.target, SILENT)) !== NAMES[1]);
    expect(await now()).toEqual(before);
    await expect(sql.rows(again, [room, user])).rejects.toThrow('chat_item_pkey');
    await migrateUp(database.target, SILENT);
    expect(await now()).toEqual(before);
  });
}

describe('migrations on the embedded Postgres', () => {
  migrationsOn(async () => {
    const dataDir = mkdtempSync(path.join(tmpdir(), 'earshot-migrations-'));
    const server: PgliteServer = await startPgliteServer(dataDir);
    return {
      target: { host: server.host, port: server.port },
      async close() {
        await server.stop();
        rmSync(dataDir, { recursive: true, force: true });
      },
    };
  });
});

const server = await startPostgresServer();

describe.skipIf(server === undefined)('migrations on a real Postgres', () => {
  if (server === undefined) return;
  afterAll(() => server.stop());
  migrationsOn(async () => ({
    target: { clientUrl: await server.createDatabase(), poolSize: 2 },
    close: () => Promise.resolve(),
  }));

  it('are run once, whoever starts at the same moment', async () => {
    const target = { clientUrl: await server.createDatabase(), poolSize: 2 };
    const done = await Promise.all(Array.from({ length: 5 }, () => migrateUp(target, SILENT)));
    expect(done.filter((names) => names.length > 0)).toEqual([NAMES]);
  });

  it('are run once by services that start at the same moment', async () => {
    const target = { clientUrl: await server.createDatabase(), poolSize: 2 };
    const done: Line[] = [];
    const log = logRecorder(done);
    const opened = await Promise.all(
      Array.from({ length: 4 }, () => openPostgresStores({ target, migrate: true, log })),
    );
    for (const stores of opened) await stores.stop();
    const migrated = done.filter(({ message }) => message === 'database migrated');
    expect(migrated.map(({ migration }) => migration)).toEqual(NAMES);
  });

  it('wait for the lock, and leave none behind', async () => {
    const target = { clientUrl: await server.createDatabase(), poolSize: 2 };
    await migrateUp(target, SILENT);
    const orm = await createMigratingOrm(target, SILENT);
    const sql = new Sql(orm);
    const locks =
      "select objid, granted from pg_locks where locktype = 'advisory' order by granted";
    expect(await sql.rows(locks)).toEqual([]);
    await sql.rows('select pg_advisory_lock(3277468)');
    const second = migrateDown(target, SILENT);
    await expect.poll(() => sql.rows(locks)).toMatchObject([{ granted: false }, { granted: true }]);
    expect((await migrationStatus(target, SILENT)).at(-1)?.state).toBe('done');
    // The holder dies without a word.
    await orm.close(true);
    expect(await second).toBe(NAMES.at(-1));
  });

  describe('while somebody reads a table that they change, as pg_dump does', () => {
    const TABLE = 'chat_item';
    /** Of the pools that a test opens. */
    const opened: Orm[] = [];
    afterEach(async () => {
      for (const orm of opened.splice(0)) await orm.close(true);
    });

    /** A database of the first version, one that reads the table until `letGo`, and one that asks for it as nodes do. */
    async function held() {
      const target = { clientUrl: await server!.createDatabase(), poolSize: 2 };
      const orm = await createOrm(target, () => undefined);
      opened.push(orm);
      const sql = new Sql(orm);
      await migrateToFirst(target);
      let letGo: () => void = () => undefined;
      let dumping: Promise<void> = Promise.resolve();
      await new Promise<void>((resolve) => {
        dumping = sql.transaction(async (rows) => {
          await rows(`lock table ${TABLE} in access share mode`);
          resolve();
          await new Promise<void>((done) => (letGo = done));
        });
      });
      const waiting = () =>
        sql.rows(
          "select 1 from pg_locks where relation = 'chat_item'::regclass and mode = 'AccessExclusiveLock' and not granted and database = (select oid from pg_database where datname = current_database())",
        );
      return {
        target,
        sql,
        waiting,
        letGo: async () => {
          letGo();
          await dumping;
        },
      };
    }

    it('let those who ask for it on after each try, and go through once it is let go', async () => {
      const { target, sql, waiting, letGo } = await held();
      const lines: Line[] = [];
      const patience = { lockTimeoutMs: 300, pauseMs: 100, patienceMs: 60_000 };
      const migrating = migrateUp(target, logRecorder(lines), patience);
      for (let reads = 0; reads < 3; reads += 1) {
        await expect.poll(waiting, { interval: 5, timeout: 30_000 }).toHaveLength(1);
        // It queues behind the migration, which waits for what is not let go.
        await sql.rows(`select 1 from ${TABLE} limit 1`);
      }
      expect(lines.length).toBeGreaterThan(0);
      expect(lines[0]).toMatchObject({
        level: 'warn',
        message: 'a table that the migrations change is in use: trying again',
        cause: expect.stringContaining('lock timeout') as string,
      });
      expect((await migrationStatus(target, SILENT)).at(-1)?.state).toBe('pending');
      await letGo();
      expect(await migrating).toEqual(NAMES.slice(1));
      await requireMigrated(sql);
    }, 60_000);

    it('are given up in the end, with one line that says what to look at, and nothing changed', async () => {
      const { target, letGo } = await held();
      const patience = { lockTimeoutMs: 50, pauseMs: 10, patienceMs: 500 };
      const lines: Line[] = [];
      const migrating = migrateUp(target, logRecorder(lines), patience);
      await expect(migrating).rejects.toThrow(TablesInUse);
      await expect(migrating).rejects.toThrow(
        /^a table .* pg_stat_activity .*nothing was changed$/,
      );
      expect(lines.length).toBeGreaterThan(0);
      expect((await migrationStatus(target, SILENT)).map(({ state }) => state)).toEqual([
        'done',
        ...NAMES.slice(1).map(() => 'pending'),
      ]);
      await letGo();
      // Neither the lock of the migrations nor anything else stays behind.
      expect(await migrateUp(target, SILENT)).toEqual(NAMES.slice(1));
    }, 60_000);
  });
});

describe('migrations', () => {
  it('have a snapshot that says the same', async () => {
    const snapshot: unknown = JSON.parse(
      readFileSync(new URL('../../../migrations/snapshot.json', import.meta.url), 'utf8'),
    );
    const { tables: told } = snapshot as {
      tables: {
        name: string;
        columns: Record<string, { type: string; nullable: boolean; primary: boolean }>;
      }[];
    };
    const orm = await createOrm({ host: 'nowhere', port: 1 }, () => undefined);
    const expected = Object.values(orm.getMetadata().getAll()).map((meta) => [
      meta.tableName,
      meta.props
        .map(({ fieldNames, columnTypes, nullable, primary }) => [
          fieldNames[0],
          columnTypes[0],
          nullable === true,
          primary === true,
        ])
        .sort(),
    ]);
    await orm.close(true);
    const columns = told.map((table) => [
      table.name,
      Object.entries(table.columns)
        .map(([name, { type, nullable, primary }]) => [name, type, nullable, primary])
        .sort(),
    ]);
    expect(columns.sort()).toEqual(expected.sort());
  });
});
