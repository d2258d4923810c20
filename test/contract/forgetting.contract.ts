// The contract of forgetting a person: the rooms' log, the chat and the record of rooms, which go together.
import { beforeEach, describe, expect, it } from 'vitest';
import type { InviteCode, RoomId, UserId } from '../../protocol/ids.ts';
import { ERASED_NAME } from '../../src/domain/forget-person.ts';
import type { RoomTrace } from '../../src/ports/traces.ts';
import {
  createdRoom,
  someSessionId,
  someUserId,
  type RoomScript,
} from '../support/room-fixtures.ts';
import type { ContextOf } from './context.ts';

const SECRET = 'what Zoë said';
const NAME = 'Zoë-who-was-here';

export function forgettingContract(
  context: ContextOf<'roomLog' | 'chatLog' | 'archive' | 'traces'>,
): void {
  const stores = () => context.stores();

  describe('forgetting a person', () => {
    let zoe: UserId;
    let as: UserId;
    let ben: UserId;
    let room: RoomScript;

    const forget = async (roomId: RoomId = room.roomId): Promise<void> => {
      await stores().chatLog.forget(roomId, zoe, as);
      await stores().roomLog.forget(roomId, zoe, as);
      await stores().traces.erase(roomId, zoe, as);
    };
    const tracesOf = async (userId: UserId): Promise<RoomTrace[]> => {
      const found: RoomTrace[] = [];
      for await (const trace of stores().traces.export(userId)) found.push(trace);
      return found;
    };
    const roomNow = () => stores().roomLog.load(room.roomId);

    /** Two were here and spoke; Zoë has left. */
    beforeEach(async () => {
      [zoe, as, ben] = [someUserId(), someUserId(), someUserId()];
      const { roomLog, chatLog } = stores();
      room = await createdRoom(roomLog, { at: 10_000 });
      const [her, him] = [
        { userId: zoe, name: NAME },
        { userId: ben, name: 'Ben' },
      ];
      const started = room.event('SessionStarted', { sessionId: someSessionId() });
      const records = [{ key: `${zoe}:k`, reply: { by: zoe } }];
      await room.append(roomLog, [started, room.arrived(her, him)], records);
      room.at += 1_000;
      await room.append(roomLog, [room.event('RoleSet', { by: room.hostId, ...her, role: 'dj' })]);
      room.at += 1_000;
      await room.append(roomLog, [room.departed(her)]);
      const says = (userId: UserId, name: string, text: string, key?: string) =>
        chatLog.append(room.roomId, { kind: 'message', userId, name, text }, 11_000, key);
      await says(zoe, NAME, SECRET);
      await says(ben, 'Ben', 'what Ben said');
      await chatLog.append(room.roomId, { kind: 'deletion', by: zoe, target: 2 }, 11_500);
    });

    it('gives out first what there is of them, and nothing of others', async () => {
      expect(await tracesOf(zoe)).toEqual([
        expect.objectContaining({ kind: 'stay', arrivedAt: 10_000, departedAt: 12_000 }) as unknown,
        { kind: 'message', roomId: room.roomId, at: 11_000, text: SECRET },
      ]);
      expect(await tracesOf(someUserId())).toEqual([]);
      expect(await stores().traces.roomsOf(zoe)).toEqual([room.roomId]);
      expect(await stores().traces.roomsOf(someUserId())).toEqual([]);
    });

    it('gives out what they did, as the room was told of it', async () => {
      room.at += 1_000;
      const did = [
        room.event('RoomUpdated', { by: zoe, name: 'Zoë’s' }),
        room.event('RoleSet', { by: ben, userId: zoe, name: NAME, role: 'dj' }),
        room.event('InviteCreated', { by: zoe, code: 'SECRETCODE' as InviteCode, role: 'dj' }),
      ];
      await room.append(stores().roomLog, did);
      const acts = (await tracesOf(zoe)).filter(({ kind }) => kind === 'act');
      expect(acts).toMatchObject([
        { roomId: room.roomId, event: { type: 'RoomUpdated', by: zoe, name: 'Zoë’s' } },
        { roomId: room.roomId, event: { type: 'InviteCreated', by: zoe } },
      ]);
      expect(JSON.stringify(acts)).not.toContain('SECRETCODE');
      await forget();
      expect(await tracesOf(zoe)).toEqual([]);
    });

    it('begins a new epoch in which nobody is who they were, and goes on there', async () => {
      const before = room.head;
      await forget();
      const after = await roomNow();
      expect(after?.head).toMatchObject({ revision: before.revision, eventId: before.eventId });
      expect(after?.head.epoch).toBeGreaterThan(before.epoch);
      expect(JSON.stringify(after)).not.toContain(zoe);
      expect(JSON.stringify(after)).not.toContain(NAME);
      expect(after?.state.members[ben]).toEqual(room.state?.members[ben]);
      expect(await stores().roomLog.read(room.roomId, before)).toEqual({ kind: 'gone' });
      expect(await stores().roomLog.heads([room.roomId])).toEqual([after?.head]);
      expect(await stores().roomLog.recall(room.roomId, `${zoe}:k`)).toBeUndefined();

      // Whoever held the room as it was cannot bring them back.
      const held = { head: before, state: room.state ?? fail(), recent: [], keys: [] };
      const restored = await stores().roomLog.restore(room.roomId, held);
      expect(JSON.stringify(restored)).not.toContain(zoe);
      room.head = restored.head;
      room.state = restored.state;
      const { kind } = await room.append(stores().roomLog, [room.renamed('Later')]);
      expect(kind).toBe('committed');
      const read = await stores().roomLog.read(room.roomId, restored.head);
      expect(read).toMatchObject({ kind: 'events', events: [{ name: 'Later' }] });
    });

    it('what they said is deleted, and what others said is as it was', async () => {
      await forget();
      const { items, lastSeq } = await stores().chatLog.before(room.roomId, 100, 100);
      expect(lastSeq).toBe(3);
      expect(items).toEqual([
        {
          kind: 'message',
          seq: 1,
          at: 11_000,
          userId: as,
          name: ERASED_NAME,
          text: '',
          deleted: true,
        },
        { kind: 'message', seq: 2, at: 11_000, userId: ben, name: 'Ben', text: '', deleted: true },
        { kind: 'deletion', seq: 3, at: 11_500, by: as, target: 2 },
      ]);
    });

    it('the record tells what happened, of somebody without a name', async () => {
      await forget();
      const { archive } = stores();
      const [summary] = await archive.sessionsOf(room.roomId, { limit: 10 });
      expect(summary).toMatchObject({ peopleCount: 2 });
      const session = summary && (await archive.session(summary.sessionId));
      const stays = session?.participations.toSorted((x, y) => (x.name < y.name ? -1 : 1));
      expect(stays).toMatchObject([
        { userId: ben, name: 'Ben' },
        { userId: as, name: ERASED_NAME, departedAt: 12_000 },
      ]);
      expect(await archive.tookPart(room.roomId, zoe)).toBe(false);
      expect(await tracesOf(zoe)).toEqual([]);
      expect(await stores().traces.roomsOf(zoe)).toEqual([]);
    });

    it('does nothing the second time, nor to rooms that never were', async () => {
      await forget();
      const once = await roomNow();
      await stores().traces.erase(room.roomId, zoe, someUserId());
      await stores().chatLog.forget(room.roomId, zoe, someUserId());
      expect(await roomNow()).toEqual(once);
      await forget('00000000-0000-4000-8000-00000000dead' as RoomId);
    });

    it('leaves other rooms alone', async () => {
      const other = await createdRoom(stores().roomLog, { at: 20_000 });
      await other.append(stores().roomLog, [other.arrived({ userId: zoe, name: NAME })]);
      await forget();
      expect((await stores().roomLog.load(other.roomId))?.state.members[zoe]?.name).toBe(NAME);
      expect(await stores().traces.roomsOf(zoe)).toEqual([other.roomId]);
    });
  });
}

function fail(): never {
  throw new Error('the room has no state');
}
