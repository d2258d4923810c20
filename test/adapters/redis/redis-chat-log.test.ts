// The chat on a Redis that may have lost it: no number is given to two items.
import { createClient } from 'redis';
import { afterAll, describe, expect, it } from 'vitest';
import { ChatMoved, type ChatDraft } from '../../../src/ports/chat-log.ts';
import { somebody } from '../../contract/nodes.ts';
import { openRedisNode } from '../../support/redis-node.ts';
import { orSkipped, startRedisServer } from '../../support/redis-server.ts';
import { createdRoom } from '../../support/room-fixtures.ts';

const server = await orSkipped('Redis', () =>
  startRedisServer(['--enable-debug-command', 'local']),
);
afterAll(() => server?.stop());

describe.skipIf(server === undefined)('RedisChatLog', () => {
  if (server === undefined) return;

  it('begins no chat after a change of servers before what may have been said is asked for', async () => {
    const node = await openRedisNode({ kind: 'single', url: server.url }, { nodeId: 'a' });
    const { roomId } = await createdRoom(node.roomLog);
    const client = await createClient({ url: server.url }).connect();
    // As when a replica takes over, which the first words had not reached.
    await client.sendCommand(['DEBUG', 'CHANGE-REPL-ID']);
    client.destroy();
    const draft: ChatDraft = { kind: 'message', ...somebody('Ana'), text: 'hello' };
    await expect(node.chatLog.append(roomId, draft, 1)).rejects.toThrow(ChatMoved);
    await node.chatLog.restore(roomId, []);
    expect((await node.chatLog.append(roomId, draft, 2)).item.seq).toBe(1);
    await node.stop();
  });
});
