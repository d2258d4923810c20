// What many nodes share, copied under load in the order of operations.md: Postgres, MongoDB, Redis. Then all of it is destroyed under load
// and put back: what was acknowledged before the copies began is there for the same people, who come back by themselves.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { BSON, MongoClient, type Document } from 'mongodb';
import { afterAll, describe, expect, it } from 'vitest';
import type { RoomId, UserId } from '../../protocol/ids.ts';
import type { ChatItem, Joined, Push } from '../../protocol/schemas/pushes.ts';
import { stateHash } from '../../protocol/state-hash.ts';
import { applyRevisions, copyOf, type RoomCopy } from '../../src/client/room-store.ts';
import { NO_CHAT } from '../../src/client/chat-store.ts';
import type { LoadedRoom, RoomLog } from '../../src/ports/room-log.ts';
import { RedisProcess } from '../torture/redis-process.ts';
import { BusyPerson } from '../support/busy-person.ts';
import { EarshotProcess, temporaryDir } from '../support/earshot-process.ts';
import { freePort } from '../support/free-port.ts';
import { OwnMongoServer } from '../support/mongo-server.ts';
import { OwnPostgres } from '../support/own-postgres.ts';
import { openRedisNode } from '../support/redis-node.ts';
import { orSkipped } from '../support/redis-server.ts';
import { befriend, sdkPerson, type SdkPerson } from '../support/sdk-person.ts';
import { NO_RATES } from '../support/shared-servers.ts';
import { WireClient, chatOf, guestToken, type GuestToken } from '../support/wire-client.ts';

const ROOMS = 2;
const PARTITIONS = 4;
/** Others may be busy on the machine. */
const START_MS = 120_000;
const DATABASE = 'earshot';
const PATIENCE = { timeout: 90_000 };

const cleanUps: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const [postgres, mongo, redis] = await Promise.all([
  orSkipped('Postgres', () => OwnPostgres.start()),
  orSkipped('MongoDB', () => OwnMongoServer.start({ keeps: true })),
  orSkipped('Redis', async () => {
    const server = await RedisProcess.make();
    await server.start();
    return server;
  }),
]);
for (const server of [postgres, mongo, redis])
  if (server !== undefined) cleanUps.push(() => server.stop());

/** As `mongodump` and `mongorestore` do it with documents, which are no package that a test could bring along. */
async function dumpMongo(url: string, file: string): Promise<void> {
  const client = await MongoClient.connect(url);
  try {
    const db = client.db(DATABASE);
    const names = (await db.collections()).map(({ collectionName }) => collectionName);
    const collections = await Promise.all(
      names.map(async (name) => ({ name, documents: await db.collection(name).find().toArray() })),
    );
    await writeFile(file, BSON.serialize({ collections }));
  } finally {
    await client.close();
  }
}

async function restoreMongo(url: string, file: string): Promise<void> {
  const client = await MongoClient.connect(url);
  try {
    const { collections } = BSON.deserialize(await readFile(file)) as {
      readonly collections: readonly { readonly name: string; readonly documents: Document[] }[];
    };
    for (const { name, documents } of collections)
      if (documents.length > 0) await client.db(DATABASE).collection(name).insertMany(documents);
  } finally {
    await client.close();
  }
}

/** What Redis itself has of rooms, past all nodes. */
async function inRedis<T>(look: (roomLog: RoomLog) => Promise<T>): Promise<T> {
  const target = { kind: 'single', url: redis!.url } as const;
  const node = await openRedisNode(target, { nodeId: 'onlooker', partitions: PARTITIONS });
  try {
    return await look(node.roomLog);
  } finally {
    await node.stop();
  }
}

/** Somebody who watches a room, and keeps all that they were told until they are cut off. */
class Witness {
  readonly roomId: RoomId;
  readonly #guest: GuestToken;
  readonly #client: WireClient;
  readonly #joined: Joined;

  private constructor(guest: GuestToken, client: WireClient, joined: Joined) {
    this.roomId = joined.roomId;
    this.#guest = guest;
    this.#client = client;
    this.#joined = joined;
  }

  static async enter(url: string, roomId: RoomId): Promise<Witness> {
    const guest = await guestToken(url, 'Witness');
    const client = await WireClient.enter(url, guest);
    const joined = (await client.ask('room.join', { roomId })) as unknown as Joined;
    return new Witness(guest, client, joined);
  }

  /** The hash of the state at each revision, and where it ends. */
  seen(): {
    readonly hashes: ReadonlyMap<string, string>;
    readonly since: { readonly epoch: number; readonly revision: number; readonly chat: number };
    readonly said: ReadonlyMap<number, ChatItem>;
  } {
    const { snapshot, presence, you, chat } = this.#joined;
    let copy: RoomCopy = copyOf(snapshot!, { presence, you, chat: NO_CHAT });
    const hashes = new Map<string, string>();
    const said = new Map(chat.items.map((item) => [item.seq, item]));
    const keep = (): unknown => hashes.set(`${copy.epoch}-${copy.revision}`, stateHash(copy.room));
    keep();
    for (const push of this.#client.pushes as unknown as Push[]) {
      if (push.type === 'room.chat') for (const item of push.items) said.set(item.seq, item);
      if (push.type === 'room.snapshot') {
        // They were too slow for the single steps.
        copy = copyOf(push, copy);
        keep();
      }
      if (push.type !== 'room.events') continue;
      for (const revision of push.revisions) {
        const outcome = applyRevisions(copy, push.epoch, [revision], this.#guest.user.id as UserId);
        expect(outcome.kind).toBe('applied');
        copy = outcome.copy;
        keep();
      }
    }
    const { epoch, revision } = copy;
    return { hashes, since: { epoch, revision, chat: Math.max(0, ...said.keys()) }, said };
  }

  /** With the token that they had, holding what they were told. */
  async comeBack(url: string): Promise<{ readonly client: WireClient; readonly joined: Joined }> {
    const client = await WireClient.enter(url, this.#guest);
    const asked = { roomId: this.roomId, since: this.seen().since };
    const joined = (await client.ask('room.join', asked)) as unknown as Joined;
    return { client, joined };
  }
}

/** Somebody alone, whose player tells one listen after the other. */
class Loner {
  readonly person: SdkPerson;
  readonly told: string[] = [];
  readonly over: Promise<void>;

  private constructor(person: SdkPerson) {
    this.person = person;
    this.over = this.#tell().catch(() => undefined);
  }

  static async start(url: string, name: string): Promise<Loner> {
    const person = await sdkPerson(url, name);
    const track = { title: `${name} alone`, artist: 'A', durationMs: 600_000 };
    await person.client.request('activity.set', { track, positionMs: 0, state: 'playing' });
    return new Loner(person);
  }

  async listens(): Promise<string[]> {
    const { items } = await this.person.client.api.listening.listens({ limit: 200 });
    return items.map(({ track }) => track.title);
  }

  async history(): Promise<string[]> {
    const { items } = await this.person.client.api.listening.history(this.person.userId);
    return items.map(({ track }) => track.title);
  }

  async #tell(): Promise<void> {
    for (let n = 1; ; n += 1) {
      const track = { artist_name: 'A', track_name: `Song ${n}` };
      const listen = { listened_at: 1_700_000_000 + n * 300, track_metadata: track };
      await this.person.client.api.listening.importListens(JSON.stringify([listen]));
      this.told.push(track.track_name);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

const isWhole = postgres !== undefined && mongo !== undefined && redis !== undefined;

describe.skipIf(!isWhole)('backups of Postgres, MongoDB and Redis', () => {
  if (postgres === undefined || mongo === undefined || redis === undefined) return;

  it('made under load bring everything back that was acknowledged before', async () => {
    const temporary = await temporaryDir();
    cleanUps.push(() => temporary.remove());
    const inDir = (name: string): string => path.join(temporary.dir, name);
    const envOf = (port: number) => ({
      ...{ DATA_DIR: inDir(`data-${port}`), PORT: String(port), ...NO_RATES },
      ...{ REDIS_URL: redis.url, REDIS_PARTITIONS: String(PARTITIONS) },
      ...{ POSTGRES_URL: postgres.url, MONGODB_DATABASE: DATABASE },
      ...{ MONGODB_URL: `${mongo.url}/?directConnection=true` },
      TOKEN_SECRET: 'a secret of all nodes that is long enough',
    });
    const ports = [await freePort(), await freePort()] as const;
    const startNodes = async (): Promise<readonly [EarshotProcess, EarshotProcess]> => {
      const one = await EarshotProcess.start(envOf(ports[0]), START_MS);
      cleanUps.push(() => one.kill());
      const other = await EarshotProcess.start(envOf(ports[1]), START_MS);
      cleanUps.push(() => other.kill());
      return [one, other];
    };
    const nodes = await startNodes();
    const [here, there] = [nodes[0].url, nodes[1].url];

    const loners = await Promise.all([Loner.start(here, 'Lea'), Loner.start(there, 'Leo')]);
    const [lea, leo] = loners;
    await befriend(lea.person, leo.person);
    const { tracks } = await lea.person.client.api.tracks('');
    const trackIds = tracks.map(({ id }) => id);
    const people: BusyPerson[] = [];
    const witnesses: Witness[] = [];
    for (let room = 0; room < ROOMS; room += 1) {
      const ana = await BusyPerson.enter(here, `Ana ${room}`, trackIds);
      const ben = await BusyPerson.enter(there, `Ben ${room}`, trackIds);
      const roomId = await ana.create(`Room ${room}`);
      await ben.join(roomId);
      await ana.client.request('queue.add', { roomId, trackIds });
      await ana.client.request('playback.play', { roomId });
      people.push(ana, ben);
      witnesses.push(await Witness.enter(there, roomId));
    }
    cleanUps.push(() => Promise.all(people.map((person) => person.leave())));
    for (const person of people) person.start();
    const fewestSince = (at: number): number =>
      Math.min(...people.map((person) => person.countSince(at)));
    await expect.poll(() => fewestSince(0), PATIENCE).toBeGreaterThan(15);
    await expect.poll(() => lea.history(), PATIENCE).toEqual(['Lea alone']);
    await expect.poll(() => leo.history(), PATIENCE).toEqual(['Leo alone']);

    const roomIds = witnesses.map(({ roomId }) => roomId);
    const textsBefore = people.map(({ acknowledged }) =>
      acknowledged.flatMap(({ texts }) => texts),
    );
    const toldBefore = loners.map(({ told }) => [...told]);
    const headsBefore = await inRedis((roomLog) => roomLog.heads(roomIds));
    await postgres.backUp(inDir('postgres'));
    await dumpMongo(mongo.url, inDir('mongo'));
    await redis.saveTo(inDir('redis.rdb'));
    const headsAfter = await inRedis((roomLog) => roomLog.heads(roomIds));

    // What comes now is lost: more is said, and a room is made.
    const late = await WireClient.enter(here, await guestToken(here, 'Late'));
    const madeLater = (await late.ask('room.create', { name: 'Later' }))?.['roomId'];
    const copied = performance.now();
    await expect.poll(() => fewestSince(copied), PATIENCE).toBeGreaterThan(10);
    await Promise.all([
      ...[...nodes, redis, mongo].map((process) => process.kill()),
      postgres.destroy(),
    ]);
    await redis.wipe();
    mongo.wipe();
    await Promise.all(loners.map(({ over }) => over));
    const seen = witnesses.map((witness) => witness.seen());

    await postgres.startOn(inDir('postgres'));
    await mongo.startAgain();
    await restoreMongo(mongo.url, inDir('mongo'));
    await redis.startOn(inDir('redis.rdb'));
    const restored = await inRedis((roomLog) => Promise.all(roomIds.map((id) => roomLog.load(id))));
    for (const [i, room] of restored.entries()) {
      const { head, state } = room as LoadedRoom;
      expect(head.revision).toBeGreaterThanOrEqual(headsBefore[i]?.revision ?? Infinity);
      expect(head.revision).toBeLessThanOrEqual(headsAfter[i]?.revision ?? 0);
      const was = seen[i]?.hashes.get(`${head.epoch}-${head.revision}`);
      expect([state.public.name, stateHash(state.public)]).toEqual([state.public.name, was]);
    }
    const again = await startNodes();
    const back = performance.now();

    // They come back by themselves, and are heard by the others.
    await expect.poll(() => fewestSince(back), PATIENCE).toBeGreaterThan(10);
    const chatSeq = (i: number): number => people[2 * i]!.room.view.value.chat.lastSeq;
    for (const [i, witness] of witnesses.entries()) {
      const { since, said } = seen[i]!;
      expect(people[2 * i]!.copy.epoch).toBeGreaterThan(since.epoch);
      // Others have been given the numbers that this one holds: they take the room, and its chat, anew.
      await expect.poll(() => chatSeq(i), PATIENCE).toBeGreaterThan(since.chat);
      const { client, joined } = await witness.comeBack(there);
      expect(joined.snapshot?.epoch).toBeGreaterThan(since.epoch);
      const chat = await chatOf(client, witness.roomId);
      expect(chat.get(since.chat)).not.toBe((said.get(since.chat) as { text?: string }).text);
      for (const { seq, text } of joined.chat.items as { seq: number; text: string }[])
        expect(chat.get(seq)).toBe(text);
      const texts = new Set(chat.values());
      for (const before of textsBefore.slice(2 * i, 2 * i + 2))
        expect(before.filter((text) => !texts.has(text))).toEqual([]);
      expect(chat.size).toBe(Math.max(...chat.keys()));
      const gone = await client.ask('room.join', { roomId: madeLater });
      expect(gone).toMatchObject({ type: 'error', code: 'not_found' });
      client.close();
    }
    for (const [i, loner] of loners.entries()) {
      const listens = new Set(await loner.listens());
      expect(toldBefore[i]!.length).toBeGreaterThan(5);
      expect(toldBefore[i]!.filter((title) => !listens.has(title))).toEqual([]);
      expect(await loner.history()).toContain(i === 0 ? 'Lea alone' : 'Leo alone');
      const { friends } = await loner.person.client.api.people.overview();
      expect(friends).toHaveLength(1);
      loner.person.client.close();
    }

    await Promise.all(people.map((person) => person.stop()));
    for (let i = 0; i < people.length; i += 2) {
      const [ana, ben] = [people[i]!, people[i + 1]!];
      await expect.poll(() => ben.copy, PATIENCE).toEqual(ana.copy);
      const texts = ben.room.view.value.chat.items.map((item) => 'text' in item && item.text);
      const newest = ana.acknowledged.flatMap((done) => done.texts).at(-1);
      expect(texts).toContain(newest);
    }
    // The archive has all of it as well: nothing is missing in its middle, nothing was set aside.
    const waiting = async (): Promise<number[]> =>
      Promise.all(again.map((node) => node.metric('earshot_archive_waiting_entries')));
    await expect.poll(waiting, PATIENCE).toEqual([0, 0]);
    for (const node of again)
      expect(await node.metric('earshot_archive_set_aside_entries')).toBe(0);
    const holes = await postgres.rows(
      `select room_id, count(*), max(seq) from chat_item group by room_id having count(*) <> max(seq)
       union all select room_id, count(*), max(revision) from room_event group by room_id having count(*) <> max(revision)`,
    );
    expect(holes).toEqual([]);
  }, 600_000);
});
