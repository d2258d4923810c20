// A page of the history where a million are kept: over HTTP, beside the bare query on the same store, Postgres or MongoDB.
import { MongoClient, type Collection } from 'mongodb';
import {
  documentId,
  openCollections,
  type ActivityDocument,
  type ListenDocument,
} from '../src/adapters/mongo/mongo-collections.ts';
import { trackKey } from '../src/domain/activity-counts.ts';
import { createOrm } from '../src/adapters/postgres/orm.ts';
import { Sql } from '../src/adapters/postgres/sql.ts';
import { startMongoServer } from '../test/support/mongo-server.ts';
import { heading, row, say, spreadOf, type Spread } from './append-child.ts';
import { BenchHub, startServers, type BenchServers } from './append-hub.ts';
import { benchToken, idOfPerson } from './bench-token.ts';

const MOST_PEOPLE = 100;
/** More than the pages that are walked. */
const LEAST_EACH = 500;
const PAGE = 50;
const PAGES_EACH = 5;
/** What stands in for MongoDB answers slowly. */
const WALKS = { postgres: 400, mongo: 40 };
const WARM_UP_SHARE = 0.1;
const APART_MS = 1_000;

interface Read {
  readonly name: string;
  readonly path: string;
  readonly table: 'activity' | 'listen';
  readonly condition: string;
  readonly filter: object;
}

interface Place {
  readonly at: number;
  readonly id: string;
}

/** What is kept, and the bare query of a page of it: one more than the page, from behind a place. */
interface BareStore {
  readonly name: string;
  fill(listens: number): Promise<void>;
  query(read: Read, userId: string, after: Place | undefined): Promise<readonly Place[]>;
  stop(): Promise<void>;
}

const peopleOf = (listens: number): number =>
  Math.min(MOST_PEOPLE, Math.max(1, Math.floor(listens / LEAST_EACH)));

const READS: readonly Read[] = [
  {
    name: 'a person’s history',
    path: `/v1/users/{id}/history?limit=${PAGE}`,
    table: 'activity',
    condition: 'not removed',
    filter: { isRemoved: false },
  },
  {
    name: 'one’s own listens',
    path: `/v1/me/listens?limit=${PAGE}`,
    table: 'listen',
    condition: 'counted_at is not null and not removed',
    filter: { isRemoved: false, countedAt: { $exists: true } },
  },
];

export interface HistoryResult {
  readonly store: string;
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
  const person = `('00000000-0000-4000-9000-' || lpad(to_hex(1 + n % ${peopleOf(listens)}), 12, '0'))::uuid`;
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

async function walkQuery(
  store: BareStore,
  read: Read,
  person: number,
  took: number[],
): Promise<void> {
  let after: Place | undefined;
  for (let page = 0; page < PAGES_EACH; page += 1) {
    const startedAt = performance.now();
    const found = await store.query(read, idOfPerson(person), after);
    took.push(performance.now() - startedAt);
    if (found.length !== PAGE + 1) throw new Error('the query: no full page');
    after = found[PAGE - 1];
  }
}

async function postgresStore(url: string): Promise<BareStore> {
  const orm = await createOrm({ clientUrl: url, poolSize: 1 }, say);
  const sql = new Sql(orm);
  return {
    name: 'Postgres',
    fill: (listens) => fill(sql, listens),
    query: (read, userId, after) =>
      sql.rows(
        `select * from ${read.table} where user_id = ? and ${read.condition}
           ${after === undefined ? '' : 'and (at, id) < (?::float8, ?::uuid)'}
         order by at desc, id desc limit ${PAGE + 1}`,
        [userId, ...(after === undefined ? [] : [after.at, after.id])],
      ),
    stop: () => orm.close(),
  };
}

const INSERTED_AT_ONCE = 1_000;

async function mongoStore(url: string, database: string): Promise<BareStore> {
  const client = new MongoClient(url, { readConcernLevel: 'majority' });
  const { activities, listens } = await openCollections(client.db(database));
  const of = (table: Read['table']) =>
    (table === 'activity' ? activities : listens) as unknown as Collection<Place>;
  const { version } = (await client.db('admin').command({ buildInfo: 1 })) as { version: string };
  return {
    name: `MongoDB (${version} as it says)`,
    async fill(count) {
      for (let first = 1; first <= count; first += INSERTED_AT_ONCE) {
        const length = Math.min(INSERTED_AT_ONCE, count + 1 - first);
        const made = Array.from({ length }, (_, i) => documentsOf(first + i, peopleOf(count)));
        const unordered = { ordered: false };
        await activities.insertMany(
          made.map(({ activity }) => activity),
          unordered,
        );
        await listens.insertMany(
          made.map(({ listen }) => listen),
          unordered,
        );
      }
    },
    query: (read, userId, after) =>
      of(read.table)
        .find({
          ...{ userId, ...read.filter },
          ...(after === undefined
            ? {}
            : { $or: [{ at: { $lt: after.at } }, { at: after.at, id: { $lt: after.id } }] }),
        })
        .sort({ at: -1, id: -1 })
        .limit(PAGE + 1)
        .toArray(),
    stop: () => client.close(),
  };
}

function documentsOf(
  n: number,
  people: number,
): { activity: ActivityDocument; listen: ListenDocument } {
  const userId = idOfPerson(1 + (n % people));
  const id = `00000000-0000-4000-a000-${n.toString(16).padStart(12, '0')}`;
  const at = 1.7e12 + n * APART_MS;
  const track = {
    ...{ title: `Track ${n % 5000}`, artist: `Artist ${n % 300}` },
    ...{ durationMs: 200_000, hasCover: false },
  };
  const common = { _id: documentId(userId, id), id, userId, at, track, isRemoved: false };
  return {
    activity: { ...common, version: at, endedAt: at + 150_000, isPrivate: false },
    listen: {
      ...{ ...common, revision: 1, playKey: String(n), heardMs: 150_000 },
      ...{ spans: [[at, at + 150_000]], countedAt: at + 100_000 },
      trackKey: trackKey(track),
      artistKey: track.artist.toLowerCase(),
    },
  };
}

/** The two take turns, so that what disturbs one disturbs the other. */
async function compare(hub: BenchHub, store: BareStore, read: Read, people: number, walks: number) {
  const page: number[] = [];
  const bareQuery: number[] = [];
  const warmUp = Math.ceil(walks * WARM_UP_SHARE);
  for (let walk = 0; walk < warmUp + walks; walk += 1) {
    if (walk === warmUp) page.length = bareQuery.length = 0;
    const person = 1 + (walk % people);
    await walkPages(hub, read, person, page);
    await walkQuery(store, read, person, bareQuery);
  }
  return { name: read.name, page: spreadOf(page), bareQuery: spreadOf(bareQuery) };
}

/** With MongoDB on the one of MONGODB_TEST_URL, a `mongod` on the path, or what the tests use in its place. */
export async function measureHistory(
  listens: number,
  on: 'postgres' | 'mongo',
): Promise<HistoryResult> {
  const mongo = on === 'mongo' ? await startMongoServer() : undefined;
  const servers = await startServers();
  const database = `earshot_bench_${Date.now()}`;
  let url = '';
  const noted: BenchServers = {
    ...servers,
    ...(mongo === undefined ? {} : { mongo: { url: mongo.url, database } }),
    postgres: {
      ...servers.postgres,
      createDatabase: async () => (url = await servers.postgres.createDatabase()),
    },
  };
  try {
    const hub = await BenchHub.start('redis', noted);
    const store = await (mongo === undefined
      ? postgresStore(url)
      : mongoStore(mongo.url, database));
    try {
      await store.fill(listens);
      const people = peopleOf(listens);
      const reads = [];
      for (const read of READS) reads.push(await compare(hub, store, read, people, WALKS[on]));
      return { store: store.name, listens, people, pageItems: PAGE, reads };
    } finally {
      await store.stop();
      await hub.stop();
    }
  } finally {
    if (mongo !== undefined) await dropped(mongo.url, database);
    await mongo?.stop();
    await servers.stop();
  }
}

async function dropped(url: string, database: string): Promise<void> {
  const client = new MongoClient(url);
  await client.db(database).dropDatabase();
  await client.close();
}

export function tellHistory({ store, listens, people, pageItems, reads }: HistoryResult): void {
  say(`\n${listens} listens and activities of ${people} people in ${store}; pages of ${pageItems}`);
  say(heading(['read', 'page p50, ms', 'p99', 'bare query p50, ms', 'p99', 'p99 of the query’s']));
  for (const { name, page, bareQuery } of reads) {
    const ms = [page.p50, page.p99, bareQuery.p50, bareQuery.p99].map((value) => value.toFixed(2));
    say(row([name, ...ms, (page.p99 / bareQuery.p99).toFixed(2)]));
  }
}
