// Where replicas must have a change before it is acknowledged: nothing is, by whatever way, before they do.
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../../src/ports/room-log.ts';
import { openRedisNode, type RedisNode } from '../../support/redis-node.ts';
import { orSkipped, startRedisServer } from '../../support/redis-server.ts';
import { createdRoom } from '../../support/room-fixtures.ts';

const server = await orSkipped('Redis', () =>
  startRedisServer(['--repl-diskless-sync-delay', '0']),
);
const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});
afterAll(() => server?.stop());

describe.skipIf(server === undefined)('ReplicaBarrier', () => {
  if (server === undefined) return;

  async function open(waitReplicas: number): Promise<RedisNode> {
    const target = { kind: 'single', url: server?.url ?? '' } as const;
    const node = await openRedisNode(target, { nodeId: `waits-${waitReplicas}`, waitReplicas });
    stops.push(() => node.stop());
    return node;
  }

  it(
    'acknowledges no request that comes again either, before a replica has it',
    { timeout: 30_000 },
    async () => {
      const [careless, careful] = [await open(0), await open(1)];
      const room = await createdRoom(careless.roomLog);
      const { roomId, head } = room;
      const events = [room.renamed('A')];
      const record = { key: 'k', reply: { n: 1 } };
      const append = () =>
        careful.roomLog.append(roomId, head, events, room.after(events), [record]);
      const recall = () => careful.roomLog.recall(roomId, record.key);
      await expect(append()).rejects.toThrow(StoreUnavailable);
      await expect(append()).rejects.toThrow(StoreUnavailable);
      await expect(recall()).rejects.toThrow(StoreUnavailable);
      const replica = await startRedisServer(['--replicaof', '127.0.0.1', String(server.port)]);
      stops.push(() => replica.stop());
      await expect
        .poll(() => recall().catch(() => undefined), { timeout: 15_000 })
        .toEqual(record.reply);
      expect(await append()).toEqual({ kind: 'duplicate', ...record });
    },
  );
});
