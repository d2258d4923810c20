// Erasing a person over two real nodes with a real Redis, Postgres and MongoDB: all are read whole, and nothing of them is found.
import { MongoClient } from 'mongodb';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RoomId } from '../../protocol/ids.ts';
import { createOrm } from '../../src/adapters/postgres/orm.ts';
import { Sql } from '../../src/adapters/postgres/sql.ts';
import { RedisKeys } from '../../src/adapters/redis/redis-keys.ts';
import type { EarshotProcess } from '../support/earshot-process.ts';
import { startMongoServer } from '../support/mongo-server.ts';
import { orSkipped } from '../support/redis-server.ts';
import { SharedServers } from '../support/shared-servers.ts';
import { WireClient, guestToken, type GuestToken } from '../support/wire-client.ts';

const NAME = 'Zoë Who Was Here';
const SECRET = 'what only Zoë would say';
/** What a repeated request is answered with is remembered so long. */
const REMEMBERED_MS = 600_000;

const servers = await SharedServers.start();
const mongo = await orSkipped('MongoDB', startMongoServer);
const MONGODB_DATABASE = `earshot_${Date.now()}`;

/** Every table, each row as text that has one of `texts` in it. */
async function inPostgres(url: string, texts: readonly string[]): Promise<string[]> {
  const orm = await createOrm({ clientUrl: url, poolSize: 1 }, () => undefined);
  try {
    const sql = new Sql(orm);
    const tables = await sql.rows<{ readonly name: string }>(
      `select table_name as name from information_schema.tables where table_schema = 'public'`,
    );
    const found: string[] = [];
    for (const { name } of tables) {
      const rows = await sql.rows<{ readonly text: string }>(
        `select t::text as text from "${name}" t where t::text ilike any(?::text[])`,
        [texts.map((text) => `%${text}%`)],
      );
      found.push(...rows.map(({ text }) => `${name}: ${text}`));
    }
    return found;
  } finally {
    await orm.close(true);
  }
}

/** Every key whose name or content has one of `texts` in it, without those that are remembered for minutes only. */
async function inRedis(url: string, texts: readonly string[]): Promise<string[]> {
  const client = createClient({ url });
  await client.connect();
  const contentOf = async (key: string): Promise<unknown> => {
    switch (await client.type(key)) {
      case 'string':
        return client.get(key);
      case 'hash':
        return client.hGetAll(key);
      case 'stream':
        return client.xRange(key, '-', '+');
      case 'zset':
        return client.zRange(key, 0, -1);
      case 'set':
        return client.sMembers(key);
      default:
        return client.lRange(key, 0, -1);
    }
  };
  try {
    const found: string[] = [];
    for await (const keys of client.scanIterator()) {
      for (const key of keys) {
        const content = JSON.stringify(await contentOf(key));
        const hasTrace = texts.some((text) => key.includes(text) || content.includes(text));
        const leftMs = hasTrace ? await client.pTTL(key) : -1;
        const isFleeting = leftMs >= 0 && leftMs <= REMEMBERED_MS;
        if (hasTrace && !isFleeting) found.push(`${key}: ${content}`);
      }
    }
    return found;
  } finally {
    client.destroy();
  }
}

/** Every document of every collection, as text, that has one of `texts` in it. */
async function inMongo(url: string, texts: readonly string[]): Promise<string[]> {
  const client = new MongoClient(url);
  try {
    const found: string[] = [];
    for (const collection of await client.db(MONGODB_DATABASE).collections()) {
      for await (const document of collection.find()) {
        const text = JSON.stringify(document);
        if (texts.some((each) => text.includes(each)))
          found.push(`${collection.collectionName}: ${text}`);
      }
    }
    return found;
  } finally {
    await client.close();
  }
}

/** As if the archive had refused something that she said. */
async function setAside(url: string, roomId: RoomId, { id: userId }: { readonly id: string }) {
  const client = createClient({ url });
  await client.connect();
  try {
    const partitions = Number(await client.get(new RedisKeys(1).partitionCount));
    const keys = new RedisKeys(partitions);
    const fields = JSON.stringify({ kind: 'message', at: 1, userId, name: NAME });
    const item = { i: roomId, s: '99', c: `m\n${fields}\n${JSON.stringify(SECRET)}` };
    const stream = keys.rejected(keys.partitionOf(roomId));
    await client.xAdd(stream, '*', { id: '1-1', reason: 'it does not fit', ...item });
  } finally {
    client.destroy();
  }
}

describe.skipIf(servers === undefined || mongo === undefined)('erasing a person', () => {
  if (servers === undefined || mongo === undefined) return;
  let east: EarshotProcess;
  let west: EarshotProcess;
  let zoe: GuestToken;
  let ben: GuestToken;
  beforeAll(async () => {
    const listening = { MONGODB_URL: mongo.url, MONGODB_DATABASE };
    [east, west] = await Promise.all([servers.node(listening), servers.node(listening)]);
    zoe = await guestToken(east.url, NAME);
    ben = await guestToken(west.url, 'Ben');
  });
  afterAll(async () => {
    await servers.stop();
    await mongo.stop();
  });

  const rest = (url: string, who: GuestToken, method: string, target: string, body?: object) =>
    fetch(url + target, {
      method,
      headers: { authorization: `Bearer ${who.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const texts = (): string[] => [zoe.user.id, NAME, SECRET];

  it('leaves nothing of them in Redis, Postgres and MongoDB, and the room to the others', async () => {
    const here = await WireClient.enter(east.url, zoe);
    const there = await WireClient.enter(west.url, ben);
    await rest(east.url, zoe, 'POST', '/v1/friends/requests', { userId: ben.user.id });
    await rest(west.url, ben, 'POST', `/v1/friends/requests/${zoe.user.id}/accept`);
    await rest(west.url, ben, 'PUT', `/v1/me/audience`, {
      audience: 'chosen',
      userIds: [zoe.user.id],
    });
    await here.ask('feed.subscribe', {});
    await there.ask('feed.subscribe', {});
    const made = await here.ask('room.create', { name: 'Kitchen', key: 'a key of mine' });
    const roomId = String(made?.['roomId']);
    await there.ask('room.join', { roomId });
    await here.ask('chat.send', { roomId, text: SECRET, key: 'another key' });
    await there.ask('chat.send', { roomId, text: 'what Ben says' });
    await here.ask('activity.set', {
      track: { title: 'A song', artist: 'Somebody', durationMs: 200_000 },
      positionMs: 0,
      state: 'playing',
    });
    const item = await there.push(
      (push) => push.type === 'feed.items' && JSON.stringify(push).includes(zoe.user.id),
    );
    expect(item).toBeDefined();
    // Before it there is something to find, everywhere.
    await expect
      .poll(async () => {
        const rows = await inPostgres(servers.databaseUrl, texts());
        rows.push(...(await inMongo(mongo.url, texts())));
        return ['room_event', 'chat_item', 'participation', 'activities'].filter(
          (table) => !rows.some((row) => row.startsWith(`${table}:`)),
        );
      })
      .toEqual([]);
    expect(await inRedis(servers.redis.url, texts())).not.toEqual([]);

    await setAside(servers.redis.url, roomId as RoomId, zoe.user);
    const erased = await rest(west.url, zoe, 'DELETE', `/v1/me/data?confirm=${zoe.user.id}`);
    expect([erased.status, await erased.text()]).toEqual([204, '']);

    await expect.poll(() => here.closed).toMatchObject({ code: 4504 });
    expect(await inPostgres(servers.databaseUrl, texts())).toEqual([
      expect.stringMatching(`^erased_person: \\(${zoe.user.id},[0-9.]+\\)$`),
    ]);
    expect(await inMongo(mongo.url, texts())).toEqual([
      expect.stringMatching(`^erased: {"_id":"${zoe.user.id}","at":[0-9.]+}$`),
    ]);
    expect(await inRedis(servers.redis.url, texts())).toEqual([]);

    // Their token opens nothing any more, on any node.
    expect((await rest(east.url, zoe, 'GET', '/v1/me')).status).toBe(401);
    await expect(WireClient.enter(west.url, zoe)).rejects.toThrow(/unauthorised/);

    // Ben has the room, hears no more of her, and what she did while she went does not come back.
    const room = (await there.ask('room.join', { roomId })) as { snapshot?: { room: object } };
    expect(room.snapshot?.room).toMatchObject({ ownerId: ben.user.id, hereCount: 1 });
    expect(JSON.stringify(room)).toContain('what Ben says');
    for (const text of texts()) expect(JSON.stringify(room)).not.toContain(text);
    expect(await there.ask('room.update', { roomId, name: 'Attic' })).toMatchObject({ type: 'ok' });
    await new Promise((resolve) => setTimeout(resolve, 20_000));
    expect(await inRedis(servers.redis.url, texts())).toEqual([]);
    expect(await inPostgres(servers.databaseUrl, texts())).toEqual([
      expect.stringMatching(`^erased_person: \\(${zoe.user.id},[0-9.]+\\)$`),
    ]);
    expect(await inMongo(mongo.url, texts())).toEqual([
      expect.stringMatching(`^erased: {"_id":"${zoe.user.id}","at":[0-9.]+}$`),
    ]);
    there.close();
  });
});
