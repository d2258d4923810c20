// The archive as it follows a live log: in order, as often as it is told, with holes, and its chat.
import { describe, expect, it } from 'vitest';
import { PostgresArchiver } from '../../../src/adapters/postgres/postgres-archiver.ts';
import { createPromMetrics } from '../../../src/adapters/system/prom-metrics.ts';
import type { Archive } from '../../../src/ports/archive.ts';
import type { ArchiveWriter } from '../../../src/ports/archive-writer.ts';
import type { RoomLog } from '../../../src/ports/room-log.ts';
import { archiveContract } from '../../contract/archive.contract.ts';
import type { ContractContext } from '../../contract/context.ts';
import { ANA, BEN, gathering } from '../../support/gathering.ts';
import { startPostgresServer } from '../../support/postgres-server.ts';
import { SILENT } from '../../support/postgres-stores.ts';
import { RoomScript, createdRoom } from '../../support/room-fixtures.ts';
import { ToldLog } from '../../support/told-log.ts';
import { ArchiveUnderTest, NOTHING, archived, deletes, says } from './archive-under-test.ts';

const server = await startPostgresServer();
const [ana, ben] = [ANA, BEN];

describe.skipIf(server === undefined)('PostgresArchiver', () => {
  if (server === undefined) return;
  const context = new ArchiveUnderTest(server);

  for (const [how, isAtOnce] of [
    ['one append at a time', true],
    ['many appends as one', false],
  ] as const) {
    describe(`told ${how}`, () => {
      const log = new ToldLog();
      let writer: ArchiveWriter | undefined;
      const follow = async (): Promise<Archive> => {
        writer ??= context.archiver(log);
        const entries = log.take();
        if (isAtOnce) for (const entry of entries) await archived(writer, [entry]);
        else await archived(writer, entries);
        return context.stores.archive;
      };
      const followed: Archive = {
        publicRooms: async (...args) => (await follow()).publicRooms(...args),
        sessionsOf: async (...args) => (await follow()).sessionsOf(...args),
        session: async (...args) => (await follow()).session(...args),
        summaries: async (...args) => (await follow()).summaries(...args),
        tookPart: async (...args) => (await follow()).tookPart(...args),
        publicSince: async (...args) => (await follow()).publicSince(...args),
        async *sessionEvents(...args) {
          yield* (await follow()).sessionEvents(...args);
        },
      };
      const contract = {
        stores: () => ({ roomLog: log, archive: followed }),
        underTest: {},
        reopen: () => Promise.reject(new Error('not here')),
      };
      archiveContract(contract as unknown as ContractContext);

      it('has the room as the log has it', async () => {
        const room = await gathering(log);
        await follow();
        expect(await context.stores.roomLog.load(room.roomId)).toEqual({
          head: room.head,
          state: room.state,
        });
        expect(await context.stores.roomLog.findByCode(room.code)).toBe(room.roomId);
        const rows = await context.rowsOf(room.roomId);
        expect(rows.plays).toMatchObject([
          { entry_id: 'a', title: 'a', started_at: 3_000, ended_at: 13_000 },
        ]);
        expect(rows.events).toHaveLength(room.head.revision);
      });
    });
  }

  it('changes nothing when it is told again, by itself or by another one at the same time', async () => {
    const log = new ToldLog();
    const room = await gathering(log);
    const entries = log.take();
    const [one, other] = [context.archiver(log), context.archiver(log)];
    await Promise.all([
      ...entries.map((_, i) => archived(one, entries.slice(0, i + 1))),
      ...entries.map((_, i) => archived(other, entries.slice(0, i + 1))),
    ]);
    const before = await context.rowsOf(room.roomId);
    await archived(one, entries);
    await archived(context.archiver(log), entries);
    await archived(other, entries.slice(2));
    expect(await context.rowsOf(room.roomId)).toEqual(before);
    const alone = new ToldLog();
    const same = await gathering(alone);
    await archived(context.archiver(), alone.take());
    const counts = (rows: object): number[] =>
      Object.values(rows).map((list: readonly unknown[]) => list.length);
    expect(counts(before)).toEqual(counts(await context.rowsOf(same.roomId)));
  });

  it('takes what it lacks from the log, and counts that it had to', async () => {
    const log = new ToldLog();
    const room = await gathering(log);
    const entries = log.take();
    const metrics = createPromMetrics();
    const writer = context.stores.createArchiver({ live: log, metrics, log: SILENT });
    await archived(writer, entries.slice(0, 2));
    await archived(writer, entries.slice(4));
    expect(await context.stores.roomLog.load(room.roomId)).toEqual({
      head: room.head,
      state: room.state,
    });
    const rows = await context.rowsOf(room.roomId);
    expect(rows.events).toHaveLength(room.head.revision);
    expect(rows.stays).toHaveLength(2);
    expect((await metrics.exposition()).body).toContain('earshot_archive_holes_total 1');
  });

  it('loads a room once while there is news of it, and again after ten minutes without', async () => {
    const log = new ToldLog();
    const loaded: string[] = [];
    let now = 0;
    const archiver = new PostgresArchiver({
      sql: context.sql,
      archive: {
        load: (roomId) => {
          loaded.push(roomId);
          return context.stores.roomLog.load(roomId);
        },
      },
      ...{ live: log, metrics: createPromMetrics(), log: SILENT },
      now: () => now,
    });
    const [room, other] = [await gathering(log), await gathering(log)];
    const goesOn = async (of: typeof room, minutes: number): Promise<void> => {
      now = minutes * 60_000;
      await of.append(log, [of.renamed(`After ${minutes} minutes`)]);
      await archived(archiver, log.take());
    };
    await archived(archiver, log.take());
    expect(loaded.sort()).toEqual([room.roomId, other.roomId].sort());
    for (const minutes of [1, 9, 18]) await goesOn(room, minutes);
    expect(loaded).toHaveLength(2);
    await goesOn(other, 18);
    expect(loaded.slice(2)).toEqual([other.roomId]);
    expect(await context.stores.roomLog.load(other.roomId)).toEqual({
      head: other.head,
      state: other.state,
    });
  });

  it('adopts the state where the log has no events for what it lacks, with who is there', async () => {
    const log = new ToldLog();
    const room = await gathering(log);
    const entries = log.take();
    const loads: Pick<RoomLog, 'load' | 'read'> = { ...NOTHING, load: (id) => log.load(id) };
    const writer = context.archiver(loads);
    // Ben came, and the music began, unknown to the archive.
    await archived(writer, entries.slice(0, 2));
    const known = { head: room.head, state: room.state };
    await archived(writer, entries.slice(5, 6));
    expect(await context.stores.roomLog.load(room.roomId)).toEqual(known);
    const rows = await context.rowsOf(room.roomId);
    expect(rows.stays).toMatchObject([{ user_id: ana.userId, departed_at: null }]);
    // The room goes on, and so does the record.
    room.at = 30_000;
    await room.append(log, [room.arrived(ben)]);
    await archived(writer, log.take());
    expect(await context.rowsOf(room.roomId)).toMatchObject({
      stays: [{ user_id: ana.userId }, { user_id: ben.userId, arrived_at: 30_000 }],
    });
    await archived(context.archiver(loads), entries);
    expect(await context.stores.roomLog.load(room.roomId)).toEqual({
      head: room.head,
      state: room.state,
    });
  });

  it('says what can never be archived, and archives the others', async () => {
    const log = new ToldLog();
    const room = await gathering(log);
    const [stranger, poisoned] = [new ToldLog(), new ToldLog()];
    const lost = await gathering(stranger);
    const bad = await createdRoom(poisoned);
    await bad.append(poisoned, [bad.renamed('a\u0000b')]);
    const entries = [...poisoned.take(), ...stranger.take().slice(3), ...log.take()];
    const chat = says(room, 1, 'hello');
    const results = await context.archiver().apply([...entries, chat]);
    const failed = results.flatMap((result, i) => (result === undefined ? [] : [i]));
    expect(failed).toEqual([1, 2, 3, 4, 5]);
    expect(results[1]?.message).toContain('unsupported Unicode escape sequence');
    expect(results[2]?.message).toContain('nothing is known between');
    expect(await context.stores.roomLog.load(room.roomId)).toEqual({
      head: room.head,
      state: room.state,
    });
    expect(await context.stores.roomLog.load(lost.roomId)).toBeUndefined();
    expect((await context.stores.chatLog.find(room.roomId, 1))?.seq).toBe(1);
  });

  describe('of the chat', () => {
    const texts = async (room: RoomScript): Promise<string[]> => {
      const { items } = await context.stores.chatLog.after(room.roomId, 0, 100);
      return items.map((item) => (item.kind === 'message' ? item.text : `-${item.target}`));
    };

    it('keeps what is said, once, and not what was erased', async () => {
      const room = new RoomScript();
      const said = [1, 2, 3].map((seq) => says(room, seq, `m${seq}`));
      const writer = context.archiver();
      await archived(writer, said);
      await archived(writer, [says(room, 4, 'm4'), deletes(room, 5, 4), deletes(room, 6, 2)]);
      expect(await texts(room)).toEqual(['m1', '', 'm3', '', '-4', '-2']);
      await archived(writer, [...said, says(room, 4, 'm4')]);
      expect(await texts(room)).toEqual(['m1', '', 'm3', '', '-4', '-2']);
      expect(await context.stores.chatLog.find(room.roomId, 2)).toMatchObject({
        deleted: true,
        text: '',
      });
    });

    it('takes the newer of two with the same number', async () => {
      const room = new RoomScript();
      const writer = context.archiver();
      await archived(writer, [says(room, 1, 'm1'), says(room, 2, 'lost by the log')]);
      room.at = 2_000;
      await archived(writer, [says(room, 2, 'said instead')]);
      await archived(writer, [says(room, 3, 'a'), { ...says(room, 3, 'b') }]);
      expect(await texts(room)).toEqual(['m1', 'said instead', 'b']);
    });
  });
});
