// What every Archive tells of the appends that the room log beside it has committed.
import { describe, expect, it } from 'vitest';
import type { Archive } from '../../src/ports/archive.ts';
import {
  createdRoom,
  paused,
  playing,
  someSessionId,
  someUserId,
} from '../support/room-fixtures.ts';
import type { ContractContext } from './context.ts';

export function archiveContract(context: ContractContext): void {
  const archive = (): Archive => context.stores().archive;
  const someone = (name: string): { userId: ReturnType<typeof someUserId>; name: string } => ({
    userId: someUserId(),
    name,
  });

  describe('Archive', () => {
    it('lists open public rooms, the most inhabited first', async () => {
      const log = context.stores().roomLog;
      const one = await createdRoom(log, { visibility: 'public' });
      const two = await createdRoom(log, { visibility: 'public' });
      const closed = await createdRoom(log, { visibility: 'public' });
      const hidden = await createdRoom(log, { visibility: 'unlisted' });
      await one.append(log, [one.arrived(someone('A'))]);
      await two.append(log, [two.arrived(someone('A'), someone('B'))]);
      await hidden.append(log, [hidden.arrived(someone('A'))]);
      await closed.append(log, [closed.event('RoomClosed', { by: closed.hostId })]);
      const rooms = await archive().publicRooms(100);
      const ours = [one, two, closed, hidden].map(({ roomId }) => roomId);
      const listed = rooms.filter(({ roomId }) => ours.includes(roomId));
      expect(listed).toEqual([
        { roomId: two.roomId, code: two.code, name: 'Kitchen', hereCount: 2, createdAt: 1_000 },
        { roomId: one.roomId, code: one.code, name: 'Kitchen', hereCount: 1, createdAt: 1_000 },
      ]);
      expect(await archive().publicRooms(1)).toHaveLength(1);
    });

    it('keeps who came and when they left', async () => {
      const log = context.stores().roomLog;
      const room = await createdRoom(log);
      const [ana, ben] = [someone('Ana'), someone('Ben')];
      const sessionId = someSessionId();
      await room.append(log, [room.event('SessionStarted', { sessionId }), room.arrived(ana)]);
      room.at = 2_000;
      await room.append(log, [room.arrived(ben)]);
      room.at = 3_000;
      await room.append(log, [room.departed(ana)]);
      expect(await archive().session(sessionId)).toEqual({
        sessionId,
        roomId: room.roomId,
        startedAt: 1_000,
        participations: [
          { ...ana, arrivedAt: 1_000, departedAt: 3_000 },
          { ...ben, arrivedAt: 2_000 },
        ],
        plays: [],
      });
      room.at = 4_000;
      await room.append(log, [room.arrived(ana), room.departed(ana), room.arrived(ana)]);
      room.at = 5_000;
      await room.append(log, [room.departed(ana, ben), room.event('SessionEnded', { sessionId })]);
      const record = await archive().session(sessionId);
      expect(record?.endedAt).toBe(5_000);
      expect(record?.participations).toEqual([
        { ...ana, arrivedAt: 1_000, departedAt: 3_000 },
        { ...ben, arrivedAt: 2_000, departedAt: 5_000 },
        { ...ana, arrivedAt: 4_000, departedAt: 4_000 },
        { ...ana, arrivedAt: 4_000, departedAt: 5_000 },
      ]);
    });

    it('ends the stay of everybody with the session', async () => {
      const log = context.stores().roomLog;
      const room = await createdRoom(log);
      const [ana, ben] = [someone('Ana'), someone('Ben')];
      const sessionId = someSessionId();
      await room.append(log, [room.event('SessionStarted', { sessionId }), room.arrived(ana)]);
      room.at = 2_000;
      await room.append(log, [room.arrived(ben), room.event('SessionEnded', { sessionId })]);
      const record = await archive().session(sessionId);
      expect(record?.participations).toEqual([
        { ...ana, arrivedAt: 1_000, departedAt: 2_000 },
        { ...ben, arrivedAt: 2_000, departedAt: 2_000 },
      ]);
    });

    it('tells the sessions of a room, the newest first', async () => {
      const log = context.stores().roomLog;
      const room = await createdRoom(log);
      const ids = [someSessionId(), someSessionId(), someSessionId()];
      for (const [i, sessionId] of ids.entries()) {
        room.at = 10_000 * (i + 1);
        await room.append(log, [room.event('SessionStarted', { sessionId })]);
        room.at += 500;
        if (i < 2) await room.append(log, [room.event('SessionEnded', { sessionId })]);
      }
      expect(await archive().sessionsOf(room.roomId, 2)).toEqual([
        { sessionId: ids[2], roomId: room.roomId, startedAt: 30_000 },
        { sessionId: ids[1], roomId: room.roomId, startedAt: 20_000, endedAt: 20_500 },
      ]);
      expect(await archive().session(someSessionId())).toBeUndefined();
    });

    it('records what was heard, with the title of an entry that is gone by then', async () => {
      const log = context.stores().roomLog;
      const room = await createdRoom(log);
      const ana = someone('Ana');
      const sessionId = someSessionId();
      await room.append(log, [
        room.event('SessionStarted', { sessionId }),
        room.arrived(ana),
        room.queued({ a: 10_000, b: 20_000 }),
      ]);
      room.at = 2_000;
      await room.append(log, [
        room.moved(playing('a', 2_000, 10_000), playing('b', 12_000, 20_000)),
      ]);
      room.at = 4_000;
      await room.append(log, [
        room.moved(
          playing('a', 2_000, 10_000),
          playing('a', 4_500, 10_000, 8_500),
          playing('b', 6_000, 20_000),
        ),
      ]);
      room.at = 7_000;
      await room.append(log, [
        room.event('QueueRemoved', {
          by: room.hostId,
          cause: 'request',
          entryIds: ['a' as never],
        }),
      ]);
      room.at = 8_000;
      await room.append(log, [
        room.moved(playing('b', 6_000, 20_000), paused('b', 8_200, 20_000, 2_200)),
      ]);
      room.at = 9_000;
      await room.append(log, [room.moved(playing('b', 9_300, 20_000, 2_200))]);
      // Found deserted at 60,000, and last heard at 10,000.
      room.at = 60_000;
      await room.append(log, [
        room.departed(ana),
        room.event('SessionEnded', { sessionId }),
        room.moved(paused('b', 10_000, 20_000, 2_900)),
      ]);
      const play = (id: string, startedAt: number, endedAt: number): object => ({
        entryId: id,
        trackId: `track-${id}`,
        title: id,
        artist: `Artist of ${id}`,
        startedAt,
        endedAt,
      });
      expect((await archive().session(sessionId))?.plays).toEqual([
        play('a', 2_000, 6_000),
        play('b', 6_000, 8_200),
        play('b', 9_300, 10_000),
      ]);
    });
  });
}
