// Who may enter: invites and knocks.
import { describe, expect, it } from 'vitest';
import type { InviteCode } from '../../protocol/ids.ts';
import { mayEnter, roleOf } from '../../src/domain/access.ts';
import { plainInvite } from '../../src/domain/decide-room.ts';
import { userIdOf } from './support/room-commands.ts';
import { ANA, BEN, CLEO, DAN, Scenario, friends } from './support/room-scenario.ts';

const CODE = 'secret' as InviteCode;
const withInvite = (userId: typeof ANA, invite = CODE) =>
  ({ type: 'Arrive', members: [{ userId, name: 'X', invite }] }) as const;

describe('the door of a private room', () => {
  const closedDoor = () => {
    const scenario = new Scenario().create('friends', 'private');
    scenario.arrive(ANA);
    return scenario;
  };

  it('opens to an invite as often and as long as it is good', () => {
    const scenario = closedDoor();
    expect(scenario.arrive(BEN)).toEqual([]);
    scenario.do({ type: 'CreateInvite', code: CODE, uses: 1, role: 'dj' }, ANA);
    expect(scenario.do(withInvite(BEN))).toEqual(['InviteUsed', 'MembersArrived']);
    expect(roleOf(scenario.state, BEN)).toBe('dj');
    expect(scenario.do(withInvite(CLEO))).toEqual([]);
    expect(mayEnter(scenario.state, CLEO, { invite: CODE, at: scenario.at })?.code).toBe(
      'invite_invalid',
    );
    scenario.depart(BEN);
    expect(scenario.arrive(BEN)).toEqual(['MembersArrived']);
    const brief = 'brief' as InviteCode;
    scenario.do({ type: 'CreateInvite', code: brief, expiresAt: scenario.at + 1_000 }, ANA);
    expect(scenario.wait(1_000).do(withInvite(CLEO, brief))).toEqual([]);
  });

  it('does not let two in on the last use of an invite, even at once', () => {
    const scenario = closedDoor();
    scenario.do({ type: 'CreateInvite', code: CODE, uses: 1 }, ANA);
    const members = [BEN, CLEO].map((userId) => ({ userId, name: 'X', invite: CODE }));
    expect(scenario.do({ type: 'Arrive', members })).toEqual(['InviteUsed', 'MembersArrived']);
    expect(scenario.state.public.hereCount).toBe(2);
  });

  it('opens to an answered knock, and to friends of members where the room wants it', () => {
    const scenario = closedDoor();
    scenario.do({ type: 'Knock', name: 'Ben' }, BEN);
    expect(scenario.do({ type: 'Knock', name: 'Ben' }, BEN)).toEqual([]);
    scenario.do({ type: 'AnswerKnock', userId: BEN, accept: true }, ANA);
    expect(scenario.state.knocks).toEqual({});
    expect(scenario.arrive(BEN)).toEqual(['MembersArrived']);
    const friend = {
      type: 'Arrive',
      members: [{ userId: CLEO, name: 'Cleo', asFriend: true }],
    } as const;
    scenario.do({ type: 'UpdateRoom', settings: { friendsEnter: false } }, ANA);
    expect(scenario.do(friend)).toEqual([]);
    scenario.do({ type: 'UpdateRoom', settings: { friendsEnter: true } }, ANA);
    expect(scenario.do(friend)).toEqual(['MembersArrived']);
    expect(scenario.refusal({ type: 'AnswerKnock', userId: DAN, accept: true }, ANA)).toBe(
      'not_found',
    );
  });

  it('lets go of a knock that nobody has answered in ten minutes', () => {
    const scenario = closedDoor();
    scenario.limits = { maxKnocks: 1 };
    scenario.do({ type: 'Knock', name: 'Ben' }, BEN);
    expect(scenario.refusal({ type: 'Knock', name: 'Cleo' }, CLEO)).toBe('conflict');
    scenario.wait(600_000);
    expect(scenario.do({ type: 'Knock', name: 'Cleo' }, CLEO)).toEqual(['KnockReceived']);
    expect(Object.keys(scenario.state.knocks)).toEqual([CLEO]);
    scenario.wait(600_000);
    expect(scenario.do({ type: 'Knock', name: 'Cleo' }, CLEO)).toEqual(['KnockReceived']);
  });

  it('spends an invite only on a door that is closed, or on a role', () => {
    const scenario = friends();
    scenario.do({ type: 'CreateInvite', code: CODE, uses: 1 }, ANA);
    expect(scenario.do(withInvite(CLEO))).toEqual(['MembersArrived']);
    const dj = 'dj' as InviteCode;
    scenario.do({ type: 'CreateInvite', code: dj, uses: 2, role: 'dj' }, ANA);
    expect(scenario.do(withInvite(DAN, dj))).toEqual(['InviteUsed', 'MembersArrived']);
    expect(scenario.do(withInvite(CLEO, dj))).toEqual(['InviteUsed', 'RoleSet']);
    expect(roleOf(scenario.state, CLEO)).toBe('dj');
    expect(scenario.do(withInvite(CLEO, dj))).toEqual([]);
    expect(Object.keys(scenario.state.invites)).toEqual([CODE]);
  });

  it('remembers many who were let in and are away, but not all that ever were', () => {
    const scenario = closedDoor();
    scenario.do({ type: 'CreateInvite', code: CODE }, ANA);
    const userIds = Array.from({ length: 1_010 }, (_, i) => userIdOf(i + 10));
    const members = userIds.map((userId) => ({ userId, name: 'X', invite: CODE }));
    scenario.do({ type: 'Arrive', members });
    const [first, ...others] = userIds;
    if (first === undefined) throw new Error('nobody came');
    scenario.depart(first);
    scenario.wait(1_000).depart(...others);
    expect(Object.keys(scenario.state.members)).toHaveLength(1_001);
    expect(scenario.state.members[first]).toBeUndefined();
    expect(scenario.state.members[ANA]).toMatchObject({ here: true });
  });
});

describe('making invites', () => {
  const other = 'other' as InviteCode;
  const third = 'third' as InviteCode;

  it('gives the same link again while nothing counts or ends it', () => {
    const scenario = friends();
    scenario.do({ type: 'CreateInvite', code: CODE }, BEN);
    expect(scenario.do({ type: 'CreateInvite', code: other }, BEN)).toEqual([]);
    expect(plainInvite(scenario.state, BEN, 'listener')).toBe(CODE);
    expect(scenario.do({ type: 'CreateInvite', code: other }, ANA)).toEqual(['InviteCreated']);
    expect(scenario.do({ type: 'CreateInvite', code: third, uses: 1 }, BEN)).toEqual([
      'InviteCreated',
    ]);
  });

  it('lets only the host give a role by one', () => {
    const dj = { type: 'CreateInvite', code: CODE, role: 'dj' } as const;
    expect(friends().refusal(dj, BEN)).toBe('forbidden');
  });

  it('makes place by one’s own oldest, the host by anybody’s, and refuses where others would lose theirs', () => {
    const scenario = friends();
    scenario.arrive(CLEO);
    scenario.limits = { maxInvites: 1 };
    scenario.do({ type: 'CreateInvite', code: CODE }, BEN);
    expect(scenario.refusal({ type: 'CreateInvite', code: other }, CLEO)).toBe('conflict');
    const counted = { type: 'CreateInvite', code: other, uses: 1 } as const;
    expect(scenario.do(counted, BEN)).toEqual(['InviteRevoked', 'InviteCreated']);
    expect(Object.keys(scenario.state.invites)).toEqual([other]);
    scenario.do({ type: 'CreateInvite', code: third }, ANA);
    expect(Object.keys(scenario.state.invites)).toEqual([third]);
  });
});
