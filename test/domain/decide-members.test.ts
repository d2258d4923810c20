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

  it.each([
    ['one track', 'a', 'paused a 18500'],
    ['several', 'a b c d', 'paused a 18500'],
  ])(
    'pauses where it was last heard with %s, though all of them would be over',
    (_, titles, now) => {
      const scenario = friends('');
      scenario.add(ANA, titles, 'end', 60_000);
      scenario.do({ type: 'Play' }, ANA);
      const heardUntil = scenario.wait(LEAD_MS + 18_500).at;
      const members = [ANA, BEN].map((userId) => ({ userId, reason: 'lost' as const }));
      scenario.wait(600_000).do({ type: 'Depart', members, heardUntil });
      expect(scenario.now).toBe(now);
      expect(scenario.state.public.playback.timeline[0]?.at).toBe(heardUntil);
    },
  );

  it('leaves a room that had come to its end before stopped at its end', () => {
    const scenario = friends('a');
    scenario.do({ type: 'Play' }, ANA);
    const heardUntil = scenario.wait(LEAD_MS + 180_000 + 5_000).at;
    const members = [ANA, BEN].map((userId) => ({ userId, reason: 'lost' as const }));
    expect(scenario.wait(600_000).do({ type: 'Depart', members, heardUntil })).toEqual([
      'MembersDeparted',
      'SessionEnded',
    ]);
    expect(scenario.now).toBe('stopped a 180000');
  });

  it('names at most a few of many, and keeps what is private', () => {
    const scenario = new Scenario().create();
    const members = Array.from({ length: 50 }, (_, i) => ({
      userId: userIdOf(i),
      name: `User ${String(i)}`,
      invite: CODE,
    }));
    scenario.do({ type: 'CreateInvite', code: CODE, uses: 100, role: 'dj' }, ANA);
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

  it('has the grace from the beginning of each gathering to come', () => {
    const scenario = friends();
    scenario.depart(ANA, BEN);
    scenario.wait(86_400_000).arrive(CLEO);
    expect(scenario.do({ type: 'SucceedHost' })).toEqual([]);
    expect(dueAt(scenario.state, { limits: DEFAULT_DOMAIN_LIMITS })).toEqual([
      { at: scenario.at + GRACE_MS, command: { type: 'SucceedHost' } },
    ]);
    expect(scenario.wait(GRACE_MS).do({ type: 'SucceedHost' })).toEqual(['HostChanged:succession']);
  });

  it('who only stands in can neither close the room nor change who may enter', () => {
    const scenario = friends();
    scenario.depart(ANA);
    scenario.wait(GRACE_MS).do({ type: 'SucceedHost' });
    expect(roleOf(scenario.state, BEN)).toBe('host');
    expect(scenario.refusal({ type: 'CloseRoom' }, BEN)).toBe('forbidden');
    expect(scenario.refusal({ type: 'UpdateRoom', visibility: 'private' }, BEN)).toBe('forbidden');
    expect(scenario.do({ type: 'UpdateRoom', name: 'Ours', visibility: 'unlisted' }, BEN)).toEqual([
      'RoomUpdated',
    ]);
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

  it('takes back the invites that whoever is sent away has made', () => {
    const scenario = friends();
    scenario.arrive(CLEO);
    scenario.do({ type: 'CreateInvite', code: CODE }, BEN);
    scenario.do({ type: 'CreateInvite', code: 'cleo' as InviteCode }, CLEO);
    scenario.do({ type: 'KickMember', userId: BEN }, ANA);
    expect(Object.keys(scenario.state.invites)).toEqual(['cleo']);
    scenario.do({ type: 'BanMember', userId: CLEO }, ANA);
    expect(scenario.state.invites).toEqual({});
  });

  it('refuses more bans than a room may have, until one is lifted or over', () => {
    const scenario = friends();
    scenario.arrive(CLEO);
    scenario.limits = { maxBans: 1 };
    scenario.do({ type: 'BanMember', userId: BEN, durationMs: 60_000 }, ANA);
    const ban = { type: 'BanMember', userId: CLEO } as const;
    expect(scenario.refusal(ban, ANA)).toBe('conflict');
    expect(scenario.wait(60_000).do(ban, ANA)[0]).toBe('MemberBanned');
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

  it('ends for good when an operator shuts it, who need not be in it', () => {
    const scenario = friends();
    scenario.do({ type: 'Play' }, ANA);
    expect(scenario.wait(1_000).do({ type: 'ShutRoom', by: EVE })).toEqual([
      'MembersDeparted',
      'PlaybackMoved:deserted',
      'SessionEnded',
      'RoomClosed',
    ]);
    expect(scenario.state.public.closed).toBeDefined();
    expect(scenario.refusal({ type: 'ShutRoom', by: EVE })).toBe('room_closed');
    expect(scenario.refusal({ type: 'Play' }, ANA)).toBe('room_closed');
  });

  it('is not there before it is made', () => {
    expect(new Scenario().refusal({ type: 'Play' }, ANA)).toBe('not_found');
    expect(new Scenario().refusal({ type: 'PlanHorizon' })).toBe('not_found');
  });
});
