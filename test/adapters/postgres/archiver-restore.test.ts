// The archive after a room's log was given back what it had lost, or has lost it for good.
import { describe, expect, it } from 'vitest';
import { evolve } from '../../../src/domain/evolve.ts';
import type { RoomState } from '../../../src/domain/room-state.ts';
import type { ArchiveEntry } from '../../../src/ports/archive-writer.ts';
import { ANA, BEN, gathering } from '../../support/gathering.ts';
import { startPostgresServer } from '../../support/postgres-server.ts';
import { createdRoom, someEventId, someSessionId } from '../../support/room-fixtures.ts';
import { ToldLog } from '../../support/told-log.ts';
import { ArchiveUnderTest, archived } from './archive-under-test.ts';

const server = await startPostgresServer();
const [ana, ben] = [ANA, BEN];

describe.skipIf(server === undefined)('PostgresArchiver after a restore', () => {
  if (server === undefined) return;
  const context = new ArchiveUnderTest(server);
  const stateAfter = (entries: readonly ArchiveEntry[]): RoomState =>
    entries
      .flatMap((entry) => (entry.kind === 'append' ? entry.events : []))
      .reduce<RoomState | undefined>(evolve, undefined)!;

  it('knows an event that comes again under a newer number, and goes on from there', async () => {
    const log = new ToldLog();
    const room = await gathering(log);
    const entries = log.take();
    const writer = context.archiver();
    await archived(writer, entries);
    const before = await context.rowsOf(room.roomId);
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
    const after = await context.rowsOf(room.roomId);
    expect(after.stays).toEqual(before.stays);
    // What was heard until the state's last event, which no event has told yet.
    const pausedThen = { entry_id: 'b', started_at: 13_000, ended_at: 15_200 };
    expect(after.plays).toMatchObject([...before.plays, pausedThen]);
    expect(after.sessions).toEqual(before.sessions);
    expect(after.events).toEqual([
      ...before.events.slice(0, base),
      ...events.map(({ epoch, revision, event }) => ({ epoch, revision, event_id: event.id })),
    ]);
    expect(await context.stores.roomLog.load(room.roomId)).toEqual({ head, state: restore.state });
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
    const end = await context.rowsOf(room.roomId);
    await archived(context.archiver(), [...entries, restore, gone]);
    expect(await context.rowsOf(room.roomId)).toEqual(end);
    expect((await context.stores.roomLog.load(room.roomId))?.head).toEqual(next);
  });

  it('records what was restored and never archived', async () => {
    const log = new ToldLog();
    const room = await gathering(log);
    const entries = log.take();
    const writer = context.archiver();
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
    await archived(writer, [{ kind: 'restore', roomId: room.roomId, head, state, events: recent }]);
    expect(await context.stores.roomLog.load(room.roomId)).toEqual({ head, state });
    expect(await context.rowsOf(room.roomId)).toMatchObject({
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

  it('has one history of the room, and keeps apart what was lost of another', async () => {
    const log = new ToldLog();
    const room = await createdRoom(log);
    const created = log.take();
    for (const name of ['kept', 'lost', 'lost too']) await room.append(log, [room.renamed(name)]);
    const writer = context.archiver();
    const [kept, ...lost] = log.take();
    await archived(writer, [...created, kept!, ...lost]);
    const { roomId } = room;
    const ids = lost.flatMap((entry) => (entry.kind === 'append' ? entry.events : []));
    const lostIds = ids.map(({ id }) => ({ event_id: id }));
    const history = () =>
      context.sql.rows(
        'select epoch, revision, event_id from room_event where room_id = ? order by 1, 2',
        [roomId],
      );
    const apart = () =>
      context.sql.rows('select event_id from lost_event where room_id = ? order by revision', [
        roomId,
      ]);
    const before = await history();

    // All who knew of the end are gone: the room goes on from what the log has.
    const base = kept!.kind === 'append' ? kept!.head : room.head;
    const head = { ...base, epoch: 7 };
    const state = stateAfter([...created, kept!]);
    await archived(writer, [{ kind: 'restore', roomId, head, state, events: [] }]);
    const other = room.renamed('another');
    const next = { epoch: 7, revision: 3, eventId: other.id };
    await archived(writer, [{ kind: 'append', roomId, from: head, head: next, events: [other] }]);
    expect(await history()).toEqual([
      ...before.slice(0, 2),
      { epoch: 7, revision: 3, event_id: other.id },
    ]);
    expect(await apart()).toEqual(lostIds);

    // Somebody who slept wakes up, and knows the first of them.
    const [back] = ids;
    const again = { epoch: 9, revision: 4, eventId: back!.id };
    const events = [{ epoch: 9, revision: 4, event: back! }];
    const woken = evolve(evolve(state, other), back!);
    await archived(writer, [{ kind: 'restore', roomId, head: again, state: woken, events }]);
    expect((await history()).slice(2)).toEqual([
      { epoch: 7, revision: 3, event_id: other.id },
      { epoch: 9, revision: 4, event_id: back!.id },
    ]);
    expect(await apart()).toEqual(lostIds.slice(1));
    expect(await context.stores.roomLog.load(roomId)).toEqual({ head: again, state: woken });
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
    const writer = context.archiver();
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
    expect(await context.rowsOf(room.roomId)).toMatchObject({
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
