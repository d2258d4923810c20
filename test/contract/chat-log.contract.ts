// What every ChatLog keeps, whatever it is made of.
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { RoomId } from '../../protocol/ids.ts';
import type { ChatItem } from '../../protocol/schemas/pushes.ts';
import { ChatMoved, type ChatDraft, type ChatLog } from '../../src/ports/chat-log.ts';
import { someUserId } from '../support/room-fixtures.ts';
import type { ContextOf } from './context.ts';

const KEY_LIFE_MS = 600_000;
const ana = { userId: someUserId(), name: 'Ana' };

const someRoom = (): RoomId => randomUUID() as RoomId;
const says = (text: string): ChatDraft => ({ kind: 'message', ...ana, text });
const deletes = (target: number): ChatDraft => ({ kind: 'deletion', by: ana.userId, target });

export function chatLogContract(context: ContextOf<'chatLog'>): void {
  const log = (): ChatLog => context.stores().chatLog;

  describe('ChatLog', () => {
    it('numbers what is said in a room from 1, each room for itself', async () => {
      const [room, other] = [someRoom(), someRoom()];
      const text = 'he said "hi" \\ ? $1 \u{1f600}\nand left';
      expect(await log().append(room, says(text), 1_000.5)).toEqual({
        item: { kind: 'message', seq: 1, at: 1_000.5, ...ana, text },
        repeated: false,
      });
      expect((await log().append(other, says('b'), 1_001)).item.seq).toBe(1);
      expect((await log().append(room, says('c'), 1_002)).item.seq).toBe(2);
      expect(await log().find(room, 1)).toEqual({
        kind: 'message',
        seq: 1,
        at: 1_000.5,
        ...ana,
        text,
      });
      expect(await log().find(room, 3)).toBeUndefined();
    });

    it('gives the newest of a range, in order', async () => {
      const room = someRoom();
      for (let i = 1; i <= 6; i += 1) await log().append(room, says(`m${i}`), i);
      const seqs = (range: { items: readonly { seq: number }[] }): number[] =>
        range.items.map(({ seq }) => seq);
      const after = await log().after(room, 2, 3);
      expect(seqs(after)).toEqual([4, 5, 6]);
      expect(after.lastSeq).toBe(6);
      const before = await log().before(room, 5, 2);
      expect(seqs(before)).toEqual([3, 4]);
      expect(before.lastSeq).toBe(6);
      expect(seqs(await log().after(room, 6, 10))).toEqual([]);
      expect(await log().after(someRoom(), 0, 10)).toEqual({ items: [], lastSeq: 0 });
    });

    it('erases the text of what is deleted, for everybody and in every read', async () => {
      const room = someRoom();
      await log().append(room, says('secret'), 1);
      const { item } = await log().append(room, deletes(1), 2);
      expect(item).toEqual({ kind: 'deletion', seq: 2, at: 2, by: ana.userId, target: 1 });
      const erased = { kind: 'message', seq: 1, at: 1, ...ana, text: '', deleted: true };
      expect(await log().find(room, 1)).toEqual(erased);
      expect((await log().after(room, 0, 10)).items).toEqual([erased, item]);
      expect((await log().before(room, 2, 10)).items).toEqual([erased]);
    });

    it('erases also what was said in the same moment', async () => {
      const room = someRoom();
      await Promise.all([log().append(room, says('secret'), 1), log().append(room, deletes(1), 1)]);
      expect(await log().find(room, 1)).toMatchObject({ text: '', deleted: true });
    });

    it('says a thing once for one key, for ten minutes', async () => {
      const [room, other] = [someRoom(), someRoom()];
      const first = await log().append(room, says('a'), 1_000, 'k');
      expect(first.repeated).toBe(false);
      expect(await log().append(room, says('a'), 1_000 + KEY_LIFE_MS - 1, 'k')).toEqual({
        item: first.item,
        repeated: true,
      });
      expect((await log().append(other, says('a'), 1_000, 'k')).repeated).toBe(false);
      const late = await log().append(room, says('a'), 1_000 + KEY_LIFE_MS, 'k');
      expect(late).toMatchObject({ repeated: false, item: { seq: 2 } });
      const again = await log().append(room, says('a'), 1_001 + KEY_LIFE_MS, 'k');
      expect(again).toMatchObject({ repeated: true, item: { seq: 2 } });
    });

    it('says a thing once for one key that comes twice at the same time', async () => {
      const room = someRoom();
      const both = await Promise.all([1, 2].map(() => log().append(room, says('a'), 1_000, 'k')));
      expect(both.map(({ repeated }) => repeated).sort()).toEqual([false, true]);
      expect(both[0]?.item).toEqual(both[1]?.item);
      expect((await log().after(room, 0, 10)).lastSeq).toBe(1);
    });

    it('leaves no hole and gives no number twice when many speak at once', async () => {
      const rooms = Array.from({ length: 10 }, someRoom);
      const logs = [log(), (await context.underTest.openSecond?.())?.chatLog ?? log()];
      const said = await Promise.all(
        Array.from({ length: 300 }, async (_, i) => {
          const room = rooms[i % rooms.length]!;
          const { item } = await logs[i % 7 === 0 ? 1 : 0]!.append(room, says(`m${i}`), i);
          return { room, item };
        }),
      );
      for (const room of rooms) {
        const told = said.filter((one) => one.room === room).map(({ item }) => item);
        const kept = (await log().after(room, 0, 100)).items;
        expect(kept.map(({ seq }) => seq)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
        expect(told.sort((a, b) => a.seq - b.seq)).toEqual(kept);
      }
    });

    it('tells the newest numbers of many rooms in the order in which they were asked for', async () => {
      const rooms = Array.from({ length: 30 }, someRoom);
      for (const [i, room] of rooms.entries()) {
        for (let k = 0; k < i % 3; k += 1) await log().append(room, says('m'), k);
      }
      const asked = rooms.toReversed();
      const newest = await log().newest(asked);
      expect(newest.map((item) => item?.seq ?? 0)).toEqual(
        asked.map((room) => rooms.indexOf(room) % 3),
      );
      for (const [i, item] of newest.entries())
        expect(item).toEqual(await log().find(asked[i] ?? someRoom(), item?.seq ?? 0));
      expect(await log().newest([])).toEqual([]);
    });

    it('leaves a chat as it is that lacks nothing', async () => {
      const room = someRoom();
      for (const text of ['a', 'b', 'c']) await log().append(room, says(text), 1);
      await log().append(room, deletes(2), 2);
      const before = await log().after(room, 0, 10);
      await log().restore(room, before.items);
      await log().restore(room, before.items.slice(1, 2));
      await log().restore(room, []);
      expect(await log().after(room, 0, 10)).toEqual(before);
    });

    if (context.underTest.canLose === true) chatRestore(log);

    if (context.underTest.reopen !== undefined) {
      it('holds everything after it was closed and opened again', async () => {
        const room = someRoom();
        const first = await log().append(room, says('a'), 1, 'k');
        await log().append(room, deletes(1), 2);
        const { chatLog } = await context.reopen();
        expect(await chatLog.find(room, 1)).toMatchObject({ text: '', deleted: true });
        expect((await chatLog.append(room, says('b'), 3)).item.seq).toBe(3);
        const repeated = await chatLog.append(room, says('a'), 4, 'k');
        expect(repeated).toMatchObject({ repeated: true, item: { seq: first.item.seq } });
      });
    }
  });
}

/** For a log that can lose its end. */
function chatRestore(log: () => ChatLog): void {
  const message = (seq: number, text: string): ChatItem => ({
    kind: 'message',
    seq,
    at: 100 + seq + text.length / 10,
    ...ana,
    text,
  });
  const erased = (item: ChatItem): ChatItem => ({ ...item, text: '', deleted: true }) as ChatItem;
  const itemsOf = async (room: RoomId): Promise<readonly ChatItem[]> =>
    (await log().after(room, 0, 100)).items;

  describe('restore', () => {
    it('puts back what lies beyond the newest, under its own numbers', async () => {
      const room = someRoom();
      const items = [
        message(1, 'a'),
        erased(message(2, 'b')),
        { kind: 'deletion', seq: 3, at: 9, by: ana.userId, target: 2 } as const,
      ];
      await log().restore(room, items);
      expect(await itemsOf(room)).toEqual(items);
      await log().restore(room, [...items, message(4, 'c')]);
      expect(await itemsOf(room)).toEqual([...items, message(4, 'c')]);
      expect((await log().append(room, says('d'), 5)).item.seq).toBe(5);
    });

    it('gives no number to somebody who has seen more than there is, before that is given back', async () => {
      const room = someRoom();
      await log().append(room, says('a'), 1);
      await expect(log().append(room, says('x'), 2, undefined, 2)).rejects.toThrow(ChatMoved);
      expect(await itemsOf(room)).toHaveLength(1);
      await log().restore(room, [message(2, 'b')]);
      expect((await log().append(room, says('c'), 3, undefined, 2)).item.seq).toBe(3);
    });

    it('fills a hole that others have left, who did not hold it', async () => {
      const room = someRoom();
      await log().append(room, says('a'), 1);
      await log().restore(room, [message(4, 'd')]);
      await log().restore(room, [message(2, 'b'), message(3, 'c'), message(4, 'd')]);
      expect((await itemsOf(room)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
      expect((await log().append(room, says('e'), 5)).item.seq).toBe(5);
    });

    it('goes on from the number of what is held, where all before it is lost', async () => {
      const room = someRoom();
      await log().restore(room, [message(7, 'a'), message(8, 'b')]);
      expect(await log().newest([room])).toEqual([message(8, 'b')]);
      expect((await log().append(room, says('c'), 9)).item.seq).toBe(9);
    });

    it('puts what has lost its number behind all, once, whoever gives it back', async () => {
      const room = someRoom();
      await log().restore(room, [message(1, 'a'), message(2, 'new')]);
      const held = [message(1, 'a'), message(2, 'lost'), message(3, 'lost too')];
      for (let holder = 0; holder < 2; holder += 1) await log().restore(room, held);
      const texts = (await itemsOf(room)).map((item) => 'text' in item && item.text);
      expect(texts).toEqual(['a', 'new', 'lost', 'lost too']);
      expect((await itemsOf(room)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    });

    it('erases what a lost deletion erased, wherever that is now, and nothing else', async () => {
      const room = someRoom();
      await log().restore(room, [message(1, 'a'), message(2, 'new')]);
      await log().restore(room, [
        erased(message(1, 'a')),
        erased(message(2, 'lost')),
        { kind: 'deletion', seq: 3, at: 5, by: ana.userId, target: 2 },
        { kind: 'deletion', seq: 4, at: 6, by: ana.userId, target: 1 },
      ]);
      expect(await itemsOf(room)).toEqual([
        erased(message(1, 'a')),
        message(2, 'new'),
        { ...erased(message(2, 'lost')), seq: 3 },
        { kind: 'deletion', seq: 4, at: 5, by: ana.userId, target: 3 },
        { kind: 'deletion', seq: 5, at: 6, by: ana.userId, target: 1 },
      ]);
    });
  });
}
