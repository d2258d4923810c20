// The contracts of the rooms' log and of the chat on Redis, alone and as a cluster.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectRedis, type RedisTarget } from '../../../src/adapters/redis/connect-redis.ts';
import { RedisChatLog } from '../../../src/adapters/redis/redis-chat-log.ts';
import { RedisKeys } from '../../../src/adapters/redis/redis-keys.ts';
import { RedisRoomLog } from '../../../src/adapters/redis/redis-room-log.ts';
import type { RoomEvent } from '../../../src/domain/room-event.ts';
import { StoreUnavailable, type Head } from '../../../src/ports/room-log.ts';
import { chatLogContract } from '../../contract/chat-log.contract.ts';
import { roomLogContract } from '../../contract/room-log.contract.ts';
import { SILENT } from '../../support/postgres-stores.ts';
import { orSkipped, startRedisCluster, startRedisServer } from '../../support/redis-server.ts';
import { createdRoom } from '../../support/room-fixtures.ts';

const PARTITIONS = 16;
const MAX_OUTBOX_ENTRIES = 100_000;

interface Node {
  readonly roomLog: RedisRoomLog;
  readonly chatLog: RedisChatLog;
  stop(): Promise<void>;
}

let nodes = 0;

async function openNode(target: RedisTarget, maxOutboxEntries = MAX_OUTBOX_ENTRIES): Promise<Node> {
  const main = await connectRedis(target, SILENT);
  const subscriber = await connectRedis(target, SILENT);
  nodes += 1;
  const common = {
    redis: main.redis,
    keys: new RedisKeys(PARTITIONS),
    nodeId: `node-${nodes}`,
    maxOutboxEntries,
  };
  const roomLog = await RedisRoomLog.open({
    ...common,
    subscriber: subscriber.redis,
    log: SILENT,
  });
  return {
    roomLog,
    chatLog: new RedisChatLog(common),
    stop: async () => {
      await subscriber.stop();
      await main.stop();
    },
  };
}

function onRedis(target: RedisTarget): void {
  const opened: Node[] = [];
  const open = async (): Promise<Node> => {
    const node = await openNode(target);
    opened.push(node);
    return node;
  };
  let first: Node | undefined;
  const stores = (): Node => {
    if (first === undefined) throw new Error('opened before the first test');
    return first;
  };
  beforeAll(async () => {
    first = await open();
  });
  afterAll(async () => {
    for (const node of opened) await node.stop();
  });
  const reopen = async (): Promise<Node> => {
    await stores().stop();
    opened.splice(opened.indexOf(stores()), 1);
    first = await open();
    return first;
  };
  const context = { stores, underTest: { openSecond: open, reopen }, reopen };
  roomLogContract(context);
  chatLogContract(context);

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
    const heard: { readonly head: Head; readonly events: readonly RoomEvent[] }[] = [];
    const own: unknown[] = [];
    const stops = [
      other.roomLog.subscribe((roomId, head, events) => {
        if (roomId === room.roomId) heard.push({ head, events });
      }),
      stores().roomLog.subscribe((...args) => own.push(args)),
    ];
    const room = await createdRoom(stores().roomLog);
    const renamed = ['A', 'B', 'C'].map((name) => room.renamed(name));
    for (const event of renamed) await room.append(stores().roomLog, [event]);
    await expect.poll(() => heard.length).toBe(4);
    expect(heard.slice(1).map(({ events }) => events)).toEqual(renamed.map((event) => [event]));
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
    const node = await openNode(target, 0);
    await expect(createdRoom(node.roomLog)).rejects.toThrow(StoreUnavailable);
    await node.stop();
  });
});

describe.skipIf(cluster === undefined)('a cluster of Redis', () => {
  if (cluster === undefined) return;
  afterAll(() => cluster.stop());
  onRedis({ kind: 'cluster', urls: cluster.urls });
});
