// Two real nodes over a Redis Cluster: one room across both, what they do when all of Redis is emptied, and when one master dies.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RoomId, TrackId } from '../../protocol/ids.ts';
import { RedisKeys } from '../../src/adapters/redis/redis-keys.ts';
import { BusyPerson } from '../support/busy-person.ts';
import type { EarshotProcess } from '../support/earshot-process.ts';
import { asked, orSkipped, startRedisCluster } from '../support/redis-server.ts';
import { SharedServers } from '../support/shared-servers.ts';
import { guestToken } from '../support/wire-client.ts';
import { readPostgres } from '../torture/records.ts';
import { until } from '../torture/until.ts';

const PARTITIONS = 8;
const MISSING = { ready: false, reasons: [expect.stringMatching(/of 8 channels of Redis/)] };
const SOON = { timeout: 20_000, interval: 100 };

const servers = await SharedServers.start();
const cluster = await orSkipped('a cluster of Redis', startRedisCluster);

afterAll(async () => {
  await servers?.stop();
  await cluster?.stop();
});

describe.skipIf(servers === undefined || cluster === undefined)('two nodes over a cluster', () => {
  if (servers === undefined || cluster === undefined) return;
  const keys = new RedisKeys(PARTITIONS);
  const people: BusyPerson[] = [];
  let nodes: readonly EarshotProcess[];
  let tracks: readonly TrackId[];

  beforeAll(async () => {
    const env = { REDIS_URL: cluster.urls.join(), REDIS_PARTITIONS: String(PARTITIONS) };
    nodes = await Promise.all([servers.node(env), servers.node(env)]);
    tracks = await tracksOf(nodes[0]!.url);
  });
  afterAll(async () => {
    for (const each of people) await each.leave();
  });

  async function person(node: number, name: string): Promise<BusyPerson> {
    const entered = await BusyPerson.enter(nodes[node]!.url, name, tracks);
    people.push(entered);
    return entered;
  }

  /** A room with somebody on each node. */
  async function pairInRoom(name: string): Promise<readonly [BusyPerson, BusyPerson]> {
    const pair = [await person(0, `${name}-east`), await person(1, `${name}-west`)] as const;
    await pair[1].join(await pair[0].create(name));
    return pair;
  }

  async function readiness(): Promise<readonly unknown[]> {
    return Promise.all(
      nodes.map(async ({ url }) => (await fetch(`${url}/readyz`)).json() as Promise<unknown>),
    );
  }

  it('is one room for both, with everything that either was acknowledged', async () => {
    const pair = await pairInRoom('Kitchen');
    const from = performance.now();
    for (const each of pair) each.start();
    for (const each of pair)
      await expect.poll(() => each.countSince(from), SOON).toBeGreaterThan(10);
    await expectSame(pair);
    expectUndisturbed(pair);
  });

  it('goes on, and lacks nothing, when all of Redis is emptied', async () => {
    const pair = await pairInRoom('Cellar');
    const began = performance.now();
    for (const each of pair) each.start();
    for (const each of pair)
      await expect.poll(() => each.countSince(began), SOON).toBeGreaterThan(10);
    const before = pair[0].copy.epoch;
    await Promise.all(cluster.urls.map((url) => asked(url, ['FLUSHALL'])));
    const from = performance.now();
    for (const each of pair)
      await expect.poll(() => each.countSince(from), SOON).toBeGreaterThan(10);
    await expectSame(pair);
    expect(pair[0].copy.epoch).toBeGreaterThan(before);
    expectUndisturbed(pair);
    await expect.poll(readiness, SOON).toMatchObject([{ ready: true }, { ready: true }]);
  });

  it('refuses what a dead master keeps, clearly, and goes on with everything else', async () => {
    // It keeps none of the keys that all nodes share.
    const victim = cluster.servers[0]!;
    const isStruck = async ({ room }: BusyPerson): Promise<boolean> =>
      (await cluster.serverOf(keys.room(room.id))) === victim;
    const pairs: Partial<Record<'struck' | 'well', readonly [BusyPerson, BusyPerson]>> = {};
    for (let i = 0; pairs.struck === undefined || pairs.well === undefined; i += 1) {
      const pair = await pairInRoom(`Loft${i}`);
      pairs[(await isStruck(pair[0])) ? 'struck' : 'well'] = pair;
    }
    const { struck, well } = pairs;
    const began = performance.now();
    for (const each of [...struck, ...well]) each.start();
    for (const each of [...struck, ...well])
      await expect.poll(() => each.countSince(began), SOON).toBeGreaterThan(5);
    victim.process.kill('SIGKILL');
    for (const { refusals } of struck)
      await expect.poll(() => refusals.length, SOON).toBeGreaterThan(2);
    // Its channels are missed by now, and the nodes try to listen to them again.
    await expect.poll(readiness, SOON).toMatchObject([MISSING, MISSING]);
    const from = performance.now();
    for (const each of well)
      await expect.poll(() => each.countSince(from), SOON).toBeGreaterThan(20);
    await expectSame(well);
    expect(well.flatMap(({ refusals }) => refusals)).toEqual([]);
    for (const { code, retryAfterMs } of struck.flatMap(({ refusals }) => refusals)) {
      expect(code).toBe('unavailable');
      expect(retryAfterMs).toBeGreaterThan(0);
    }
    for (const each of struck) expect(each.countSince(from)).toBe(0);
    expectUndisturbed([...struck, ...well]);
  });

  async function textsIn(roomId: RoomId): Promise<readonly string[]> {
    const { chats } = await readPostgres(servers!.databaseUrl, [roomId]);
    const items = chats.flatMap((chat) => chat.items);
    return items.flatMap((item) => (item.kind === 'message' ? [item.text] : [])).toSorted();
  }

  /** Both have stopped: they, and Postgres, have the same, and in it all that was acknowledged, once. */
  async function expectSame(pair: readonly [BusyPerson, BusyPerson]): Promise<void> {
    for (const each of pair) await each.stop();
    const [a, b] = pair;
    const { id: roomId } = a.room;
    await expect
      .poll(async () => {
        const { endings } = await readPostgres(servers!.databaseUrl, [roomId]);
        const kept = endings.map(({ epoch, revision, hash }) => ({ epoch, revision, hash }));
        return [a.copy, b.copy, ...kept].map((copy) => JSON.stringify(copy));
      }, SOON)
      .toSatisfy((copies: readonly string[]) => new Set(copies).size === 1);
    const said = pair.flatMap((each) => each.acknowledged.flatMap(({ texts }) => texts)).toSorted();
    // What was said last may be on its way there for a moment longer than the room itself.
    await expect.poll(() => textsIn(roomId), SOON).toEqual(said);
    const { logs } = await readPostgres(servers!.databaseUrl, [roomId]);
    const events = logs.flatMap((log) => log.events.map(({ event }) => event));
    const found = {
      names: events.flatMap((event) => (event.type === 'RoomUpdated' ? [event.name] : [])),
      entryIds: events.flatMap((event) =>
        event.type === 'QueueAdded' ? Object.keys(event.entries) : [],
      ),
    };
    expect(said.length).toBeGreaterThan(0);
    for (const kind of ['names', 'entryIds'] as const) {
      const acknowledged = pair.flatMap((each) => each.acknowledged.flatMap((done) => done[kind]));
      expect(acknowledged.length).toBeGreaterThan(0);
      expect(found[kind].toSorted()).toEqual(acknowledged.toSorted());
    }
  }
});

/** Nobody had to come back, or to reload. */
function expectUndisturbed(all: readonly BusyPerson[]): void {
  for (const { socketsOpened, statuses } of all) {
    expect(socketsOpened).toBe(1);
    expect([...statuses]).toEqual(['joined']);
  }
}

/** A node reads its music after it has begun to serve. */
async function tracksOf(url: string): Promise<readonly TrackId[]> {
  const { token } = await guestToken(url, 'Tina');
  const headers = { authorization: `Bearer ${token}` };
  let ids: readonly TrackId[] = [];
  await until('there is music', 20_000, async () => {
    const response = await fetch(`${url}/v1/tracks?q=`, { headers });
    const { tracks } = (await response.json()) as { tracks: readonly { id: TrackId }[] };
    ids = tracks.map(({ id }) => id);
    return ids.length > 0;
  });
  return ids;
}
