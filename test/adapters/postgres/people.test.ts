// What is kept of people in Postgres, as its rows show it: no secret, and versions that only grow.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  openPostgresStores,
  type PostgresStores,
} from '../../../src/adapters/postgres/open-postgres-stores.ts';
import { createOrm, type Orm } from '../../../src/adapters/postgres/orm.ts';
import { PostgresFriends } from '../../../src/adapters/postgres/postgres-friends.ts';
import { PostgresTraces } from '../../../src/adapters/postgres/postgres-traces.ts';
import { Sql, type Rows } from '../../../src/adapters/postgres/sql.ts';
import { startPostgresServer } from '../../support/postgres-server.ts';
import { SILENT } from '../../support/postgres-stores.ts';

const server = await startPostgresServer();

describe.skipIf(server === undefined)('people in Postgres', () => {
  if (server === undefined) return;
  let stores: PostgresStores;
  let orm: Orm;
  let sql: Sql;

  beforeAll(async () => {
    const target = { clientUrl: await server.createDatabase(), poolSize: 4 };
    stores = await openPostgresStores({ target, migrate: true, log: SILENT });
    orm = await createOrm(target, () => undefined);
    sql = new Sql(orm);
  });

  afterAll(async () => {
    await orm.close(true);
    await stores.stop();
    await server.stop();
  });

  it('have policies whose versions grow, whatever clock or copy the database was put back to', async () => {
    const { id } = await stores.users.createGuest('Ana');
    const set = async (privateUntil: number): Promise<number> => {
      const { policies } = await stores.friends.setAudience(id, { privateUntil });
      return policies[0]?.version ?? NaN;
    };
    const first = await set(1);
    await sql.rows('update "user" set policy_version = 0 where id = ?', [id]);
    const afterCopy = await set(2);
    expect(afterCopy, 'of an older copy').toBeGreaterThan(first);
    const ahead = 8e15;
    await sql.rows('update "user" set policy_version = ? where id = ?', [ahead, id]);
    expect(await set(3), 'of a clock that ran ahead').toBe(ahead + 1);
  });

  it('keep no secret of a device or a link', async () => {
    const { id } = await stores.users.createGuest('Ana');
    const device = await stores.accounts.createToken(id, 'phone', 1);
    const link = await stores.accounts.createLink(id, 1);
    const rows = await sql.rows(
      'select to_jsonb(d) as kept from device_token d union all select to_jsonb(l) from account_link l',
    );
    expect(rows).toHaveLength(2);
    const kept = JSON.stringify(rows);
    for (const secret of [device?.secret.slice(4), link?.code]) {
      expect(secret).toMatch(/^[\w-]{22,}$/);
      expect(kept).not.toContain(secret);
    }
  });

  it('are told of a time zone that Postgres does not know as of one that is none', async () => {
    await expect(sql.rows("select now() at time zone 'US/Pacific-New'")).rejects.toThrow(
      RangeError,
    );
    await expect(sql.rows('select 1 / 0')).rejects.not.toThrow(RangeError);
  });

  it('are exported and forgotten without reading whole tables of what all others have said and done', async () => {
    const [ana, ben] = [
      await stores.users.createGuest('Ana'),
      await stores.users.createGuest('Ben'),
    ];
    const plans: string[] = [];
    const explaining =
      (rows: Rows): Rows =>
      async (text, bindings = []) => {
        if (/^\s*(?:select|delete|update)/.test(text)) {
          await rows('set local enable_seqscan = off');
          const plan = await rows<{ readonly 'QUERY PLAN': string }>(`explain ${text}`, bindings);
          plans.push(plan.map((line) => line['QUERY PLAN']).join('\n'));
        }
        return rows(text, bindings);
      };
    const explained = {
      rows: (text: string, bindings?: readonly unknown[]) =>
        sql.transaction((rows) => explaining(rows)(text, bindings)),
      transaction: (work: (rows: Rows) => Promise<unknown>) =>
        sql.transaction((rows) => work(explaining(rows))),
    } as unknown as Sql;

    for await (const _ of new PostgresTraces(explained).export(ana.id)) expect.unreachable();
    const messages = plans.filter((plan) => plan.includes('chat_item'));
    expect(messages).toHaveLength(1);
    expect(messages[0], 'in the order of the index').not.toContain('Sort');

    await stores.friends.request(ana.id, ben.id, 1);
    await stores.friends.accept(ben.id, ana.id, 1);
    const erased = await new PostgresFriends(explained).erase(ana.id);
    expect(erased.overviews).toEqual([ben.id]);
    expect(plans.length).toBeGreaterThan(10);
    for (const plan of plans) expect(plan).not.toContain('Seq Scan');
  });

  it('lie in their tables without a trace after they are forgotten', async () => {
    const [ana, ben, cleo, dora] = [
      await stores.users.createGuest('Ana'),
      await stores.users.createGuest('Ben'),
      await stores.users.createGuest('Cleo'),
      await stores.users.createGuest('Dora'),
    ];
    const { friends, accounts } = stores;
    await friends.request(ana.id, ben.id, 1);
    await friends.accept(ben.id, ana.id, 1);
    await friends.setAudience(ben.id, { chosen: [ana.id] });
    await friends.setAudience(ana.id, { chosen: [ben.id] });
    await friends.request(ana.id, cleo.id, 1);
    await friends.decline(cleo.id, ana.id, 1);
    await friends.cancel(ana.id, cleo.id);
    await friends.block(dora.id, ana.id, 1);
    await accounts.createToken(ana.id, 'phone', 1);
    await accounts.createLink(ana.id, 1);
    const tables = [
      '"user"',
      'friendship',
      'friend_request',
      'block',
      'audience_choice',
      'device_token',
      'account_link',
    ];
    const traces = async (): Promise<number> => {
      const found = await sql.rows(
        tables
          .map((table) => `select 1 from ${table} t where to_jsonb(t)::text like ?`)
          .join(' union all '),
        tables.map(() => `%${ana.id}%`),
      );
      return found.length;
    };
    expect(await traces()).toBe(9);
    await friends.erase(ana.id);
    expect(await traces()).toBe(0);
  });
});
