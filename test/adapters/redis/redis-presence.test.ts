// Presence where Redis is slow or has lost its end: no node goes on believing what the others do not.
import { createClient } from 'redis';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { RedisCommands } from '../../../src/adapters/redis/redis-commands.ts';
import { RedisPresence } from '../../../src/adapters/redis/redis-presence.ts';
import type { Presence, PresenceChange } from '../../../src/ports/presence.ts';
import { someRoom, somebody } from '../../contract/nodes.ts';
import { ManualTime } from '../../support/manual-time.ts';
import { SILENT } from '../../support/postgres-stores.ts';
import { openRedisNode, type RedisNode } from '../../support/redis-node.ts';
import { orSkipped, startRedisServer } from '../../support/redis-server.ts';

const LEASE_MS = 6_000;
const server = await orSkipped('Redis', () =>
  startRedisServer(['--enable-debug-command', 'local']),
);
const stops: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});
afterAll(() => server?.stop());

describe.skipIf(server === undefined)('RedisPresence', () => {
  if (server === undefined) return;
  const target = { kind: 'single', url: server.url } as const;

  async function open(nodeId: string): Promise<RedisNode> {
    const node = await openRedisNode(target, { nodeId });
    stops.push(() => node.stop());
    return node;
  }

  it('takes its lease for lapsed where the renewal came too late, though it was sent in time', async () => {
    const { redis, channels, keys } = await open('carrier');
    const time = new ManualTime();
    let delayMs = 0;
    let late = 0;
    let tick = (): void => undefined;
    const slow = Object.assign(Object.create(redis) as RedisCommands, {
      evalSha: async (...args: Parameters<RedisCommands['evalSha']>) => {
        late += delayMs;
        return redis.evalSha(...args);
      },
    });
    const presence = await RedisPresence.open({
      redis: slow,
      channels,
      keys,
      nodeId: 'slow',
      timers: Object.assign(Object.create(time) as ManualTime, {
        every: (_periodMs: number, callback: () => void) => {
          tick = callback;
          return () => undefined;
        },
      }),
      now: () => time.now() + late,
      log: SILENT,
    });
    const changes: Parameters<Parameters<Presence['onNodes']>[0]>[0][] = [];
    presence.onNodes((change) => changes.push(change));
    await time.advance(LEASE_MS - 100);
    delayMs = 200;
    tick();
    await expect.poll(() => changes).toEqual([{ died: [], wasLapsed: true }]);
  });

  it('remembers no more nodes than may live at once, and those that live', async () => {
    const { redis, keys } = await open('first');
    const now = performance.timeOrigin + performance.now();
    const dead = Array.from({ length: 3_000 }, (_, i) => [String(now - 60_000 - i), `dead-${i}`]);
    await redis.eval("return redis.call('ZADD', KEYS[1], unpack(ARGV))", {
      keys: [keys.nodes],
      arguments: dead.flat(),
    });
    const { presence } = await open('second');
    const alive = [...presence.aliveNodes];
    expect(alive).toEqual(expect.arrayContaining(['first', 'second']));
    expect(alive.filter((node) => node.startsWith('dead'))).toEqual([]);
    const kept = await redis.eval("return redis.call('ZREVRANGE', KEYS[1], 0, -1)", {
      keys: [keys.nodes],
      arguments: [],
    });
    expect(kept).toHaveLength(1_000);
    expect(kept).toEqual(expect.arrayContaining(['first', 'second', 'dead-0', 'dead-900']));
  });

  it('leaves a gap in the versions where changes may be lost', async () => {
    const [east, west] = [await open('east'), await open('west')];
    const roomId = someRoom();
    const heard: PresenceChange[] = [];
    west.presence.subscribe((of, change) => {
      if (of === roomId) heard.push(change);
    });
    const change = () => east.presence.change(roomId, { entered: [somebody('Ana')], left: [] });
    expect(await change()).toEqual({ version: 1 });
    const client = await createClient({ url: server.url }).connect();
    // As when a replica takes over.
    await client.sendCommand(['DEBUG', 'CHANGE-REPL-ID']);
    client.destroy();
    const { version } = await change();
    expect(version).toBeGreaterThan(2);
    expect(await change()).toEqual({ version: version + 1 });
    await expect.poll(() => heard.map((each) => each.version)).toEqual([1, version, version + 1]);
    const { people } = await west.presence.read(roomId);
    expect(people).toHaveLength(3);
    expect(await west.presence.versions([roomId])).toEqual([version + 1]);
  });
});
