// The part of the RoomLog's contract that is about comparing with it and giving back what it has lost. Run by `room-log.contract.ts`.
import { describe, expect, it } from 'vitest';
import {
  NO_ROOM,
  StoreUnavailable,
  type HeldRoom,
  type RoomLog,
} from '../../src/ports/room-log.ts';
import { RoomScript, createdRoom, roomIn, someEventId } from '../support/room-fixtures.ts';
import { eventsOf } from './room-log-reading.ts';

/** What a node holds that has seen the whole room. */
async function heldOf(log: RoomLog, room: RoomScript): Promise<HeldRoom> {
  const events = await eventsOf(log, room.roomId);
  const recent = events.map((event, i) => ({ epoch: 1, revision: i + 1, event }));
  return { head: room.head, state: room.after([]), recent, keys: [] };
}

export function roomLogRestore(log: () => RoomLog): void {
  describe('heads', () => {
    it('tells the heads of many rooms in the order in which they were asked for', async () => {
      const rooms = await Promise.all(Array.from({ length: 30 }, () => createdRoom(log())));
      for (const room of rooms.slice(10)) await room.append(log(), [room.renamed('A')]);
      const never = new RoomScript();
      const asked = [...rooms.toReversed(), never, ...rooms.slice(0, 3)];
      expect(await log().heads(asked.map(({ roomId }) => roomId))).toEqual(
        asked.map(({ head }) => head),
      );
      expect(asked[30]?.head).toEqual(NO_ROOM);
      expect(await log().heads([])).toEqual([]);
    });
  });

  describe('read after a certain event', () => {
    it('goes on where the log has that event, and is gone where it has another', async () => {
      const room = await createdRoom(log());
      const [a, b] = [room.renamed('A'), room.renamed('B')];
      await room.append(log(), [a, b]);
      const read = (revision: number, eventId: typeof a.id | '') =>
        log().read(room.roomId, { epoch: 1, revision, eventId });
      expect(await read(0, '')).toMatchObject({ kind: 'events', events: [{}, a, b] });
      expect(await read(2, a.id)).toEqual({ kind: 'events', head: room.head, events: [b] });
      expect(await read(3, b.id)).toEqual({ kind: 'events', head: room.head, events: [] });
      for (const revision of [0, 1, 2, 3]) {
        expect(await read(revision, someEventId())).toEqual({ kind: 'gone' });
      }
      expect(await read(3, a.id)).toEqual({ kind: 'gone' });
    });
  });

  describe('restore', () => {
    it('leaves a log as it is that lacks nothing', async () => {
      const room = await createdRoom(log());
      await room.append(log(), [room.renamed('A')]);
      const behind = await heldOf(log(), room);
      await room.append(log(), [room.renamed('B')]);
      const now = { head: room.head, state: room.state };
      for (const held of [behind, await heldOf(log(), room), { ...behind, recent: [] }]) {
        const { head, state } = await log().restore(room.roomId, held);
        expect({ head, state }).toEqual(now);
        expect(await roomIn(log(), room)).toEqual(now);
      }
      expect(await eventsOf(log(), room.roomId)).toHaveLength(3);
    });
  });
}

/** A log that may lose what it has tells of its requests to whoever reads it: who gives an event back gives back that it was asked for. */
export function roomLogRequests(log: () => RoomLog, canLose: boolean): void {
  if (!canLose) return;
  it('gives requests along with events, also those that were put back', async () => {
    const room = await createdRoom(log(), { at: 30_000_000 });
    const before = room.head;
    const [a, b] = [room.renamed('A'), room.renamed('B')];
    const keys = [
      { key: 'k', reply: { n: 1 } },
      { key: 'l', reply: { n: 2 } },
    ];
    await room.append(log(), [a, b], keys);
    const c = room.renamed('C');
    await room.append(log(), [c]);
    expect(await log().read(room.roomId, before)).toEqual({
      kind: 'events',
      head: room.head,
      events: [a, b, c],
      keys,
    });
    const withKeys = [{}, {}, { event: b, keys }, { event: c }];
    const loaded = await log().load(room.roomId);
    expect(loaded?.recent).toMatchObject(withKeys);
    expect(loaded?.recent?.filter((held) => held.keys !== undefined)).toHaveLength(1);

    // Another room by the same events, as a log that has lost everything does not know it.
    const lost = new RoomScript({ at: 30_000_000 });
    const events = [lost.created(), lost.renamed('A')] as const;
    const recent = [
      { epoch: 1, revision: 1, event: events[0] },
      { epoch: 1, revision: 2, event: events[1], keys },
    ];
    const head = { epoch: 1, revision: 2, eventId: events[1].id };
    const held = { head, state: lost.after(events), recent, keys };
    await log().restore(lost.roomId, held);
    expect((await log().load(lost.roomId))?.recent).toMatchObject([{}, { keys }]);
    expect(await log().recall(lost.roomId, 'l')).toEqual({ n: 2 });
  });
}

/** What a log that can lose rooms does; one that cannot says that it is away, as it must be another one. */
export function roomLogRestoreWhole(log: () => RoomLog, canLose: boolean): void {
  it('gives a room back whole to a log that does not know it, or says that it cannot', async () => {
    // Later than what the log was told of before: a key is remembered for a while only.
    const room = new RoomScript({ at: 20_000_000 });
    const created = room.created();
    const state = room.after([created]);
    const head = { epoch: 1, revision: 1, eventId: created.id };
    const keys = [{ key: 'k', reply: { n: 1 } }];
    const held: HeldRoom = {
      head,
      state,
      recent: [{ epoch: 1, revision: 1, event: created }],
      keys,
    };
    if (!canLose) {
      await expect(log().restore(room.roomId, held)).rejects.toThrow(StoreUnavailable);
      return;
    }
    const restored = await log().restore(room.roomId, held);
    expect(restored.state).toEqual(state);
    expect(restored.head.epoch).toBeGreaterThan(1);
    expect(restored.head).toMatchObject({ revision: 1, eventId: created.id });
    expect(await roomIn(log(), room)).toEqual({ head: restored.head, state });
    expect(await log().findByCode(room.code)).toBe(room.roomId);
    expect(await log().recall(room.roomId, 'k')).toEqual({ n: 1 });
    room.head = restored.head;
    room.state = restored.state;
    const renamed = room.renamed('A');
    expect((await room.append(log(), [renamed])).kind).toBe('committed');
    expect(room.head).toEqual({ ...restored.head, revision: 2, eventId: renamed.id });
    expect(await log().read(room.roomId, restored.head)).toEqual({
      kind: 'events',
      head: room.head,
      events: [renamed],
    });
  });
}
