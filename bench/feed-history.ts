// A page of the history where a million are kept: over HTTP, beside the bare query on the same Postgres.
import { createOrm } from '../src/adapters/postgres/orm.ts';
import { Sql } from '../src/adapters/postgres/sql.ts';
import { heading, row, say, spreadOf, type Spread } from './append-child.ts';
import { BenchHub, startServers, type BenchServers } from './append-hub.ts';
import { benchToken, idOfPerson } from './bench-token.ts';

const PEOPLE = 100;
const PAGE = 50;
const PAGES_EACH = 5;
const WALKS = 400;
const WARM_UP_WALKS = 40;
const APART_MS = 1_000;

interface Read {
  readonly name: string;
  readonly path: string;
  readonly table: 'activity' | 'listen';
  readonly condition: string;
}

const READS: readonly Read[] = [
  {
    name: 'a person’s history',
    path: `/v1/users/{id}/history?limit=${PAGE}`,
    table: 'activity',
    condition: 'not removed',
  },
  {
    name: 'one’s own listens',
    path: `/v1/me/listens?limit=${PAGE}`,
    table: 'listen',
    condition: 'counted_at is not null and not removed',
  },
];

export interface HistoryResult {
  readonly listens: number;
  readonly people: number;
  readonly pageItems: number;
  readonly reads: readonly {
    readonly name: string;
    /** Milliseconds. */
    readonly page: Spread;
    readonly bareQuery: Spread;
  }[];
}

async function fill(sql: Sql, listens: number): Promise<void> {
  const person = `('00000000-0000-4000-9000-' || lpad(to_hex(1 + n % ${PEOPLE}), 12, '0'))::uuid`;
  const at = `1.7e12 + n * ${APART_MS}`;
  const track = `jsonb_build_object('title', 'Track ' || n % 5000, 'artist', 'Artist ' || n % 300, 'durationMs', 200000, 'hasCover', false)`;
  await sql.rows(
    `insert into listen (id, user_id, play_key, at, track, spans, heard_ms, counted_at)
     select gen_random_uuid(), ${person}, n::text, ${at}, ${track},
       jsonb_build_array(jsonb_build_array(${at}, ${at} + 150000)), 150000, ${at} + 100000 from generate_series(1, ?::int) n`,
    [listens],
  );
  await sql.rows(
    `insert into activity (id, user_id, version, at, ended_at, track)
     select gen_random_uuid(), ${person}, ${at}, ${at}, ${at} + 150000, ${track} from generate_series(1, ?::int) n`,
    [listens],
  );
  await sql.rows('vacuum analyze listen', []);
  await sql.rows('vacuum analyze activity', []);
}

async function walkPages(hub: BenchHub, read: Read, person: number, took: number[]) {
  const headers = { authorization: `Bearer ${await benchToken(person)}` };
  const path = read.path.replace('{id}', idOfPerson(person));
  let cursor = '';
  for (let page = 0; page < PAGES_EACH; page += 1) {
    const startedAt = performance.now();
    const response = await fetch(`${hub.url}${path}${cursor}`, { headers });
    const text = await response.text();
    took.push(performance.now() - startedAt);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text.slice(0, 200)}`);
    const body = JSON.parse(text) as { items?: unknown[]; listens?: unknown[]; next?: string };
    if ((body.items ?? body.listens)?.length !== PAGE) throw new Error(`${path}: no full page`);
    cursor = `&cursor=${encodeURIComponent(body.next ?? '')}`;
  }
}

async function walkQuery(sql: Sql, read: Read, person: number, took: number[]): Promise<void> {
  let after: { readonly at: number; readonly id: string } | undefined;
  for (let page = 0; page < PAGES_EACH; page += 1) {
    const startedAt = performance.now();
    const found: { readonly at: number; readonly id: string }[] = await sql.rows(
      `select * from ${read.table} where user_id = ? and ${read.condition}
         ${after === undefined ? '' : 'and (at, id) < (?::float8, ?::uuid)'}
       order by at desc, id desc limit ${PAGE + 1}`,
      [idOfPerson(person), ...(after === undefined ? [] : [after.at, after.id])],
    );
    took.push(performance.now() - startedAt);
    if (found.length !== PAGE + 1) throw new Error('the query: no full page');
    after = found[PAGE - 1];
  }
}

/** The two take turns, so that what disturbs one disturbs the other. */
async function compare(hub: BenchHub, sql: Sql, read: Read) {
  const page: number[] = [];
  const bareQuery: number[] = [];
  for (let walk = 0; walk < WARM_UP_WALKS + WALKS; walk += 1) {
    if (walk === WARM_UP_WALKS) page.length = bareQuery.length = 0;
    const person = 1 + (walk % PEOPLE);
    await walkPages(hub, read, person, page);
    await walkQuery(sql, read, person, bareQuery);
  }
  return { name: read.name, page: spreadOf(page), bareQuery: spreadOf(bareQuery) };
}

export async function measureHistory(listens: number): Promise<HistoryResult> {
  const servers = await startServers();
  let url = '';
  const noted: BenchServers = {
    ...servers,
    postgres: {
      ...servers.postgres,
      createDatabase: async () => (url = await servers.postgres.createDatabase()),
    },
  };
  try {
    const hub = await BenchHub.start('redis', noted);
    const orm = await createOrm({ clientUrl: url, poolSize: 1 }, say);
    try {
      const sql = new Sql(orm);
      await fill(sql, listens);
      const reads = [];
      for (const read of READS) reads.push(await compare(hub, sql, read));
      return { listens, people: PEOPLE, pageItems: PAGE, reads };
    } finally {
      await orm.close();
      await hub.stop();
    }
  } finally {
    await servers.stop();
  }
}

export function tellHistory({ listens, people, pageItems, reads }: HistoryResult): void {
  say(`\n${listens} listens and activities of ${people} people in Postgres; pages of ${pageItems}`);
  say(heading(['read', 'page p50, ms', 'p99', 'bare query p50, ms', 'p99', 'p99 of the query’s']));
  for (const { name, page, bareQuery } of reads) {
    const ms = [page.p50, page.p99, bareQuery.p50, bareQuery.p99].map((value) => value.toFixed(2));
    say(row([name, ...ms, (page.p99 / bareQuery.p99).toFixed(2)]));
  }
}
