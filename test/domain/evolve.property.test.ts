// The reducer takes any event that the types allow, in any order, about things that never were.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyPatch, diff } from '../../protocol/merge-patch.ts';
import { stateHash } from '../../protocol/state-hash.ts';
import { evolve } from '../../src/domain/evolve.ts';
import { PRESETS } from '../../src/domain/presets.ts';
import { publicEvent } from '../../src/domain/public-event.ts';
import type { RoomEvent } from '../../src/domain/room-event.ts';
import type { RoomState } from '../../src/domain/room-state.ts';
import { ROOM_CODE, ROOM_ID, userIdOf } from './support/room-commands.ts';
import { friends } from './support/room-scenario.ts';

const KNOWN_ENTRIES = ['en-3-1', 'en-3-2', 'en-3-3'];
const entryId = fc.constantFrom(...KNOWN_ENTRIES, 'gone', '__proto__', 'constructor', 'toString');
const userId = fc.oneof(
  fc.nat({ max: 3 }).map(userIdOf),
  fc.constantFrom('__proto__', 'constructor'),
);
const at = fc.integer({ min: 0, max: 2_000_000 });
const name = fc.string({ maxLength: 8 });
const rank = fc.oneof(fc.constantFrom('a0', 'a1', 'Zz'), fc.string({ maxLength: 4 }));
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });
const ranks = fc.dictionary(entryId, rank);
const durationMs = fc.integer({ min: 0, max: 300_000 });
const anchor = fc.oneof(
  fc.record({
    state: fc.constantFrom('playing', 'paused', 'stopped'),
    entryId,
    trackId: fc.constant('t'),
    durationMs,
    positionMs: durationMs,
    at,
  }),
  fc.record({ state: fc.constant('stopped'), positionMs: fc.constant(0), at }),
);
const entry = fc.record({
  trackId: fc.constant('t'),
  title: name,
  artist: name,
  durationMs,
  hasCover: fc.boolean(),
  rank,
  addedBy: userId,
  addedByName: name,
  addedAt: at,
  score: fc.integer({ min: -3, max: 3 }),
  skipVotes: fc.nat({ max: 3 }),
});

const bodies: Record<RoomEvent['type'], Record<string, fc.Arbitrary<unknown>>> = {
  RoomCreated: {
    by: userId,
    byName: name,
    roomId: fc.constant(ROOM_ID),
    code: fc.constant(ROOM_CODE),
    name,
    preset: fc.constant('party'),
    visibility: fc.constant('private'),
    settings: fc.constant(PRESETS.party),
  },
  RoomUpdated: { by: userId, name: maybe(name), settings: maybe(fc.constant({ gateMs: 3 })) },
  RoomClosed: { by: userId },
  SessionStarted: { sessionId: fc.uuid() },
  SessionEnded: { sessionId: fc.uuid() },
  MembersArrived: {
    members: fc.array(
      fc.record({
        userId,
        name,
        admitted: maybe(fc.constant(true)),
        role: maybe(fc.constantFrom('dj', 'listener')),
      }),
    ),
    count: fc.nat(),
  },
  MembersDeparted: {
    members: fc.array(fc.record({ userId, name, reason: fc.constantFrom('left', 'banned') })),
    count: fc.nat(),
  },
  RoleSet: { by: userId, userId, name, role: fc.constantFrom('host', 'dj', 'listener') },
  HostChanged: {
    hostId: userId,
    hostName: name,
    ownerId: userId,
    cause: fc.constantFrom('transfer', 'return'),
  },
  MemberKicked: { by: userId, userId, name },
  MemberBanned: { by: userId, userId, name, until: maybe(at) },
  MemberUnbanned: { by: userId, userId },
  InviteCreated: {
    by: userId,
    code: entryId,
    role: fc.constant('dj'),
    uses: maybe(fc.nat({ max: 2 })),
    expiresAt: maybe(at),
  },
  InviteUsed: { code: entryId, userId },
  InviteRevoked: { by: userId, code: entryId },
  KnockReceived: { userId, name },
  KnockAnswered: { by: userId, userId, accept: fc.boolean() },
  PlaybackMoved: {
    by: maybe(userId),
    cause: fc.constant('play'),
    timeline: fc.array(anchor, { maxLength: 4 }),
    gate: maybe(fc.record({ entryId, deadlineAt: at, ready: fc.nat(), needed: fc.nat() })),
  },
  PlaybackModeSet: {
    by: userId,
    repeat: fc.constantFrom('off', 'one', 'all'),
    shuffle: fc.boolean(),
    shuffleRanks: maybe(ranks),
  },
  QueueAdded: {
    by: userId,
    entries: fc.dictionary(entryId, entry),
    ranks: maybe(ranks),
    dropped: maybe(fc.array(entryId)),
  },
  QueueRemoved: {
    by: userId,
    cause: fc.constantFrom('request', 'vote'),
    entryIds: fc.array(entryId),
    ranks: maybe(ranks),
  },
  QueueMoved: { by: userId, entryId, ranks, shuffle: fc.boolean() },
  QueueCleared: { by: userId, entryIds: fc.array(entryId) },
  QueueUndone: {
    by: userId,
    step: fc.integer({ min: -1, max: 5 }),
    restored: maybe(fc.dictionary(entryId, entry)),
    removed: maybe(fc.array(entryId)),
    ranks: maybe(ranks),
    shuffle: maybe(fc.boolean()),
  },
  QueueReordered: { cause: fc.constant('fair'), ranks },
  EntryVoted: { by: userId, entryId, value: fc.constantFrom(-1, 0, 1), score: fc.integer() },
  SkipVoted: { by: userId, entryId, skipVotes: fc.nat(), needed: fc.nat() },
};

const eventArbitrary = fc.oneof(
  ...Object.entries(bodies).map(([type, body]) =>
    fc
      .record({ type: fc.constant(type), id: fc.constant('e'), at, ...body })
      // A log is JSON: what is undefined is not there.
      .map((event) => JSON.parse(JSON.stringify(event)) as RoomEvent),
  ),
);

describe('the reducer', () => {
  it('never throws, on whatever events in whatever order, and its states differ by a patch', () => {
    const start = friends().state;
    fc.assert(
      fc.property(fc.boolean(), fc.array(eventArbitrary, { maxLength: 30 }), (isNew, events) => {
        let room: RoomState | undefined = isNew ? undefined : start;
        for (const event of events) {
          const next: RoomState = evolve(room, event);
          expect(next.lastAt).toBeGreaterThanOrEqual(room?.lastAt ?? 0);
          if (room !== undefined) {
            const patched = applyPatch(room.public, diff(room.public, next.public));
            expect(stateHash(patched)).toBe(stateHash(next.public));
          }
          expect(publicEvent(event).type).toBe(event.type);
          room = next;
        }
      }),
      { numRuns: 300, seed: 11 },
    );
  });

  it('leaves the room as it is on an event of a newer version, but for the time', () => {
    const room = friends().state;
    const event = { id: 'e', type: 'LightsDimmed', at: room.lastAt + 5 } as unknown as RoomEvent;
    const after = evolve(room, event);
    expect(after).toEqual({ ...room, lastAt: room.lastAt + 5 });
    expect(after.public).toBe(room.public);
    expect(publicEvent(event)).toEqual({ id: 'e', type: 'LightsDimmed', at: room.lastAt + 5 });
  });

  it('shares what an event does not touch', () => {
    const scenario = friends();
    const before = scenario.state;
    scenario.do({ type: 'VoteEntry', entryId: scenario.id('b'), value: 1 }, before.public.ownerId);
    const after = scenario.state;
    expect(after.public.queue[scenario.id('a')]).toBe(before.public.queue[scenario.id('a')]);
    expect(after.public.playback).toBe(before.public.playback);
    expect(after.members).toBe(before.members);
    expect(diff(before.public, after.public)).toEqual({
      queue: { [scenario.id('b')]: { score: 1 } },
    });
  });
});
