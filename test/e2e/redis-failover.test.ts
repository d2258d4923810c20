// The rooms' log behind Sentinel: when the master dies, a node goes on with the replica, and loses nothing that had reached it.
import { afterAll, describe, expect, it } from 'vitest';
import { connectRedis } from '../../src/adapters/redis/connect-redis.ts';
import { RedisKeys } from '../../src/adapters/redis/redis-keys.ts';
import type { RoomEvent } from '../../src/domain/room-event.ts';
import { StoreUnavailable, type RoomLog } from '../../src/ports/room-log.ts';
import { SILENT } from '../support/postgres-stores.ts';
import { openRedisNode } from '../support/redis-node.ts';
import { orSkipped, startRedisSentinel } from '../support/redis-server.ts';
import { createdRoom, type RoomScript } from '../support/room-fixtures.ts';

const NAME = 'earshot';
const PARTITIONS = 4;
const sentinel = await orSkipped('Redis with Sentinel', () => startRedisSentinel(NAME));
const stops: (() => Promise<void>)[] = [];

afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
  await sentinel?.stop();
});

async function openLog(url: string, nodeId: string): Promise<RoomLog> {
  const node = await openRedisNode(
    { kind: 'sentinel', name: NAME, urls: [url] },
    { nodeId, partitions: PARTITIONS },
  );
  stops.push(() => node.stop());
  return node.roomLog;
}

/** What the store answers as soon as it answers at all. */
async function whenBack<T>(ask: () => Promise<T>): Promise<T> {
  let answer: { readonly value: T } | undefined;
  await expect
    .poll(
      async () => {
        try {
          answer = { value: await ask() };
        } catch (error) {
          if (!(error instanceof StoreUnavailable)) throw error;
        }
        return answer !== undefined;
      },
      { timeout: 20_000, interval: 200 },
    )
    .toBe(true);
  if (answer === undefined) throw new Error('it never answered');
  return answer.value;
}

describe.skipIf(sentinel === undefined)('the log behind Sentinel', () => {
  if (sentinel === undefined) return;

  it('goes on with the replica when the master is gone', async () => {
    const a = await openLog(sentinel.url, 'a');
    const b = await openLog(sentinel.url, 'b');
    const heard: RoomEvent[] = [];
    b.subscribe((_roomId, { events }) => {
      heard.push(...events);
    });
    const room: RoomScript = await createdRoom(a);
    for (const name of ['A', 'B', 'C']) await room.append(a, [room.renamed(name)]);
    await expect.poll(() => heard.length).toBe(4);
    // What is lost with a master that dies before its replica has heard is another test's.
    const replica = await connectRedis({ kind: 'single', url: sentinel.replica.url }, SILENT);
    stops.push(() => replica.stop());
    const key = new RedisKeys(PARTITIONS).room(room.roomId);
    await expect.poll(async () => (await replica.redis.hGetAll(key))['revision']).toBe('4');
    await sentinel.master.stop();
    // Either the request waits for the new master, or it is refused and comes again; in any case it takes effect once.
    const renamed = room.renamed('D');
    const append = () => room.append(a, [renamed]);
    expect((await whenBack(append)).kind).toBe('moved');
    const { head, state } = room;
    if (state === undefined) throw new Error('there is a room');
    const restored = await whenBack(() =>
      a.restore(room.roomId, { head, state, recent: [], keys: [] }),
    );
    expect(restored).toMatchObject({ head: { revision: 4, eventId: head.eventId }, state });
    expect(restored.head.epoch).toBeGreaterThan(1);
    room.head = restored.head;
    expect((await whenBack(append)).kind).toBe('committed');
    expect(room.head.revision).toBe(5);
    // What was told before the other node had subscribed again is lost: its reader finds it in the log. What comes later is heard.
    const before = heard.length;
    await expect
      .poll(
        async () => {
          await room.append(a, [room.renamed('later')]);
          return heard.length > before;
        },
        { timeout: 20_000, interval: 300 },
      )
      .toBe(true);
    expect(await b.load(room.roomId)).toMatchObject({ head: room.head, state: room.state });
  });
});
