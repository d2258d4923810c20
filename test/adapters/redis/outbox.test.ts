// What waits in the outboxes on its way to an archive: in order, once settled, by one process at a time, whatever fails.
import { randomUUID } from 'node:crypto';
import { createClient } from 'redis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RoomId } from '../../../protocol/ids.ts';
import { connectRedis, type RedisConnection } from '../../../src/adapters/redis/connect-redis.ts';
import { RedisKeys } from '../../../src/adapters/redis/redis-keys.ts';
import { RedisOutbox } from '../../../src/adapters/redis/redis-outbox.ts';
import { createPromMetrics } from '../../../src/adapters/system/prom-metrics.ts';
import { systemTimers } from '../../../src/adapters/system/system-timers.ts';
import type { ArchiveEntry, ArchiveWriter } from '../../../src/ports/archive-writer.ts';
import { StoreUnavailable } from '../../../src/ports/room-log.ts';
import { logRecorder, type Line } from '../../support/log-recorder.ts';
import { orSkipped, startRedisServer } from '../../support/redis-server.ts';

const PARTITIONS = 4;
const server = await orSkipped('Redis', startRedisServer);

/** Keeps what it is given; fails as the test says. */
class FakeWriter implements ArchiveWriter {
  readonly kept: ArchiveEntry[] = [];
  readonly batches: number[] = [];
  /** Called before each batch. */
  meets: (entries: readonly ArchiveEntry[]) => Promise<void> | void = () => undefined;

  async apply(entries: readonly ArchiveEntry[]): Promise<readonly (Error | undefined)[]> {
    await this.meets(entries);
    this.batches.push(entries.length);
    return entries.map((entry) => {
      if (entry.kind === 'chat' && entry.item.kind === 'message' && entry.item.text === 'bad') {
        return new Error('never');
      }
      this.kept.push(entry);
      return undefined;
    });
  }

  seqs(roomId: RoomId): number[] {
    return this.kept.flatMap((entry) =>
      entry.kind === 'chat' && entry.roomId === roomId ? [entry.item.seq] : [],
    );
  }
}

describe.skipIf(server === undefined)('RedisOutbox', () => {
  if (server === undefined) return;
  const keys = new RedisKeys(PARTITIONS);
  const client = createClient({ url: server.url });
  const lines: Line[] = [];
  const started: RedisOutbox[] = [];
  let connection: RedisConnection;

  beforeAll(async () => {
    await client.connect();
    connection = await connectRedis({ kind: 'single', url: server.url }, logRecorder(lines));
  });
  afterAll(async () => {
    await connection.stop();
    client.destroy();
    await server.stop();
  });
  beforeEach(async () => {
    await client.flushAll();
    lines.length = 0;
  });
  afterEach(async () => {
    for (const outbox of started.splice(0)) await outbox.stop();
  });

  function start(writer: ArchiveWriter, consumer: string = randomUUID()) {
    const metrics = createPromMetrics();
    const outbox = new RedisOutbox({
      redis: connection.redis,
      keys,
      consumer,
      writer,
      timers: systemTimers,
      metrics,
      log: logRecorder(lines),
    });
    outbox.start();
    started.push(outbox);
    const figure = async (name: string): Promise<number> => {
      const { body } = await metrics.exposition();
      return Number(new RegExp(`^earshot_archive_${name} (.*)$`, 'm').exec(body)?.[1]);
    };
    return { outbox, figure };
  }

  const someRoom = (): RoomId => randomUUID() as RoomId;
  const outboxOf = (roomId: RoomId): string => keys.outbox(keys.partitionOf(roomId));
  const say = (roomId: RoomId, seq: number, text = 'hello'): Promise<string> => {
    const fields = { kind: 'message', at: seq, userId: 'u', name: 'Ana' };
    const kept = `m\n${JSON.stringify(fields)}\n${JSON.stringify(text)}`;
    return client.xAdd(outboxOf(roomId), '*', { i: roomId, s: String(seq), c: kept });
  };
  const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);
  const left = async (): Promise<number> => {
    const counts = await Promise.all(
      Array.from({ length: PARTITIONS }, (_, p) => client.xLen(keys.outbox(p))),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  };

  it('brings every entry, in order for each room, and removes it', async () => {
    const rooms = Array.from({ length: 20 }, someRoom);
    for (const seq of upTo(30)) await Promise.all(rooms.map((roomId) => say(roomId, seq)));
    const writer = new FakeWriter();
    const { figure } = start(writer);
    await expect.poll(() => writer.kept.length, { timeout: 10_000 }).toBe(600);
    for (const roomId of rooms) expect(writer.seqs(roomId)).toEqual(upTo(30));
    await expect.poll(left).toBe(0);
    expect(Math.max(...writer.batches)).toBeGreaterThan(100);
    await expect.poll(() => figure('applied_total')).toBe(600);
    const room = rooms[0]!;
    await say(room, 31);
    await expect.poll(() => writer.seqs(room).at(-1)).toBe(31);
  });

  it('reads appends, restores and chat as they lie in the stream', async () => {
    const roomId = someRoom();
    const [from, head] = [
      { epoch: 1, revision: 3, eventId: 'c' },
      { epoch: 1, revision: 4, eventId: 'd' },
    ];
    const events = [{ id: 'd', at: 1, type: 'RoomClosed', by: 'u' }];
    const append = { node: 'n', roomId, from, head, events, keys: [] };
    await client.xAdd(outboxOf(roomId), '*', { m: JSON.stringify(append) });
    const numbered = [{ epoch: 1, revision: 4, event: events[0] }];
    const restore = { roomId, from, head, state: { public: {} }, events: numbered, keys: [] };
    await client.xAdd(outboxOf(roomId), '*', { r: JSON.stringify(restore) });
    const erased = 'x\n{"kind":"message","at":1,"userId":"u","name":"Ana"}\n""';
    await client.xAdd(outboxOf(roomId), '*', { i: roomId, s: '7', c: erased });
    const deletion = 'd\n{"kind":"deletion","at":2,"by":"u","target":7}\n';
    await client.xAdd(outboxOf(roomId), '*', { i: roomId, s: '8', c: deletion });
    const writer = new FakeWriter();
    start(writer);
    await expect.poll(() => writer.kept.length).toBe(4);
    const item = { kind: 'message', seq: 7, at: 1, userId: 'u', name: 'Ana', text: '' };
    expect(writer.kept).toEqual([
      { kind: 'append', roomId, from, head, events },
      { kind: 'restore', roomId, from, head, state: { public: {} }, events: numbered },
      { kind: 'chat', roomId, item: { ...item, deleted: true } },
      { kind: 'chat', roomId, item: { kind: 'deletion', seq: 8, at: 2, by: 'u', target: 7 } },
    ]);
  });

  it('keeps what was not archived, says so once, and goes on when the archive is back', async () => {
    const roomId = someRoom();
    await say(roomId, 1);
    const writer = new FakeWriter();
    let tries = 0;
    writer.meets = () => {
      tries += 1;
      if (tries <= 3) throw new StoreUnavailable('Postgres');
    };
    const { figure, outbox } = start(writer);
    await expect.poll(() => tries).toBe(2);
    expect(await left()).toBe(1);
    await expect.poll(() => writer.seqs(roomId)).toEqual([1]);
    await expect.poll(left).toBe(0);
    expect(await figure('failures_total')).toBe(3);
    await expect
      .poll(() => lines.map(({ message }) => message))
      .toEqual(['the archive waits', 'the archive goes on']);
    await expect.poll(() => outbox.waiting.entries, { timeout: 5_000 }).toBe(0);
  });

  it('brings what it can while other partitions fail, as when a server of a cluster is away', async () => {
    const rooms = Array.from({ length: PARTITIONS }, (_, partition) => {
      for (;;) {
        const roomId = someRoom();
        if (keys.partitionOf(roomId) === partition) return roomId;
      }
    });
    const [last] = rooms.slice(-1);
    const writer = new FakeWriter();
    let isMended = false;
    writer.meets = ([first]) => {
      if (first?.roomId !== last && !isMended) throw new StoreUnavailable('Redis');
    };
    for (const roomId of rooms) await say(roomId, 1);
    start(writer);
    await expect.poll(() => writer.seqs(last!)).toEqual([1]);
    await say(last!, 2);
    await expect.poll(() => writer.seqs(last!), { timeout: 10_000 }).toEqual([1, 2]);
    expect(writer.kept).toHaveLength(2);
    isMended = true;
    await expect.poll(left, { timeout: 10_000 }).toBe(0);
    for (const roomId of rooms.slice(0, -1)) expect(writer.seqs(roomId)).toEqual([1]);
  });

  it('tells how much waits, and for how long', async () => {
    const roomId = someRoom();
    const [seconds] = await client.time();
    const longAgo = `${(Number(seconds) - 60) * 1_000}-0`;
    await client.xAdd(outboxOf(roomId), longAgo, { m: '{' });
    await say(roomId, 1);
    await say(someRoom(), 1);
    const writer = new FakeWriter();
    writer.meets = () => {
      throw new StoreUnavailable('Postgres');
    };
    const { figure } = start(writer);
    await expect.poll(() => figure('waiting_entries'), { timeout: 5_000 }).toBe(3);
    expect(await figure('lag_seconds')).toBeGreaterThanOrEqual(60);
    expect(await figure('lag_seconds')).toBeLessThan(120);
  });

  it('sets aside what can never be archived, with the reason, and is not held up by it', async () => {
    const roomId = someRoom();
    await client.xAdd(outboxOf(roomId), '*', { m: '{"roomId":' });
    await client.xAdd(outboxOf(roomId), '*', { m: '{"roomId":"x"}' });
    await client.xAdd(outboxOf(roomId), '*', { z: 'what?' });
    await say(roomId, 1);
    await say(roomId, 2, 'bad');
    await say(roomId, 3);
    const writer = new FakeWriter();
    const { figure } = start(writer);
    await expect.poll(() => writer.seqs(roomId)).toEqual([1, 3]);
    await expect.poll(left).toBe(0);
    const aside = (await client.xRange(`${outboxOf(roomId)}-rejected`, '-', '+')) ?? [];
    expect(aside.map(({ message }) => [message['reason'], message['m'] ?? message['z']])).toEqual([
      [expect.stringContaining('JSON'), '{"roomId":'],
      ['it is no append', '{"roomId":"x"}'],
      ['it is neither an append nor a restore nor chat', 'what?'],
      ['never', undefined],
    ]);
    expect(await figure('rejected_total')).toBe(4);
    await expect.poll(() => figure('set_aside_entries'), { timeout: 5_000 }).toBe(4);
    expect(await figure('applied_total')).toBe(2);
    expect(lines.filter(({ level }) => level === 'error')).toHaveLength(4);
  });

  it('is worked by one process at a time; the next goes on where a dead one was', async () => {
    const roomId = someRoom();
    for (const seq of upTo(3)) await say(roomId, seq);
    const [first, second] = [new FakeWriter(), new FakeWriter()];
    let take: () => void = () => undefined;
    const taken = new Promise<void>((resolve) => {
      take = resolve;
    });
    let release: () => void = () => undefined;
    const stuck = new Promise<void>((resolve) => {
      release = resolve;
    });
    first.meets = () => {
      take();
      return stuck;
    };
    start(first, 'first');
    await taken;
    start(second, 'second');
    for (const seq of [4, 5]) await say(roomId, seq);
    let other = someRoom();
    while (keys.partitionOf(other) === keys.partitionOf(roomId)) other = someRoom();
    // The first may have looked there before it was stuck.
    await client.del(`${outboxOf(other)}-lease`);
    await say(other, 1);
    await expect.poll(() => second.seqs(other)).toEqual([1]);
    expect(second.seqs(roomId)).toEqual([]);
    // The first is frozen: it renews its lease no more.
    await client.del(`${outboxOf(roomId)}-lease`);
    await expect.poll(() => second.seqs(roomId)).toEqual([1, 2, 3, 4, 5]);
    release();
    await expect.poll(left).toBe(0);
    await say(roomId, 6);
    await expect.poll(() => second.seqs(roomId).at(-1)).toBe(6);
    expect(first.seqs(roomId)).toEqual([1, 2, 3]);
  });

  it('leaves its partitions to others when it stops', async () => {
    const roomId = someRoom();
    await say(roomId, 1);
    const [first, second] = [new FakeWriter(), new FakeWriter()];
    const { outbox } = start(first);
    await expect.poll(() => first.seqs(roomId)).toEqual([1]);
    await outbox.stop();
    await outbox.stop();
    await say(roomId, 2);
    start(second);
    await expect.poll(() => second.seqs(roomId)).toEqual([2]);
  });

  it('goes on after a Redis that came back empty', async () => {
    const roomId = someRoom();
    await say(roomId, 1);
    const writer = new FakeWriter();
    start(writer);
    await expect.poll(() => writer.seqs(roomId)).toEqual([1]);
    await client.flushAll();
    await say(roomId, 2);
    await expect.poll(() => writer.seqs(roomId)).toEqual([1, 2]);
  });
});
