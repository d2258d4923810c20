// A room that is given back by several nodes, each of which knows another part of it.
import { createClient } from 'redis';
import { afterAll, describe, expect, it } from 'vitest';
import { openRedisNode } from '../../support/redis-node.ts';
import { orSkipped, startRedisServer } from '../../support/redis-server.ts';
import { createdRoom } from '../../support/room-fixtures.ts';

const server = await orSkipped('Redis', () => startRedisServer());
afterAll(() => server?.stop());

describe.skipIf(server === undefined)('a room that is given back', () => {
  if (server === undefined) return;

  it('remembers the requests of whoever knows them, though another one was first', async () => {
    const node = await openRedisNode({ kind: 'single', url: server.url }, { nodeId: 'a' });
    const { roomLog } = node;
    const room = await createdRoom(roomLog);
    const { roomId } = room;
    const record = { key: 'k', reply: { n: 1 } };
    await room.append(roomLog, [room.renamed('A')], [record]);
    const loaded = await roomLog.load(roomId);
    const held = { ...loaded!, recent: loaded!.recent ?? [], keys: [record] };
    const client = await createClient({ url: server.url }).connect();
    await client.flushAll();
    client.destroy();
    const first = await roomLog.restore(roomId, { ...held, keys: [] });
    const second = await roomLog.restore(roomId, held);
    expect(second.head).toEqual(first.head);
    expect(await roomLog.recall(roomId, 'k')).toEqual(record.reply);
    const events = [room.renamed('A')];
    expect(await roomLog.append(roomId, second.head, events, second.state, [record])).toEqual({
      kind: 'duplicate',
      ...record,
    });
    await node.stop();
  });
});
