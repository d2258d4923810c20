// Who comes, goes, leads and may enter; and the room's own making and end.
import { describe, expect, it } from 'vitest';
import type { InviteCode } from '../../protocol/ids.ts';
import { MAX_NAMED } from '../../protocol/schemas/events.ts';
import { mayEnter, roleOf } from '../../src/domain/access.ts';
import { DEFAULT_DOMAIN_LIMITS } from '../../src/domain/command.ts';
import { dueAt } from '../../src/domain/due.ts';
import { PRESETS } from '../../src/domain/presets.ts';
import { publicEvent } from '../../src/domain/public-event.ts';
import { userIdOf } from './support/room-commands.ts';
import { ANA, BEN, CLEO, DAN, EVE, LEAD_MS, Scenario, friends } from './support/room-scenario.ts';

const GRACE_MS = DEFAULT_DOMAIN_LIMITS.hostGraceMs;
const CODE = 'secret' as InviteCode;

describe('coming and going', () => {
  it('begins a session with the first, and ends it with the last', () => {
    const scenario = new Scenario().create();
    expect(scenario.arrive(ANA)).toEqual(['SessionStarted', 'MembersArrived']);
    expect(scenario.arrive(ANA)).toEqual([]);
    expect(scenario.arrive(ANA, BEN, BEN)).toEqual(['MembersArrived']);
    expect(scenario.state.public.hereCount).toBe(2);
    expect(scenario.depart(BEN)).toEqual(['MembersDeparted']);
    expect(scenario.depart(BEN)).toEqual([]);
    expect(scenario.depart(ANA)).toEqual(['MembersDeparted', 'SessionEnded']);
    expect(scenario.state.public.session).toBeUndefined();
  });

  it('forgets who leaves without a role, and remembers who has one', () => {
    const scenario = friends();
    scenario.arrive(CLEO);
    scenario.do({ type: 'SetRole', userId: CLEO, role: 'dj' }, ANA);
    scenario.depart(BEN, CLEO);
    expect(scenario.state.members[BEN]).toBeUndefined();
    expect(scenario.state.members[CLEO]).toMatchObject({ role: 'dj', here: false });
    expect(scenario.state.public.roles[CLEO]).toEqual({ name: 'Cleo', role: 'dj', here: false });
  });

  it('pauses a deserted room where it was last heard', () => {
    const scenario = friends();
    scenario.do({ type: 'Play' }, ANA);
    scenario.wait(LEAD_MS + 50_000);
    const heardUntil = scenario.at - 20_000;
    const members = [ANA, BEN].map((userId) => ({ userId, reason: 'lost' as const }));
    expect(scenario.do({ type: 'Depart', members, heardUntil })).toEqual([
      'MembersDeparted',
      'PlaybackMoved:deserted',
      'SessionEnded',
    ]);
    expect(scenario.wait(1_000_000).now).toBe('paused a 30000');
    expect(dueAt(scenario.state, { limits: DEFAULT_DOMAIN_LIMITS })).toEqual([]);
  });

  it('names at most a few of many, and keeps what is private', () => {
    const scenario = new Scenario().create();
    const members = Array.from({ length: 50 }, (_, i) => ({
      userId: userIdOf(i),
      name: `User ${String(i)}`,
      invite: CODE,
    }));
    scenario.do({ type: 'CreateInvite', code: CODE, uses: 100 }, ANA);
    scenario.do({ type: 'Arrive', members });
    const arrived = scenario.log.find(({ type }) => type === 'MembersArrived');
    if (arrived === undefined) throw new Error('nobody arrived');
    const told = publicEvent(arrived);
    expect(told).toMatchObject({ type: 'MembersArrived', count: 50 });
    if (told.type === 'MembersArrived') expect(told.members).toHaveLength(MAX_NAMED);
    expect(JSON.stringify(scenario.log)).toContain(CODE);
    expect(JSON.stringify(scenario.log.map(publicEvent))).not.toContain(CODE);
  });
});

describe('the host', () => {
  it('is succeeded after the grace by the oldest dj, else the oldest here', () => {
    const scenario = friends();
    scenario.wait(10).arrive(CLEO);
    scenario.do({ type: 'SetRole', userId: CLEO, role: 'dj' }, ANA);
    scenario.depart(ANA);
    const due = dueAt(scenario.state, { limits: DEFAULT_DOMAIN_LIMITS });
    expect(due).toEqual([{ at: scenario.at + GRACE_MS, command: { type: 'SucceedHost' } }]);
    expect(scenario.wait(GRACE_MS - 1).do({ type: 'SucceedHost' })).toEqual([]);
    expect(scenario.wait(1).do({ type: 'SucceedHost' })).toEqual(['HostChanged:succession']);
    expect(scenario.state.public).toMatchObject({ hostId: CLEO, ownerId: ANA });
    expect(scenario.state.public.roles).toEqual({
      [ANA]: { name: 'Ana', role: 'dj', here: false },
      [CLEO]: { name: 'Cleo', role: 'host', here: true },
    });
    expect(scenario.do({ type: 'SucceedHost' })).toEqual([]);
  });

  it('returns with the owner, and who stood in is what they were', () => {
    const scenario = friends();
    scenario.depart(ANA);
    scenario.wait(GRACE_MS).do({ type: 'SucceedHost' });
    expect(roleOf(scenario.state, BEN)).toBe('host');
    expect(scenario.arrive(ANA)).toEqual(['MembersArrived', 'HostChanged:return']);
    expect(roleOf(scenario.state, ANA)).toBe('host');
    expect(roleOf(scenario.state, BEN)).toBe('listener');
    expect(Object.keys(scenario.state.public.roles)).toEqual([ANA]);
  });

  it('hands the room over to somebody who is here, and becomes a dj', () => {
    const scenario = friends();
    expect(scenario.refusal({ type: 'TransferHost', userId: BEN }, BEN)).toBe('forbidden');
    expect(scenario.refusal({ type: 'TransferHost', userId: CLEO }, ANA)).toBe('not_found');
    expect(scenario.do({ type: 'TransferHost', userId: BEN }, ANA)).toEqual([
      'HostChanged:transfer',
    ]);
    expect(scenario.state.public).toMatchObject({ hostId: BEN, ownerId: BEN });
    expect(roleOf(scenario.state, ANA)).toBe('dj');
  });

  it('passes on only the role, not the room, when standing in', () => {
    const scenario = friends();
    scenario.arrive(CLEO);
    scenario.depart(ANA);
    scenario.wait(GRACE_MS).do({ type: 'SucceedHost' });
    scenario.do({ type: 'TransferHost', userId: CLEO }, BEN);
    expect(scenario.state.public).toMatchObject({ hostId: CLEO, ownerId: ANA });
  });
});

describe('sending away', () => {
  it('takes a kicked person’s votes and leaves what they queued', () => {
    const scenario = friends();
    scenario.add(BEN, 'd');
    scenario.do({ type: 'VoteEntry', entryId: scenario.id('b'), value: 1 }, BEN);
    scenario.arrive(CLEO);
    scenario.do({ type: 'VoteSkip', entryId: scenario.id('a') }, BEN);
    expect(scenario.do({ type: 'KickMember', userId: BEN }, ANA)).toEqual([
      'MemberKicked',
      'MembersDeparted',
    ]);
    expect(scenario.order).toContain('d');
    expect(scenario.state.public.queue[scenario.id('b')]?.score).toBe(0);
    expect(scenario.state.public.queue[scenario.id('a')]?.skipVotes).toBe(0);
    expect(scenario.arrive(BEN)).toEqual(['MembersArrived']);
  });

  it('keeps a banned person out until the ban ends', () => {
    const scenario = friends();
    scenario.do({ type: 'BanMember', userId: BEN, durationMs: 60_000 }, ANA);
    expect(scenario.arrive(BEN)).toEqual([]);
    expect(scenario.refusal({ type: 'Play' }, BEN)).toBe('banned');
    expect(mayEnter(scenario.state, BEN, { at: scenario.at })?.code).toBe('banned');
    scenario.wait(60_000);
    expect(scenario.arrive(BEN)).toEqual(['MembersArrived']);
    scenario.do({ type: 'BanMember', userId: BEN }, ANA);
    scenario.do({ type: 'UnbanMember', userId: BEN }, ANA);
    expect(scenario.arrive(BEN)).toEqual(['MembersArrived']);
    expect(scenario.refusal({ type: 'UnbanMember', userId: BEN }, ANA)).toBe('not_found');
  });

  it('lets a dj send listeners away, nobody else', () => {
    const scenario = friends();
    scenario.arrive(CLEO, DAN);
    for (const userId of [BEN, CLEO]) {
      scenario.do({ type: 'SetRole', userId, role: 'dj' }, ANA);
    }
    const kick = (userId: typeof ANA) => ({ type: 'KickMember', userId }) as const;
    expect(scenario.refusal(kick(ANA), BEN)).toBe('forbidden');
    expect(scenario.refusal(kick(CLEO), BEN)).toBe('forbidden');
    expect(scenario.refusal(kick(BEN), DAN)).toBe('forbidden');
    expect(scenario.do(kick(DAN), BEN)[0]).toBe('MemberKicked');
    expect(scenario.refusal(kick(DAN), BEN)).toBe('not_found');
  });
});

describe('the door of a private room', () => {
  const closedDoor = () => {
    const scenario = new Scenario().create('friends', 'private');
    scenario.arrive(ANA);
    return scenario;
  };
  const withInvite = (userId: typeof ANA, invite = CODE) =>
    ({ type: 'Arrive', members: [{ userId, name: 'X', invite }] }) as const;

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

  it('lets only the host give a role by an invite, and replaces the oldest invite', () => {
    const scenario = friends();
    expect(scenario.refusal({ type: 'CreateInvite', code: CODE, role: 'dj' }, BEN)).toBe(
      'forbidden',
    );
    scenario.limits = { maxInvites: 1 };
    scenario.do({ type: 'CreateInvite', code: CODE }, BEN);
    expect(scenario.do({ type: 'CreateInvite', code: 'other' as InviteCode }, BEN)).toEqual([
      'InviteRevoked',
      'InviteCreated',
    ]);
    expect(Object.keys(scenario.state.invites)).toEqual(['other']);
  });
});

describe('the room itself', () => {
  it('is made with the settings of its preset, by an owner who is its host', () => {
    for (const preset of ['friends', 'party', 'radio'] as const) {
      const { public: room } = new Scenario().create(preset).state;
      expect(room.settings).toEqual(PRESETS[preset]);
      expect(room).toMatchObject({ ownerId: ANA, hostId: ANA, hereCount: 0, preset });
    }
  });

  it('lets only the host change it, and tells what differs', () => {
    const scenario = friends();
    const change = { type: 'UpdateRoom', name: 'New', settings: { chat: 'dj' } } as const;
    expect(scenario.refusal(change, BEN)).toBe('forbidden');
    scenario.do(change, ANA);
    expect(scenario.log.at(-1)).toMatchObject({ name: 'New', settings: { chat: 'dj' } });
    expect(scenario.do(change, ANA)).toEqual([]);
    scenario.do({ type: 'UpdateRoom', preset: 'radio', settings: { gateMs: 7 } }, ANA);
    expect(scenario.state.public.settings).toEqual({ ...PRESETS.radio, gateMs: 7 });
    expect(scenario.refusal({ type: 'Play' }, BEN)).toBe('forbidden');
  });

  it('ends for good when the host closes it', () => {
    const scenario = friends();
    scenario.do({ type: 'Play' }, ANA);
    expect(scenario.refusal({ type: 'CloseRoom' }, BEN)).toBe('forbidden');
    expect(scenario.wait(1_000).do({ type: 'CloseRoom' }, ANA)).toEqual([
      'MembersDeparted',
      'PlaybackMoved:deserted',
      'SessionEnded',
      'RoomClosed',
    ]);
    expect(scenario.refusal({ type: 'Play' }, ANA)).toBe('room_closed');
    expect(mayEnter(scenario.state, EVE, { at: scenario.at })?.code).toBe('room_closed');
  });

  it('is not there before it is made', () => {
    expect(new Scenario().refusal({ type: 'Play' }, ANA)).toBe('not_found');
    expect(new Scenario().refusal({ type: 'PlanHorizon' })).toBe('not_found');
  });
});
