// The rows by which the archive adopts a room's head and state as another log has them. Pure, but for the statements' text.
import type { EventId, RoomId } from '../../../protocol/ids.ts';
import type { RoomEvent } from '../../domain/room-event.ts';
import type { RoomState } from '../../domain/room-state.ts';
import { sessionChanges, type HeardRoom } from '../../domain/session-record.ts';
import type { Head, HeldEvent } from '../../ports/room-log.ts';
import type { AppendWrites, Statement } from './append-statement.ts';
import { addEvents, addRecord, roomWrite } from './append-writes.ts';
import type { Adoption } from './archive-plan.ts';

/**
 * Adds the rows of an adoption.
 * @param isKnown whether the archive has the event, under whatever number: then it left its mark in the record of sessions before
 * @param heard what was heard before it and is not recorded yet
 */
export function addAdoption(
  writes: AppendWrites,
  { roomId, from, head, state, events }: Adoption,
  isKnown: (eventId: EventId) => boolean,
  heard: HeardRoom,
): void {
  const added = events.filter(({ event }) => !isKnown(event.id));
  // Not all that led to the state need be among the events: what is to be heard from now on is the state's.
  const goesOn = state.public.session === undefined ? [] : [timelineOf(state, head)];
  const changes = sessionChanges(heard, [...added.map(({ event }) => event), ...goesOn], state);
  writes.rooms.push(roomWrite(roomId, from, head, state, changes.heard));
  addEvents(writes, roomId, added);
  const { epoch, revision, eventId } = head;
  writes.snapshots.push({ room_id: roomId, epoch, revision, event_id: eventId, state });
  addRecord(writes, roomId, changes, (index) => added[index]);
}

function timelineOf(state: RoomState, head: Head): RoomEvent {
  return {
    id: head.eventId as EventId,
    at: state.lastAt,
    type: 'PlaybackMoved',
    by: state.public.hostId,
    cause: 'play',
    timeline: [...state.public.playback.timeline],
  };
}

/** Moves events to newer numbers, told by their ids. */
export function moveEvents(roomId: RoomId, events: readonly HeldEvent[]): Statement {
  const rows = events.map(({ epoch, revision, event }) => ({ epoch, revision, id: event.id }));
  return {
    text: `update room_event e set epoch = n.epoch, revision = n.revision
      from jsonb_to_recordset(?::jsonb) as n(epoch int, revision int, id text)
      where e.room_id = ? and e.event_id = n.id and (n.epoch, n.revision) > (e.epoch, e.revision)
        and not exists (
          select from room_event o where o.room_id = e.room_id and o.epoch = n.epoch and o.revision = n.revision)`,
    bindings: [JSON.stringify(rows), roomId],
  };
}

/**
 * Takes out of the room's log what the adopted history does not have any more, and back in what it has again: the log is one history.
 * To be run after `moveEvents`.
 */
export function setLostApart({ roomId, from, head, events }: Adoption): readonly Statement[] {
  const newer = events.filter(({ epoch }) => epoch > (from?.epoch ?? 0));
  // Where the newer epochs leave what the archive has; without events of theirs, at the head.
  const base = Math.min(head.revision, ...newer.map(({ revision }) => revision - 1));
  const columns = 'room_id, epoch, revision, event_id, at, type, event';
  return [
    {
      text: `with lost as (
        delete from room_event where room_id = ? and epoch < ? and epoch <= ? and revision > ? returning ${columns})
        insert into lost_event (${columns}) select ${columns} from lost on conflict do nothing`,
      bindings: [roomId, head.epoch, from?.epoch ?? 0, base],
    },
    {
      text: 'delete from lost_event where room_id = ? and event_id = any(?::text[])',
      bindings: [roomId, events.map(({ event }) => event.id)],
    },
  ];
}

/**
 * Makes the record of sessions agree with a state about who is here, where events on the way to it are not known: stays and sessions
 * that it knows nothing of are over by its last event, and who is here without a stay has one from the earliest moment that is free.
 * Changes nothing where they agree.
 */
export function reconcileRecord({ roomId, head, state }: Adoption): Statement {
  const { session } = state.public;
  const here = Object.entries(state.members)
    .filter(([, member]) => member.here)
    .map(([user_id, { name, joinedAt }]) => ({ user_id, name, joined_at: joinedAt }));
  const input = {
    room_id: roomId,
    session_id: session?.id ?? null,
    started_at: session?.startedAt ?? null,
    at: state.lastAt,
    epoch: head.epoch,
    revision: head.revision,
    // An arrival's own event is not known; with a session and a person this tells one adoption's from another's.
    event_id: `adopted-${head.epoch}-${head.revision}`,
  };
  return {
    text: `with input as materialized (
      select * from jsonb_to_record(?::jsonb) as i(
        room_id uuid, session_id uuid, started_at float8, at float8, epoch int, revision int, event_id text)),
    here as materialized (select * from jsonb_to_recordset(?::jsonb) as h(user_id uuid, name text, joined_at float8)),
    begun as (
      insert into session (id, room_id, started_at)
      select session_id, room_id, started_at from input where session_id is not null
      on conflict (id) do nothing),
    ended as (
      update session s set ended_at = greatest(i.at, s.started_at) from input i
      where s.room_id = i.room_id and s.ended_at is null and s.id is distinct from i.session_id),
    departed as (
      update participation p set departed_at = greatest(i.at, p.arrived_at) from input i, session s
      where s.room_id = i.room_id and p.session_id = s.id and p.departed_at is null
        and (s.id is distinct from i.session_id or p.user_id not in (select user_id from here)))
    insert into participation (session_id, user_id, name, arrived_at, epoch, revision, event_id)
    select i.session_id, h.user_id, h.name, greatest(i.started_at, h.joined_at, (
        select max(p.departed_at) from participation p where p.session_id = i.session_id and p.user_id = h.user_id)),
      i.epoch, i.revision, i.event_id
    from input i, here h
    where i.session_id is not null and not exists (
      select from participation p
      where p.session_id = i.session_id and p.user_id = h.user_id and p.departed_at is null)
    on conflict do nothing`,
    bindings: [JSON.stringify(input), JSON.stringify(here)],
  };
}
