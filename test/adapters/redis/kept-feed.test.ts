// An author's head in Redis, and what is told on their channel: kept, so that viewers on a node of another version see the same.
import { expect, it } from 'vitest';
import type { Feed, FeedHead } from '../../../src/ports/feed.ts';
import type { JsonObject } from '../../../protocol/merge-patch.ts';
import { testKept, type Example } from './kept-words.ts';
import { ANA, describeWords, grown, type Words } from './words-place.ts';

type Reading = 'nodeId' | 'heads' | 'subscribe' | 'onDoubt';
type Writing = Exclude<keyof Feed, Reading>;

const SONG = { activityId: 'a1', track: { title: 'Ä “song”\n2' } };

await describeWords('the feed', (place) => {
  async function read(words: Words) {
    const told: (FeedHead | { readonly signal: JsonObject })[] = [];
    const { feed } = await place.heard(words, async (node) => {
      const subscription = node.feed.subscribe(
        ANA,
        (head) => told.push(head),
        (signal) => {
          // The place's own, by which it knows that all was heard.
          if (Object.keys(signal).length > 0) told.push({ signal });
        },
      );
      await subscription.ready;
    });
    return { told, heads: await feed.heads([ANA]) };
  }
  const example = (write: (feed: Feed) => Promise<unknown>): Example<Words> => ({
    write: () =>
      place.written(
        async ({ feed }) => {
          await write(feed);
        },
        [ANA],
      ),
    read,
  });
  const examples: { readonly [W in Writing]: Example<Words> } = {
    publish: example((feed) => feed.publish(ANA, SONG, 3)),
    tellPolicy: example(async (feed) => {
      await feed.publish(ANA, SONG);
      await feed.tellPolicy(ANA, 4);
    }),
    clear: example(async (feed) => {
      await feed.publish(ANA, SONG, 3);
      await feed.clear(ANA, 'east');
    }),
    forget: example(async (feed) => {
      await feed.publish(ANA, SONG, 3);
      await feed.forget(ANA);
    }),
    signal: example((feed) => feed.signal(ANA, { type: 'friends.changed', text: '“\n”' })),
  };

  const newest = testKept('feed', examples);

  it.each(Object.keys(examples))('may have more members and fields: %s', async (name) => {
    const words = newest(name);
    // What is said to a person is JSON as a whole.
    const all = await read(grown(words, name !== 'signal'));
    expect(all).toMatchObject(await read(words));
    expect(place.complaints).toEqual([]);
  });

  it('goes on from the head that an older node has left', async () => {
    const words = newest('publish');
    const [head] = (await read(words)).heads;
    const { feed } = await place.heard(words, () => undefined);
    expect(await feed.publish(ANA, SONG)).toBe((head?.seq ?? 0) + 1);
    expect(await feed.clear(ANA, 'east')).toBe((head?.seq ?? 0) + 1);
  });

  it('has messages that a newer version knows, which are passed over', async () => {
    const words = newest('publish');
    const channel = place.keys.feedChannel(ANA);
    const newer = ['later\n{"x":1}', 'later\n1\neast\n{}', 'later', ''].map(
      (text) => [channel, text] as const,
    );
    const known = await read(words);
    expect(await read({ ...words, told: [...newer, ...words.told] })).toEqual(known);
    expect(place.complaints).toEqual([]);
  });
});
