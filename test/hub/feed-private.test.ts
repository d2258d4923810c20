// What was heard in a private session stays hidden after it also where its node could not tell the history so (FE8).
import { describe, expect, it } from 'vitest';
import { friendsPlace, say, shownOf, stop, type FriendsPlace } from '../support/friends-place.ts';
import { userId } from '../support/hub-world.ts';

const SESSION_MS = 10_000;

/** Nobody sees it any more, whether they looked all the time, come now, read, or react. */
async function expectHidden(place: FriendsPlace, activityId: string, from: number): Promise<void> {
  const { cleo, b } = place;
  expect(cleo.holds()).toEqual({});
  expect(shownOf(cleo, from)).toEqual([]);
  expect((await cleo.subscribe())['items']).toEqual([]);
  expect(await place.reads()).toEqual([]);
  const reaction = { userId: userId(1), activityId, emoji: '🔥' };
  expect(await cleo.client.ask('activity.react', reaction)).toMatchObject({ code: 'not_found' });
  const late = await b.connect(2);
  expect((await late.ask('feed.subscribe', {}))['items']).toEqual([]);
}

describe('what a private session began in the middle of', () => {
  it('does not come back where its node reaches no Postgres', async () => {
    const place = await friendsPlace();
    const { nodes, ada, b, cleo, time } = place;
    const id = await say(ada, 'Secret', 0, 15_000);
    expect(cleo.holds()).toEqual({ Ada: 'Secret' });
    nodes.withoutPostgres.add('a');
    await place.private(b, SESSION_MS);
    expect(cleo.holds()).toEqual({});
    await say(ada, 'Secret', 15_000, 5_000);
    await stop(ada);
    const from = cleo.shown.length;
    await time.advance(SESSION_MS + 5_000);
    await expectHidden(place, id, from);
    // What begins after it is shown, as soon as somebody can be asked.
    nodes.withoutPostgres.delete('a');
    await say(ada, 'Next', 0, 15_000);
    expect(cleo.holds()).toEqual({ Ada: 'Next' });
  });

  it.each([0, 1, 100, 240, 300])(
    'does not come back where its node dies %i ms after that',
    async (ms) => {
      const place = await friendsPlace();
      const { ada, b, cleo, time } = place;
      const id = await say(ada, 'Secret', 0, 15_000);
      expect(cleo.holds()).toEqual({ Ada: 'Secret' });
      await place.private(b, SESSION_MS);
      await time.advance(ms);
      await place.kill('a');
      cleo.holds();
      const from = cleo.shown.length;
      await time.advance(SESSION_MS + 5_000);
      await expectHidden(place, id, from);
    },
  );

  it.each(['the outbox was full', 'it died at once'] as const)(
    'is in no page a quarter of an hour later either, where %s',
    async (fault) => {
      const place = await friendsPlace();
      const { a, ada, b, outbox, time } = place;
      await say(ada, 'Secret', 0, 15_000);
      // As an outbox that refuses also what takes something back, as one is that is away.
      if (fault === 'the outbox was full') outbox.isAway = true;
      await place.private(a, SESSION_MS);
      await time.advance(fault === 'the outbox was full' ? 5_000 : 100);
      await place.kill('a');
      outbox.isAway = false;
      const there = await b.connect(1);
      for (let n = 0; n < 30; n += 1) await say(there, `Next ${n}`, 0, 30_000);
      const titles = await place.reads();
      expect(titles).toContain('Next 5');
      expect(titles).not.toContain('Secret');
    },
  );

  it('stays hidden from a viewer’s node that learns of the session only after the history has answered', async () => {
    const place = await friendsPlace();
    const { ada, b, cleo, friends, time } = place;
    await say(ada, 'Secret', 0, 15_000);
    await place.kill('a');
    cleo.client.close();
    await time.advance(1_000);
    const before = await friends.grantsFor(userId(3));
    await friends.setAudience(userId(1), { privateUntil: time.now() + 1_000 });
    await time.advance(2_000);
    // A copy of the store that is a moment behind.
    const grantsFor = friends.grantsFor.bind(friends);
    friends.grantsFor = () => Promise.resolve(before);
    const late = await b.connect(3);
    expect((await late.ask('feed.subscribe', {}))['items']).toHaveLength(1);
    friends.grantsFor = grantsFor;
    b.hub.feed?.desk.tell({
      policies: [{ userId: userId(1), version: (await friends.grantsOf(userId(1), [])).version }],
      overviews: [],
    });
    await time.advance(1_000);
    expect(late.take('feed.items').at(-1)).toMatchObject({
      upsert: [],
      remove: [{ userId: userId(1) }],
    });
  });
});

describe('what a private session makes private', () => {
  it('is told to an outbox that is full', async () => {
    const place = await friendsPlace();
    const { a, ada, outbox, time } = place;
    await say(ada, 'Secret', 0, 15_000);
    outbox.isFull = true;
    await place.private(a, SESSION_MS);
    await time.advance(1_000);
    expect(outbox.history(1)).toMatchObject([{ isPrivate: true }]);
    // What nobody has seen takes nothing back, and waits.
    await say(ada, 'Hidden', 0, 8_000);
    expect(outbox.history(1)).toHaveLength(1);
  });
});

describe('what a node could not tell the end of', () => {
  it('is shown as over where no private session came', async () => {
    const place = await friendsPlace();
    await say(place.ada, 'Song', 0, 15_000);
    await place.kill('a');
    await place.time.advance(1_000);
    expect(place.cleo.holds()).toEqual({ Ada: 'Song (over)' });
    expect(await place.reads()).toEqual(['Song', 'Song']);
  });
});
