// Random but sensible commands for a room, for property tests and simulations: they name people, entries and times that mostly exist.
import fc from 'fast-check';
import type {
  EntryId,
  HubMs,
  InviteCode,
  RoomCode,
  RoomId,
  TrackId,
  UserId,
} from '../../../protocol/ids.ts';
import { playOrder, type Settings } from '../../../protocol/schemas/room.ts';
import type { Command, TrackInfo } from '../../../src/domain/command.ts';
import { headEntryId, currentEntryId } from '../../../src/domain/playback.ts';
import type { RoomState } from '../../../src/domain/room-state.ts';

export function userIdOf(index: number): UserId {
  return `00000000-0000-4000-8000-${String(index).padStart(12, '0')}` as UserId;
}

export const ROOM_ID = '11111111-1111-4111-8111-111111111111' as RoomId;
export const ROOM_CODE = 'ABCDEFGH' as RoomCode;

export function track(name: string, durationMs = 180_000): TrackInfo {
  return {
    trackId: `track-${name}` as TrackId,
    title: name,
    artist: 'Somebody',
    durationMs,
    hasCover: false,
  };
}

/** A command before it is known what the room holds: entries are chosen by number when it is given. */
export interface Step {
  readonly by: number;
  /** How long after the step before, ms. */
  readonly waitMs: number;
  readonly intent: Intent;
  /** Bit i: whether user i is connected. */
  readonly presentMask: number;
  /** Share of those present that have buffered whatever is asked for. */
  readonly readyShare: number;
  readonly leadMs: number;
}

export type Intent = (room: RoomState, at: HubMs) => Command;

const USERS = 5;
const user = fc.nat({ max: USERS - 1 }).map(userIdOf);
const place = fc.nat({ max: 11 });

/** Mostly the entry that is current or about to be, else any, else one that never was. */
function entryOf(room: RoomState, at: HubMs, n: number): EntryId {
  const order = playOrder(room.public);
  const head = headEntryId(room.public, at);
  const current = currentEntryId(room, at);
  if (n < 5 && head !== undefined) return head;
  if (n < 7 && current !== undefined) return current;
  if (n === 11) return 'constructor' as EntryId;
  return order[n % Math.max(1, order.length)] ?? ('gone' as EntryId);
}

function anyEntryOf(room: RoomState, n: number): EntryId {
  const order = playOrder(room.public);
  return order[n % Math.max(1, order.length)] ?? ('__proto__' as EntryId);
}

function aboutEntry(make: (entryId: EntryId, n: number) => Command): fc.Arbitrary<Intent> {
  return fc.tuple(place, fc.nat({ max: 400_000 })).map(
    ([n, extra]): Intent =>
      (room, at) =>
        make(entryOf(room, at, n), extra),
  );
}

function plain(command: fc.Arbitrary<Command>): fc.Arbitrary<Intent> {
  return command.map(
    (made): Intent =>
      () =>
        made,
  );
}

const duration = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 20_000, max: 240_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 400 }) },
);
const tracks = fc
  .array(fc.tuple(fc.nat({ max: 9 }), duration), { minLength: 1, maxLength: 4 })
  .map((list) => list.map(([n, ms]) => track(String(n), ms)));

const settings: fc.Arbitrary<Partial<Settings>> = fc.record(
  {
    queuePolicy: fc.constantFrom('manual', 'fair'),
    control: fc.constantFrom('all', 'dj', 'host'),
    queueEdit: fc.constantFrom('all', 'dj'),
    gateMs: fc.constantFrom(0, 1_500, 5_000),
    skipVoteShare: fc.constantFrom(0, 0.5, 1),
    removeVoteShare: fc.constantFrom(0, 0.5),
  },
  { requiredKeys: [] },
);
const invite = fc.nat({ max: 3 }).map((n) => `invite-${n}` as InviteCode);

const arrival = fc
  .record({ userId: user, invite, useInvite: fc.boolean(), friend: fc.boolean() })
  .map(({ userId, invite: code, useInvite, friend }) => ({
    userId,
    name: `User ${userId.at(-1) ?? ''}`,
    ...(useInvite ? { invite: code } : {}),
    ...(friend ? { asFriend: true as const } : {}),
  }));

/** Commands of people and of the hub. */
export const intentArbitrary: fc.Arbitrary<Intent> = fc.oneof(
  {
    weight: 6,
    arbitrary: plain(
      fc
        .array(arrival, { minLength: 1, maxLength: 3 })
        .map((members) => ({ type: 'Arrive', members })),
    ),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        fc.array(fc.record({ userId: user, reason: fc.constantFrom('left', 'lost') }), {
          minLength: 1,
          maxLength: 3,
        }),
        fc.option(fc.nat({ max: 60_000 })),
      )
      .map(([members, agoMs]): Intent => (_room, at) => ({
        type: 'Depart',
        members,
        ...(agoMs === null ? {} : { heardUntil: at - agoMs }),
      })),
  },
  {
    weight: 8,
    arbitrary: plain(
      fc
        .tuple(tracks, fc.constantFrom('next', 'end'))
        .map(([list, at]) => ({ type: 'AddToQueue', tracks: list, at })),
    ),
  },
  { weight: 4, arbitrary: plain(fc.constant({ type: 'Play' })) },
  { weight: 2, arbitrary: aboutEntry((entryId) => ({ type: 'Play', entryId })) },
  { weight: 3, arbitrary: aboutEntry((entryId) => ({ type: 'Pause', entryId })) },
  {
    weight: 3,
    arbitrary: aboutEntry((entryId, positionMs) => ({ type: 'Seek', entryId, positionMs })),
  },
  { weight: 4, arbitrary: aboutEntry((entryId) => ({ type: 'Skip', entryId })) },
  { weight: 3, arbitrary: aboutEntry((entryId) => ({ type: 'Previous', entryId })) },
  {
    weight: 2,
    arbitrary: place.map((n): Intent => (room) => ({ type: 'Jump', to: anyEntryOf(room, n) })),
  },
  {
    weight: 3,
    arbitrary: plain(
      fc.record(
        {
          type: fc.constant('SetMode' as const),
          repeat: fc.constantFrom('off', 'one', 'all'),
          shuffle: fc.boolean(),
        },
        { requiredKeys: ['type'] },
      ),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.array(place, { minLength: 1, maxLength: 3 }).map((ns): Intent => (room) => ({
      type: 'RemoveFromQueue',
      entryIds: ns.map((n) => anyEntryOf(room, n)),
    })),
  },
  {
    weight: 2,
    arbitrary: aboutEntry((entryId) => ({ type: 'RemoveFromQueue', entryIds: [entryId] })),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(place, fc.option(place)).map(([n, m]): Intent => (room) => ({
      type: 'MoveInQueue',
      entryId: anyEntryOf(room, n),
      ...(m === null ? {} : { beforeEntryId: anyEntryOf(room, m) }),
    })),
  },
  { weight: 1, arbitrary: plain(fc.constant({ type: 'ClearQueue' })) },
  { weight: 3, arbitrary: plain(fc.constant({ type: 'UndoQueue' })) },
  { weight: 3, arbitrary: aboutEntry((entryId) => ({ type: 'VoteSkip', entryId })) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(place, fc.constantFrom(-1 as const, 0 as const, 1 as const))
      .map(([n, value]): Intent => (room) => ({
        type: 'VoteEntry',
        entryId: anyEntryOf(room, n),
        value,
      })),
  },
  { weight: 3, arbitrary: aboutEntry((entryId) => ({ type: 'OpenGate', entryId })) },
  { weight: 4, arbitrary: plain(fc.constant({ type: 'PlanHorizon' })) },
  { weight: 2, arbitrary: plain(fc.constant({ type: 'SucceedHost' })) },
  {
    weight: 2,
    arbitrary: plain(settings.map((changes) => ({ type: 'UpdateRoom', settings: changes }))),
  },
  {
    weight: 1,
    arbitrary: plain(
      fc
        .constantFrom('friends', 'party', 'radio')
        .map((preset) => ({ type: 'UpdateRoom', preset })),
    ),
  },
  {
    weight: 1,
    arbitrary: plain(
      fc
        .constantFrom('public', 'unlisted', 'private')
        .map((visibility) => ({ type: 'UpdateRoom', visibility })),
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        invite,
        fc.constantFrom('listener', 'dj'),
        fc.option(fc.integer({ min: 1, max: 3 })),
        fc.option(fc.nat({ max: 90_000 })),
      )
      .map(([code, role, uses, forMs]): Intent => (_room, at) => ({
        type: 'CreateInvite',
        code,
        role,
        ...(uses === null ? {} : { uses }),
        ...(forMs === null ? {} : { expiresAt: at + forMs }),
      })),
  },
  { weight: 1, arbitrary: plain(fc.constant({ type: 'Knock', name: 'Knocker' })) },
  {
    weight: 1,
    arbitrary: plain(
      fc
        .tuple(user, fc.boolean())
        .map(([userId, accept]) => ({ type: 'AnswerKnock', userId, accept })),
    ),
  },
  {
    weight: 2,
    arbitrary: plain(
      fc
        .tuple(user, fc.constantFrom('dj', 'listener'))
        .map(([userId, role]) => ({ type: 'SetRole', userId, role })),
    ),
  },
  { weight: 1, arbitrary: plain(user.map((userId) => ({ type: 'TransferHost', userId }))) },
  { weight: 1, arbitrary: plain(user.map((userId) => ({ type: 'KickMember', userId }))) },
  {
    weight: 1,
    arbitrary: plain(
      fc
        .tuple(user, fc.option(fc.integer({ min: 1_000, max: 100_000 })))
        .map(([userId, durationMs]) => ({
          type: 'BanMember',
          userId,
          ...(durationMs === null ? {} : { durationMs }),
        })),
    ),
  },
  { weight: 1, arbitrary: plain(user.map((userId) => ({ type: 'UnbanMember', userId }))) },
);

/** One command with its sender, its time and what is known of presence then. */
export const stepArbitrary: fc.Arbitrary<Step> = fc.record({
  // The first made the room: as host they may do what others may not.
  by: fc.oneof(fc.constant(0), fc.nat({ max: USERS - 1 })),
  waitMs: fc.oneof(
    fc.constant(0),
    fc.nat({ max: 600 }),
    fc.nat({ max: 20_000 }),
    fc.nat({ max: 400_000 }),
  ),
  intent: intentArbitrary,
  presentMask: fc.nat({ max: 2 ** USERS - 1 }),
  readyShare: fc.constantFrom(0, 0.5, 1),
  leadMs: fc.constantFrom(0, 150, 300, 300, 2_000),
});
