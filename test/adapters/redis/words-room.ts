// A room that is the same each time, and what may happen in it, as a node writes it.
import type { EventId, RoomCode } from '../../../protocol/ids.ts';
import type { Settings } from '../../../protocol/schemas/room.ts';
import { evolve } from '../../../src/domain/evolve.ts';
import type { RoomEvent } from '../../../src/domain/room-event.ts';
import type { RoomState } from '../../../src/domain/room-state.ts';
import { NO_ROOM, type Head, type HeldRoom, type RoomLog } from '../../../src/ports/room-log.ts';
import { ANA, BO, ROOM } from './words-place.ts';

export const CODE = 'KTCHN2' as RoomCode;
export const KEY = `${ANA}:rename`;
export const RENAMED_KEYS = [{ key: KEY, reply: { revision: 3 } }];
/** A later preset is to change nothing here. */
const SETTINGS: Settings = {
  control: 'all',
  queueAdd: 'all',
  queueEdit: 'all',
  chat: 'all',
  invite: 'all',
  queuePolicy: 'manual',
  skipVoteShare: 0.5,
  removeVoteShare: 0.5,
  gateMs: 1_500,
  gateQuorum: 0.75,
  friendsEnter: true,
  showActivity: true,
};
const id = (n: number): EventId => `event-${n}` as EventId;

const CREATED: RoomEvent = {
  ...{ id: id(1), at: 1_000_001, type: 'RoomCreated', roomId: ROOM, by: ANA, byName: 'Ana' },
  ...{ code: CODE, name: 'Kitchen', preset: 'friends', visibility: 'unlisted', settings: SETTINGS },
};
const ARRIVED: RoomEvent = {
  ...{ id: id(2), at: 1_000_002.5, type: 'MembersArrived', count: 1 },
  members: [{ userId: BO, name: 'Bo' }],
};
const RENAMED: RoomEvent = {
  ...{ id: id(3), at: 1_000_003, type: 'RoomUpdated', by: ANA, name: 'Küche “2”' },
};
const EVENTS = [CREATED, ARRIVED, RENAMED];

function stateAfter(events: readonly RoomEvent[]): RoomState {
  const state = events.reduce<RoomState | undefined>(evolve, undefined);
  if (state === undefined) throw new Error('no events');
  return state;
}

function headAt(revision: number): Head {
  return { epoch: 1, revision, eventId: id(revision) };
}

/** The room is made; then two things happen in it at once, one of them asked for with a key. */
export async function appendAll(log: RoomLog): Promise<void> {
  await log.append(ROOM, NO_ROOM, [CREATED], stateAfter([CREATED]), []);
  await log.append(ROOM, headAt(1), [ARRIVED, RENAMED], stateAfter(EVENTS), RENAMED_KEYS);
}

/** Of the three events the log has one, and is given back the others. */
export async function loseAndRestore(log: RoomLog): Promise<void> {
  await log.append(ROOM, NO_ROOM, [CREATED], stateAfter([CREATED]), []);
  await log.restore(ROOM, held());
}

/** What a node holds that has seen all of it. */
export function held(): HeldRoom {
  const recent = EVENTS.map((event, i) => ({ epoch: 1, revision: i + 1, event }));
  const [created, arrived, renamed] = recent;
  if (created === undefined || arrived === undefined || renamed === undefined)
    throw new Error('no events');
  return {
    head: headAt(3),
    state: stateAfter(EVENTS),
    recent: [created, arrived, { ...renamed, keys: RENAMED_KEYS }],
    keys: RENAMED_KEYS,
  };
}
