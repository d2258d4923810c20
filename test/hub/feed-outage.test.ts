// Private sessions, audiences and blocks that change while the feed is away: what is told of them afterwards, and what goes at once.
import { describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../src/ports/room-log.ts';
import { friendsPlace, say, shownOf, stop, type FriendsPlace } from '../support/friends-place.ts';
import { userId } from '../support/hub-world.ts';

describe('a private session that is begun while the feed is away', () => {
  it.each(['a', 'b'] as const)(
    'over node %s: what plays then is not shown afterwards, also where it is over before the feed is back',
    async (over) => {
      const place = await friendsPlace();
      await say(place.ada, 'Secret', 0, 15_000);
      expect([place.ben.holds(), place.cleo.holds()]).toEqual([
        { Ada: 'Secret' },
        { Ada: 'Secret' },
      ]);
      place.away();
      await place.private(place[over], 10_000);
      await say(place.ada, 'Secret', 15_000, 5_000);
      await stop(place.ada);
      await place.time.advance(10_000);
      expect(place.outbox.history(1)).toMatchObject([{ isPrivate: true }]);
      expect(place.outbox.history(1)[0]).toHaveProperty('endedAt');
      const from = [
        place.ben.holds(),
        place.ben.shown.length,
        place.cleo.holds(),
        place.cleo.shown.length,
      ];
      await place.back();
      expect([place.ben.holds(), place.cleo.holds()]).toEqual([{}, {}]);
      expect(shownOf(place.ben, Number(from[1]))).toEqual([]);
      expect(shownOf(place.cleo, Number(from[3]))).toEqual([]);
    },
  );

  it('over another node: what goes on through it is not shown afterwards either', async () => {
    const place = await friendsPlace();
    await say(place.ada, 'Secret', 0, 15_000);
    place.away();
    await place.private(place.b, 5_000);
    await say(place.ada, 'Secret', 15_000, 15_000);
    place.ben.holds();
    place.cleo.holds();
    const from = [place.ben.shown.length, place.cleo.shown.length] as const;
    await place.back();
    await say(place.ada, 'Secret', 33_000, 15_000);
    expect([place.ben.holds(), place.cleo.holds()]).toEqual([{}, {}]);
    expect(shownOf(place.ben, from[0]).concat(shownOf(place.cleo, from[1]))).toEqual([]);
    expect(place.outbox.history(1)).toMatchObject([{ isPrivate: true }]);
    await say(place.ada, 'Next', 0, 15_000);
    expect([place.ben.holds(), place.cleo.holds()]).toEqual([{ Ada: 'Next' }, { Ada: 'Next' }]);
  });

  it('holds for what they go on with over another node', async () => {
    const place = await friendsPlace();
    await say(place.ada, 'Secret', 0, 15_000);
    place.away();
    await place.private(place.a, 5_000);
    await say(place.ada, 'Secret', 15_000, 15_000);
    place.ada.close();
    const there = await place.b.connect(1);
    await say(there, 'Secret', 30_000, 15_000);
    expect(place.outbox.history(1).map(({ isPrivate }) => isPrivate)).toEqual([true]);
    await place.back();
    await say(there, 'Secret', 48_000, 15_000);
    expect([place.ben.holds(), place.cleo.holds()]).toEqual([{}, {}]);
    expect(place.outbox.history(1).map(({ isPrivate }) => isPrivate)).toEqual([true]);
  });
});

describe('on the node on which it is changed, while the feed is away', () => {
  const CHANGES: readonly (readonly [string, (place: FriendsPlace) => unknown])[] = [
    ['a private session', (place) => place.private(place.a, 60_000)],
    [
      'a narrower audience',
      (place) => place.tell(place.a, place.friends.setAudience(userId(1), { audience: 'nobody' })),
    ],
    [
      'a block by the author',
      (place) => place.tell(place.a, place.friends.block(userId(1), userId(2), place.time.now())),
    ],
    [
      'a friendship’s end by the viewer',
      (place) => place.tell(place.a, place.friends.remove(userId(2), userId(1))),
    ],
  ];

  it.each(CHANGES)('%s takes away what is held at once', async (_, change) => {
    const place = await friendsPlace();
    await say(place.ada, 'Song', 0, 15_000);
    expect(place.ben.holds()).toEqual({ Ada: 'Song' });
    place.away();
    await change(place);
    expect(place.ben.holds()).toEqual({});
  });
});

describe('what somebody has listened to', () => {
  it('counts as private at its end while nobody can be asked, until they can', async () => {
    const place = await friendsPlace();
    await say(place.ada, 'Song', 0, 15_000);
    const policies = place.friends.policies.bind(place.friends);
    place.friends.policies = () => Promise.reject(new StoreUnavailable('friends'));
    await stop(place.ada);
    expect(place.outbox.history(1)).toMatchObject([{ isPrivate: true }]);
    const { endedAt } = place.outbox.history(1)[0] ?? {};
    place.friends.policies = policies;
    await place.time.advance(10_000);
    expect(place.outbox.history(1)).toMatchObject([{ isPrivate: false, endedAt }]);
  });

  it('is shown again after a private session by the policy as it is kept', async () => {
    const place = await friendsPlace();
    await say(place.ada, 'Song', 0, 15_000);
    await stop(place.ada);
    await place.time.advance(1_000);
    expect(place.cleo.holds()).toEqual({ Ada: 'Song (over)' });
    await place.private(place.a, 1_000);
    expect(place.cleo.holds()).toEqual({});
    const from = place.cleo.shown.length;
    place.away();
    await place.tell(place.a, place.friends.block(userId(3), userId(1), place.time.now()));
    await place.time.advance(10_000);
    place.cleo.holds();
    expect(shownOf(place.cleo, from)).toEqual([]);
    expect(place.ben.holds()).toEqual({ Ada: 'Song (over)' });
  });

  it('in a private session that is ended by a past time is private all the same', async () => {
    const place = await friendsPlace();
    await place.private(place.a, 60_000);
    await say(place.ada, 'Secret', 0, 3_000);
    await place.a.hub.feed?.desk.setAudience(userId(1), { privateUntil: 5 });
    await say(place.ada, 'Secret', 3_000, 15_000);
    expect(place.ben.holds()).toEqual({});
    expect(place.outbox.history(1)).toMatchObject([{ isPrivate: true }]);
  });
});
