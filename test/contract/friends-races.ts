// What every Friends keeps when changes meet: through one writer, and through two where there can be two.
import { expect, it } from 'vitest';
import type { UserId } from '../../protocol/ids.ts';
import type { Friends } from '../../src/ports/friends.ts';
import { TEST_FRIEND_LIMITS } from '../support/postgres-stores.ts';
import { peopleOf, type FriendsContext } from './friends-people.ts';

const ROUNDS = 12;
const at = 1_000_000;

export function friendsRacesContract(context: FriendsContext): void {
  const people = peopleOf(context);
  let second: Friends | undefined;

  /** The two through which changes come. */
  async function writers(): Promise<[Friends, Friends]> {
    const { friends } = context.stores();
    second ??= (await context.underTest.openSecond?.())?.friends;
    return [friends, second ?? friends];
  }

  /** Whatever came first: what each side is told is the same, and nothing that excludes another thing is there beside it. */
  async function expectSound(ana: UserId, ben: UserId): Promise<'friends' | 'blocked' | 'neither'> {
    const [mine, theirs] = [await people.namesOf(ana), await people.namesOf(ben)];
    const areFriends = mine['friends']?.includes(ben) === true;
    expect(theirs['friends']?.includes(ana)).toBe(areFriends);
    const isBlocked =
      mine['blocked']?.includes(ben) === true || theirs['blocked']?.includes(ana) === true;
    const areAsking = [mine['outgoing'], theirs['outgoing']].some(
      (listed) => listed?.includes(ana) === true || listed?.includes(ben) === true,
    );
    expect([areFriends, isBlocked, areAsking].filter(Boolean).length).toBeLessThanOrEqual(1);
    const { may } = await context.stores().friends.grantsOf(ana, [ben]);
    expect(may.has(ben)).toBe(areFriends);
    if (areFriends) return 'friends';
    return isBlocked ? 'blocked' : 'neither';
  }

  it('makes friends of two whose requests cross', async () => {
    const [one, other] = await writers();
    for (let round = 0; round < ROUNDS; round += 1) {
      const [ana, ben] = await people.some(2);
      const answers = await Promise.all([one.request(ana, ben, at), other.request(ben, ana, at)]);
      expect(answers.map(({ outcome }) => outcome).sort()).toEqual(['friends', 'sent']);
      expect(await expectSound(ana, ben)).toBe('friends');
    }
  });

  it('lets a block win over a request and its acceptance, whichever comes first', async () => {
    const [one, other] = await writers();
    for (let round = 0; round < ROUNDS; round += 1) {
      const [ana, ben] = await people.some(2);
      await one.request(ana, ben, at);
      const [accepted, blocked] = await Promise.all([
        one.accept(ben, ana, at),
        other.block(round % 2 === 0 ? ana : ben, round % 2 === 0 ? ben : ana, at),
      ]);
      expect(['friends', 'none']).toContain(accepted.outcome);
      expect(blocked.outcome).toBe('blocked');
      expect(await expectSound(ana, ben)).toBe('blocked');
    }
  });

  it('accepts or declines, and not both', async () => {
    const [one, other] = await writers();
    for (let round = 0; round < ROUNDS; round += 1) {
      const [ana, ben] = await people.some(2);
      await one.request(ana, ben, at);
      const [accepted, declined] = await Promise.all([
        one.accept(ben, ana, at),
        other.decline(ben, ana, at),
      ]);
      expect([accepted.outcome, declined.outcome]).toSatisfy(
        ([a, d]) => (a === 'friends') !== (d === 'declined'),
      );
      expect((await expectSound(ana, ben)) === 'friends').toBe(accepted.outcome === 'friends');
    }
  });

  it('accepts or takes back, and not both', async () => {
    const [one, other] = await writers();
    for (let round = 0; round < ROUNDS; round += 1) {
      const [ana, ben] = await people.some(2);
      await one.request(ana, ben, at);
      const [accepted, cancelled] = await Promise.all([
        one.accept(ben, ana, at),
        other.cancel(ana, ben),
      ]);
      expect([accepted.outcome, cancelled.outcome]).toSatisfy(
        ([a, c]) => (a === 'friends') !== (c === 'cancelled'),
      );
      expect((await expectSound(ana, ben)) === 'friends').toBe(accepted.outcome === 'friends');
    }
  });

  it('passes no limit by asking many at once', async () => {
    const [one, other] = await writers();
    const { openRequests, requestsPerDay, friends, blocked } = TEST_FRIEND_LIMITS;
    const [ana, ...others] = await people.some(12);
    const count = (changes: readonly { outcome: string }[], outcome: string): number =>
      changes.filter((change) => change.outcome === outcome).length;
    const through = (i: number): Friends => (i % 2 === 0 ? one : other);

    const sent = await Promise.all(others.map((to, i) => through(i).request(ana, to, at)));
    expect(count(sent, 'sent')).toBe(openRequests);
    expect((await one.overview(ana)).outgoing).toHaveLength(openRequests);

    const [ben, target] = await people.some(2);
    let total = 0;
    for (let round = 0; round < 3; round += 1) {
      const tries = await Promise.all(
        Array.from({ length: 4 }, async (_, i) => {
          const { outcome } = await through(i).request(ben, others[i]!, at);
          await through(i + 1).cancel(ben, others[i]!);
          return outcome;
        }),
      );
      total += tries.filter((outcome) => outcome === 'sent').length;
    }
    expect(total).toBe(requestsPerDay);
    expect((await one.request(ben, target, at)).outcome).toBe('too_many');

    const [cleo, ...asking] = await people.some(friends + 4);
    await Promise.all(asking.map((from) => one.request(from, cleo, at)));
    const accepted = await Promise.all(
      asking.map((from, i) => through(i).accept(cleo, from, at + i)),
    );
    expect(count(accepted, 'friends')).toBe(friends);
    expect(count(accepted, 'too_many')).toBe(asking.length - friends);
    expect((await one.overview(cleo)).friends).toHaveLength(friends);

    const [dora, ...bad] = await people.some(blocked + 4);
    const blocks = await Promise.all(bad.map((who, i) => through(i).block(dora, who, at)));
    expect(count(blocks, 'blocked')).toBe(blocked);
  });

  it('gives no version twice, and leaves the newest', async () => {
    const [one, other] = await writers();
    const [ana, ben, cleo, dora, emil] = await people.some(5);
    await people.befriend(ana, ben);
    await people.befriend(ana, cleo);
    const changes = await Promise.all([
      one.remove(ana, ben),
      other.remove(cleo, ana),
      one.block(dora, ana, at),
      other.block(ana, emil, at),
      one.setAudience(ana, { audience: 'nobody' }),
      other.setAudience(ana, { privateUntil: 99 }),
    ]);
    const versions = changes.flatMap(({ policies }) =>
      policies.filter(({ userId }) => userId === ana).map(({ version }) => version),
    );
    expect(versions).toHaveLength(changes.length);
    expect(new Set(versions).size).toBe(versions.length);
    expect((await one.grantsOf(ana, [])).version).toBe(Math.max(...versions));
  });

  it('chooses no friend who is lost at the same moment', async () => {
    const [one, other] = await writers();
    for (let round = 0; round < ROUNDS; round += 1) {
      const [ana, ben] = await people.some(2);
      await people.befriend(ana, ben);
      await Promise.all([
        one.setAudience(ana, { audience: 'chosen', chosen: [ben] }),
        other.remove(ben, ana),
      ]);
      expect((await one.audience(ana))?.chosen).toEqual([]);
    }
  });

  it('leaves nothing of a person whom others ask while they are forgotten', async () => {
    const [one, other] = await writers();
    for (let round = 0; round < ROUNDS; round += 1) {
      const [ana, ben, cleo, dora] = await people.some(4);
      await people.befriend(ana, ben);
      await one.request(cleo, ana, at);
      await Promise.all([
        one.erase(ana),
        other.accept(ana, cleo, at),
        other.request(dora, ana, at),
        one.block(ben, ana, at),
      ]);
      const nothing = { friends: [], incoming: [], outgoing: [], blocked: [] };
      await context.stores().users.save({ id: ana, name: 'Ana again', guest: false });
      for (const person of [ana, ben, cleo, dora]) {
        expect(await people.namesOf(person)).toEqual(nothing);
      }
    }
  });
}
