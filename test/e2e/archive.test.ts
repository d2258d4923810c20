// From the rooms' log in a real Redis to the archive in a real Postgres and back: workers that die, servers that are away or empty.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { RESP_TYPES, createClient } from 'redis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createOrm, type Orm } from '../../src/adapters/postgres/orm.ts';
import { Sql } from '../../src/adapters/postgres/sql.ts';
import { ChatMoved, type ChatDraft } from '../../src/ports/chat-log.ts';
import { NO_ROOM, StoreUnavailable, type HeldEvent } from '../../src/ports/room-log.ts';
import { ANA, BEN, gathering } from '../support/gathering.ts';
import { startPostgresServer } from '../support/postgres-server.ts';
import { SILENT } from '../support/postgres-stores.ts';
import { orSkipped, startRedisServer } from '../support/redis-server.ts';
import { RoomScript, createdRoom } from '../support/room-fixtures.ts';
import { bundleScript, type Script } from '../support/script-process.ts';
import { openSharedLogs, type SharedLogs } from '../support/shared-logs.ts';

const PARTITIONS = 4;
/** Every key with its value. */
const COPY = `
local all = {}
for i, key in ipairs(redis.call('KEYS', '*')) do all[i] = {key, redis.call('DUMP', key)} end
return all
`;
/** A lease of a dead worker ends, and what it had taken is worked off. */
const TAKE_OVER = { timeout: 20_000 };

const postgres = await startPostgresServer();
const redis = await orSkipped('Redis', startRedisServer);
const has = postgres !== undefined && redis !== undefined;

describe.skipIf(!has)('the archive', () => {
  if (postgres === undefined || redis === undefined) return;
  const client = createClient({ url: redis.url });
  const opened: SharedLogs[] = [];
  const children: ChildProcess[] = [];
  let postgresUrl: string;
  let orm: Orm;
  let sql: Sql;
  let script: Script;

  beforeAll(async () => {
    postgresUrl = await postgres.createDatabase();
    client.on('error', () => undefined);
    await client.connect();
    orm = await createOrm({ clientUrl: postgresUrl, poolSize: 2 }, () => undefined);
    sql = new Sql(orm);
    script = await bundleScript(new URL('../support/archive-forever.ts', import.meta.url));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
    for (const node of opened.splice(0)) await node.stop();
    await client.flushAll();
  });
  afterAll(async () => {
    script.remove();
    await orm.close(true);
    client.destroy();
    await redis.stop();
    await postgres.stop();
  });

  async function node(maxOutboxEntries = 100_000): Promise<SharedLogs> {
    const one = await openSharedLogs({
      redisUrl: redis!.url,
      postgresUrl,
      partitions: PARTITIONS,
      maxOutboxEntries,
      log: SILENT,
    });
    opened.push(one);
    return one;
  }

  /** A worker in a process of its own, and when it has archived something. */
  function worker(): { readonly child: ChildProcess; readonly archiving: Promise<void> } {
    const child = script.start(redis!.url, postgresUrl, String(PARTITIONS));
    children.push(child);
    const faults: string[] = [];
    child.stderr.on('data', (data: Buffer) => faults.push(data.toString()));
    const lines = createInterface({ input: child.stdout });
    const archiving = lines[Symbol.asyncIterator]()
      .next()
      .then(({ done }) => {
        if (done === true) throw new Error(faults.join(''));
      });
    return { child, archiving };
  }

  const waiting = async (): Promise<number> => {
    const counts = await Promise.all(
      Array.from({ length: PARTITIONS }, (_, p) => client.xLen(`earshot:{${p}}:outbox`)),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  };
  const allArrived = (): Promise<void> => expect.poll(waiting, TAKE_OVER).toBe(0);
  const says = (text: string): ChatDraft => ({ kind: 'message', ...ANA, text });
  /** The events of a room in the archive, which must have each number and each event once. */
  const eventsOf = async (room: RoomScript): Promise<string[]> => {
    const rows = await sql.rows<{
      readonly epoch: number;
      readonly revision: number;
      readonly event_id: string;
    }>(
      'select epoch, revision, event_id from room_event where room_id = ? order by revision, epoch',
      [room.roomId],
    );
    expect(rows.map(({ revision }) => revision)).toEqual(rows.map((_, i) => i + 1));
    return rows.map(({ event_id }) => event_id);
  };

  it('has all that happened: events, sessions, stays, plays and chat', async () => {
    const { roomLog, chatLog, kept, outbox, figure } = await node();
    outbox.start();
    const room = await gathering(roomLog);
    await chatLog.append(room.roomId, says('hello'), 1_000);
    await chatLog.append(room.roomId, says('oops'), 1_001);
    await chatLog.append(room.roomId, { kind: 'deletion', by: ANA.userId, target: 2 }, 1_002);
    await allArrived();
    expect(await kept.roomLog.load(room.roomId)).toEqual({ head: room.head, state: room.state });
    expect(await eventsOf(room)).toHaveLength(room.head.revision);
    const [session] = await kept.archive.sessionsOf(room.roomId, { limit: 10 });
    const record = await kept.archive.session(session!.sessionId);
    expect(record).toMatchObject({
      participations: [
        { ...ANA, arrivedAt: 1_000 },
        { ...BEN, arrivedAt: 2_000, departedAt: 20_000 },
      ],
      plays: [{ entryId: 'a', title: 'a', startedAt: 3_000, endedAt: 13_000 }],
    });
    expect((await kept.chatLog.after(room.roomId, 0, 10)).items).toEqual(
      (await chatLog.after(room.roomId, 0, 10)).items,
    );
    expect(await kept.chatLog.find(room.roomId, 2)).toMatchObject({ text: '', deleted: true });
    expect(await figure('applied_total')).toBe(10);
    expect(await figure('rejected_total')).toBe(0);
  });

  it('has everything once, in order, whichever workers are killed meanwhile', async () => {
    const { roomLog, chatLog, kept, live } = await node();
    const rooms = await Promise.all(Array.from({ length: 12 }, () => createdRoom(roomLog)));
    let isOver = false;
    const acknowledged = new Map(rooms.map((room) => [room.roomId, [room.head.eventId as string]]));
    const talking = rooms.map(async (room) => {
      for (let i = 0; !isOver; i += 1) {
        const event = room.renamed(`name ${i}`);
        const result = await room.append(roomLog, [event]);
        if (result.kind !== 'committed') throw new Error(result.kind);
        acknowledged.get(room.roomId)!.push(event.id);
        if (i % 5 === 0) await chatLog.append(room.roomId, says(`text ${i}`), room.at);
      }
    });
    const talked = Promise.allSettled(talking);
    const first = worker();
    await first.archiving;
    const second = worker();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    first.child.kill('SIGKILL');
    await second.archiving;
    second.child.kill('SIGKILL');
    await once(second.child, 'exit');
    isOver = true;
    await talked;
    await Promise.all(talking);
    expect(await waiting()).toBeGreaterThan(0);
    await worker().archiving;
    await allArrived();
    for (const room of rooms) {
      const loaded = await kept.roomLog.load(room.roomId);
      expect(loaded).toEqual({ head: room.head, state: room.state });
      expect(await live.roomLog.load(room.roomId)).toMatchObject({ ...loaded });
      expect(await eventsOf(room)).toEqual(acknowledged.get(room.roomId));
      expect((await kept.chatLog.after(room.roomId, 0, 900)).items).toEqual(
        (await live.chatLog.after(room.roomId, 0, 900)).items,
      );
    }
  });

  it('refuses to take more than may wait, and takes it again when there is place', async () => {
    const { roomLog, chatLog, outbox, kept } = await node(5);
    const room = await createdRoom(roomLog);
    for (let i = 0; i < 4; i += 1) await room.append(roomLog, [room.renamed(`${i}`)]);
    const refused = room.append(roomLog, [room.renamed('more')]);
    await expect(refused).rejects.toThrow(new StoreUnavailable('the archive'));
    await expect(chatLog.append(room.roomId, says('more'), 1)).rejects.toThrow('the archive');
    expect((await roomLog.load(room.roomId))?.head).toEqual(room.head);
    outbox.start();
    await allArrived();
    expect((await room.append(roomLog, [room.renamed('more')])).kind).toBe('committed');
    await allArrived();
    expect(await kept.roomLog.load(room.roomId)).toEqual({ head: room.head, state: room.state });
  });

  it.skipIf(postgres.process === undefined)(
    'gets everything afterwards when Postgres was away, and rooms went on meanwhile',
    async () => {
      const { roomLog, chatLog, outbox, kept, figure } = await node();
      outbox.start();
      const room = await gathering(roomLog);
      await allArrived();
      await postgres.process?.stop();
      room.at = 30_000;
      for (let i = 0; i < 50; i += 1) await room.append(roomLog, [room.renamed(`name ${i}`)]);
      await chatLog.append(room.roomId, says('while it was away'), 30_000);
      const young = await createdRoom(roomLog);
      await chatLog.append(young.roomId, says('first words'), 30_000);
      expect((await roomLog.load(room.roomId))?.head).toEqual(room.head);
      expect(await roomLog.findByCode(young.code)).toBe(young.roomId);
      const stranger = new RoomScript();
      await expect(roomLog.load(stranger.roomId)).rejects.toThrow(StoreUnavailable);
      await expect(roomLog.findByCode(stranger.code)).rejects.toThrow(StoreUnavailable);
      await expect.poll(() => figure('failures_total'), TAKE_OVER).toBeGreaterThan(2);
      await expect.poll(() => outbox.waiting.entries, TAKE_OVER).toBe(53);
      await postgres.process?.start();
      await allArrived();
      expect(await kept.roomLog.load(room.roomId)).toEqual({ head: room.head, state: room.state });
      expect((await kept.chatLog.find(room.roomId, 1))?.seq).toBe(1);
      expect((await kept.roomLog.load(young.roomId))?.head).toEqual(young.head);
    },
  );

  describe('when Redis has come back empty', () => {
    it('gives a room back under a new epoch, with its chat, to all who ask at once', async () => {
      const [one, other] = [await node(), await node()];
      one.outbox.start();
      const room = await gathering(one.roomLog);
      for (let i = 1; i <= 30; i += 1) await one.chatLog.append(room.roomId, says(`m${i}`), i);
      await allArrived();
      const before = await one.chatLog.after(room.roomId, 0, 100);
      await client.flushAll();
      expect(await one.live.roomLog.heads([room.roomId])).toEqual([NO_ROOM]);
      expect(await one.roomLog.inhabited()).toContainEqual({
        roomId: room.roomId,
        aliveAt: 20_000,
      });
      expect(await other.roomLog.findByCode(room.code)).toBe(room.roomId);
      const loads = [one, other, one, other].map(({ roomLog }) => roomLog.load(room.roomId));
      const epoch = (await loads[0])?.head.epoch ?? 0;
      expect(epoch).toBeGreaterThan(1);
      const expected = { head: { ...room.head, epoch }, state: room.state };
      expect(await Promise.all(loads)).toMatchObject([expected, expected, expected, expected]);
      expect(await one.live.roomLog.findByCode(room.code)).toBe(room.roomId);
      const inhabited = (await one.roomLog.inhabited()).map(({ roomId }) => roomId);
      expect(inhabited.filter((roomId) => roomId === room.roomId)).toHaveLength(1);
      expect(await other.chatLog.after(room.roomId, 0, 100)).toEqual(before);
      expect((await one.chatLog.append(room.roomId, says('on'), 99)).item.seq).toBe(31);
      // It goes on, in both.
      room.head = expected.head;
      room.at = 50_000;
      await room.append(other.roomLog, [room.renamed('again'), room.departed(ANA)]);
      await allArrived();
      expect(await one.kept.roomLog.load(room.roomId)).toEqual({
        head: room.head,
        state: room.state,
      });
      expect(await eventsOf(room)).toHaveLength(room.head.revision);
      const [session] = await one.kept.archive.sessionsOf(room.roomId, { limit: 10 });
      expect((await one.kept.archive.session(session!.sessionId))?.participations).toMatchObject([
        { ...ANA, arrivedAt: 1_000, departedAt: 50_000 },
        BEN,
      ]);
      expect(await one.kept.chatLog.find(room.roomId, 31)).toMatchObject({ text: 'on' });
    });

    it('begins a chat where the archive ends, whoever speaks first', async () => {
      const { roomLog, chatLog, outbox } = await node();
      outbox.start();
      const room = await gathering(roomLog);
      for (let i = 1; i <= 3; i += 1) await chatLog.append(room.roomId, says(`m${i}`), i);
      await allArrived();
      await client.flushAll();
      const { item } = await chatLog.append(room.roomId, says('m4'), 4);
      expect(item.seq).toBe(4);
      await allArrived();
      const { items } = await chatLog.after(room.roomId, 0, 10);
      expect(items.map((each) => each.kind === 'message' && each.text)).toEqual([
        'm1',
        'm2',
        'm3',
        'm4',
      ]);
    });

    it('keeps what only a node knows, and what only the archive knows', async () => {
      const { roomLog, outbox, kept } = await node();
      const early = await node();
      const room = await gathering(roomLog);
      outbox.start();
      await allArrived();
      const recent: HeldEvent[] = [];
      const behind = { head: room.head, state: room.state! };
      await outbox.stop();
      // Appended, and lost with Redis before any worker saw it.
      room.at = 40_000;
      const event = room.renamed('known to a node');
      await room.append(roomLog, [event]);
      recent.push({ epoch: 1, revision: room.head.revision, event });
      await client.flushAll();
      const held = { head: room.head, state: room.state!, recent, keys: [] };
      const restored = await roomLog.restore(room.roomId, held);
      expect(restored.state).toEqual(room.state);
      expect(restored.head.epoch).toBeGreaterThan(1);
      early.outbox.start();
      await allArrived();
      expect(restored).toMatchObject({ ...(await kept.roomLog.load(room.roomId)) });
      expect((await eventsOf(room)).at(-1)).toBe(event.id);
      // Now the archive is ahead of a node that has slept.
      await client.flushAll();
      const again = await roomLog.restore(room.roomId, { ...behind, recent: [], keys: [] });
      expect(again.state).toEqual(room.state);
      expect(again.head.epoch).toBeGreaterThan(restored.head.epoch);
    });
  });

  describe('when one of the two was restored to an older moment', () => {
    /** All of Redis, to be put back as by another server. Each in one step, as a worker may be at it meanwhile. */
    const copied = async (): Promise<() => Promise<void>> => {
      const all = await client
        .withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
        .sendCommand<Buffer[][]>(['EVAL', COPY, '0']);
      const kept = all.flatMap(([name, value]) => {
        const key = String(name);
        return value === undefined || key.endsWith('-lease') ? [] : [{ key, value }];
      });
      return async () => {
        const multi = client.multi().flushAll();
        for (const { key, value } of kept) {
          multi.addCommand(['RESTORE', key, '0', value]);
          const run = key.includes(':room:') || key.includes(':chat:');
          if (run) multi.hSet(key, 'run', 'of the server before');
        }
        await multi.exec();
      };
    };
    const textsOf = async ({ chatLog }: SharedLogs, room: RoomScript): Promise<unknown[]> => {
      const { items } = await chatLog.after(room.roomId, 0, 100);
      return items.map((item) => item.kind === 'message' && [item.seq, item.text]);
    };

    it('Redis: a room goes on where the archive ends, and so does its chat', async () => {
      const { roomLog, chatLog, outbox } = await node();
      outbox.start();
      const room = await gathering(roomLog);
      await chatLog.append(room.roomId, says('m1'), 1);
      const setBack = await copied();
      room.at = 30_000;
      for (let i = 0; i < 5; i += 1) await room.append(roomLog, [room.renamed(`name ${i}`)]);
      await chatLog.append(room.roomId, says('m2'), 2);
      await chatLog.append(room.roomId, says('m3'), 3);
      await allArrived();
      await setBack();
      const others = [await node(), await node()];
      const loads = others.map((each) => each.roomLog.load(room.roomId));
      const epoch = (await loads[0])?.head.epoch ?? 0;
      expect(epoch).toBeGreaterThan(1);
      const expected = { head: { ...room.head, epoch }, state: room.state };
      expect(await Promise.all(loads)).toMatchObject([expected, expected]);
      room.head = expected.head;
      const [other] = others as [SharedLogs, SharedLogs];
      expect((await room.append(other.roomLog, [room.renamed('again')])).kind).toBe('committed');
      await expect(other.chatLog.append(room.roomId, says('m4'), 4)).rejects.toThrow(ChatMoved);
      await other.chatLog.restore(room.roomId, []);
      expect((await other.chatLog.append(room.roomId, says('m4'), 4)).item.seq).toBe(4);
      await allArrived();
      const all = [1, 2, 3, 4].map((seq) => [seq, `m${seq}`]);
      expect(await textsOf(other, room)).toEqual(all);
      expect(await eventsOf(room)).toHaveLength(room.head.revision);
      expect(await other.kept.roomLog.load(room.roomId)).toEqual({
        head: room.head,
        state: room.state,
      });
    });

    it('both: whoever opens a room first begins a new epoch, before anybody says a word', async () => {
      const { roomLog, chatLog, outbox } = await node();
      outbox.start();
      const room = await gathering(roomLog);
      await chatLog.append(room.roomId, says('m1'), 1);
      await allArrived();
      const setBack = await copied();
      const then = { head: room.head, state: room.state };
      await outbox.stop();
      // Lost by both, though somebody has seen it.
      room.at = 30_000;
      await room.append(roomLog, [room.renamed('lost')]);
      await chatLog.append(room.roomId, says('lost'), 2);
      await setBack();
      const other = await node();
      const loaded = await other.roomLog.load(room.roomId);
      expect(loaded).toMatchObject({ head: { revision: then.head.revision }, state: then.state });
      expect(loaded?.head.epoch).toBeGreaterThan(1);
      // Once: whoever comes later finds it so.
      expect(await other.roomLog.load(room.roomId)).toEqual(loaded);
      expect(await (await node()).roomLog.load(room.roomId)).toEqual(loaded);
    });

    it('the archive: what Redis still has is put back, events and chat', async () => {
      const { roomLog, chatLog, outbox } = await node();
      const room = await gathering(roomLog);
      await chatLog.append(room.roomId, says('m1'), 1);
      outbox.start();
      await allArrived();
      await outbox.stop();
      room.at = 30_000;
      for (let i = 0; i < 5; i += 1) await room.append(roomLog, [room.renamed(`name ${i}`)]);
      await chatLog.append(room.roomId, says('m2'), 2);
      await chatLog.append(room.roomId, says('m3'), 3);
      // As if it had been archived, and the archive had been set back.
      for (let p = 0; p < PARTITIONS; p += 1)
        await client.xTrim(`earshot:{${p}}:outbox`, 'MAXLEN', 0);
      const setBack = await copied();
      await setBack();
      const other = await node();
      other.outbox.start();
      const loaded = await other.roomLog.load(room.roomId);
      expect(loaded).toMatchObject({ head: { revision: room.head.revision }, state: room.state });
      await other.chatLog.restore(room.roomId, []);
      await other.chatLog.append(room.roomId, says('m4'), 4);
      await allArrived();
      expect(await eventsOf(room)).toHaveLength(room.head.revision);
      const { items } = await other.kept.chatLog.after(room.roomId, 0, 10);
      expect(items.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
      expect(await other.figure('holes_total')).toBe(1);
    });
  });

  it('gives the chat that Redis does not keep any more, and nothing that was erased', async () => {
    const { roomLog, chatLog, outbox, live } = await node();
    const room = await createdRoom(roomLog);
    outbox.start();
    for (let i = 1; i <= 1_020; i += 1) await chatLog.append(room.roomId, says(`m${i}`), i);
    await allArrived();
    expect(await live.chatLog.find(room.roomId, 20)).toBeUndefined();
    expect(await chatLog.find(room.roomId, 20)).toMatchObject({ text: 'm20' });
    expect(await chatLog.find(room.roomId, 5_000)).toBeUndefined();
    const page = await chatLog.before(room.roomId, 30, 20);
    expect(page.items.map(({ seq }) => seq)).toEqual(Array.from({ length: 20 }, (_, i) => 10 + i));
    expect(page.lastSeq).toBe(1_020);
    expect((await chatLog.before(room.roomId, 5, 20)).items.map(({ seq }) => seq)).toEqual([
      1, 2, 3, 4,
    ]);
    await outbox.stop();
    await chatLog.append(room.roomId, { kind: 'deletion', by: ANA.userId, target: 3 }, 2_000);
    expect(await chatLog.find(room.roomId, 3)).toMatchObject({ text: '', deleted: true });
    const [erased] = (await chatLog.before(room.roomId, 4, 1)).items;
    expect(erased).toMatchObject({ seq: 3, text: '', deleted: true });
  });
});
