// What every Feed keeps, whatever it is made of.
import { describe, expect, it } from 'vitest';
import type { UserId } from '../../protocol/ids.ts';
import type { JsonObject } from '../../protocol/merge-patch.ts';
import type { Feed, FeedHead, FeedSubscription } from '../../src/ports/feed.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { someNode, somebody } from './nodes.ts';

export interface FeedContext {
  /** Opens a node. */
  join(nodeId: string): Promise<Feed>;
  /** How many nodes' subscriptions to an author the store knows of. */
  listening(author: UserId): Promise<number>;
  /** Loses everything, as a store that came back empty. */
  empty(): Promise<void>;
}

const someAuthor = (): UserId => somebody('Ana').userId;
const song = (title: string): JsonObject => ({ activityId: title, track: { title } });

async function listen(feed: Feed, author: UserId): Promise<FeedHead[]> {
  const heard: FeedHead[] = [];
  await feed.subscribe(author, (head) => heard.push(head)).ready;
  return heard;
}

export function feedContract(context: FeedContext): void {
  const twoNodes = async () => {
    const [east, west] = [someNode(), someNode()];
    const [atEast, atWest] = [await context.join(east), await context.join(west)];
    return { east, west, atEast, atWest, author: someAuthor() };
  };

  describe('Feed', () => {
    it('knows nothing of an author who never did anything', async () => {
      const { atEast, author } = await twoNodes();
      const nothing = { seq: 0, live: undefined, policyVersion: 0 };
      expect(await atEast.heads([author])).toEqual([nothing]);
      expect(await atEast.heads([])).toEqual([]);
      expect(await atEast.publish(author, undefined)).toBe(0);
      expect(await atEast.tellPolicy(author, 0)).toBe(0);
      expect(await atEast.clear(author, 'nobody')).toBe(0);
      expect(await atEast.heads([author])).toEqual([nothing]);
    });

    it('forgets an author whole, whoever published, and never gives a number twice', async () => {
      const { atEast, atWest, author } = await twoNodes();
      const heard = await listen(atEast, author);
      const published = await atWest.publish(author, song('A'), 3);
      await atEast.forget(author);
      expect(await atEast.heads([author])).toEqual([{ seq: 0, live: undefined, policyVersion: 0 }]);
      const again = await atWest.publish(author, song('B'));
      expect(again).toBeGreaterThan(published + 1);
      await expect.poll(() => heard.length).toBe(3);
      expect(heard[1]).toMatchObject({ seq: published + 1, live: undefined });
      await atEast.forget('00000000-0000-4000-8000-00000000dead' as UserId);
    });

    it('makes no head of the end of what was said of an author who is forgotten', async () => {
      const { east, atEast, atWest, author } = await twoNodes();
      await atEast.publish(author, song('A'), 3);
      await atWest.forget(author);
      expect(await atEast.publish(author, undefined, 4)).toBe(0);
      expect(await atWest.clear(author, east)).toBe(0);
      expect(await atEast.heads([author])).toEqual([{ seq: 0, live: undefined, policyVersion: 0 }]);
      // A policy is told all the same.
      expect(await atEast.tellPolicy(author, 5)).toBeGreaterThan(0);
    });

    it('tells every node of every change, its own too, in order, as the head is then', async () => {
      const { east, west, atEast, atWest, author } = await twoNodes();
      const heard = [await listen(atEast, author), await listen(atWest, author)];
      const odd = { title: 'line\nbreak \u{1f3b5} "quoted"', at: 1.5, none: null, many: [1, {}] };
      const first = await atEast.publish(author, odd, 3);
      await atWest.publish(author, song('B'));
      await atWest.tellPolicy(author, 4);
      await atWest.publish(author, undefined);
      const expected: FeedHead[] = [
        { seq: first, live: { node: east, item: odd }, policyVersion: 3 },
        { seq: first + 1, live: { node: west, item: song('B') }, policyVersion: 3 },
        { seq: first + 2, live: { node: west, item: song('B') }, policyVersion: 4 },
        { seq: first + 3, live: undefined, policyVersion: 4 },
      ];
      expect(first).toBeGreaterThan(0);
      for (const heads of heard) {
        await expect.poll(() => heads.length).toBe(4);
        expect(heads).toEqual(expected);
      }
      expect(await atEast.heads([author])).toEqual([expected[3]]);
    });

    it('tells a word to whoever listens to a person, on every node, once, and keeps nothing of it', async () => {
      const { atEast, atWest, author } = await twoNodes();
      const words: JsonObject[] = [];
      const heads: FeedHead[] = [];
      for (const feed of [atEast, atWest]) {
        const on = feed.subscribe(
          author,
          (head) => heads.push(head),
          (word) => words.push(word),
        );
        await on.ready;
      }
      const word = { type: 'friends.changed', text: 'line\nbreak', n: 1 };
      await atEast.signal(author, word);
      await atEast.signal(someAuthor(), { type: 'other' });
      await expect.poll(() => words).toEqual([word, word]);
      await atWest.publish(author, song('A'));
      await expect.poll(() => heads.length).toBe(2);
      expect(words).toHaveLength(2);
      expect(heads[0]?.seq).toBe(heads[1]?.seq);
    });

    it('takes away only what the node itself has published, or the node that is named', async () => {
      const { east, west, atEast, atWest, author } = await twoNodes();
      const first = await atEast.publish(author, song('A'));
      expect(await atWest.publish(author, undefined)).toBe(first);
      expect(await atWest.clear(author, west)).toBe(first);
      expect(await atWest.clear(author, east)).toBe(first + 1);
      expect(await atEast.publish(author, undefined)).toBe(first + 1);
      expect(await atEast.heads([author])).toEqual([
        { seq: first + 1, live: undefined, policyVersion: 0 },
      ]);
    });

    it('keeps the newest version of a policy, however old those are that come', async () => {
      const { atEast, atWest, author } = await twoNodes();
      const heard = await listen(atWest, author);
      const first = await atEast.tellPolicy(author, 7);
      expect(await atEast.tellPolicy(author, 7)).toBe(first);
      expect(await atWest.tellPolicy(author, 6)).toBe(first);
      expect(await atWest.publish(author, song('A'), 2)).toBe(first + 1);
      expect(await atWest.publish(author, undefined, Number.MAX_SAFE_INTEGER)).toBe(first + 2);
      await expect.poll(() => heard.length).toBe(3);
      const versions = heard.map(({ policyVersion }) => policyVersion);
      expect(versions).toEqual([7, 7, Number.MAX_SAFE_INTEGER]);
    });

    it('refuses what cannot be a version', async () => {
      const { atEast, author } = await twoNodes();
      for (const version of [-1, 1.5, Number.NaN, 2 ** 53]) {
        await expect(atEast.tellPolicy(author, version)).rejects.toThrow(RangeError);
        await expect(atEast.publish(author, song('A'), version)).rejects.toThrow(RangeError);
      }
      expect((await atEast.heads([author]))[0]?.seq).toBe(0);
    });

    it('numbers what several nodes do at once without a gap, and each number means one thing', async () => {
      const { atEast, atWest, author } = await twoNodes();
      const heard = await listen(atWest, author);
      const titles = Array.from({ length: 40 }, (_, i) => String(i));
      const answered = await Promise.all(
        titles.map(async (title, i) => {
          const feed = i % 2 === 0 ? atEast : atWest;
          return [await feed.publish(author, song(title)), title] as const;
        }),
      );
      await expect.poll(() => heard.length).toBe(titles.length);
      const first = heard[0]?.seq ?? 0;
      expect(heard.map(({ seq }) => seq)).toEqual(titles.map((_, i) => first + i));
      const told = heard.map(({ seq, live }) => [seq, live?.item['activityId']] as const);
      expect(new Map(told)).toEqual(new Map(answered));
    });

    it('tells the heads of many authors in the order in which they were asked for', async () => {
      const { atEast, atWest } = await twoNodes();
      const authors = Array.from({ length: 1_200 }, someAuthor);
      const some = authors.filter((_, i) => i % 40 === 0);
      for (const author of some) await atEast.publish(author, song(author));
      const heads = await atWest.heads(authors);
      expect(heads.map((head) => head?.live?.item['activityId'])).toEqual(
        authors.map((author) => (some.includes(author) ? author : undefined)),
      );
    });

    it('never uses a number again after everything is lost', async () => {
      const { atEast, atWest, author } = await twoNodes();
      const heard = await listen(atWest, author);
      for (const title of ['A', 'B', 'C']) await atEast.publish(author, song(title), 5);
      await context.empty();
      expect(await atWest.heads([author])).toMatchObject([{ seq: 0, policyVersion: 0 }]);
      for (const title of ['D', 'E']) await atWest.publish(author, song(title));
      await expect.poll(() => heard.length).toBe(5);
      const [, , c = 0, d = 0, e] = heard.map(({ seq }) => seq);
      // A gap, so that who listens sees that something may be missing.
      expect(d).toBeGreaterThan(c + 1);
      expect(e).toBe(d + 1);
      expect(Number.isSafeInteger(d)).toBe(true);
    });

    it('misses nothing between a subscription that stands and a head that is read after it', async () => {
      const { atEast, atWest, author } = await twoNodes();
      const publishing = (async () => {
        for (let i = 0; i < 60; i += 1) await atEast.publish(author, song(String(i)));
      })();
      const heard = await listen(atWest, author);
      const [head] = await atWest.heads([author]);
      await publishing;
      const last = (await atEast.heads([author]))[0]?.seq ?? 0;
      await expect.poll(() => heard.at(-1)?.seq ?? head?.seq).toBe(last);
      const seqs = new Set(heard.map(({ seq }) => seq));
      for (let seq = (head?.seq ?? 0) + 1; seq <= last; seq += 1) expect(seqs).toContain(seq);
    });

    it('leaves the channel with the last listener, and tells no more to whom is gone', async () => {
      const { atEast, atWest, author } = await twoNodes();
      const heard: string[] = [];
      const one = atWest.subscribe(author, () => heard.push('one'));
      const two = atWest.subscribe(author, () => heard.push('two'));
      await Promise.all([one.ready, two.ready]);
      expect(await context.listening(author)).toBe(1);
      one.stop();
      one.stop();
      await atEast.publish(author, song('A'));
      await expect.poll(() => heard).toEqual(['two']);
      two.stop();
      await expect.poll(() => context.listening(author)).toBe(0);
      const again = await listen(atWest, author);
      await atEast.publish(author, song('B'));
      await expect.poll(() => again.length).toBe(1);
      expect(heard).toEqual(['two']);
    });

    it('holds exactly the channels that somebody wants after a storm of coming and going', async () => {
      const { atEast, atWest } = await twoNodes();
      for (const seed of [1, 2, 3]) {
        const random = new SeededRandom(seed);
        const authors = Array.from({ length: 12 }, someAuthor);
        const held = authors.map((): FeedSubscription[] => []);
        const heard = authors.map((): FeedHead[] => []);
        for (let i = 0; i < 400; i += 1) {
          const place = random.int(authors.length);
          const mine = held[place] ?? [];
          if (mine.length === 0 || random.next() < 0.4) {
            mine.push(
              atWest.subscribe(random.pick(authors.slice(place, place + 1)), (head) =>
                heard[place]?.push(head),
              ),
            );
          } else {
            mine.splice(random.int(mine.length), 1)[0]?.stop();
          }
          // Sometimes the store is heard in between, sometimes not.
          if (random.next() < 0.1) await atWest.heads([]);
          if (random.next() < 0.1) await mine.at(-1)?.ready;
        }
        // Some of them with nobody in the end, whatever the draw was.
        for (const mine of held.slice(0, 4)) for (const each of mine.splice(0)) each.stop();
        const wanted = held.map((mine) => (mine.length > 0 ? 1 : 0));
        expect(wanted).toContain(1);
        await expect
          .poll(() => Promise.all(authors.map((author) => context.listening(author))))
          .toEqual(wanted);
        await Promise.all(held.flat().map(({ ready }) => ready));
        for (const author of authors) await atEast.publish(author, song(author));
        const counts = held.map((mine) => mine.length);
        await expect.poll(() => heard.map((heads) => heads.length)).toEqual(counts);
        for (const each of held.flat()) each.stop();
        await expect
          .poll(() => Promise.all(authors.map((author) => context.listening(author))))
          .toEqual(authors.map(() => 0));
      }
    });
  });
}
