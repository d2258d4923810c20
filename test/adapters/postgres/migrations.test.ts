// The tables: made and unmade by the migrations, and the same as the entities say.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { createOrm, type Orm } from '../../../src/adapters/postgres/orm.ts';
import {
  startPgliteServer,
  type PgliteServer,
} from '../../../src/adapters/postgres/pglite-server.ts';

const dataDir = mkdtempSync(path.join(tmpdir(), 'earshot-migrations-'));
let server: PgliteServer;
let orm: Orm;

beforeAll(async () => {
  server = await startPgliteServer(dataDir);
  orm = await createOrm({ host: server.host, port: server.port }, () => undefined);
});

afterAll(async () => {
  await orm.close(true);
  await server.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

async function tables(): Promise<string[]> {
  const rows: { name: string }[] = await orm.em
    .getConnection()
    .execute("select tablename as name from pg_tables where schemaname = 'public' order by 1");
  return rows.map(({ name }) => name);
}

describe('migrations', () => {
  it('go up from empty, down to empty, and up again', async () => {
    const names = MIGRATIONS.map(({ name }) => name);
    expect((await orm.migrator.up()).map(({ name }) => name)).toEqual(names);
    const up = await tables();
    expect(up).toContain('room_event');
    expect(await orm.migrator.up()).toEqual([]);
    await orm.migrator.down({ to: 0 });
    expect(await tables()).toEqual(['migration']);
    await orm.migrator.up();
    expect(await tables()).toEqual(up);
  });

  it('make exactly the tables of the entities', async () => {
    await orm.migrator.up();
    expect(await orm.schema.getUpdateSchemaSQL({ wrap: false, safe: false })).toBe('');
  });

  it('have a snapshot that says the same', () => {
    const snapshot: unknown = JSON.parse(
      readFileSync(new URL('../../../migrations/snapshot.json', import.meta.url), 'utf8'),
    );
    const { tables: told } = snapshot as {
      tables: { name: string; columns: Record<string, { type: string; nullable: boolean }> }[];
    };
    const expected = Object.values(orm.getMetadata().getAll()).map((meta) => [
      meta.tableName,
      meta.props
        .map(({ fieldNames, columnTypes, nullable }) => [
          fieldNames[0],
          columnTypes[0],
          nullable === true,
        ])
        .sort(),
    ]);
    const columns = told.map((table) => [
      table.name,
      Object.entries(table.columns)
        .map(([name, { type, nullable }]) => [name, type, nullable])
        .sort(),
    ]);
    expect(columns.sort()).toEqual(expected.sort());
  });
});
