// The archive as it follows a live log: in order, as often as it is told, with holes, after restores.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChatItem } from '../../../protocol/schemas/pushes.ts';
import {
  openPostgresStores,
  type PostgresStores,
} from '../../../src/adapters/postgres/open-postgres-stores.ts';
import { createOrm, type Orm } from '../../../src/adapters/postgres/orm.ts';
import { Sql } from '../../../src/adapters/postgres/sql.ts';
import { createPromMetrics } from '../../../src/adapters/system/prom-metrics.ts';
import { evolve } from '../../../src/domain/evolve.ts';
import type { RoomState } from '../../../src/domain/room-state.ts';
import type { Archive } from '../../../src/ports/archive.ts';
import type { ArchiveEntry, ArchiveWriter } from '../../../src/ports/archive-writer.ts';
import type { RoomLog } from '../../../src/ports/room-log.ts';
import { archiveContract } from '../../contract/archive.contract.ts';
import type { ContractContext } from '../../contract/context.ts';
import { ANA, BEN, gathering } from '../../support/gathering.ts';
import { startPostgresServer } from '../../support/postgres-server.ts';
import { SILENT } from '../../support/postgres-stores.ts';
import {
  RoomScript,
  createdRoom,
  someEventId,
  someSessionId,
} from '../../support/room-fixtures.ts';
import { ToldLog } from '../../support/told-log.ts';

const server = await startPostgresServer();
const [ana, ben] = [ANA, BEN];
const nothing: Pick<RoomLog, 'load' | 'read'> = {
  load: () => Promise.resolve(undefined),
  read: () => Promise.resolve({ kind: 'gone' }),
};

describe.skipIf(server === undefined)('PostgresArchiver', () => {
  if (server === undefined) return;
  let stores: PostgresStores;
  let orm: Orm;
  let sql: Sql;

  beforeAll(async () => {
    const target = { clientUrl: await server.createDatabase(), poolSize: 4 };
    stores = await openPostgresStores({ target, migrate: true, log: SILENT });
    orm = await createOrm(target, () => undefined);
    sql = new Sql(orm);
  });
  afterAll(async () => {
    await orm.close(true);
    await stores.stop();
    await server.stop();
  });

  const archiver = (live: Pick<RoomLog, 'load' | 'read'> = nothing): ArchiveWriter =>
    stores.createArchiver({ live, metrics: createPromMetrics(), log: SILENT });
  const archived = async (writer: ArchiveWriter, entries: readonly ArchiveEntry[]) => {
    expect(await writer.apply(entries)).toEqual(entries.map(() => undefined));
  };
  /** All that is kept of a room, the rows' own ids aside. */
  const rowsOf = async (roomId: string): Promise<object> => ({
    room: await sql.rows('select * from room where id = ?', [roomId]),
    events: await sql.rows(
      'select epoch, revision, event_id from room_event where room_id = ? order by epoch, revision',
      [roomId],
    ),
    sessions: await sql.rows('select * from session where room_id = ? order by started_at', [
      roomId,
    ]),
    stays: await sql.rows(
      `select p.session_id, user_id, arrived_at, departed_at, event_id from participation p
       join session s on s.id = p.session_id where s.room_id = ? order by arrived_at, user_id`,
      [roomId],
    ),
    plays: await sql.rows(
      `select p.session_id, entry_id, title, p.started_at, p.ended_at from play p
       join session s on s.id = p.session_id where s.room_id = ? order by p.started_at`,
      [roomId],
    ),
    chat: await sql.rows(
      'select seq, at, kind, user_id, text, deleted from chat_item where room_id = ? order by seq',
      [roomId],
    ),
  });

  for (const [how, isAtOnce] of [
    ['one append at a time', true],
    ['many appends as one', false],
  ] as const) {
    describe(`told ${how}`, () => {
      const log = new ToldLog();
      let writer: ArchiveWriter | undefined;
      const follow = async (): Promise<Archive> => {
        writer ??= archiver(log);
        const entries = log.take();
        if (isAtOnce) for (const entry of entries) await archived(writer, [entry]);
        else await archived(writer, entries);
        return stores.archive;
      };
      const followed: Archive = {
        publicRooms: async (...args) => (await follow()).publicRooms(...args),
        sessionsOf: async (...args) => (await follow()).sessionsOf(...args),
        session: async (...args) => (await follow()).session(...args),
        tookPart: async (...args) => (await follow()).tookPart(...args),
        publicSince: async (...args) => (await follow()).publicSince(...args),
        async *sessionEvents(...args) {
          yield* (await follow()).sessionEvents(...args);
        },
      };
      const context = {
        stores: () => ({ roomLog: log, archive: followed }),
        underTest: {},
        reopen: () => Promise.reject(new Error('not here')),
      };
      archiveContract(context as unknown as ContractContext);

      it('has the room as the log has it', async () => {
        const room = await gathering(log);
        await follow();
        expect(await stores.roomLog.load(room.roomId)).toEqual({
          head: room.head,
          state: room.state,
        });
        expect(await stores.roomLog.findByCode(room.code)).toBe(room.roomId);
        const rows = (await rowsOf(room.roomId)) as { plays: object[]; events: object[] };
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
    const [one, other] = [archiver(log), archiver(log)];
    await Promise.all([
      ...entries.map((_, i) => archived(one, entries.slice(0, i + 1))),
      ...entries.map((_, i) => archived(other, entries.slice(0, i + 1))),
    ]);
    const before = await rowsOf(room.roomId);
    await archived(one, entries);
    await archived(archiver(log), entries);
    await archived(other, entries.slice(2));
    expect(await rowsOf(room.roomId)).toEqual(before);
    const alone = new ToldLog();
    const same = await gathering(alone);
    await archived(archiver(), alone.take());
    const counts = (rows: object): number[] =>
      Object.values(rows).map((list: readonly unknown[]) => list.length);
    expect(counts(before)).toEqual(counts(await rowsOf(same.roomId)));
  });

  it('takes what it lacks from the log, and counts that it had to', async () => {
    const log = new ToldLog();
    const room = await gathering(log);
    const entries = log.take();
    const metrics = createPromMetrics();
    const writer = stores.createArchiver({ live: log, metrics, log: SILENT });
    await archived(writer, entries.slice(0, 2));
    await archived(writer, entries.slice(4));
    expect(await stores.roomLog.load(room.roomId)).toEqual({ head: room.head, state: room.state });
    const rows = (await rowsOf(room.roomId)) as Record<string, object[]>;
    expect(rows['events']).toHaveLength(room.head.revision);
    expect(rows['stays']).toHaveLength(2);
    expect((await metrics.exposition()).body).toContain('earshot_archive_holes_total 1');
  });

  it('adopts the state where the log has no events for what it lacks, with who is there', async () => {
    const log = new ToldLog();
    const room = await gathering(log);
    const entries = log.take();
    const loads: Pick<RoomLog, 'load' | 'read'> = { ...nothing, load: (id) => log.load(id) };
    const writer = archiver(loads);
    // Ben came, and the music began, unknown to the archive.
    await archived(writer, entries.slice(0, 2));
    const known = { head: room.head, state: room.state };
    await archived(writer, entries.slice(5, 6));
    expect(await stores.roomLog.load(room.roomId)).toEqual(known);
    const rows = (await rowsOf(room.roomId)) as Record<string, object[]>;
    expect(rows['stays']).toMatchObject([{ user_id: ana.userId, departed_at: null }]);
    // The room goes on, and so does the record.
    room.at = 30_000;
    await room.append(log, [room.arrived(ben)]);
    await archived(writer, log.take());
    expect((await rowsOf(room.roomId)) as Record<string, object[]>).toMatchObject({
      stays: [{ user_id: ana.userId }, { user_id: ben.userId, arrived_at: 30_000 }],
    });
    await archived(archiver(loads), entries);
    expect(await stores.roomLog.load(room.roomId)).toEqual({ head: room.head, state: room.state });
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
    const results = await archiver().apply([...entries, chat]);
    const failed = results.flatMap((result, i) => (result === undefined ? [] : [i]));
    expect(failed).toEqual([1, 2, 3, 4, 5]);
    expect(results[1]?.message).toContain('unsupported Unicode escape sequence');
    expect(results[2]?.message).toContain('nothing is known between');
    expect(await stores.roomLog.load(room.roomId)).toEqual({ head: room.head, state: room.state });
    expect(await stores.roomLog.load(lost.roomId)).toBeUndefined();
    expect((await stores.chatLog.find(room.roomId, 1))?.seq).toBe(1);
  });

  describe('after a restore', () => {
    const stateAfter = (entries: readonly ArchiveEntry[]): RoomState =>
      entries
        .flatMap((entry) => (entry.kind === 'append' ? entry.events : []))
        .reduce<RoomState | undefined>(evolve, undefined)!;

    it('knows an event that comes again under a newer number, and goes on from there', async () => {
      const log = new ToldLog();
      const room = await gathering(log);
      const entries = log.take();
      const writer = archiver();
      await archived(writer, entries);
      const before = (await rowsOf(room.roomId)) as Record<string, object[]>;
      // The log lost the last three appends; they were put back on top of what it had.
      const tail = entries
        .slice(-3)
        .flatMap((entry) => (entry.kind === 'append' ? entry.events : []));
      const base = room.head.revision - tail.length;
      const events = tail.map((event, i) => ({ epoch: 2, revision: base + 1 + i, event }));
      const head = { ...room.head, epoch: 2 };
      const restore: ArchiveEntry = {
        kind: 'restore',
        roomId: room.roomId,
        head,
        state: stateAfter(entries),
        events,
      };
      await archived(writer, [restore]);
      const after = (await rowsOf(room.roomId)) as Record<string, object[]>;
      expect(after['stays']).toEqual(before['stays']);
      // What was heard until the state's last event, which no event has told yet.
      const pausedThen = { entry_id: 'b', started_at: 13_000, ended_at: 15_200 };
      expect(after['plays']).toMatchObject([...before['plays']!, pausedThen]);
      expect(after['sessions']).toEqual(before['sessions']);
      expect(after['events']).toEqual([
        ...before['events']!.slice(0, base),
        ...events.map(({ epoch, revision, event }) => ({ epoch, revision, event_id: event.id })),
      ]);
      expect(await stores.roomLog.load(room.roomId)).toEqual({ head, state: restore.state });
      // Told again, also after the room went on, also by one who knows nothing.
      room.head = head;
      room.at = 40_000;
      const event = room.departed(ana);
      const next = { ...head, revision: head.revision + 1, eventId: event.id };
      const gone: ArchiveEntry = {
        kind: 'append',
        roomId: room.roomId,
        from: head,
        head: next,
        events: [event],
      };
      await archived(writer, [restore, gone]);
      const end = await rowsOf(room.roomId);
      await archived(archiver(), [...entries, restore, gone]);
      expect(await rowsOf(room.roomId)).toEqual(end);
      expect((await stores.roomLog.load(room.roomId))?.head).toEqual(next);
    });

    it('records what was restored and never archived', async () => {
      const log = new ToldLog();
      const room = await gathering(log);
      const entries = log.take();
      const writer = archiver();
      await archived(writer, entries.slice(0, 2));
      const held = entries.slice(2);
      const recent = held.flatMap((entry) =>
        entry.kind === 'append'
          ? entry.events.map((event, i) => ({
              epoch: 1,
              revision: entry.from.revision + 1 + i,
              event,
            }))
          : [],
      );
      // Redis came back empty: the room was put back whole, and its outbox had never been read.
      const head = { ...room.head, epoch: 2 };
      const state = stateAfter(entries);
      await archived(writer, [
        { kind: 'restore', roomId: room.roomId, head, state, events: recent },
      ]);
      expect(await stores.roomLog.load(room.roomId)).toEqual({ head, state });
      expect(await rowsOf(room.roomId)).toMatchObject({
        stays: [
          { user_id: ana.userId, departed_at: null },
          { user_id: ben.userId, arrived_at: 2_000, departed_at: 20_000 },
        ],
        plays: [
          { entry_id: 'a', started_at: 3_000, ended_at: 13_000 },
          { entry_id: 'b', started_at: 13_000, ended_at: 15_200 },
        ],
      });
    });

    it('ends the stays and sessions of a history that was lost with all who knew it', async () => {
      const log = new ToldLog();
      const room = await createdRoom(log);
      const [lost, kept] = [someSessionId(), someSessionId()];
      const created = log.take();
      await room.append(log, [
        room.event('SessionStarted', { sessionId: lost }),
        room.arrived(ana, ben),
      ]);
      const writer = archiver();
      await archived(writer, [...created, ...log.take()]);
      const session = { ...room.event('SessionStarted', { sessionId: kept }), at: 5_000 };
      const arrived = { ...room.arrived(ben), at: 5_000 };
      const state = [session, arrived].reduce<RoomState>(evolve, stateAfter(created));
      const eventId = someEventId();
      await archived(writer, [
        {
          kind: 'restore',
          roomId: room.roomId,
          head: { epoch: 2, revision: 3, eventId },
          state,
          events: [],
        },
      ]);
      expect(await rowsOf(room.roomId)).toMatchObject({
        sessions: [
          { id: lost, ended_at: 5_000 },
          { id: kept, started_at: 5_000, ended_at: null },
        ],
        stays: [
          { session_id: lost, departed_at: 5_000 },
          { session_id: lost, departed_at: 5_000 },
          { session_id: kept, user_id: ben.userId, arrived_at: 5_000, departed_at: null },
        ],
      });
    });
  });

  describe('of the chat', () => {
    const texts = async (room: RoomScript): Promise<string[]> => {
      const { items } = await stores.chatLog.after(room.roomId, 0, 100);
      return items.map((item) => (item.kind === 'message' ? item.text : `-${item.target}`));
    };

    it('keeps what is said, once, and not what was erased', async () => {
      const room = new RoomScript();
      const said = [1, 2, 3].map((seq) => says(room, seq, `m${seq}`));
      const writer = archiver();
      await archived(writer, said);
      await archived(writer, [says(room, 4, 'm4'), deletes(room, 5, 4), deletes(room, 6, 2)]);
      expect(await texts(room)).toEqual(['m1', '', 'm3', '', '-4', '-2']);
      await archived(writer, [...said, says(room, 4, 'm4')]);
      expect(await texts(room)).toEqual(['m1', '', 'm3', '', '-4', '-2']);
      expect(await stores.chatLog.find(room.roomId, 2)).toMatchObject({ deleted: true, text: '' });
    });

    it('takes the newer of two with the same number', async () => {
      const room = new RoomScript();
      const writer = archiver();
      await archived(writer, [says(room, 1, 'm1'), says(room, 2, 'lost by the log')]);
      room.at = 2_000;
      await archived(writer, [says(room, 2, 'said instead')]);
      await archived(writer, [says(room, 3, 'a'), { ...says(room, 3, 'b') }]);
      expect(await texts(room)).toEqual(['m1', 'said instead', 'b']);
    });
  });
});

function says(room: RoomScript, seq: number, text: string): ArchiveEntry {
  const item: ChatItem = { kind: 'message', seq, at: room.at, ...ana, text };
  return { kind: 'chat', roomId: room.roomId, item };
}

function deletes(room: RoomScript, seq: number, target: number): ArchiveEntry {
  const item: ChatItem = { kind: 'deletion', seq, at: room.at, by: ana.userId, target };
  return { kind: 'chat', roomId: room.roomId, item };
}
