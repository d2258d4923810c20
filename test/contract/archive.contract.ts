// What every Archive tells of the appends that the room log beside it has committed.
import { describe, expect, it } from 'vitest';
import type { SessionId } from '../../protocol/ids.ts';
import type { Archive, SessionPlace } from '../../src/ports/archive.ts';
import {
  createdRoom,
  paused,
  playing,
  someRoomId,
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
        peopleCount: 2,
        playCount: 0,
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
      const counts = { peopleCount: 0, playCount: 0 };
      expect(await archive().sessionsOf(room.roomId, { limit: 2 })).toEqual([
        { sessionId: ids[2], roomId: room.roomId, startedAt: 30_000, ...counts },
        { sessionId: ids[1], roomId: room.roomId, startedAt: 20_000, endedAt: 20_500, ...counts },
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

    it('pages through public rooms', async () => {
      const log = context.stores().roomLog;
      const rooms = [];
      for (let n = 0; n < 5; n += 1) rooms.push(await createdRoom(log, { visibility: 'public' }));
      const [first, second] = rooms;
      if (first === undefined || second === undefined) throw new Error('five were made');
      await first.append(log, [first.arrived(someone('A'), someone('B'), someone('C'))]);
      await second.append(log, [second.arrived(someone('A'))]);
      const all = await archive().publicRooms(1_000);
      const paged = [];
      for (let last = all[0]; last !== undefined;) {
        const page = await archive().publicRooms(2, paged.at(-1));
        paged.push(...page);
        last = page.at(-1);
      }
      expect(paged).toEqual(all);
      expect(all.map(({ hereCount }) => hereCount)).toEqual(
        all.map(({ hereCount }) => hereCount).sort((a, b) => b - a),
      );
    });

    it('pages through sessions without a gap or a repeat, whatever begins meanwhile', async () => {
      const log = context.stores().roomLog;
      const room = await createdRoom(log);
      const begun: SessionId[] = [];
      const gather = async (at: number): Promise<void> => {
        const sessionId = someSessionId();
        room.at = at;
        await room.append(log, [
          room.event('SessionStarted', { sessionId }),
          room.event('SessionEnded', { sessionId }),
        ]);
        begun.push(sessionId);
      };
      // Three of one moment: their order is by id then, and a page may end between them.
      for (const at of [1_000, 2_000.25, 2_000.25, 2_000.25, 3_000]) await gather(at);
      const before = new Set(begun);
      const seen: SessionId[] = [];
      for (let after: SessionPlace | undefined; ;) {
        const page = await archive().sessionsOf(room.roomId, {
          limit: 2,
          ...(after === undefined ? {} : { after }),
        });
        seen.push(...page.map(({ sessionId }) => sessionId));
        after = page.at(-1);
        if (after === undefined) break;
        await gather(4_000);
      }
      expect(seen).toHaveLength(before.size);
      expect(new Set(seen)).toEqual(before);
    });

    it('lists to somebody the sessions that they were in, and those of a public time', async () => {
      const log = context.stores().roomLog;
      const room = await createdRoom(log);
      const [ana, ben] = [someone('Ana'), someone('Ben')];
      const sessions = [someSessionId(), someSessionId(), someSessionId()] as const;
      for (const [i, sessionId] of sessions.entries()) {
        room.at = 10_000 * (i + 1);
        await room.append(log, [room.event('SessionStarted', { sessionId })]);
        await room.append(log, [room.arrived(i === 0 ? ana : ben)]);
        room.at += 500;
        await room.append(log, [room.event('SessionEnded', { sessionId })]);
      }
      const listed = async (seenBy: { userId: typeof ana.userId; publicSince?: number }) => {
        const found = await archive().sessionsOf(room.roomId, { limit: 10, seenBy });
        return found.map(({ sessionId }) => sessions.indexOf(sessionId));
      };
      const { userId } = ana;
      expect(await listed({ userId })).toEqual([0]);
      expect(await listed({ userId, publicSince: 30_000 })).toEqual([2, 0]);
      expect(await listed({ userId: someUserId(), publicSince: 10_000 })).toEqual([2, 1, 0]);
      expect(await listed({ userId: someUserId() })).toEqual([]);
      const asked = [...sessions, someSessionId()];
      const summaries = await archive().summaries(asked);
      const whole = await archive().sessionsOf(room.roomId, { limit: 10 });
      expect(summaries.toSorted((a, b) => b.startedAt - a.startedAt)).toEqual(whole);
      expect(await archive().summaries([])).toEqual([]);
      expect(await archive().tookPart(room.roomId, userId)).toBe(true);
      expect(await archive().tookPart(room.roomId, someUserId())).toBe(false);
      expect(await archive().tookPart(someRoomId(), userId)).toBe(false);
    });

    it('knows since when a room is public', async () => {
      const log = context.stores().roomLog;
      const born = await createdRoom(log, { visibility: 'public' });
      const opened = await createdRoom(log, { visibility: 'private' });
      const by = opened.hostId;
      expect(await archive().publicSince(born.roomId)).toBe(1_000);
      expect(await archive().publicSince(opened.roomId)).toBeUndefined();
      expect(await archive().publicSince(someRoomId())).toBeUndefined();
      opened.at = 5_000;
      await opened.append(log, [opened.event('RoomUpdated', { by, visibility: 'public' })]);
      opened.at = 6_000;
      await opened.append(log, [opened.renamed('Other')]);
      expect(await archive().publicSince(opened.roomId)).toBe(5_000);
      await opened.append(log, [opened.event('RoomUpdated', { by, visibility: 'unlisted' })]);
      expect(await archive().publicSince(opened.roomId)).toBeUndefined();
    });

    it('tells what happened in a session, in order, and nothing of those around it', async () => {
      const log = context.stores().roomLog;
      const room = await createdRoom(log);
      const told = async (sessionId: SessionId) => {
        const events = [];
        for await (const some of archive().sessionEvents(sessionId)) events.push(...some);
        return events;
      };
      const [one, two] = [someSessionId(), someSessionId()];
      const voted = (value: -1 | 0 | 1) =>
        room.event('EntryVoted', {
          by: room.hostId,
          entryId: 'a' as never,
          value,
          score: value,
        });
      const first = [room.queued({ a: 10_000 }), room.moved(playing('a', 1_000, 10_000)), voted(1)];
      await room.append(log, [room.queued({ z: 1_000 })]);
      await room.append(log, [
        room.event('SessionStarted', { sessionId: one }),
        ...first.slice(0, 2),
      ]);
      await room.append(log, [room.renamed('Not of a recap')]);
      await room.append(log, first.slice(2));
      await room.append(log, [room.event('SessionEnded', { sessionId: one }), voted(0)]);
      const second: ReturnType<typeof voted>[] = [];
      await room.append(log, [room.event('SessionStarted', { sessionId: two })]);
      expect(await told(two)).toEqual([]);
      // More than are read at once.
      for (let n = 0; n < 12; n += 1) {
        const votes = Array.from({ length: 100 }, (_, i) => voted(i % 2 === 0 ? 1 : -1));
        await room.append(log, votes);
        second.push(...votes);
      }
      expect(await told(one)).toEqual(first);
      expect(await told(two)).toEqual(second);
      expect(await told(someSessionId())).toEqual([]);
    });
  });
}
