// The part of the RoomLog's contract that is about what is read from it. Run by `room-log.contract.ts`.
import { describe, expect, it } from 'vitest';
import type { RoomId } from '../../protocol/ids.ts';
import type { RoomEvent } from '../../src/domain/room-event.ts';
import type { RoomLog } from '../../src/ports/room-log.ts';
import { RoomScript, createdRoom, roomIn, someUserId } from '../support/room-fixtures.ts';

/** All events of a room's first epoch. */
export async function eventsOf(log: RoomLog, roomId: RoomId): Promise<readonly RoomEvent[]> {
  const read = await log.read(roomId, { epoch: 1, revision: 0 });
  if (read.kind !== 'events') throw new Error('the log is gone');
  return read.events;
}

export function roomLogReading(log: () => RoomLog): void {
  describe('read', () => {
    it('gives the events after a revision, and none at the head', async () => {
      const room = await createdRoom(log());
      const [a, b] = [room.renamed('A'), room.renamed('B')];
      await room.append(log(), [a]);
      await room.append(log(), [b]);
      expect(await log().read(room.roomId, { epoch: 1, revision: 1 })).toEqual({
        kind: 'events',
        head: room.head,
        events: [a, b],
      });
      expect(await log().read(room.roomId, { epoch: 1, revision: 3 })).toEqual({
        kind: 'events',
        head: room.head,
        events: [],
      });
    });

    it('is gone for another epoch, a revision ahead, a negative one and a room that never was', async () => {
      const room = await createdRoom(log());
      for (const after of [
        { epoch: 2, revision: 0 },
        { epoch: 1, revision: 2 },
        { epoch: 1, revision: -1 },
        { epoch: 1, revision: 2 ** 31 },
        { epoch: Number.MAX_SAFE_INTEGER, revision: Number.MAX_SAFE_INTEGER },
      ]) {
        expect(await log().read(room.roomId, after)).toEqual({ kind: 'gone' });
      }
      const never = new RoomScript();
      expect(await log().read(never.roomId, { epoch: 1, revision: 0 })).toEqual({
        kind: 'gone',
      });
    });

    it('keeps at least the newest 1,000 events', async () => {
      const room = await createdRoom(log());
      for (let i = 0; i < 11; i += 1) {
        const hundred = Array.from({ length: 100 }, (_, k) => room.renamed(`${i}.${k}`));
        await room.append(log(), hundred);
      }
      const revision = room.head.revision - 1_000;
      const read = await log().read(room.roomId, { epoch: 1, revision });
      expect(read.kind === 'events' && read.events.length).toBe(1_000);
      expect(read.kind === 'events' && read.events.at(-1)?.id).toBe(room.head.eventId);
    });
  });

  describe('load', () => {
    it('gives the state at the head, also many revisions after a snapshot', async () => {
      const room = await createdRoom(log());
      const person = { userId: someUserId(), name: 'Ben' };
      await room.append(log(), [room.arrived(person), room.queued({ x: 1_000, y: 2_000 })]);
      for (let i = 0; i < 130; i += 1) {
        await room.append(log(), [room.renamed(`Kitchen ${i}`)]);
        if (i % 13 === 0) {
          expect(await roomIn(log(), room)).toEqual({ head: room.head, state: room.state });
        }
      }
      await room.append(log(), [room.departed(person)]);
      expect(await roomIn(log(), room)).toEqual({ head: room.head, state: room.state });
    });

    it('knows nothing of a room that never was', async () => {
      expect(await log().load(new RoomScript().roomId)).toBeUndefined();
    });
  });

  describe('inhabited', () => {
    it('tells the rooms with people in them, and when they were last known to be alive', async () => {
      const here = await createdRoom(log(), { at: 1_000 });
      const left = await createdRoom(log(), { at: 1_000 });
      const person = { userId: someUserId(), name: 'Ben' };
      await here.append(log(), [here.arrived(person)]);
      await left.append(log(), [left.arrived(person)]);
      await left.append(log(), [left.departed(person)]);
      const beatAt = 9_000_000.25;
      await log().heartbeat(beatAt);
      const later = await createdRoom(log(), { at: 9_500_000 });
      await later.append(log(), [later.arrived(person)]);
      const found = new Map(
        (await log().inhabited()).map(({ roomId, aliveAt }) => [roomId, aliveAt]),
      );
      expect(found.get(here.roomId)).toBe(beatAt);
      expect(found.has(left.roomId)).toBe(false);
      expect(found.get(later.roomId)).toBe(9_500_000);
      await here.append(log(), [here.departed(person)]);
      await later.append(log(), [later.departed(person)]);
    });
  });
}
