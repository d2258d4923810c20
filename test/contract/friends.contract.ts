// What every Friends keeps, whatever it is made of: requests, friendships, blocks, profiles.
import { describe, expect, it } from 'vitest';
import type { UserId } from '../../protocol/ids.ts';
import { colourOf } from '../../src/domain/people.ts';
import type { Friends } from '../../src/ports/friends.ts';
import { someUserId } from '../support/room-fixtures.ts';
import { TEST_FRIEND_LIMITS } from '../support/postgres-stores.ts';
import type { ContextOf } from './context.ts';
import { friendsAudienceContract } from './friends-audience.ts';
import { friendsCompanionsContract, friendsProfilesContract } from './friends-profiles.ts';
import { friendsRacesContract } from './friends-races.ts';
import { peopleOf, type FriendsContext } from './friends-people.ts';

const DAY_MS = 86_400_000;
const at = 1_000_000;

export function friendsContract(context: ContextOf<'friends' | 'users' | 'roomLog'>): void {
  describe('Friends', () => {
    requests(context);
    ends(context);
    friendsProfilesContract(context);
    friendsCompanionsContract(context);
    friendsAudienceContract(context);
    friendsRacesContract(context);
  });
}

function requests(context: FriendsContext): void {
  const friends = (): Friends => context.stores().friends;
  const people = peopleOf(context);

  it('makes friends of one who asks and one who accepts, and tells both versions', async () => {
    const [ana, ben] = await people.some(2);
    expect(await friends().request(ana, ben, at)).toEqual({
      outcome: 'sent',
      policies: [],
      overviews: [ana, ben],
    });
    expect(await people.namesOf(ben)).toMatchObject({ incoming: [ana], friends: [] });
    expect(await people.namesOf(ana)).toMatchObject({ outgoing: [ben], friends: [] });

    const accepted = await friends().accept(ben, ana, at + 5);
    expect(accepted.outcome).toBe('friends');
    expect(new Set(accepted.overviews)).toEqual(new Set([ana, ben]));
    expect(new Set(accepted.policies.map(({ userId }) => userId))).toEqual(new Set([ana, ben]));
    for (const { userId, version } of accepted.policies) {
      expect(version).toBeGreaterThan(0);
      expect((await friends().grantsOf(userId, [])).version).toBe(version);
    }
    const mine = await friends().overview(ana);
    expect(mine).toEqual({
      friends: [{ userId: ben, name: 'Person 1', colour: colourOf(ben), at: at + 5 }],
      incoming: [],
      incomingCount: 0,
      outgoing: [],
      blocked: [],
    });
    expect(await people.namesOf(ben)).toMatchObject({ incoming: [], friends: [ana] });
    expect((await friends().request(ana, ben, at)).outcome).toBe('already');
    expect((await friends().accept(ben, ana, at)).outcome).toBe('none');
  });

  it('makes friends of two who ask each other', async () => {
    const [ana, ben] = await people.some(2);
    await friends().request(ana, ben, at);
    expect((await friends().request(ben, ana, at)).outcome).toBe('friends');
    expect(await people.namesOf(ana)).toEqual({
      friends: [ben],
      incoming: [],
      outgoing: [],
      blocked: [],
    });
  });

  it('answers a stranger, oneself, somebody blocked and a blocker alike', async () => {
    const [ana, ben] = await people.some(2);
    await friends().block(ana, ben, at);
    const refused = { outcome: 'refused', policies: [], overviews: [] };
    expect(await friends().request(ana, someUserId(), at)).toEqual(refused);
    expect(await friends().request(someUserId(), ana, at)).toEqual(refused);
    expect(await friends().request(ana, ana, at)).toEqual(refused);
    expect(await friends().request(ana, ben, at)).toEqual(refused);
    expect(await friends().request(ben, ana, at)).toEqual(refused);
  });

  it('lets only the one who was asked accept or decline, and only what waits', async () => {
    const [ana, ben, cleo] = await people.some(3);
    await friends().request(ana, ben, at);
    expect((await friends().accept(ana, ben, at)).outcome).toBe('none');
    expect((await friends().accept(cleo, ana, at)).outcome).toBe('none');
    expect((await friends().accept(ben, ben, at)).outcome).toBe('none');
    expect((await friends().decline(ana, ben, at)).outcome).toBe('none');
    expect((await friends().cancel(ben, ana)).outcome).toBe('none');
    expect((await friends().decline(ben, ana, at)).outcome).toBe('declined');
    expect((await friends().decline(ben, ana, at)).outcome).toBe('none');
    expect((await friends().accept(ben, ana, at)).outcome).toBe('none');
    expect((await people.namesOf(ana)).friends).toEqual([]);
  });

  it('takes a request back', async () => {
    const [ana, ben] = await people.some(2);
    await friends().request(ana, ben, at);
    expect(await friends().cancel(ana, ben)).toMatchObject({
      outcome: 'cancelled',
      overviews: [ana, ben],
    });
    expect((await friends().cancel(ana, ben)).outcome).toBe('none');
    expect((await people.namesOf(ben)).incoming).toEqual([]);
    expect((await friends().accept(ben, ana, at)).outcome).toBe('none');
  });

  it('shows nobody that they were declined, and lets them ask in earnest after seven days', async () => {
    const [ana, ben] = await people.some(2);
    const [waiting, other] = await people.some(2);
    await friends().request(waiting, other, at);
    await friends().request(ana, ben, at);
    expect((await friends().decline(ben, ana, at)).overviews).toEqual([ben]);

    const seen = await friends().overview(ana);
    expect(seen.outgoing.map(({ userId }) => userId)).toEqual([ben]);
    const early = at + 7 * DAY_MS - 1;
    expect(await friends().request(ana, ben, early), 'as one that waits').toEqual(
      await friends().request(waiting, other, early),
    );
    expect((await people.namesOf(ben)).incoming).toEqual([]);
    expect(await friends().request(ana, ben, at + 7 * DAY_MS)).toMatchObject({
      outcome: 'sent',
      overviews: [ana, ben],
    });
    expect((await people.namesOf(ben)).incoming).toEqual([ana]);
  });

  it('has no way around the seven days by taking back and asking again', async () => {
    const [ana, ben, cleo] = await people.some(3);
    await friends().request(ana, ben, at);
    await friends().decline(ben, ana, at);
    expect(await friends().cancel(ana, ben)).toMatchObject({
      outcome: 'cancelled',
      overviews: [ana],
    });
    expect((await people.namesOf(ana)).outgoing).toEqual([]);
    await friends().request(ana, cleo, at + DAY_MS);
    await friends().cancel(ana, cleo);
    expect(await friends().request(ana, ben, at + DAY_MS)).toMatchObject({
      outcome: 'sent',
      overviews: [ana],
    });
    expect((await people.namesOf(ben)).incoming).toEqual([]);
    expect((await people.namesOf(ana)).outgoing).toEqual([ben]);
    await friends().cancel(ana, ben);
    await friends().request(ana, ben, at + 7 * DAY_MS);
    expect((await people.namesOf(ben)).incoming).toEqual([ana]);
  });

  it('makes friends where the one who declined asks in turn', async () => {
    const [ana, ben] = await people.some(2);
    await friends().request(ana, ben, at);
    await friends().decline(ben, ana, at);
    expect((await friends().request(ben, ana, at)).outcome).toBe('friends');
  });

  it('limits the requests that wait', async () => {
    const { openRequests } = TEST_FRIEND_LIMITS;
    const [ana, ...others] = await people.some(openRequests + 2);
    for (const other of others.slice(0, openRequests)) {
      expect((await friends().request(ana, other, at)).outcome).toBe('sent');
    }
    const [one, next] = [others[0], others.at(-1)!];
    expect((await friends().request(ana, next, at)).outcome).toBe('too_many');
    await friends().decline(one, ana, at);
    expect((await friends().request(ana, next, at)).outcome, 'nothing is told').toBe('too_many');
    await friends().cancel(ana, one);
    expect((await friends().request(ana, next, at)).outcome).toBe('sent');
  });

  it('limits the requests of a day, also those taken back', async () => {
    const [ana, ben] = await people.some(2);
    for (let sent = 0; sent < TEST_FRIEND_LIMITS.requestsPerDay; sent += 1) {
      expect((await friends().request(ana, ben, at + sent)).outcome).toBe('sent');
      await friends().cancel(ana, ben);
    }
    expect((await friends().request(ana, ben, at + DAY_MS - 1)).outcome).toBe('too_many');
    expect((await friends().request(ana, ben, at + DAY_MS)).outcome).toBe('sent');
    await friends().cancel(ana, ben);
    expect((await friends().request(ana, ben, at + DAY_MS)).outcome).toBe('too_many');
  });

  it('gives all requests that wait, also those of one moment', async () => {
    const count = TEST_FRIEND_LIMITS.shownRequests * 2 + 1;
    const [ana, ...others] = await people.some(count + 1);
    for (const other of others) await friends().request(other, ana, at);
    await friends().decline(ana, others[0], at);
    const all: UserId[] = [];
    for await (const person of friends().incoming(ana)) {
      expect(person.at).toBe(at);
      all.push(person.userId);
    }
    expect(all).toEqual(others.slice(1).toSorted().toReversed());
  });

  it('limits friends, on both sides', async () => {
    const [ana, ...others] = await people.some(TEST_FRIEND_LIMITS.friends + 3);
    const [late, later] = others.splice(0, 2) as [UserId, UserId];
    await friends().request(late, ana, at);
    for (const other of others.slice(0, TEST_FRIEND_LIMITS.friends)) {
      await people.befriend(ana, other);
    }
    expect((await friends().accept(ana, late, at)).outcome).toBe('too_many');
    expect((await friends().request(ana, late, at)).outcome).toBe('too_many');
    expect((await friends().request(ana, later, at)).outcome).toBe('too_many');
    expect((await friends().overview(ana)).friends).toHaveLength(TEST_FRIEND_LIMITS.friends);
    await friends().remove(ana, others[0]);
    expect((await friends().accept(ana, late, at)).outcome).toBe('friends');
  });

  it('names the newest requests to a person, and counts them all', async () => {
    const [ana, ...others] = await people.some(TEST_FRIEND_LIMITS.shownRequests + 2);
    for (const [i, other] of others.entries()) await friends().request(other, ana, at + i);
    const { incoming, incomingCount } = await friends().overview(ana);
    expect(incomingCount).toBe(others.length);
    const all: UserId[] = [];
    for await (const { userId } of friends().incoming(ana)) all.push(userId);
    expect(all, 'all of them, for who asks for all').toEqual(others.toReversed());
    expect(incoming.map(({ userId }) => userId)).toEqual(
      others.toReversed().slice(0, TEST_FRIEND_LIMITS.shownRequests),
    );
  });
}

function ends(context: FriendsContext): void {
  const friends = (): Friends => context.stores().friends;
  const people = peopleOf(context);

  it('ends a friendship from either side, for both, under new versions', async () => {
    const [ana, ben] = await people.some(2);
    const before = await people.befriend(ana, ben);
    const removed = await friends().remove(ben, ana);
    expect(removed.outcome).toBe('removed');
    for (const { userId, version } of removed.policies) {
      const was = before.policies.find((policy) => policy.userId === userId);
      expect(version).toBeGreaterThan(was?.version ?? Infinity);
    }
    expect(removed.policies).toHaveLength(2);
    expect((await people.namesOf(ana)).friends).toEqual([]);
    expect((await people.namesOf(ben)).friends).toEqual([]);
    expect((await friends().remove(ana, ben)).outcome).toBe('none');
    expect((await friends().request(ana, ben, at)).outcome).toBe('sent');
  });

  it('ends all that is between two with a block, and unblocking brings nothing back', async () => {
    const [ana, ben, cleo] = await people.some(3);
    await people.befriend(ana, ben);
    await friends().request(cleo, ana, at);
    const blocked = await friends().block(ana, ben, at);
    expect(blocked).toMatchObject({ outcome: 'blocked', overviews: [ana, ben] });
    expect(blocked.policies).toHaveLength(2);
    await friends().block(ana, cleo, at + 1);
    expect(await people.namesOf(ana)).toEqual({
      friends: [],
      incoming: [],
      outgoing: [],
      blocked: [cleo, ben],
    });
    const nothing = { friends: [], incoming: [], outgoing: [], blocked: [] };
    expect(await people.namesOf(ben)).toEqual(nothing);
    expect(await people.namesOf(cleo)).toEqual(nothing);
    expect((await friends().block(ana, ben, at)).outcome).toBe('already');

    expect((await friends().unblock(ben, ana)).outcome).toBe('none');
    const unblocked = await friends().unblock(ana, ben);
    expect(unblocked).toMatchObject({ outcome: 'unblocked', overviews: [ana] });
    expect(unblocked.policies).toHaveLength(2);
    expect((await people.namesOf(ana)).friends).toEqual([]);
    expect((await friends().request(ben, ana, at)).outcome).toBe('sent');
  });

  it.each(['who declined', 'who was declined'])(
    'has no way around the seven days by a block, of the one %s',
    async (who) => {
      const [ana, ben, cleo] = await people.some(3);
      await friends().request(ana, ben, at);
      await friends().decline(ben, ana, at);
      const [by, whom] = who === 'who declined' ? [ben, ana] : [ana, ben];
      expect((await friends().block(by, whom, at)).overviews).toEqual([by, whom]);
      expect((await people.namesOf(ana)).outgoing).toEqual([]);
      await friends().unblock(by, whom);
      expect((await people.namesOf(ana)).outgoing, 'it brings nothing back').toEqual([]);
      expect(await friends().request(ana, ben, at + DAY_MS)).toMatchObject({
        outcome: 'sent',
        overviews: [ana],
      });
      expect((await people.namesOf(ben)).incoming).toEqual([]);
      await friends().cancel(ana, ben);
      await friends().request(ana, ben, at + 7 * DAY_MS);
      expect((await people.namesOf(ben)).incoming).toEqual([ana]);
      // One that waits is gone with the block.
      await friends().request(cleo, ben, at);
      await friends().block(ben, cleo, at);
      await friends().unblock(ben, cleo);
      expect(await friends().request(cleo, ben, at + 1)).toMatchObject({ overviews: [cleo, ben] });
    },
  );

  it('tells nothing to a stranger who is blocked', async () => {
    const [ana, ben] = await people.some(2);
    expect((await friends().block(ana, ben, at)).overviews).toEqual([ana]);
    expect((await friends().block(ana, ana, at)).outcome).toBe('refused');
    expect((await friends().block(ana, someUserId(), at)).outcome).toBe('refused');
  });

  it('goes on refusing while the other one still blocks', async () => {
    const [ana, ben] = await people.some(2);
    await friends().block(ana, ben, at);
    expect((await friends().block(ben, ana, at)).outcome).toBe('blocked');
    await friends().unblock(ana, ben);
    expect((await friends().request(ana, ben, at)).outcome).toBe('refused');
    await friends().unblock(ben, ana);
    expect((await friends().request(ana, ben, at)).outcome).toBe('sent');
  });

  it('names whom one blocks as they were called then, and shows nothing of what they have become', async () => {
    const [ana, ben] = await people.some(2);
    await friends().setProfile(ben, { name: 'Ben', colour: 'plum' });
    await friends().block(ana, ben, at);
    await friends().block(ben, ana, at);
    const picture = 'https://pictures.example/ben.png';
    await friends().setProfile(ben, { name: 'Benedict', picture });
    expect((await friends().overview(ana)).blocked).toEqual([
      { userId: ben, name: 'Ben', colour: colourOf(ben), at },
    ]);
  });

  it('lists nobody who blocked first, until they block no more', async () => {
    const [ana, ben] = await people.some(2);
    await friends().block(ana, ben, at);
    await friends().block(ben, ana, at + 1);
    expect((await people.namesOf(ben)).blocked).toEqual([]);
    expect((await people.namesOf(ana)).blocked).toEqual([ben]);
    await friends().unblock(ana, ben);
    expect((await friends().overview(ben)).blocked).toMatchObject([
      { userId: ana, name: 'Person 0', at: at + 1 },
    ]);
  });

  it('limits blocks', async () => {
    const [ana, ...others] = await people.some(TEST_FRIEND_LIMITS.blocked + 2);
    const outcomes: string[] = [];
    for (const other of others) outcomes.push((await friends().block(ana, other, at)).outcome);
    expect(outcomes).toEqual(['blocked', 'blocked', 'blocked', 'too_many']);
    const unknown = await friends().block(ana, someUserId(), at);
    expect(unknown.outcome, 'it tells nobody from who is not there').toBe('too_many');
  });

  it('forgets a person and all that is between them and others', async () => {
    const [ana, ben, cleo, dora, emil] = await people.some(5);
    await people.befriend(ana, ben);
    await friends().setAudience(ben, { audience: 'chosen', chosen: [ana] });
    await friends().request(ana, cleo, at);
    await friends().request(dora, ana, at);
    await friends().block(emil, ana, at);
    const code = (await friends().codeOf(ana)) ?? '';
    const before = await friends().grantsOf(ben, [ana]);
    const erased = await friends().erase(ana);
    expect(erased.outcome).toBe('erased');
    expect(new Set(erased.overviews)).toEqual(new Set([ben, cleo, dora, emil]));
    expect(erased.policies.map(({ userId }) => userId)).toEqual([ben]);
    expect(erased.policies[0]?.version).toBeGreaterThan(before.version);
    const nothing = { friends: [], incoming: [], outgoing: [], blocked: [] };
    for (const one of [ana, ben, cleo, dora, emil]) {
      expect(await people.namesOf(one)).toEqual(nothing);
    }
    expect((await friends().audience(ben))?.chosen).toEqual([]);
    expect(await friends().profiles([ana])).toEqual([]);
    expect(await friends().findByCode(code, ben)).toBeUndefined();
    expect(await context.stores().users.find(ana)).toBeUndefined();
    expect((await friends().erase(ana)).outcome).toBe('none');

    await context.stores().users.save({ id: ana, name: 'Ana again', guest: false });
    await friends().setAudience(ana, { audience: 'nobody' });
    expect(
      (await friends().grantsOf(ana, [])).version,
      'no version of theirs comes twice',
    ).toBeGreaterThan(before.version);
  });
}
