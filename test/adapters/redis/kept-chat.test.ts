// A room's chat in Redis and what is told of it: kept, so that a node of another version reads on in it.
import { expect, it } from 'vitest';
import { itemOf, keptItem } from '../../../src/adapters/redis/kept-chat-item.ts';
import type { ChatItem } from '../../../protocol/schemas/pushes.ts';
import type { ChatLog } from '../../../src/ports/chat-log.ts';
import { testKept, type Example } from './kept-words.ts';
import { ANA, BO, ROOM, describeWords, grown, type Words } from './words-place.ts';

type Reading = 'after' | 'before' | 'find' | 'newest' | 'subscribe';
type Writing = Exclude<keyof ChatLog, Reading>;

await describeWords('the chat of a room', (place) => {
  async function talk(log: ChatLog): Promise<void> {
    const say = (name: string, text: string, at: number, key?: string) =>
      log.append(ROOM, { kind: 'message', userId: ANA, name, text }, at, key);
    await say('Ana', 'hello\n“you”', 1_000_000, `${ANA}:said`);
    await say('Aña', 'hm', 1_000_001.5);
    await log.append(ROOM, { kind: 'deletion', by: BO, target: 2 }, 1_000_002);
  }
  async function read(words: Words): Promise<object> {
    const told: ChatItem[] = [];
    const { chatLog } = await place.heard(words, (node) => {
      node.chatLog.subscribe((roomId, item) => {
        if (roomId === ROOM) told.push(item);
      });
    });
    const { items, lastSeq } = await chatLog.after(ROOM, 0, 10);
    const [newest] = await chatLog.newest([ROOM]);
    return { told, items, lastSeq, newest };
  }
  const example = (write: (log: ChatLog) => Promise<void>): Example<Words> => ({
    write: () => place.written(({ chatLog }) => write(chatLog)),
    read,
  });
  const examples: { readonly [W in Writing]: Example<Words> } = {
    append: example(talk),
    restore: example(async (log) => {
      await log.append(ROOM, { kind: 'message', userId: ANA, name: 'Ana', text: 'a' }, 1);
      const said = { kind: 'message', seq: 1, at: 2, userId: BO, name: 'Bo', text: 'b' } as const;
      // The first number is another item's by now.
      await log.restore(ROOM, [said, { kind: 'deletion', seq: 2, at: 3, by: BO, target: 1 }]);
    }),
    forget: example(async (log) => {
      await talk(log);
      await log.forget(ROOM, ANA, BO);
    }),
  };

  const newest = testKept('chat', examples);

  it('answers a request that an older node has taken', async () => {
    const { chatLog } = await place.heard(newest('append'), () => undefined);
    const draft = { kind: 'message', userId: ANA, name: 'Ana', text: 'again' } as const;
    const { item, repeated } = await chatLog.append(ROOM, draft, 1_000_010, `${ANA}:said`);
    expect({ item, repeated }).toMatchObject({ item: { seq: 1, at: 1_000_000 }, repeated: true });
  });

  it.each(Object.keys(examples))('may have more members, lines and fields: %s', async (name) => {
    const words = newest(name);
    expect(await read(grown(words, true))).toMatchObject(await read(words));
    expect(place.complaints).toEqual([]);
  });

  it('is given back by an older node as a newer one had written it', async () => {
    const words = grown(newest('append'), false);
    const before = await place.heard(words, () => undefined);
    const { items } = await before.chatLog.after(ROOM, 0, 10);
    await before.chatLog.restore(ROOM, items);
    const { items: after, lastSeq } = await before.chatLog.after(ROOM, 0, 10);
    // None was taken for another, which would be said twice.
    expect({ after, lastSeq }).toEqual({ after: items, lastSeq: 3 });
    for (const item of items) expect(itemOf(item.seq, keptItem(item))).toEqual(item);
  });

  it.each([
    ['without a text', 'l\n{"kind":"later","at":9,"x":1}\n'],
    ['with one', 'l\n{"kind":"later","at":9,"userId":"u","x":1}\n"text"'],
  ])('may have a kind of item that a newer version knows, %s', async (_what, later) => {
    const { keys } = newest('append');
    const { chat, channel } = {
      chat: place.keys.chat(ROOM),
      channel: place.keys.channel(place.keys.partitionOf(ROOM)),
    };
    const kept = keys[chat];
    if (kept === undefined || !('hash' in kept)) throw new Error('there is no chat');
    const words: Words = {
      keys: { ...keys, [chat]: { hash: { ...kept.hash, last: '4', '4': later } } },
      told: [[channel, `1\nc\neast\n${ROOM}\n4\n${later}`]],
    };
    const item = { kind: 'later', seq: 4, at: 9, x: 1 };
    // It has its number: without it there would be a hole.
    const known = await read(words);
    expect(known).toMatchObject({ told: [item], items: { length: 4, 3: item }, newest: item });
    const { chatLog } = await place.heard(words, () => undefined);
    await chatLog.restore(ROOM, (await chatLog.after(ROOM, 0, 10)).items);
    expect((await chatLog.after(ROOM, 0, 10)).items).toHaveLength(4);
    expect(keptItem(itemOf(4, later))).toBe(later);
    expect(place.complaints).toEqual([]);
  });
});
