// What the archive has refused, when a person of it is forgotten: rewritten in its order, or dropped where it cannot be read.
import { createClient } from 'redis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RoomId } from '../../../protocol/ids.ts';
import { connectRedis, type RedisConnection } from '../../../src/adapters/redis/connect-redis.ts';
import { followedTraces } from '../../../src/adapters/followed-traces.ts';
import { RedisKeys } from '../../../src/adapters/redis/redis-keys.ts';
import { RedisRejects, type Reject } from '../../../src/adapters/redis/redis-rejects.ts';
import { SILENT } from '../../support/postgres-stores.ts';
import { orSkipped, startRedisServer } from '../../support/redis-server.ts';
import { someRoomId, someUserId } from '../../support/room-fixtures.ts';

const NAME = 'Zoë-who-was-here';
const SECRET = 'what Zoë said';
const server = await orSkipped('Redis', startRedisServer);

describe.skipIf(server === undefined)('what is set aside', () => {
  if (server === undefined) return;
  const keys = new RedisKeys(4);
  const client = createClient({ url: server.url });
  let connection: RedisConnection;
  let rejects: RedisRejects;
  const [zoe, ben, as] = [someUserId(), someUserId(), someUserId()];

  beforeAll(async () => {
    await client.connect();
    connection = await connectRedis({ kind: 'single', url: server.url }, SILENT);
    rejects = new RedisRejects(connection.redis, keys);
  });
  beforeEach(() => client.flushAll());
  afterAll(async () => {
    await connection.stop();
    client.destroy();
    await server.stop();
  });

  const putAside = (roomId: RoomId, fields: Record<string, string>, reason = 'why') =>
    client.xAdd(keys.rejected(keys.partitionOf(roomId)), '*', { id: '1-1', reason, ...fields });
  const said = (roomId: RoomId, seq: number, by: string, name: string, text: string) => {
    const fields = JSON.stringify({ kind: 'message', at: seq, userId: by, name });
    return putAside(roomId, {
      i: roomId,
      s: String(seq),
      c: `m\n${fields}\n${JSON.stringify(text)}`,
    });
  };
  const happened = (roomId: RoomId, revision: number, event: object, reason?: string) => {
    const [from, head] = [revision - 1, revision].map((each) => ({
      epoch: 1,
      revision: each,
      eventId: `e${each}`,
    }));
    const append = { node: 'n', roomId, from, head, events: [event], keys: [`${zoe}:k`] };
    return putAside(roomId, { m: JSON.stringify(append) }, reason);
  };
  const all = async (): Promise<Reject[]> => {
    const found: Reject[] = [];
    for await (const reject of rejects.all()) found.push(reject);
    return found;
  };
  const kept = async (): Promise<string> => JSON.stringify(await all());

  it('names nobody who was forgotten, and says all else as it did, in its order', async () => {
    const [roomId, other] = [someRoomId(), someRoomId()];
    await said(roomId, 1, ben, 'Ben', 'first');
    await happened(
      roomId,
      4,
      { type: 'MembersArrived', members: [{ userId: zoe, name: NAME }] },
      `${zoe} is odd`,
    );
    await said(roomId, 2, zoe, NAME, SECRET);
    await said(roomId, 3, ben, 'Ben', 'last');
    await said(other, 1, ben, 'Ben', 'elsewhere');
    await putAside(roomId, { m: `{"${zoe}` });
    await putAside(roomId, { m: '{' });
    expect(await rejects.roomsOf(zoe)).toEqual([roomId]);
    expect(await rejects.roomsOf(as)).toEqual([]);

    await rejects.forget(roomId, zoe, as);
    const text = await kept();
    for (const trace of [zoe, NAME, SECRET]) expect(text).not.toContain(trace);
    const entries = (await all()).filter(({ entry }) => entry?.roomId === roomId);
    expect(entries.map(({ entry }) => entry)).toMatchObject([
      { kind: 'chat', item: { seq: 1, text: 'first', name: 'Ben' } },
      { kind: 'append', events: [{ members: [{ userId: as, name: 'Somebody' }] }] },
      { kind: 'chat', item: { seq: 2, userId: as, text: '', deleted: true } },
      { kind: 'chat', item: { seq: 3, text: 'last' } },
    ]);
    expect(new Set(entries.map(({ was, reason }) => [was, reason].join(' ')))).toEqual(
      new Set(['1-1 why', `1-1 ${as} is odd`]),
    );
    expect(text).toContain('elsewhere');
    expect(
      (await all()).filter(({ entry }) => entry === undefined),
      'one was dropped',
    ).toHaveLength(1);
    expect(await rejects.roomsOf(zoe)).toEqual([]);
  });

  it('brings no person back to the archive that is asked to take it again', async () => {
    const roomId = someRoomId();
    await said(roomId, 1, zoe, NAME, SECRET);
    await rejects.forget(roomId, zoe, as);
    for (const reject of await all()) expect(await rejects.retry(reject)).toBe(true);
    const waiting = JSON.stringify(
      await client.xRange(keys.outbox(keys.partitionOf(roomId)), '-', '+'),
    );
    expect(waiting).toContain(as);
    for (const trace of [zoe, NAME, SECRET]) expect(waiting).not.toContain(trace);
  });

  it('is forgotten with its room, also where the record knows nothing of it', async () => {
    const roomId = someRoomId();
    await said(roomId, 1, zoe, NAME, SECRET);
    const record = {
      roomsOf: () => Promise.resolve([]),
      export: () => ({}) as AsyncIterable<never>,
      erase: () => Promise.resolve(),
    };
    const traces = followedTraces(record, { caughtUp: () => Promise.resolve() }, rejects);
    expect(await traces.roomsOf(zoe)).toEqual([roomId]);
    await traces.erase(roomId, zoe, as);
    expect(await kept()).not.toContain(zoe);
  });
});
