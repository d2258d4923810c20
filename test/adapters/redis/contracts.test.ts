// The contracts of the rooms' log and of the chat on Redis, alone and as a cluster.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RoomId } from '../../../protocol/ids.ts';
import type { RedisTarget } from '../../../src/adapters/redis/connect-redis.ts';
import { NO_ROOM, StoreUnavailable, type ToldAppend } from '../../../src/ports/room-log.ts';
import { busContract } from '../../contract/bus.contract.ts';
import { chatLogContract } from '../../contract/chat-log.contract.ts';
import type { NodesContext } from '../../contract/nodes.ts';
import { presenceContract } from '../../contract/presence.contract.ts';
import { roomLogContract } from '../../contract/room-log.contract.ts';
import { ManualTime } from '../../support/manual-time.ts';
import { openRedisNode, type RedisNode, type RedisNodeOptions } from '../../support/redis-node.ts';
import { orSkipped, startRedisCluster, startRedisServer } from '../../support/redis-server.ts';
import { createdRoom, someUserId } from '../../support/room-fixtures.ts';

const PARTITIONS = 16;
const LEASE_MS = 6_000;

const nodes = { opened: 0 };

function openNode(
  target: RedisTarget,
  options: Partial<RedisNodeOptions> = {},
): Promise<RedisNode> {
  nodes.opened += 1;
  return openRedisNode(target, {
    nodeId: `node-${nodes.opened}`,
    partitions: PARTITIONS,
    ...options,
  });
}

/**
 * Nodes whose leases are by a time that the tests move. It is an hour ahead of the real one, by which the other nodes on this Redis go: neither
 * is so far from the other that it forgets it, and to these the others have lapsed long ago.
 */
class RedisMesh implements NodesContext {
  readonly #target: RedisTarget;
  readonly #time = new ManualTime(Date.now() + 3_600_000);
  readonly #living = new Map<string, RedisNode>();
  readonly #opened: RedisNode[] = [];

  constructor(target: RedisTarget) {
    this.#target = target;
  }

  now(): number {
    return this.#time.now();
  }

  async join(nodeId: string): Promise<RedisNode> {
    const time = this.#time;
    const node = await openNode(this.#target, { nodeId, timers: time, now: () => time.now() });
    this.#living.set(nodeId, node);
    this.#opened.push(node);
    await this.#renew();
    return node;
  }

  async bury(nodeId: string): Promise<void> {
    this.#living.get(nodeId)?.presence.stop();
    this.#living.delete(nodeId);
    for (let passed = 0; passed <= LEASE_MS; passed += 1_500) await this.#renew();
  }

  async stop(): Promise<void> {
    const [one] = this.#opened;
    // Where the server is somebody's, the next run of this would find them alive.
    await one?.redis.eval("return redis.call('ZREM', KEYS[1], unpack(ARGV))", {
      keys: [one.keys.nodes],
      arguments: this.#opened.map(({ bus }) => bus.nodeId),
    });
    for (const node of this.#opened) await node.stop();
  }

  /** Lets each living node renew its lease once, and take in what it was answered. */
  async #renew(): Promise<void> {
    await this.#time.advance(1_500);
    for (const { redis, keys } of this.#living.values()) {
      // On the connection to that server answers come in order.
      await redis.eval("return redis.call('ZCARD', KEYS[1])", {
        keys: [keys.nodes],
        arguments: [],
      });
    }
    await this.#time.settle();
  }
}

function onRedis(target: RedisTarget): void {
  const opened: RedisNode[] = [];
  const open = async (): Promise<RedisNode> => {
    const node = await openNode(target);
    opened.push(node);
    return node;
  };
  let first: RedisNode | undefined;
  const stores = (): RedisNode => {
    if (first === undefined) throw new Error('opened before the first test');
    return first;
  };
  beforeAll(async () => {
    first = await open();
  });
  afterAll(async () => {
    for (const node of opened) await node.stop();
  });
  const reopen = async (): Promise<RedisNode> => {
    await stores().stop();
    opened.splice(opened.indexOf(stores()), 1);
    first = await open();
    return first;
  };
  const mesh = new RedisMesh(target);
  afterAll(() => mesh.stop());
  presenceContract(mesh);
  busContract(mesh);
  const context = { stores, underTest: { openSecond: open, reopen, canLose: true }, reopen };
  roomLogContract(context);
  chatLogContract(context);

  it('keeps nothing of a person who is forgotten, and tells the others of the new epoch', async () => {
    const other = await open();
    const { redis, keys, roomLog, chatLog } = stores();
    const zoe = { userId: someUserId(), name: 'Zoë-who-was-here' };
    const as = someUserId();
    const room = await createdRoom(roomLog);
    const key = `${zoe.userId}:k`;
    await room.append(roomLog, [room.arrived(zoe)], [{ key, reply: { by: zoe.userId } }]);
    await room.append(roomLog, [room.departed(zoe)]);
    const said = { kind: 'message', text: 'a secret', ...zoe } as const;
    await chatLog.append(room.roomId, said, 1_000);
    const told: ToldAppend[] = [];
    const stop = other.roomLog.subscribe((roomId, each) => {
      if (roomId === room.roomId) told.push(each);
    });

    await chatLog.forget(room.roomId, zoe.userId, as);
    await roomLog.forget(room.roomId, zoe.userId, as);
    await expect.poll(() => told.length).toBe(1);
    stop();
    expect(told[0]).toMatchObject({ from: room.head, events: [] });
    expect(told[0]?.head.epoch).toBeGreaterThan(room.head.epoch);
    const names = [keys.room(room.roomId), keys.events(room.roomId), keys.chat(room.roomId)];
    const script =
      "return cjson.encode({redis.call('HGETALL', KEYS[1]), redis.call('XRANGE', KEYS[2], '-', '+'), redis.call('HGETALL', KEYS[3])})";
    const kept = String(await redis.eval(script, { keys: names, arguments: [] }));
    for (const trace of [zoe.userId, zoe.name, 'a secret']) expect(kept).not.toContain(trace);
    expect(kept).toContain(as);
    expect(await roomLog.recall(room.roomId, key)).toBeUndefined();
    const { items } = await chatLog.before(room.roomId, 100, 100);
    expect(items).toMatchObject([{ seq: 1, userId: as, text: '', deleted: true }]);

    // A node that was behind holds them still, and takes the log's word.
    const state = room.state ?? room.after([]);
    const recent = [{ epoch: 1, revision: 2, event: room.arrived(zoe) }];
    const held = { head: room.head, state, recent, keys: [] };
    const restored = await other.roomLog.restore(room.roomId, held);
    expect(JSON.stringify(restored)).not.toContain(zoe.userId);
    expect((await roomLog.heads([room.roomId]))[0]).toEqual(restored.head);
  });

  it('takes an append that comes again, as after a lost answer, for the one that it was', async () => {
    const room = await createdRoom(stores().roomLog);
    const before = room.head;
    const events = [room.renamed('A')];
    const after = room.after(events);
    const append = () => stores().roomLog.append(room.roomId, before, events, after, []);
    const first = await append();
    expect(first.kind).toBe('committed');
    expect(await append()).toEqual(first);
    const read = await stores().roomLog.read(room.roomId, { epoch: 1, revision: 1 });
    expect(read.kind === 'events' && read.events).toEqual(events);
  });

  it('tells other nodes of each append, in order, and not the one that made it', async () => {
    const other = await open();
    // The first may be told before who has made the room knows its id.
    const all: (readonly [RoomId, ToldAppend])[] = [];
    const own: unknown[] = [];
    const stops = [
      other.roomLog.subscribe((...told) => all.push(told)),
      stores().roomLog.subscribe((...args) => own.push(args)),
    ];
    const room = await createdRoom(stores().roomLog);
    const renamed = ['A', 'B', 'C'].map((name) => room.renamed(name));
    const record = { key: 'k', reply: { n: 1 } };
    for (const event of renamed) await room.append(stores().roomLog, [event]);
    const last = room.renamed('D');
    await room.append(stores().roomLog, [last], [record]);
    const ofRoom = () => all.filter(([roomId]) => roomId === room.roomId).map(([, told]) => told);
    await expect.poll(() => ofRoom().length).toBe(5);
    const heard = ofRoom();
    const said = heard.slice(1).map(({ events }) => events);
    expect(said).toEqual([...renamed, last].map((event) => [event]));
    for (const [i, { from }] of heard.entries())
      expect(from).toEqual(heard[i - 1]?.head ?? NO_ROOM);
    expect(heard.at(-1)?.keys).toEqual([record]);
    expect(heard.at(-1)?.head).toEqual(room.head);
    expect(own).toEqual([]);
    for (const stop of stops) stop();
  });
}

const server = await orSkipped('Redis', async () => {
  const url = process.env['REDIS_TEST_URL'];
  return url === undefined
    ? startRedisServer()
    : { url, process: undefined, stop: () => Promise.resolve() };
});
const cluster = await orSkipped('a cluster of Redis', startRedisCluster);

describe.skipIf(server === undefined)('Redis', () => {
  if (server === undefined) return;
  afterAll(() => server.stop());
  const target = { kind: 'single', url: server.url } as const;
  onRedis(target);

  it('refuses appends, and says so, while the archive is too far behind', async () => {
    const node = await openNode(target, { maxOutboxEntries: 0 });
    await expect(createdRoom(node.roomLog)).rejects.toThrow(StoreUnavailable);
    await node.stop();
  });
});

describe.skipIf(cluster === undefined)('a cluster of Redis', () => {
  if (cluster === undefined) return;
  afterAll(() => cluster.stop());
  onRedis({ kind: 'cluster', urls: cluster.urls });
});
