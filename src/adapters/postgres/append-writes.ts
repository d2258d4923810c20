// From appends to the rows that they write. Pure: what was heard before is given.
import type { RoomId } from '../../../protocol/ids.ts';
import type { RoomEvent } from '../../domain/room-event.ts';
import type { RoomState } from '../../domain/room-state.ts';
import { sessionChanges, type HeardRoom, type RecordChanges } from '../../domain/session-record.ts';
import {
  NO_ROOM,
  isSameHead,
  type Head,
  type HeldEvent,
  type IdempotencyRecord,
} from '../../ports/room-log.ts';
import type { AppendWrites, RoomWrite } from './append-statement.ts';

/** How long a key is remembered, ms of hub time. */
export const KEY_LIFE_MS = 600_000;
/** `load` replays fewer events than this. */
const SNAPSHOT_EVERY_REVISIONS = 64;

export interface Append {
  readonly roomId: RoomId;
  readonly expected: Head;
  readonly events: readonly RoomEvent[];
  readonly after: RoomState;
  readonly keys: readonly IdempotencyRecord[];
}

/** The head that the append leads to. */
export function headAfter({ expected, events }: Append): Head {
  const last = events.at(-1);
  if (last === undefined) throw new RangeError('an append has at least one event');
  return { epoch: expected.epoch, revision: expected.revision + events.length, eventId: last.id };
}

export function isCreation({ expected, events }: Append): boolean {
  return isSameHead(expected, NO_ROOM) && events[0]?.type === 'RoomCreated';
}

/**
 * Adds the rows of one append.
 * @param heard what was heard before it and is not recorded yet
 * @returns the same after it; undefined where it is as before
 */
export function addWrites(
  writes: AppendWrites,
  append: Append,
  heard: HeardRoom,
): HeardRoom | undefined {
  const { roomId, events, after } = append;
  const head = headAfter(append);
  const changes = sessionChanges(heard, events, after);
  const { expected } = append;
  const numbered = events.map((event, i) => ({
    epoch: head.epoch,
    revision: expected.revision + 1 + i,
    event,
  }));
  const from = isCreation(append) ? undefined : expected;
  writes.rooms.push(roomWrite(roomId, from, head, after, changes.heard));
  addEvents(writes, roomId, numbered);
  addKeys(writes, append);
  if (isSnapshotDue(append, head)) {
    const { epoch, revision, eventId } = head;
    writes.snapshots.push({ room_id: roomId, epoch, revision, event_id: eventId, state: after });
  }
  addRecord(writes, roomId, changes, (index) => numbered[index]);
  return changes.heard;
}

/** @param from where the room ends now; undefined for a new one */
export function roomWrite(
  roomId: RoomId,
  from: Head | undefined,
  head: Head,
  after: RoomState,
  heard: HeardRoom | undefined,
): RoomWrite {
  const expected = from ?? NO_ROOM;
  return {
    id: roomId,
    is_new: from === undefined,
    from_epoch: expected.epoch,
    from_revision: expected.revision,
    from_event_id: expected.eventId,
    epoch: head.epoch,
    revision: head.revision,
    event_id: head.eventId,
    code: after.public.code,
    name: after.public.name,
    visibility: after.public.visibility,
    created_at: after.public.createdAt,
    closed_at: after.public.closed?.at ?? null,
    here_count: after.public.hereCount,
    last_at: after.lastAt,
    heard: heard ?? null,
  };
}

export function addEvents(
  writes: AppendWrites,
  roomId: RoomId,
  events: readonly HeldEvent[],
): void {
  for (const { epoch, revision, event } of events) {
    const { id, at, type } = event;
    writes.events.push({ room_id: roomId, epoch, revision, event_id: id, at, type, event });
  }
}

function addKeys(writes: AppendWrites, { roomId, events, keys }: Append): void {
  const at = events[0]?.at ?? 0;
  const seen = new Set<string>();
  for (const { key, reply } of keys) {
    if (seen.has(key)) continue;
    seen.add(key);
    writes.keys.push({ room_id: roomId, key, reply, at, expires_at: at + KEY_LIFE_MS });
  }
}

/** Also when the last one has left: the room may sleep for long, and wakes from one row. */
function isSnapshotDue({ expected, events, after }: Append, head: Head): boolean {
  const passed = (revision: number): number => Math.floor(revision / SNAPSHOT_EVERY_REVISIONS);
  return (
    expected.revision === 0 ||
    passed(head.revision) > passed(expected.revision) ||
    (after.public.hereCount === 0 && events.some(({ type }) => type === 'MembersDeparted'))
  );
}

/** @param eventAt the event that a change was told by, with its number */
export function addRecord(
  writes: AppendWrites,
  roomId: RoomId,
  changes: RecordChanges,
  eventAt: (index: number) => HeldEvent | undefined,
): void {
  const startedHere = new Set(changes.started.map(({ sessionId }) => sessionId));
  for (const { sessionId, at } of changes.started) {
    const ended_at = changes.ended.find((end) => end.sessionId === sessionId)?.at ?? null;
    writes.sessions.push({ id: sessionId, room_id: roomId, started_at: at, ended_at });
  }
  for (const { sessionId, userId, at } of changes.departures) {
    writes.departures.push({ room_id: roomId, session_id: sessionId, user_id: userId, at });
  }
  for (const { sessionId, at } of changes.ended) {
    if (startedHere.has(sessionId)) continue;
    writes.ended.push({ room_id: roomId, id: sessionId, at });
    writes.departures.push({ room_id: roomId, session_id: sessionId, user_id: null, at });
  }
  for (const arrival of changes.arrivals) {
    const told = eventAt(arrival.eventIndex);
    if (told === undefined) continue;
    writes.arrivals.push({
      room_id: roomId,
      session_id: arrival.sessionId,
      user_id: arrival.userId,
      name: arrival.name,
      arrived_at: arrival.arrivedAt,
      departed_at: arrival.departedAt ?? null,
      epoch: told.epoch,
      revision: told.revision,
      event_id: told.event.id,
    });
  }
  for (const play of changes.plays) {
    writes.plays.push({
      room_id: roomId,
      session_id: play.sessionId,
      entry_id: play.entryId,
      track_id: play.trackId,
      title: play.title,
      artist: play.artist,
      started_at: play.startedAt,
      ended_at: play.endedAt,
    });
  }
}
