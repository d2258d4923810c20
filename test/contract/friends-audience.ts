// What every Friends says about who may see what somebody does.
import { expect, it } from 'vitest';
import { MAX_CHOSEN } from '../../src/domain/people.ts';
import type { Friends } from '../../src/ports/friends.ts';
import { someUserId } from '../support/room-fixtures.ts';
import { peopleOf, type FriendsContext } from './friends-people.ts';

export function friendsAudienceContract(context: FriendsContext): void {
  const friends = (): Friends => context.stores().friends;
  const people = peopleOf(context);

  it('shows to friends, to chosen friends or to nobody, as the author says', async () => {
    const [ana, ben, cleo, dora] = await people.some(4);
    await people.befriend(ana, ben);
    await people.befriend(ana, cleo);
    const all = [ben, cleo, dora, ana];
    const seenBy = async () => [...(await friends().grantsOf(ana, all)).may].sort();
    expect(await friends().audience(ana)).toEqual({ audience: 'friends', chosen: [] });
    expect(await seenBy()).toEqual([ben, cleo].sort());
    expect((await friends().grantsOf(ana, [cleo])).may).toEqual(new Set([cleo]));
    expect((await friends().grantsOf(ana, [])).may).toEqual(new Set());
    const crowd = [cleo, ...Array.from({ length: 500 }, someUserId)];
    expect((await friends().grantsOf(ana, crowd)).may).toEqual(new Set([cleo]));

    const chosen = await friends().setAudience(ana, { audience: 'chosen', chosen: [ben, dora] });
    expect(chosen, 'a stranger is no choice').toMatchObject({
      outcome: 'set',
      before: { audience: 'friends', chosen: [] },
      after: { audience: 'chosen', chosen: [ben] },
    });
    expect(await seenBy()).toEqual([ben]);
    await friends().setAudience(ana, { audience: 'nobody' });
    expect(await seenBy()).toEqual([]);
    await friends().setAudience(ana, { audience: 'chosen' });
    expect(await seenBy(), 'the choice was kept').toEqual([ben]);
    await people.befriend(ana, dora);
    expect(await seenBy(), 'a new friend is not among the chosen').toEqual([ben]);
  });

  it('gives each change a version of its own, and none to what changes nothing', async () => {
    const [ana] = await people.some(1);
    const changes = [
      { audience: 'nobody' },
      { privateUntil: 50 },
      { privateUntil: 60 },
      { privateUntil: null },
      { audience: 'friends' },
    ] as const;
    let before = (await friends().grantsOf(ana, [])).version;
    for (const change of changes) {
      const { policies, overviews } = await friends().setAudience(ana, change);
      expect(policies.map(({ userId }) => userId)).toEqual([ana]);
      expect(overviews).toEqual([]);
      expect(policies[0]?.version).toBeGreaterThan(before);
      before = policies[0]?.version ?? 0;
      expect((await friends().setAudience(ana, change)).policies).toEqual([]);
      expect((await friends().grantsOf(ana, [])).version).toBe(before);
    }
  });

  it('tells a viewer what each friend lets them see', async () => {
    const [ana, ben, cleo, dora] = await people.some(4);
    await people.befriend(ana, ben);
    await people.befriend(ana, cleo);
    await people.befriend(ana, dora);
    await friends().setAudience(cleo, { audience: 'chosen' });
    const until = 1_764_000_000_123.5;
    await friends().setAudience(dora, { privateUntil: until });
    const version = async (author: typeof ana) => (await friends().grantsOf(author, [])).version;
    const grants = [...(await friends().grantsFor(ana))];
    const byAuthor = (a: { author: string }, b: { author: string }) =>
      a.author < b.author ? -1 : 1;
    expect(grants.sort(byAuthor)).toEqual(
      [
        { author: ben, version: await version(ben), may: true },
        { author: cleo, version: await version(cleo), may: false },
        { author: dora, version: await version(dora), may: true, privateUntil: until },
      ].sort(byAuthor),
    );
    expect((await friends().grantsOf(dora, [ana])).privateUntil).toBe(until);
    expect(await friends().audience(dora)).toMatchObject({ privateUntil: until });
    await friends().setAudience(dora, { privateUntil: null });
    expect(await friends().audience(dora)).toEqual({ audience: 'friends', chosen: [] });
    expect(await friends().grantsFor(someUserId())).toEqual([]);
  });

  it('goes on telling of a private session that has ended', async () => {
    const [ana, ben] = await people.some(2);
    await people.befriend(ana, ben);
    await friends().setAudience(ana, { privateUntil: 5_000 });
    await friends().setAudience(ana, { audience: 'chosen', chosen: [ben] });
    expect(await friends().grantsFor(ben)).toMatchObject([{ author: ana, privateUntil: 5_000 }]);
    expect((await friends().grantsOf(ana, [ben])).privateUntil).toBe(5_000);
    expect(await friends().policies([ana])).toMatchObject([{ privateUntil: 5_000 }]);
  });

  it('takes a friend who is lost from the chosen, for good', async () => {
    const [ana, ben, cleo] = await people.some(3);
    await people.befriend(ana, ben);
    await people.befriend(ana, cleo);
    await friends().setAudience(ana, { audience: 'chosen', chosen: [ben, cleo] });
    await friends().remove(ben, ana);
    await friends().block(cleo, ana, 1);
    await friends().unblock(cleo, ana);
    expect((await friends().grantsOf(ana, [ben, cleo])).may).toEqual(new Set());
    expect(await friends().grantsFor(ben)).toEqual([]);
    await people.befriend(ana, ben);
    await people.befriend(ana, cleo);
    expect((await friends().grantsOf(ana, [ben, cleo])).may).toEqual(new Set());
    expect((await friends().audience(ana))?.chosen).toEqual([]);
  });

  it('keeps two apart whose versions it tells', async () => {
    const [ana, ben, cleo] = await people.some(3);
    await people.befriend(ana, ben);
    const before = (await friends().grantsOf(cleo, [])).version;
    await friends().remove(ana, ben);
    expect((await friends().grantsOf(cleo, [])).version, 'of a third').toBe(before);
  });

  it('tells the policies of many at once, with who they are', async () => {
    const [ana, ben] = await people.some(2);
    await friends().setAudience(ana, { privateUntil: 5_000 });
    const { version } = await friends().grantsOf(ana, []);
    const found = await friends().policies([ana, someUserId(), ben]);
    const policyOf = (id: typeof ana) => found.find(({ person }) => person.userId === id);
    const [personA] = await friends().profiles([ana]);
    expect(policyOf(ana)).toEqual({ person: personA, version, privateUntil: 5_000 });
    expect(policyOf(ben)).not.toHaveProperty('privateUntil');
    expect(found).toHaveLength(2);
  });

  it('refuses what is no audience', async () => {
    const [ana] = await people.some(1);
    const wrong = [
      { audience: 'everyone' as 'nobody' },
      { chosen: Array.from({ length: MAX_CHOSEN + 1 }, someUserId) },
      { privateUntil: NaN },
      { privateUntil: Infinity },
    ];
    for (const change of wrong) {
      await expect(friends().setAudience(ana, change)).rejects.toThrow(RangeError);
    }
    expect(await friends().audience(ana)).toEqual({ audience: 'friends', chosen: [] });
    expect((await friends().setAudience(someUserId(), { audience: 'nobody' })).outcome).toBe(
      'refused',
    );
    expect(await friends().audience(someUserId())).toBeUndefined();
    expect(await friends().grantsOf(someUserId(), [ana])).toEqual({ version: 0, may: new Set() });
  });
}
