// What holds of a room whatever is asked of it, by whom and when.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyPatch, diff } from '../../protocol/merge-patch.ts';
import { hasTrack } from '../../protocol/schemas/playback.ts';
import { RoomEventSchemas } from '../../protocol/schemas/events.ts';
import {
  PublicRoomSchema,
  playOrder,
  type Preset,
  type Visibility,
} from '../../protocol/schemas/room.ts';
import { stateHash } from '../../protocol/state-hash.ts';
import { decide, type Decision } from '../../src/domain/decide.ts';
import { dueAt } from '../../src/domain/due.ts';
import { DEFAULT_DOMAIN_LIMITS } from '../../src/domain/command.ts';
import { evolve } from '../../src/domain/evolve.ts';
import {
  MAX_ANCHORS,
  currentAnchor,
  endAt,
  headEntryId,
  isPlaying,
  positionMs,
} from '../../src/domain/playback.ts';
import { publicEvent } from '../../src/domain/public-event.ts';
import type { RoomEvent } from '../../src/domain/room-event.ts';
import type { RoomState } from '../../src/domain/room-state.ts';
import { ROOM_CODE, ROOM_ID, stepArbitrary, userIdOf, type Step } from './support/room-commands.ts';
import { contextOf } from './support/room-scenario.ts';

/** Of each property; every one of them draws its own sequences. */
const RUNS = 100;
/** The longest gate of the settings that the commands choose from. */
const LONGEST_WAIT_MS = 5_000;
const LIMITS = { maxQueueEntries: 12, maxInvites: 2, maxKnocks: 1, maxBans: 2 };

interface Seen {
  readonly before: RoomState;
  readonly after: RoomState;
  readonly events: readonly RoomEvent[];
  readonly at: number;
  readonly step: Step;
}

interface Kind {
  readonly preset: Preset;
  readonly visibility: Visibility;
}

function contextFor(step: Step, at: number, serial: string) {
  const present = [0, 1, 2, 3, 4].filter((i) => (step.presentMask & (1 << i)) !== 0).map(userIdOf);
  return contextOf({
    by: userIdOf(step.by),
    at,
    present,
    ready: Math.floor(present.length * step.readyShare),
    leadMs: step.leadMs,
    limits: LIMITS,
    serial,
    seed: step.presentMask + step.waitMs,
  });
}

/** Plays the steps on a new room and calls `see` after each decision. */
function play(
  { preset, visibility }: Kind,
  steps: readonly Step[],
  see: (seen: Seen) => void,
): RoomEvent[] {
  let at = 1_000_000;
  const log: RoomEvent[] = [];
  let room: RoomState | undefined;
  const apply = (decision: Decision): readonly RoomEvent[] => {
    if (decision.kind === 'refused') return [];
    const replayed: RoomState[] = [];
    for (const event of decision.events) {
      room = evolve(room, event);
      replayed.push(room);
      log.push(event);
    }
    // The hub shows and keeps these; other nodes and the archive make theirs of the events.
    expect(decision.states).toEqual(replayed);
    return decision.events;
  };
  apply(
    decide(
      {
        type: 'CreateRoom',
        roomId: ROOM_ID,
        code: ROOM_CODE,
        name: 'The room',
        byName: 'User 0',
        preset,
        visibility,
      },
      undefined,
      contextOf({ by: userIdOf(0), at, present: [], serial: '0' }),
    ),
  );
  steps.forEach((step, i) => {
    if (room === undefined) throw new Error('a room that was made exists');
    at += step.waitMs;
    const before: RoomState = room;
    const command = step.intent(before, at);
    const decision = decide(command, before, contextFor(step, at, String(i + 1)));
    const again = decide(command, before, contextFor(step, at, String(i + 1)));
    expect(again).toEqual(decision);
    const events = apply(decision);
    see({ before, after: room, events, at, step });
  });
  return log;
}

const kindArbitrary = fc.record({
  preset: fc.constantFrom<Preset>('friends', 'friends', 'party', 'radio'),
  visibility: fc.constantFrom<Visibility>('public', 'public', 'unlisted', 'private'),
});

let seed = 20_260_701;
function check(what: (seen: Seen) => void): void {
  seed += 1;
  fc.assert(
    fc.property(
      kindArbitrary,
      fc.array(stepArbitrary, { minLength: 1, maxLength: 60, size: 'max' }),
      (kind, steps) => {
        play(kind, steps, what);
      },
    ),
    { numRuns: RUNS, seed },
  );
}

describe('a room, whatever is asked of it', () => {
  it('keeps its timeline in order, its entries known and its positions inside the track', () => {
    check(({ after, at, events }) => {
      const { timeline } = after.public.playback;
      const { queue } = after.public;
      expect(timeline.length).toBeGreaterThan(0);
      expect(timeline.length).toBeLessThanOrEqual(MAX_ANCHORS + MAX_ANCHORS / 2);
      timeline.forEach((anchor, i) => {
        const before = timeline[i - 1];
        if (before !== undefined) expect(anchor.at).toBeGreaterThan(before.at);
        expect(Number.isInteger(anchor.at)).toBe(true);
        expect(Number.isInteger(anchor.positionMs)).toBe(true);
        // Only what is in force while its successor waits for the lead may have left the queue.
        if (hasTrack(anchor) && i > 0 && anchor.at > at)
          expect(queue).toHaveProperty([anchor.entryId]);
        if (hasTrack(anchor)) expect(anchor.positionMs).toBeLessThanOrEqual(anchor.durationMs);
      });
      const inForce = Math.max(
        0,
        timeline.findLastIndex((anchor) => anchor.at <= at),
      );
      const now = timeline[inForce];
      if (now !== undefined && hasTrack(now) && !Object.hasOwn(queue, now.entryId)) {
        // What was taken away sounds no longer than a lead or a gate.
        expect(timeline[inForce + 1]?.at).toBeLessThanOrEqual(after.lastAt + LONGEST_WAIT_MS);
      }
      for (const t of [at, at + 1, at + 777, at + 60_000, at + 1_000_000]) {
        const position = positionMs(after, t);
        const anchor = timeline.findLast((one) => one.at <= t) ?? timeline[0];
        expect(position).toBeGreaterThanOrEqual(0);
        if (anchor !== undefined && hasTrack(anchor)) {
          expect(position).toBeLessThanOrEqual(anchor.durationMs);
        }
      }
      if (events.length > 0 && timeline.length > 1) {
        // The first is in force at the time of the event that made the timeline.
        const moved = events.findLast((event) => event.type === 'PlaybackMoved');
        if (moved !== undefined) {
          expect(timeline[0]?.at).toBeLessThanOrEqual(moved.at);
          expect(timeline[1]?.at).toBeGreaterThan(moved.at);
        }
      }
    });
  });

  it('lets what was told for before the end of the lead stand', () => {
    let moves = 0;
    check(({ before, after, events, at: asked, step }) => {
      const moved = events.findLast((event) => event.type === 'PlaybackMoved');
      if (moved === undefined || moved.cause === 'deserted') return;
      const { at } = moved;
      // Of tracks of a few ms more would be announced than a timeline holds.
      if (before.public.playback.timeline.length > MAX_ANCHORS / 2) return;
      if (!isPlaying(currentAnchor(before, at))) return;
      for (const t of [at, at + step.leadMs / 2, at + step.leadMs - 1]) {
        if (t < asked || t >= at + step.leadMs) continue;
        const told = currentAnchor(before, t);
        // A track whose end nobody planned has nothing to stand for.
        if (isPlaying(told) && endAt(told) <= t) return;
        // What follows an entry that was taken away is another one.
        if (hasTrack(told) && !Object.hasOwn(after.public.queue, told.entryId)) return;
        expect(currentAnchor(after, t)).toEqual(told);
        moves += 1;
      }
    });
    expect(moves).toBeGreaterThan(100);
  });

  it('has nothing more to plan once something was decided', () => {
    check(({ after, events, step }) => {
      const at = events[0]?.at;
      if (at === undefined || after.public.closed !== undefined) return;
      const { by: _nobody, ...context } = contextFor(step, at, 'again');
      expect(decide({ type: 'PlanHorizon' }, after, context)).toEqual({
        kind: 'events',
        events: [],
        states: [],
      });
    });
  });

  it('has a current entry of its queue whenever the queue has one', () => {
    check(({ after, at }) => {
      if (after.public.closed !== undefined) return;
      const order = playOrder(after.public);
      const head = headEntryId(after.public, at);
      if (order.length === 0) expect(head).toBeUndefined();
      else expect(order).toContain(head);
    });
  });

  it('plans what follows on whatever plays, as far as the horizon', () => {
    check(({ after, events }) => {
      const moved = events.findLast((event) => event.type === 'PlaybackMoved');
      const last = after.public.playback.timeline.at(-1);
      if (moved === undefined || last === undefined || !isPlaying(last)) return;
      const { timeline } = after.public.playback;
      expect(timeline.length).toBeGreaterThan(1);
      if (timeline.length < MAX_ANCHORS) {
        expect(endAt(last)).toBeGreaterThan(moved.at + DEFAULT_DOMAIN_LIMITS.horizonMs);
      }
    });
  });

  it('holds a gate only with a start planned for its deadline', () => {
    check(({ after, events }) => {
      const { gate, timeline } = after.public.playback;
      const moved = events.findLast((event) => event.type === 'PlaybackMoved');
      if (gate === undefined || moved === undefined) return;
      const start = timeline.find((anchor) => anchor.at === gate.deadlineAt);
      expect(start).toMatchObject({ entryId: gate.entryId, state: 'playing' });
      expect(gate.ready).toBeLessThan(gate.needed);
    });
  });

  it('ranks every entry once, and by chance only while shuffle is on', () => {
    check(({ after }) => {
      const entries = Object.values(after.public.queue);
      const { shuffle } = after.public.playback;
      expect(new Set(entries.map(({ rank }) => rank)).size).toBe(entries.length);
      const shuffled = entries.flatMap(({ shuffleRank }) => shuffleRank ?? []);
      expect(new Set(shuffled).size).toBe(shuffled.length);
      expect(shuffled.length).toBe(shuffle ? entries.length : 0);
      if (after.public.settings.queuePolicy === 'fair') expect(shuffle).toBe(false);
      expect(entries.length).toBeLessThanOrEqual(LIMITS.maxQueueEntries);
    });
  });

  it('counts the votes that it holds, on entries that it has', () => {
    check(({ after }) => {
      const { queue } = after.public;
      for (const [entryId, entry] of Object.entries(queue)) {
        const votes = Object.values(after.votes[entryId as keyof typeof queue] ?? {});
        expect(entry.score).toBe(votes.reduce<number>((sum, vote) => sum + vote, 0));
        const skip = after.skipVotes[entryId as keyof typeof queue] ?? [];
        expect(entry.skipVotes).toBeLessThanOrEqual(skip.length);
      }
      for (const entryId of [...Object.keys(after.votes), ...Object.keys(after.skipVotes)]) {
        expect(queue).toHaveProperty([entryId]);
      }
    });
  });

  it('knows who is here, has a host, and a session exactly while somebody is here', () => {
    check(({ after, at, events }) => {
      const { hereCount, hostId, ownerId, roles, session } = after.public;
      const here = Object.values(after.members).filter((member) => member.here);
      expect(hereCount).toBe(here.length);
      expect(session !== undefined).toBe(hereCount > 0);
      expect(after.members).toHaveProperty([hostId]);
      expect(after.members).toHaveProperty([ownerId]);
      expect(roles[hostId]?.role).toBe('host');
      expect(Object.values(roles).filter(({ role }) => role === 'host')).toHaveLength(1);
      if (after.members[ownerId]?.here === true) expect(hostId).toBe(ownerId);
      for (const [userId, { name, here: isHere }] of Object.entries(roles)) {
        expect(after.members[userId as typeof hostId]).toMatchObject({ name, here: isHere });
      }
      if (hereCount === 0 && events.some(({ type }) => type === 'MembersDeparted')) {
        // It plays to nobody.
        const { timeline } = after.public.playback;
        const inForce = timeline.findLastIndex((anchor) => anchor.at <= at);
        expect(timeline.slice(Math.max(0, inForce)).some(isPlaying)).toBe(false);
      }
    });
  });

  it('tells its members all of a change by event and patch', () => {
    check(({ before, after, events }) => {
      if (events.length === 0) return;
      const patch = diff(before.public, after.public);
      const patched = applyPatch(before.public, JSON.parse(JSON.stringify(patch)) as typeof patch);
      expect(patched).toEqual(after.public);
      expect(stateHash(patched)).toBe(stateHash(after.public));
      let room = before;
      for (const event of events) {
        const next = evolve(room, event);
        if (events.length > 1) {
          const told = applyPatch(room.public, diff(room.public, next.public));
          expect(stateHash(told)).toBe(stateHash(next.public));
        }
        room = next;
        const schema = RoomEventSchemas[event.type];
        expect(schema.strict().safeParse(publicEvent(event)).error).toBeUndefined();
      }
      expect(PublicRoomSchema.safeParse(after.public).error).toBeUndefined();
      expect(hasHole(after.public)).toBe(false);
    });
  });

  it('leaves what did not change as it was, and goes never back in time', () => {
    check(({ before, after, events }) => {
      if (events.length === 0) expect(after).toBe(before);
      expect(after.lastAt).toBeGreaterThanOrEqual(before.lastAt);
      for (const event of events) expect(event.at).toBe(after.lastAt);
      const types = new Set(events.map(({ type }) => type));
      if (types.size === 1 && types.has('PlaybackMoved')) {
        expect(after.public.settings).toBe(before.public.settings);
        expect(after.public.roles).toBe(before.public.roles);
        expect(after.members).toBe(before.members);
      }
    });
  });

  it('has nothing more to do at once when what was due has been done', () => {
    check(({ after, at }) => {
      const limits = { ...DEFAULT_DOMAIN_LIMITS, ...LIMITS };
      let room = after;
      let rounds = 0;
      for (;;) {
        const next = dueAt(room, { limits })[0];
        if (next === undefined || next.at > Math.max(at, room.lastAt)) break;
        rounds += 1;
        expect(rounds).toBeLessThan(4);
        const present = Object.keys(room.members) as ReturnType<typeof userIdOf>[];
        const context = contextOf({ at, present, limits: LIMITS, serial: `due-${String(rounds)}` });
        const decision = decide(next.command, room, context);
        if (decision.kind === 'refused') throw new Error('a due command was refused');
        expect(decision.events.length).toBeGreaterThan(0);
        room = decision.events.reduce<RoomState>(evolve, room);
      }
    });
  });

  it('is what its log makes of it, read again from the start', () => {
    fc.assert(
      fc.property(
        kindArbitrary,
        fc.array(stepArbitrary, { maxLength: 40, size: 'max' }),
        (kind, steps) => {
          let last: RoomState | undefined;
          const log = play(kind, steps, ({ after }) => (last = after));
          const stored = JSON.parse(JSON.stringify(log)) as RoomEvent[];
          const replayed = stored.reduce<RoomState | undefined>(evolve, undefined);
          if (last !== undefined) expect(replayed).toEqual(last);
        },
      ),
      { numRuns: RUNS, seed: 7 },
    );
  });
});

function hasHole(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  return typeof value === 'object' && Object.values(value).some(hasHole);
}
