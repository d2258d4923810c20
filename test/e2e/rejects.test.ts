// The command for what the archive has refused: what it does, and what it says to the person who runs it.
import { once } from 'node:events';
import { createClient } from 'redis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RoomId } from '../../protocol/ids.ts';
import { connectRedis, type RedisConnection } from '../../src/adapters/redis/connect-redis.ts';
import { openEmbeddedStores } from '../../src/adapters/postgres/open-postgres-stores.ts';
import { RedisKeys } from '../../src/adapters/redis/redis-keys.ts';
import { RedisOutbox } from '../../src/adapters/redis/redis-outbox.ts';
import { createPromMetrics } from '../../src/adapters/system/prom-metrics.ts';
import { systemTimers } from '../../src/adapters/system/system-timers.ts';
import type { ActivityEntry } from '../../src/ports/activity-log.ts';
import type { ArchiveEntry, ArchiveWriter } from '../../src/ports/archive-writer.ts';
import { putEmptyDatabase } from '../support/empty-database.ts';
import { temporaryDir } from '../support/earshot-process.ts';
import { freePort } from '../support/free-port.ts';
import { silentMetrics } from '../support/hub-world.ts';
import { SILENT } from '../support/postgres-stores.ts';
import { orSkipped, startRedisServer } from '../support/redis-server.ts';
import { someRoomId } from '../support/room-fixtures.ts';
import { bundleScript, type Script } from '../support/script-process.ts';

const PARTITIONS = 4;
const server = await orSkipped('Redis', startRedisServer);

/** Refuses what is said, until it is mended. */
class Refusing implements ArchiveWriter {
  readonly kept: ArchiveEntry[] = [];
  isMended = false;

  apply(entries: readonly ArchiveEntry[]): Promise<readonly (Error | undefined)[]> {
    const results = entries.map((entry) => {
      if (!this.isMended) return new Error('it does not\nfit');
      this.kept.push(entry);
      return undefined;
    });
    return Promise.resolve(results);
  }
}

describe.skipIf(server === undefined)('npm run rejects', () => {
  if (server === undefined) return;
  const keys = new RedisKeys(PARTITIONS);
  const client = createClient({ url: server.url });
  let connection: RedisConnection;
  let script: Script;
  let writer: Refusing;
  let outbox: RedisOutbox;

  beforeAll(async () => {
    script = await bundleScript(new URL('../../src/rejects.ts', import.meta.url));
    await client.connect();
    connection = await connectRedis({ kind: 'single', url: server.url }, SILENT);
  });
  afterAll(async () => {
    script.remove();
    await connection.stop();
    client.destroy();
    await server.stop();
  });
  beforeEach(async () => {
    await client.flushAll();
    await client.set(keys.partitionCount, String(PARTITIONS));
    writer = new Refusing();
    outbox = new RedisOutbox({
      redis: connection.redis,
      keys,
      consumer: 'archiver',
      writer,
      timers: systemTimers,
      metrics: createPromMetrics(),
      log: SILENT,
    });
    outbox.start();
  });
  afterEach(() => outbox.stop());

  async function run(
    env: Readonly<Record<string, string>>,
    ...words: string[]
  ): Promise<{ readonly code: number; readonly lines: string[]; readonly fault: string }> {
    const child = script.startWith(env, ...words);
    let [out, fault] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (out += data.toString()));
    child.stderr.on('data', (data: Buffer) => (fault += data.toString()));
    const [code] = (await once(child, 'close')) as [number];
    return { code, lines: out.split('\n').filter((line) => line !== ''), fault };
  }
  // As many partitions as the nodes have made, whatever is configured here.
  const env = { REDIS_URL: server.url, POSTGRES_URL: 'postgresql://nowhere/earshot' };
  const told = async (...words: string[]): Promise<string[]> => {
    const { code, lines, fault } = await run(env, ...words);
    expect([code, fault]).toEqual([0, '']);
    return lines;
  };
  const outboxOf = (roomId: RoomId): string => keys.outbox(keys.partitionOf(roomId));
  const say = (roomId: RoomId, seq: number): Promise<string> => {
    const kept = `m\n${JSON.stringify({ kind: 'message', at: seq, userId: 'u', name: 'Ana' })}\n"hi"`;
    return client.xAdd(outboxOf(roomId), '*', { i: roomId, s: String(seq), c: kept });
  };
  const setAside = async (): Promise<number> => {
    const lengths = Array.from({ length: PARTITIONS }, (_, p) => client.xLen(keys.rejected(p)));
    return (await Promise.all(lengths)).reduce((sum, length) => sum + length, 0);
  };

  it('lists them, gives them to the archive again in their order, and says where they are', async () => {
    expect(await told()).toEqual(['nothing is set aside']);
    const roomId = someRoomId();
    const from = { epoch: 1, revision: 3, eventId: 'c' };
    const head = { epoch: 1, revision: 4, eventId: 'd' };
    const append = { node: 'n', roomId, from, head, events: [{ id: 'd' }], keys: [] };
    await client.xAdd(outboxOf(roomId), '*', { m: JSON.stringify(append) });
    for (let seq = 1; seq <= 120; seq += 1) await say(roomId, seq);
    await client.xAdd(outboxOf(roomId), '*', { m: '{' });
    await expect.poll(setAside).toBe(122);
    const lines = await told('list');
    const id = String.raw`${keys.partitionOf(roomId)}/\d+-\d+`;
    expect(lines).toHaveLength(122);
    // What cannot be read is set aside before the rest of its batch is tried.
    const sorted = lines.map((line) => line.replace(new RegExp(`^${id} `), '')).toSorted();
    expect(sorted.at(-1)).toMatch(/^unreadable: .*JSON/);
    expect(sorted[0]).toBe(`append of room ${roomId}, to epoch 1, revision 4: it does not fit`);
    expect(sorted).toContain(`chat of room ${roomId}, item 120: it does not fit`);

    const score = Date.now() - 1_000_000;
    const changed = keys.changed(keys.partitionOf(roomId));
    await client.zAdd(changed, { score, value: roomId });
    writer.isMended = true;
    expect(await told('retry')).toEqual([expect.stringMatching(/^122 given/)]);
    await expect.poll(() => writer.kept.length).toBe(121);
    const seqs = writer.kept.flatMap((entry) => (entry.kind === 'chat' ? [entry.item.seq] : []));
    expect(seqs).toEqual(Array.from({ length: 120 }, (_, i) => i + 1));
    expect(await client.zScore(changed, roomId)).toBeGreaterThan(score);
    // What is unreadable stays so.
    await expect.poll(setAside).toBe(1);
    await expect.poll(() => client.xLen(outboxOf(roomId))).toBe(0);
    const [line = ''] = await told('list');
    const [left = ''] = line.split(' ');
    expect(await told('drop', left)).toEqual([`dropped ${left} ["m","{"]`]);
    expect(await told('drop', left)).toEqual([`${left} is not there`]);
    expect(await told('list')).toEqual(['nothing is set aside']);
    expect(await told('retry')).toEqual(['nothing is tried again']);
  });

  it('tries those alone that it is told, and brings no room to those that are in Redis', async () => {
    const roomId = someRoomId();
    await say(roomId, 1);
    await say(roomId, 2);
    await expect.poll(setAside).toBe(2);
    const [, second = ''] = (await told('list')).map((line) => line.split(' ')[0] ?? '');
    writer.isMended = true;
    expect(await told('retry', second)).toEqual([expect.stringMatching(/^1 given/)]);
    await expect.poll(() => writer.kept.length).toBe(1);
    expect(writer.kept[0]).toMatchObject({ kind: 'chat', item: { seq: 2 } });
    expect(await setAside()).toBe(1);
    expect(await client.zCard(keys.changed(keys.partitionOf(roomId)))).toBe(0);
    expect((await told('retry', second))[0]).toBe(`${second} is not there`);
  });

  it('looks after what the history of listening has refused, too', async () => {
    const temporary = await temporaryDir();
    const entry = { kind: 'activity', userId: '00000000-0000-4000-8000-000000000001' };
    await putEmptyDatabase(temporary.dir);
    const stores = await openEmbeddedStores({ dataDir: temporary.dir, log: SILENT });
    const refusing = stores.createActivityOutbox({
      activityLog: { append: () => Promise.reject(new RangeError('no\nentry')) },
      ...{ maxEntries: 9, now: () => 1, timers: systemTimers, metrics: silentMetrics, log: SILENT },
    });
    await refusing.add([entry as ActivityEntry, { ...entry } as ActivityEntry]);
    await refusing.drain();
    await stores.stop();
    const alone = { DATA_DIR: temporary.dir, MONGODB_URL: 'mongodb://127.0.0.1:1' };
    const { code, lines, fault } = await run(alone, 'list');
    expect([code, fault]).toEqual([0, '']);
    const of = `activity of person ${entry.userId}: no entry`;
    expect(lines.map((line) => line.replace(/^listening\/\S+ /, ''))).toEqual([of, of]);
    const [first = ''] = lines.map((line) => line.split(' ')[0] ?? '');
    expect((await run(alone, 'retry', first)).lines).toEqual([
      '1 given to the listening history again: what it still refuses is listed again soon',
    ]);
    expect((await run(alone, 'drop', first)).lines).toEqual([`${first} is not there`]);
    expect((await run(alone, 'list')).lines).toHaveLength(1);
    expect((await run(alone, 'drop', '1/1-1')).fault).toContain('"1/1-1" is no id');
    await temporary.remove();
  });

  it('says in one line what is wrong', async () => {
    const nowhere = `redis://127.0.0.1:${await freePort()}`;
    for (const [environment, words, fault] of [
      [{}, [], 'REDIS_URL is not set'],
      [env, ['mend'], 'usage: node dist/src/rejects.js ['],
      [env, ['drop'], 'usage: node dist/src/rejects.js ['],
      [env, ['retry', '1764-0'], '"1764-0" is no id'],
      [env, ['retry', '4/1764-0'], '"4/1764-0" is no id'],
      [{ ...env, REDIS_URL: nowhere }, [], 'Redis is not available'],
    ] as const) {
      const { code, lines, fault: said } = await run(environment, ...words);
      expect(code).toBe(1);
      expect(lines).toEqual([]);
      expect(said).toMatch(/^earshot: .*\n$/);
      expect(said).toContain(fault);
    }
  });
});
