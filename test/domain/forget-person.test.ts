// Taking a person out of a room: who gets what was theirs, and that nothing names them any more.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { UserId } from '../../protocol/ids.ts';
import { evolve } from '../../src/domain/evolve.ts';
import { erasedFrom } from '../../src/domain/evolve-members.ts';
import { ERASED_NAME, withoutPerson } from '../../src/domain/forget-person.ts';
import type { RoomState } from '../../src/domain/room-state.ts';
import { ANA, BEN, CLEO, DAN, Scenario, friends } from './support/room-scenario.ts';

const NOBODY = '99999999-9999-4999-8999-999999999999' as UserId;

describe('what is kept without a person', () => {
  it('has another id wherever theirs was, and no name beside it', () => {
    const kept = {
      by: ANA,
      byName: 'Ana',
      name: 'Kitchen',
      members: [
        { userId: ANA, name: 'Ana' },
        { userId: BEN, name: 'Ben' },
      ],
      roles: { [ANA]: { name: 'Ana', role: 'dj' }, [BEN]: { name: 'Ben', role: 'dj' } },
      key: `${ANA}:k`,
    };
    expect(withoutPerson(kept, ANA, NOBODY)).toEqual({
      by: NOBODY,
      byName: ERASED_NAME,
      name: 'Kitchen',
      members: [
        { userId: NOBODY, name: ERASED_NAME },
        { userId: BEN, name: 'Ben' },
      ],
      roles: { [NOBODY]: { name: ERASED_NAME, role: 'dj' }, [BEN]: { name: 'Ben', role: 'dj' } },
      key: `${NOBODY}:k`,
    });
    expect(kept.members[0]?.name).toBe('Ana');
  });

  it('is the very same object where they are not in it', () => {
    const { state } = friends();
    expect(withoutPerson(state, DAN, NOBODY)).toBe(state);
  });

  it('is JSON as before, whatever it was, and holds the id nowhere', () => {
    const names = fc.constantFrom(ANA, BEN, 'name', 'userId', 'by', '__proto__', 'other');
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<unknown>(ANA, BEN, 'Ana', 1, null, true),
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(names, tie('tree'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        const after = JSON.stringify(withoutPerson(value, ANA, NOBODY));
        expect(after).not.toContain(ANA);
        const shape = (text: string): string => text.replaceAll(/"[^"]*"/g, '""');
        expect(shape(after)).toBe(shape(JSON.stringify(value)));
      }),
    );
  });
});

describe('a room whose person is erased', () => {
  const erase = (scenario: Scenario, userId: UserId): RoomState => {
    scenario.do({ type: 'ErasePerson', userId });
    return erasedFrom(scenario.state, userId, NOBODY);
  };

  it('loses who was here, with votes, invites and bans, and keeps what they added', () => {
    const scenario = friends('');
    scenario.arrive(CLEO);
    const [entry = ''] = scenario.add(CLEO, 'a');
    scenario.do({ type: 'Knock', name: 'Dan' }, DAN);
    const after = erase(scenario, CLEO);
    expect(JSON.stringify(after)).not.toContain(CLEO);
    expect(JSON.stringify(after)).not.toContain('Cleo');
    expect(after.public.hereCount).toBe(2);
    expect(entry).not.toBe('');
    expect(Object.values(after.public.queue)).toMatchObject([
      { title: 'a', addedBy: NOBODY, addedByName: ERASED_NAME },
    ]);
    expect(after.members[NOBODY]).toBeUndefined();
  });

  it('goes from its owner to a dj who is here, then to whoever is here longest', () => {
    const scenario = friends();
    scenario.arrive(CLEO);
    scenario.do({ type: 'SetRole', userId: CLEO, role: 'dj' }, ANA);
    const after = erase(scenario, ANA);
    expect(after.public).toMatchObject({ ownerId: CLEO, hostId: CLEO, hereCount: 2 });
    expect(JSON.stringify(after)).not.toContain(ANA);
    expect(erase(friends(), ANA).public).toMatchObject({ ownerId: BEN, hostId: BEN });
  });

  it('goes to whom it remembers where nobody is here, and is closed where there is nobody', () => {
    const scenario = friends();
    scenario.arrive(CLEO);
    scenario.do({ type: 'SetRole', userId: CLEO, role: 'dj' }, ANA);
    scenario.depart(ANA, BEN, CLEO);
    const after = erase(scenario, ANA);
    expect(after.public).toMatchObject({ ownerId: CLEO, hostId: CLEO });
    expect(after.public.closed).toBeUndefined();

    const alone = new Scenario().create();
    alone.arrive(ANA);
    const closed = erase(alone, ANA);
    expect(closed.public.closed).toMatchObject({ by: NOBODY });
    expect(JSON.stringify(closed)).not.toContain(ANA);
  });

  it('whose host only stood in has its owner for a host again', () => {
    const scenario = friends();
    scenario.do({ type: 'TransferHost', userId: BEN }, ANA);
    const owner = scenario.state.public.ownerId;
    const after = erase(scenario, BEN);
    expect(after.public.hostId).toBe(owner === BEN ? ANA : owner);
    expect(JSON.stringify(after)).not.toContain(BEN);
  });

  it('that is closed already loses them as well, and nothing happens in it', () => {
    const scenario = friends();
    scenario.do({ type: 'CloseRoom' }, ANA);
    const before = scenario.state;
    const after = erase(scenario, ANA);
    expect(scenario.state).toBe(before);
    expect(JSON.stringify(after)).not.toContain(ANA);
  });

  it('plays on for the others, by the same timeline', () => {
    const scenario = friends();
    scenario.do({ type: 'Play' }, ANA);
    const after = erase(scenario, BEN);
    expect(after.public.playback).toEqual(scenario.state.public.playback);
    const renamed = evolve(after, {
      type: 'RoomUpdated',
      id: 'later' as never,
      at: scenario.at,
      by: ANA,
      name: 'Later',
    });
    expect(renamed.public.name).toBe('Later');
  });
});
