// What every Friends says of a person, and of those whom one was in a room with.
import { expect, it } from 'vitest';
import type { UserId } from '../../protocol/ids.ts';
import { CODE_ALPHABET } from '../../protocol/schemas/primitives.ts';
import { colourOf, FRIEND_CODE_LENGTH } from '../../src/domain/people.ts';
import type { RoomEvent } from '../../src/domain/room-event.ts';
import type { Friends } from '../../src/ports/friends.ts';
import { createdRoom, someSessionId, someUserId } from '../support/room-fixtures.ts';
import { peopleOf, type FriendsContext } from './friends-people.ts';

const at = 1_000_000;

export function friendsProfilesContract(context: FriendsContext): void {
  const friends = (): Friends => context.stores().friends;
  const people = peopleOf(context);

  it('keeps a name, a colour and a picture, each by itself', async () => {
    const [ana] = await people.some(1);
    const picture = 'https://pictures.example/ana.png?size=96';
    expect(await friends().setProfile(ana, { colour: 'plum' })).toEqual({
      ...{ userId: ana, name: 'Person 0', colour: 'plum' },
    });
    expect(await friends().setProfile(ana, { name: "  A'na? ", picture })).toEqual({
      ...{ userId: ana, name: "A'na?", colour: 'plum', picture },
    });
    expect(await context.stores().users.find(ana)).toMatchObject({ name: "A'na?", guest: true });
    expect(await friends().setProfile(ana, { picture: null })).toEqual({
      ...{ userId: ana, name: "A'na?", colour: 'plum' },
    });
    const [, ben] = await people.some(2);
    const stranger = someUserId();
    expect((await friends().profiles([ben, stranger, ana])).map(({ userId }) => userId)).toEqual([
      ben,
      ana,
    ]);
    expect(await friends().setProfile(stranger, { name: 'Nobody' })).toBeUndefined();
  });

  it.each([
    [{ colour: 'beige' as 'plum' }, 'a colour is one of'],
    [{ picture: 'http://pictures.example/ana.png' }, 'an https URL'],
    [{ picture: 'https://ana:secret@pictures.example/' }, 'an https URL'],
    [{ picture: `https://pictures.example/${'a'.repeat(512)}` }, 'an https URL'],
    [{ picture: 'https://pictures.example/"><script>' }, 'an https URL'],
    [{ picture: 'https://' }, 'an https URL'],
    [{ name: 'evil\u202ename' }, 'must not contain'],
    [{ name: ' ' }, 'must not be empty'],
  ])('refuses the profile %j', async (change, reason) => {
    const [ana] = await people.some(1);
    await expect(friends().setProfile(ana, change)).rejects.toThrow(reason);
    await expect(friends().setProfile(ana, change)).rejects.toThrow(RangeError);
    expect(await friends().profiles([ana])).toEqual([
      { userId: ana, name: 'Person 0', colour: colourOf(ana) },
    ]);
  });

  it('keeps what a profile says when the name comes again with a token', async () => {
    const [ana] = await people.some(1);
    await friends().setProfile(ana, { colour: 'teal' });
    await people.befriend(ana, (await people.some(1))[0]);
    const { version } = await friends().grantsOf(ana, []);
    await context.stores().users.save({ id: ana, name: 'Anna', guest: false });
    expect(await friends().profiles([ana])).toMatchObject([{ name: 'Anna', colour: 'teal' }]);
    expect((await friends().grantsOf(ana, [])).version).toBe(version);
  });

  it('finds a person by the code of their link until it is reset', async () => {
    const [ana, ben] = await people.some(2);
    const [code, again] = await Promise.all([friends().codeOf(ana), friends().codeOf(ana)]);
    expect(again).toBe(code);
    expect(code).toMatch(new RegExp(`^[${CODE_ALPHABET}]{${FRIEND_CODE_LENGTH}}$`));
    expect(await friends().findByCode(code ?? '', ben)).toMatchObject({ userId: ana });
    const reset = await friends().resetCode(ana);
    expect(reset).not.toBe(code);
    expect(await friends().codeOf(ana)).toBe(reset);
    expect(await friends().findByCode(code ?? '', ben)).toBeUndefined();
    await friends().block(ben, ana, at);
    const others = [ben, someUserId()];
    expect(await friends().blockedAmong(ana, others)).toEqual(new Set([ben]));
    expect(await friends().blockedAmong(ben, [ana])).toEqual(new Set([ana]));
    expect(await friends().blockedAmong(ana, [])).toEqual(new Set());
    expect(await friends().findByCode(reset ?? '', ben)).toBeUndefined();
    await friends().unblock(ben, ana);
    await friends().block(ana, ben, at);
    expect(await friends().findByCode(reset ?? '', ben)).toBeUndefined();
    for (const wrong of ['', 'AB', '0'.repeat(FRIEND_CODE_LENGTH), "' or true", '\u0000']) {
      expect(await friends().findByCode(wrong, ben)).toBeUndefined();
    }
    expect(await friends().codeOf(someUserId())).toBeUndefined();
    expect(await friends().resetCode(someUserId())).toBeUndefined();
  });

  if (context.underTest.reopen !== undefined) {
    it('outlives the process', async () => {
      const [ana, ben] = await people.some(2);
      await people.befriend(ana, ben);
      await friends().setAudience(ana, { audience: 'nobody', privateUntil: 5 });
      const before = [await friends().overview(ana), await friends().grantsFor(ben)];
      await context.reopen();
      expect([await friends().overview(ana), await friends().grantsFor(ben)]).toEqual(before);
    });
  }
}

export function friendsCompanionsContract(context: FriendsContext): void {
  const friends = (): Friends => context.stores().friends;
  const people = peopleOf(context);

  it('finds by name those who were in a room at the same time', async () => {
    const [ana, ben, cleo, dora, emil] = await people.some(5);
    await friends().setProfile(ben, { name: 'Bénédicte' });
    await friends().setProfile(cleo, { name: 'cleo_100%' });
    const log = context.stores().roomLog;
    const room = await createdRoom(log, { at });
    const one = (userId: UserId) => ({ userId, name: 'as it was then' });
    const then = async (step: number, events: () => RoomEvent[]): Promise<void> => {
      room.at = at + step;
      expect((await room.append(log, events())).kind).toBe('committed');
    };
    await then(0, () => [room.event('SessionStarted', { sessionId: someSessionId() })]);
    await then(1, () => [room.arrived(one(ben), one(dora))]);
    await then(2, () => [room.departed(one(dora))]);
    await then(3, () => [room.arrived(one(ana))]);
    await then(4, () => [room.arrived(one(cleo))]);
    await then(5, () => [room.departed(one(ana))]);
    await then(6, () => [room.arrived(one(emil))]);
    const found = async (typed?: string, limit = 10): Promise<UserId[]> => {
      const query = typed === undefined ? { limit } : { typed, limit };
      return (await friends().companions(ana, query)).map(({ userId }) => userId);
    };
    expect(await found()).toEqual([cleo, ben]);
    expect(await friends().companions(ana, { typed: ' BENE', limit: 10 })).toEqual([
      { userId: ben, name: 'Bénédicte', colour: colourOf(ben), at: at + 3 },
    ]);
    expect(await found('%')).toEqual([cleo]);
    expect(await found('_1')).toEqual([cleo]);
    expect(await found('nobody')).toEqual([]);
    expect(await found(undefined, 1)).toEqual([cleo]);
    await friends().block(cleo, ana, at);
    expect(await found()).toEqual([ben]);
  });
}
