// Logs that an earlier version has written, kept as they were: this version must make of them what that one made, or two versions could
// not run side by side, and an upgrade would change rooms. `KEEP_LOG=1` writes those of this version, once it is released.
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RoomEventSchemas } from '../../protocol/schemas/events.ts';
import { PublicRoomSchema } from '../../protocol/schemas/room.ts';
import { stateHash } from '../../protocol/state-hash.ts';
import { PROTOCOL_VERSION } from '../../protocol/version.ts';
import type { Command } from '../../src/domain/command.ts';
import { decide, type Decision } from '../../src/domain/decide.ts';
import { evolve } from '../../src/domain/evolve.ts';
import { publicEvent } from '../../src/domain/public-event.ts';
import type { RoomEvent } from '../../src/domain/room-event.ts';
import type { RoomState } from '../../src/domain/room-state.ts';
import { ROOM_CODE, ROOM_ID, stepArbitrary, userIdOf, type Step } from './support/room-commands.ts';
import { contextOf } from './support/room-scenario.ts';

const FOLDER = path.resolve('test/fixtures/logs');
const OWN = path.join(FOLDER, `protocol-${PROTOCOL_VERSION}.json`);
const STEPS = 60;
const MOST_SEEDS = 2_000;

interface KeptLog {
  readonly events: readonly RoomEvent[];
  /** The whole state after so many of them, as a snapshot has it. */
  readonly snapshot: { readonly after: number; readonly state: RoomState };
  /** Of the public state after all. */
  readonly hash: string;
}

/** A room of a seed, and all that came of it. */
function played(seed: number): readonly RoomEvent[] {
  const arbitrary = fc.array(stepArbitrary, { minLength: STEPS, maxLength: STEPS });
  const [steps = []] = fc.sample(arbitrary, { seed, numRuns: 1 });
  const events: RoomEvent[] = [];
  let at = 1_000_000;
  let room: RoomState | undefined;
  const apply = (decision: Decision): void => {
    if (decision.kind === 'refused') return;
    events.push(...decision.events);
    room = decision.states.at(-1) ?? room;
  };
  const created: Command = {
    type: 'CreateRoom',
    roomId: ROOM_ID,
    code: ROOM_CODE,
    name: 'The room',
    byName: 'User 0',
    preset: 'friends',
    visibility: 'private',
  };
  const maker = contextOf({ by: userIdOf(0), at, present: [], serial: '0' });
  apply(decide(created, undefined, maker));
  steps.forEach((step: Step, i) => {
    if (room === undefined) return;
    at += step.waitMs;
    const present = [0, 1, 2, 3, 4]
      .filter((n) => (step.presentMask & (1 << n)) !== 0)
      .map(userIdOf);
    const context = contextOf({
      ...{ by: userIdOf(step.by), at, present, leadMs: step.leadMs, serial: String(i + 1) },
      ready: Math.floor(present.length * step.readyShare),
      seed: step.presentMask + step.waitMs,
    });
    apply(decide(step.intent(room, at), room, context));
  });
  if (room === undefined) return events;
  // The last thing that can happen to it.
  const present = [0, 1].map(userIdOf);
  const owner = { by: room.public.ownerId, at: at + 1_000, present, serial: 'last' };
  apply(decide({ type: 'CloseRoom' }, room, contextOf(owner)));
  return events;
}

function stateAfter(events: readonly RoomEvent[], from?: RoomState): RoomState {
  const state = events.reduce<RoomState | undefined>(evolve, from);
  if (state === undefined) throw new Error('a log begins with the making of its room');
  return state;
}

/** As few rooms as have each kind of event among them. */
function logsOfThisVersion(): KeptLog[] {
  const missing = new Set<string>(Object.keys(RoomEventSchemas));
  const logs: KeptLog[] = [];
  for (let seed = 1; seed <= MOST_SEEDS && missing.size > 0; seed += 1) {
    const events = played(seed);
    if (!events.some(({ type }) => missing.has(type))) continue;
    for (const { type } of events) missing.delete(type);
    const after = Math.floor(events.length / 2);
    logs.push({
      events,
      snapshot: { after, state: stateAfter(events.slice(0, after)) },
      hash: stateHash(stateAfter(events).public),
    });
  }
  if (missing.size > 0) throw new Error(`no room had ${[...missing].join(', ')}`);
  return logs;
}

mkdirSync(FOLDER, { recursive: true });
if (process.env['KEEP_LOG'] === '1') {
  // What was released is never written again.
  if (existsSync(OWN)) throw new Error(`${OWN} is kept already`);
  // One line a room: what is never changed needs not be read in a diff.
  const lines = logsOfThisVersion().map((log) => JSON.stringify(log));
  writeFileSync(OWN, `[\n${lines.join(',\n')}\n]\n`);
}

const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

describe.each(files)('the log %s', (file) => {
  const logs = JSON.parse(readFileSync(path.join(FOLDER, file), 'utf8')) as readonly KeptLog[];

  it('leads to the rooms that it led to then', () => {
    for (const { events, hash } of logs) {
      const { public: room } = stateAfter(events);
      expect(stateHash(room)).toBe(hash);
      expect(PublicRoomSchema.safeParse(room).error).toBeUndefined();
    }
  });

  it('goes on from a snapshot of that time', () => {
    for (const { events, snapshot, hash } of logs)
      expect(stateHash(stateAfter(events.slice(snapshot.after), snapshot.state).public)).toBe(hash);
  });

  it('has events that clients of today are told', () => {
    for (const { events } of logs) {
      for (const event of events) {
        const schema = RoomEventSchemas[event.type];
        expect(schema.safeParse(publicEvent(event)).error, event.type).toBeUndefined();
      }
    }
  });
});

describe('the log of this version', () => {
  it('is kept, with each kind of event in it', () => {
    expect(existsSync(OWN), 'KEEP_LOG=1 writes it').toBe(true);
    const logs = JSON.parse(readFileSync(OWN, 'utf8')) as readonly KeptLog[];
    const types = new Set(logs.flatMap(({ events }) => events.map(({ type }) => type)));
    expect([...types].sort()).toEqual(Object.keys(RoomEventSchemas).sort());
  });
});
