// What waits for the archive: kept, so that whichever node works on it, of whatever version, still brings it there.
import { expect, it } from 'vitest';
import { entryOf, fieldsWithout } from '../../../src/adapters/redis/outbox-entry.ts';
import type { ArchiveEntry } from '../../../src/ports/archive-writer.ts';
import { testKept, type Example } from './kept-words.ts';
import { ANA, BO, ROOM, describeWords, grown, type Words, type WordsNode } from './words-place.ts';
import { appendAll, held, loseAndRestore } from './words-room.ts';

/** Those of all outboxes, names and values in turn. */
function entriesIn({ keys }: Words): readonly (readonly string[])[] {
  return Object.values(keys).flatMap((kept) =>
    'stream' in kept ? kept.stream.map(([, fields]) => fields) : [],
  );
}

const read = (words: Words): ArchiveEntry[] => entriesIn(words).map((fields) => entryOf(fields));

await describeWords('the outbox', (place) => {
  const example = (act: (node: WordsNode) => Promise<void>): Example<Words> => ({
    write: async () => {
      const { keys } = await place.written(act);
      const all = Object.entries(keys).filter(([name]) => name.endsWith(':outbox'));
      return { keys: Object.fromEntries(all), told: [] };
    },
    read,
  });
  const examples: { readonly [K in ArchiveEntry['kind']]: Example<Words> } = {
    append: example(({ roomLog }) => appendAll(roomLog)),
    restore: example(({ roomLog }) => loseAndRestore(roomLog)),
    chat: example(async ({ chatLog }) => {
      const text = 'hello\n“you”';
      await chatLog.append(ROOM, { kind: 'message', userId: ANA, name: 'Ana', text }, 5);
      await chatLog.append(ROOM, { kind: 'deletion', by: BO, target: 1 }, 6.5);
      // One that was erased is put back.
      const erased = { kind: 'message', userId: BO, name: 'Bo', text: '', deleted: true } as const;
      await chatLog.restore(ROOM, [{ ...erased, seq: 3, at: 7 }]);
    }),
  };
  const restoredWhole = example(async ({ roomLog }) => {
    await roomLog.restore(ROOM, held());
  });

  const newest = testKept('outbox', { ...examples, 'restore of all': restoredWhole });

  it.each(Object.keys(examples))('may have more members and fields: %s', (name) => {
    const words = newest(name);
    expect(read(grown(words, false))).toMatchObject(read(words));
    for (const fields of entriesIn(grown(words, false))) {
      const without = fieldsWithout(fields, ANA, BO);
      expect(JSON.stringify(without)).not.toContain(ANA);
      // What it does not know stays with it.
      expect(without).toHaveLength(fields.length);
      expect(without.slice(-2)).toEqual(['later', 'x']);
    }
  });

  // Passed over it would be lost: set aside (outbox.test.ts), a newer node can still take it.
  it('refuses a kind of entry that only a newer version knows', () => {
    expect(() => entryOf(['later', '{}'])).toThrow('neither');
  });
});
