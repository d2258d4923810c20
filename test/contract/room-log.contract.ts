// What every RoomLog keeps, whatever it is made of.
import { describe, expect, it } from 'vitest';
import { NO_ROOM, type AppendResult, type RoomLog } from '../../src/ports/room-log.ts';
import type { RoomEvent } from '../../src/domain/room-event.ts';
import {
  RoomScript,
  createdRoom,
  roomIn,
  someEventId,
  someUserId,
} from '../support/room-fixtures.ts';
import type { ContextOf } from './context.ts';
import { eventsOf, roomLogReading } from './room-log-reading.ts';
import { roomLogRequests, roomLogRestore, roomLogRestoreWhole } from './room-log-restore.ts';

const KEY_LIFE_MS = 600_000;

export function roomLogContract(context: ContextOf<'roomLog'>): void {
  const log = (): RoomLog => context.stores().roomLog;

  describe('RoomLog', () => {
    describe('append', () => {
      it('numbers events 1, 2, 3 … and ends at the last one', async () => {
        const room = new RoomScript();
        const created = room.created();
        const first = await room.append(log(), [created, room.renamed('A')]);
        expect(first.kind).toBe('committed');
        expect(first.kind === 'committed' && first.head.revision).toBe(2);
        const renamed = room.renamed('B');
        const second = await room.append(log(), [renamed]);
        expect(second).toEqual({
          kind: 'committed',
          head: { epoch: 1, revision: 3, eventId: renamed.id },
        });
        const events = await eventsOf(log(), room.roomId);
        expect(events).toHaveLength(3);
        expect(events[0]).toEqual(created);
        expect(events[2]).toEqual(renamed);
      });

      it('keeps what was said exactly, with all its text and numbers', async () => {
        const room = await createdRoom(log());
        const odd = room.renamed('a "b" \\ \' ? ?? :x $1 \u{1f3b5} é %s {}');
        await room.append(log(), [odd, room.queued({ x: 123_456.789, 'q"?': 0.1 })]);
        const events = await eventsOf(log(), room.roomId);
        expect(events[1]).toEqual(odd);
        const loaded = await log().load(room.roomId);
        expect(loaded?.state).toEqual(room.state);
      });

      it('answers a conflict with the head, and changes nothing, when the log has moved on', async () => {
        const room = await createdRoom(log());
        const behind = room.head;
        await room.append(log(), [room.renamed('A')]);
        const events = [room.renamed('B')];
        const result = await log().append(room.roomId, behind, events, room.after(events), [
          { key: 'k', reply: { no: true } },
        ]);
        expect(result).toEqual({ kind: 'conflict', head: room.head });
        expect(await eventsOf(log(), room.roomId)).toHaveLength(2);
        expect(await log().recall(room.roomId, 'k')).toBeUndefined();
        expect((await log().load(room.roomId))?.state).toEqual(room.state);
      });

      it('answers a conflict for the same epoch and revision of another history', async () => {
        const room = await createdRoom(log());
        const other = { ...room.head, eventId: someEventId() };
        const events = [room.renamed('B')];
        const result = await log().append(room.roomId, other, events, room.after(events), []);
        expect(result).toEqual({ kind: 'conflict', head: room.head });
      });

      it('answers a conflict for another epoch, and for a head ahead of the log', async () => {
        const room = await createdRoom(log());
        const events = [room.renamed('B')];
        for (const expected of [
          { ...room.head, epoch: 2 },
          { ...room.head, revision: 7 },
        ]) {
          const result = await log().append(room.roomId, expected, events, room.after(events), []);
          expect(result).toEqual({ kind: 'conflict', head: room.head });
        }
      });

      it('answers a conflict with NO_ROOM for a room that never was', async () => {
        const room = new RoomScript();
        room.state = room.after([room.created()]);
        const events = [room.renamed('B')];
        for (const expected of [NO_ROOM, { epoch: 1, revision: 1, eventId: someEventId() }]) {
          const result = await log().append(room.roomId, expected, events, room.after(events), []);
          expect(result).toEqual({ kind: 'conflict', head: NO_ROOM });
        }
        expect(await log().load(room.roomId)).toBeUndefined();
      });

      it('lets one of two appends at the same head through', async () => {
        const room = await createdRoom(log());
        const [a, b] = [[room.renamed('A')], [room.renamed('B')]];
        const results = await Promise.all(
          [a, b].map((events) =>
            log().append(room.roomId, room.head, events, room.after(events), []),
          ),
        );
        expect(results.map(({ kind }) => kind).sort()).toEqual(['committed', 'conflict']);
        const won = results.find(({ kind }) => kind === 'committed');
        const lost = results.find(({ kind }) => kind === 'conflict');
        expect(lost?.kind === 'conflict' && lost.head).toEqual(
          won?.kind === 'committed' && won.head,
        );
        expect(await eventsOf(log(), room.roomId)).toHaveLength(2);
      });

      it('refuses a second creation of a room', async () => {
        const room = await createdRoom(log());
        const again = new RoomScript();
        const events = [{ ...again.created(), roomId: room.roomId }] as RoomEvent[];
        const result = await log().append(room.roomId, NO_ROOM, events, again.after(events), []);
        expect(result).toEqual({ kind: 'conflict', head: room.head });
        expect(await log().findByCode(again.code)).toBeUndefined();
      });
    });

    describe('codes', () => {
      it('finds a room by the code that it claimed', async () => {
        const room = await createdRoom(log());
        expect(await log().findByCode(room.code)).toBe(room.roomId);
        expect(await log().findByCode(new RoomScript().code)).toBeUndefined();
      });

      it('gives a code to one room only, and nothing of the other is there', async () => {
        const room = await createdRoom(log());
        const other = new RoomScript({ code: room.code });
        const result = await other.append(
          log(),
          [other.created()],
          [{ key: 'k', reply: { a: 1 } }],
        );
        expect(result).toEqual({ kind: 'conflict', head: NO_ROOM });
        expect(await log().load(other.roomId)).toBeUndefined();
        expect(await log().recall(other.roomId, 'k')).toBeUndefined();
        expect(await log().findByCode(room.code)).toBe(room.roomId);
      });

      it('gives a code to one of two that ask at the same time', async () => {
        const first = new RoomScript();
        const second = new RoomScript({ code: first.code });
        const results = await Promise.all(
          [first, second].map((room) => room.append(log(), [room.created()])),
        );
        expect(results.map(({ kind }) => kind).sort()).toEqual(['committed', 'conflict']);
      });
    });

    describe('keys', () => {
      it('answers a key that was used with its reply, and changes nothing', async () => {
        const room = await createdRoom(log());
        const reply = { revision: 2, nested: { list: [1, 'two'] } };
        await room.append(log(), [room.renamed('A')], [{ key: 'u:1', reply }]);
        const before = room.head;
        const again = await room.append(
          log(),
          [room.renamed('B')],
          [
            { key: 'u:0', reply: {} },
            { key: 'u:1', reply: { other: true } },
          ],
        );
        expect(again).toEqual({ kind: 'duplicate', key: 'u:1', reply });
        expect((await log().load(room.roomId))?.head).toEqual(before);
        expect(await log().recall(room.roomId, 'u:0')).toBeUndefined();
      });

      it('says duplicate rather than conflict when the head has moved as well', async () => {
        const room = await createdRoom(log());
        const behind = room.head;
        await room.append(log(), [room.renamed('A')], [{ key: 'k', reply: { n: 1 } }]);
        const events = [room.renamed('A')];
        const keys = [{ key: 'k', reply: { n: 2 } }];
        const result = await log().append(room.roomId, behind, events, room.after(events), keys);
        expect(result).toEqual({ kind: 'duplicate', key: 'k', reply: { n: 1 } });
      });

      it('keeps the keys of one room from another', async () => {
        const [a, b] = [await createdRoom(log()), await createdRoom(log())];
        await a.append(log(), [a.renamed('A')], [{ key: 'k', reply: { room: 'a' } }]);
        expect(await log().recall(b.roomId, 'k')).toBeUndefined();
        const result = await b.append(
          log(),
          [b.renamed('B')],
          [{ key: 'k', reply: { room: 'b' } }],
        );
        expect(result.kind).toBe('committed');
        expect(await log().recall(a.roomId, 'k')).toEqual({ room: 'a' });
        expect(await log().recall(b.roomId, 'k')).toEqual({ room: 'b' });
      });

      it('keeps the first of two replies under one key in one append', async () => {
        const room = await createdRoom(log());
        const keys = [
          { key: 'k', reply: { n: 1 } },
          { key: 'k', reply: { n: 2 } },
        ];
        expect((await room.append(log(), [room.renamed('A')], keys)).kind).toBe('committed');
        expect(await log().recall(room.roomId, 'k')).toEqual({ n: 1 });
      });

      // Last among its kind: it moves the log's time on.
      it('forgets a key after ten minutes of hub time', async () => {
        const room = await createdRoom(log(), { at: 5_000_000 });
        await room.append(log(), [room.renamed('A')], [{ key: 'k', reply: { n: 1 } }]);
        await log().heartbeat(room.at + KEY_LIFE_MS - 1);
        expect(await log().recall(room.roomId, 'k')).toEqual({ n: 1 });
        await log().heartbeat(room.at + KEY_LIFE_MS);
        expect(await log().recall(room.roomId, 'k')).toBeUndefined();
        room.at += KEY_LIFE_MS;
        const again = await room.append(
          log(),
          [room.renamed('B')],
          [{ key: 'k', reply: { n: 2 } }],
        );
        expect(again.kind).toBe('committed');
        expect(await log().recall(room.roomId, 'k')).toEqual({ n: 2 });
      });
    });

    roomLogReading(log);
    roomLogRestore(log);
    roomLogRestoreWhole(log, context.underTest.canLose === true);
    roomLogRequests(log, context.underTest.canLose === true);

    describe('many at once', () => {
      it('keeps each of 200 appends over 20 rooms exactly once and in order', async () => {
        const rooms = await Promise.all(Array.from({ length: 20 }, () => createdRoom(log())));
        const committed = new Map(rooms.map((room) => [room.roomId, [] as string[]]));
        const appendOnce = async (room: RoomScript, name: string): Promise<void> => {
          for (;;) {
            const event = room.renamed(name);
            const result: AppendResult = await room.append(log(), [event]);
            if (result.kind === 'committed') {
              committed.get(room.roomId)?.push(event.id);
              return;
            }
            if (result.kind === 'duplicate') throw new Error('no keys were given');
            // Another of this room's ten was first: `room.head` has moved with it, or will with its answer.
          }
        };
        await Promise.all(
          rooms.flatMap((room) =>
            Array.from({ length: 10 }, (_, i) => appendOnce(room, `name ${i}`)),
          ),
        );
        for (const room of rooms) {
          const ids = (await eventsOf(log(), room.roomId)).slice(1).map(({ id }) => id);
          expect(ids).toEqual(committed.get(room.roomId));
          expect(ids).toHaveLength(10);
          expect((await log().load(room.roomId))?.state).toEqual(room.state);
        }
      });
    });

    const { openSecond } = context.underTest;
    if (openSecond !== undefined) {
      describe('a second writer', () => {
        it('meets conflicts, and nothing of either is lost', async () => {
          const other = (await openSecond()).roomLog;
          const room = await createdRoom(log());
          const committed: string[] = [];
          const write = async (through: RoomLog): Promise<void> => {
            for (let done = 0; done < 25;) {
              const loaded = await through.load(room.roomId);
              if (loaded === undefined) throw new Error('the room is there');
              const script = new RoomScript();
              const event = script.renamed(`n ${done}`);
              const result = await through.append(
                room.roomId,
                loaded.head,
                [event],
                loaded.state,
                [],
              );
              if (result.kind !== 'committed') continue;
              committed.push(event.id);
              done += 1;
            }
          };
          await Promise.all([write(log()), write(other)]);
          const ids = (await eventsOf(log(), room.roomId)).slice(1).map(({ id }) => id);
          expect(ids).toHaveLength(50);
          expect(new Set(ids)).toEqual(new Set(committed));
          expect((await other.load(room.roomId))?.head.revision).toBe(51);
        });
      });
    }

    if (context.underTest.reopen !== undefined) {
      it('holds everything after it was closed and opened again', async () => {
        const room = await createdRoom(log(), { at: 10_000_000 });
        const person = { userId: someUserId(), name: 'Ben' };
        await room.append(
          log(),
          [room.arrived(person), room.renamed('A')],
          [{ key: 'k', reply: { n: 1 } }],
        );
        await log().heartbeat(10_000_500);
        const { roomLog } = await context.reopen();
        expect(await roomIn(roomLog, room)).toEqual({ head: room.head, state: room.state });
        expect(await roomLog.recall(room.roomId, 'k')).toEqual({ n: 1 });
        expect(await roomLog.findByCode(room.code)).toBe(room.roomId);
        expect(await roomLog.inhabited()).toContainEqual({
          roomId: room.roomId,
          aliveAt: 10_000_500,
        });
        expect((await room.append(roomLog, [room.renamed('B')])).kind).toBe('committed');
      });
    }
  });
}
