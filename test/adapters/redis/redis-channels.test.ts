// The channels of Redis under attack: what is cut comes back by itself, and what was missed is known to be missing.
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { RoomId } from '../../../protocol/ids.ts';
import { connectRedis, type RedisConnection } from '../../../src/adapters/redis/connect-redis.ts';
import { RedisChannels } from '../../../src/adapters/redis/redis-channels.ts';
import type { RedisCommands } from '../../../src/adapters/redis/redis-commands.ts';
import { RedisKeys } from '../../../src/adapters/redis/redis-keys.ts';
import { StoreUnavailable } from '../../../src/ports/room-log.ts';
import { CutProxy } from '../../support/cut-proxy.ts';
import { ManualTime } from '../../support/manual-time.ts';
import { SILENT } from '../../support/postgres-stores.ts';
import { orSkipped, startRedisServer } from '../../support/redis-server.ts';

const PARTITIONS = 4;
const keys = new RedisKeys(PARTITIONS);
/** One of each partition. */
const rooms = Array.from({ length: PARTITIONS }, (_, partition) => {
  for (let i = 0; ; i += 1) {
    const roomId = `room-${i}` as RoomId;
    if (keys.partitionOf(roomId) === partition) return roomId;
  }
});
const server = await orSkipped('Redis', () => startRedisServer());
const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});
afterAll(() => server?.stop());

const at = (url: string): Promise<RedisConnection> => connectRedis({ kind: 'single', url }, SILENT);

/** One on which those messages are lost for which `isLost` holds when they come. */
async function deaf(url: string, isLost: () => boolean): Promise<RedisConnection> {
  const connection = await at(url);
  const redis: RedisCommands = Object.assign(Object.create(connection.redis) as RedisCommands, {
    sSubscribe: (channel: string, listener: (message: string) => void) =>
      connection.redis.sSubscribe(channel, (message) => {
        if (!isLost()) listener(message);
      }),
  });
  return { ...connection, redis };
}

interface Listener {
  readonly channels: RedisChannels;
  readonly time: ManualTime;
  readonly heard: string[];
  doubts: number;
}

/** A node that publishes by one way and listens by another. */
async function listen(
  nodeId: string,
  url: string,
  connect: () => Promise<RedisConnection> = () => at(url),
): Promise<Listener> {
  const main = await at(url);
  stops.push(() => main.stop());
  const time = new ManualTime();
  const channels = await RedisChannels.open({
    redis: main.redis,
    connect,
    keys,
    nodeId,
    timers: time,
    log: SILENT,
    localNow: () => time.now(),
  });
  stops.push(() => channels.stop());
  const listener: Listener = { channels, time, heard: [], doubts: 0 };
  channels.on('b', (node, roomId, rest) => listener.heard.push(`${node} ${roomId} ${rest}`));
  // What opening brought about is over before the first test looks.
  await time.settle();
  channels.onDoubt(() => (listener.doubts += 1));
  return listener;
}

/** Goes on by a probe's period, and waits until what was sent in it has come back or has failed. */
async function proven(listener: Listener): Promise<void> {
  await expect
    .poll(
      async () => {
        await listener.time.advance(2_000);
        return listener.channels.fault === undefined;
      },
      { timeout: 10_000, interval: 50 },
    )
    .toBe(true);
}

describe.skipIf(server === undefined)('the channels of Redis', () => {
  if (server === undefined) return;
  const { url, port } = server;

  it('bring each message to every node, its own too, in order, with all its lines', async () => {
    const [a, b] = [await listen('a', url), await listen('b', url)];
    const told: string[] = [];
    for (const roomId of rooms) {
      for (const rest of ['one\ntwo', '', '{"x":"é\u{1f3b5}"}']) {
        told.push(`a ${roomId} ${rest}`);
        await a.channels.publish('b', roomId, rest);
      }
    }
    for (const node of [a, b]) {
      await expect.poll(() => node.heard.length).toBe(told.length);
      for (const roomId of rooms) {
        const ofRoom = (all: readonly string[]) => all.filter((text) => text.includes(roomId));
        expect(ofRoom(node.heard)).toEqual(ofRoom(told));
      }
      expect(node.channels.fault).toBeUndefined();
      expect(node.doubts).toBe(0);
    }
  });

  it('go on when a handler throws', async () => {
    const a = await listen('a', url);
    a.channels.on('c', () => {
      throw new Error('a bug');
    });
    await a.channels.publish('c', rooms[0]!, 'x');
    await a.channels.publish('b', rooms[0]!, 'y');
    await expect.poll(() => a.heard).toEqual([`a ${rooms[0]!} y`]);
  });

  it('say so while nothing arrives, and doubt once they are proven again', async () => {
    const proxy = await CutProxy.to(port);
    stops.push(() => proxy.stop());
    const a = await listen('a', url, () => at(`redis://127.0.0.1:${proxy.port}`));
    await proven(a);
    // Behind the probes that are under way.
    for (const roomId of rooms) await a.channels.publish('b', roomId, '');
    await expect.poll(() => a.heard.length).toBe(rooms.length);
    a.heard.length = 0;
    expect(a.doubts).toBe(0);
    proxy.cut();
    await a.time.advance(5_900);
    expect(a.channels.fault).toBeUndefined();
    await a.time.advance(200);
    expect(a.channels.fault).toMatch(/nothing arrives/u);
    await a.channels.publish('b', rooms[0]!, 'lost');
    expect(a.doubts).toBe(0);
    proxy.mend();
    await proven(a);
    await expect.poll(async () => (await a.time.settle(), a.doubts)).toBeGreaterThan(0);
    await a.channels.publish('b', rooms[0]!, 'heard');
    await expect.poll(() => a.heard).toEqual([`a ${rooms[0]!} heard`]);
  });

  it('doubt after a short break too, before anything else is heard', async () => {
    const proxy = await CutProxy.to(port);
    stops.push(() => proxy.stop());
    const a = await listen('a', url, () => at(`redis://127.0.0.1:${proxy.port}`));
    proxy.cut();
    await a.channels.publish('b', rooms[1]!, 'lost');
    proxy.mend();
    // The connection comes back by itself, without any probe that was due.
    await expect.poll(async () => (await a.time.settle(), a.doubts)).toBeGreaterThan(0);
    expect(a.channels.fault).toBeUndefined();
    expect(a.heard).toEqual([]);
  });

  it('notice a message that was lost without any break', async () => {
    const a = await listen('a', url);
    const other = await at(url);
    stops.push(() => other.stop());
    // Counted, yet told to nobody.
    await other.redis.eval("return redis.call('INCR', KEYS[1])", {
      keys: [keys.told(2)],
      arguments: [],
    });
    await a.channels.publish('b', rooms[2]!, 'next');
    await expect.poll(async () => (await a.time.settle(), a.doubts)).toBe(1);
    await a.channels.publish('b', rooms[2]!, 'and on');
    await expect.poll(() => a.heard.length).toBe(2);
    await a.time.settle();
    expect(a.doubts).toBe(1);
  });

  it('are subscribed anew where the connection stands and nothing arrives', async () => {
    let connections = 0;
    let isDeaf = false;
    const a = await listen('a', url, () => {
      connections += 1;
      const isFirst = connections === 1;
      return deaf(url, () => isFirst && isDeaf);
    });
    isDeaf = true;
    // Three probes: at the last it is known that two were missed.
    await a.time.advance(6_000);
    await expect.poll(async () => (await a.time.settle(), a.doubts)).toBeGreaterThan(0);
    await a.channels.publish('b', rooms[3]!, 'heard');
    await expect.poll(() => a.heard.length).toBe(1);
    expect(connections).toBe(2);
  });

  it('give a subscription that was made anew the time to be proven', async () => {
    let connections = 0;
    let isDeaf = false;
    let lostOnSecond = 0;
    const a = await listen('a', url, () => {
      connections += 1;
      const isSecond = connections === 2;
      return deaf(url, () => {
        if (isDeaf && isSecond) lostOnSecond += 1;
        return isDeaf;
      });
    });
    isDeaf = true;
    await a.time.advance(6_000);
    await expect.poll(() => lostOnSecond).toBeGreaterThanOrEqual(PARTITIONS);
    isDeaf = false;
    await a.time.advance(2_000);
    await expect.poll(() => a.channels.fault).toBeUndefined();
    expect(connections).toBe(2);
  });

  it('give up a connection that comes after it was sought anew', { timeout: 20_000 }, async () => {
    const waiting: (() => void)[] = [];
    const stopped: number[] = [];
    let connections = 0;
    let isDeaf = false;
    const a = await listen('a', url, async () => {
      connections += 1;
      const number = connections;
      if (number === 2) await new Promise<void>((resolve) => waiting.push(resolve));
      const connection = await deaf(url, () => number === 1 && isDeaf);
      return { ...connection, stop: () => (stopped.push(number), connection.stop()) };
    });
    isDeaf = true;
    // No further than to the third, which then has its time.
    await expect
      .poll(async () => connections === 3 || (await a.time.advance(2_000), connections === 3), {
        timeout: 10_000,
        interval: 50,
      })
      .toBe(true);
    await expect.poll(() => a.channels.fault).toBeUndefined();
    for (const goOn of waiting) goOn();
    await expect.poll(() => stopped).toEqual([1, 2]);
    await a.channels.publish('b', rooms[0]!, 'once');
    await expect.poll(() => a.heard).toEqual([`a ${rooms[0]!} once`]);
  });

  it('cannot be opened where Redis is away', async () => {
    const proxy = await CutProxy.to(port);
    stops.push(() => proxy.stop());
    const main = await at(url);
    stops.push(() => main.stop());
    const time = new ManualTime();
    const opened = RedisChannels.open({
      redis: main.redis,
      connect: () => Promise.reject(new Error('refused')),
      keys,
      nodeId: 'a',
      timers: time,
      log: SILENT,
      localNow: () => time.now(),
    });
    await expect(opened).rejects.toThrow(StoreUnavailable);
    expect(time.waiting).toBe(0);
  });
});
