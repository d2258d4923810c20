// The one statement by which appends of many rooms are committed: heads, events, keys, snapshots and the record of sessions at once.
// A single statement is a transaction of its own, and one exchange with the server instead of eight.

/** A room as the statement takes it. JSON names are the columns'. */
export interface RoomWrite {
  readonly id: string;
  readonly is_new: boolean;
  readonly from_epoch: number;
  readonly from_revision: number;
  readonly from_event_id: string;
  readonly epoch: number;
  readonly revision: number;
  readonly event_id: string;
  readonly code: string;
  readonly name: string;
  readonly visibility: string;
  readonly created_at: number;
  readonly closed_at: number | null;
  readonly here_count: number;
  readonly last_at: number;
  /** Null: unchanged. */
  readonly heard: unknown;
}

export interface EventWrite {
  readonly room_id: string;
  readonly epoch: number;
  readonly revision: number;
  readonly event_id: string;
  readonly at: number;
  readonly type: string;
  readonly event: unknown;
}

export interface AppendWrites {
  readonly rooms: RoomWrite[];
  readonly events: EventWrite[];
  readonly keys: {
    readonly room_id: string;
    readonly key: string;
    readonly reply: unknown;
    readonly at: number;
    readonly expires_at: number;
  }[];
  readonly snapshots: {
    readonly room_id: string;
    readonly epoch: number;
    readonly revision: number;
    readonly event_id: string;
    readonly state: unknown;
  }[];
  readonly sessions: {
    readonly id: string;
    readonly room_id: string;
    readonly started_at: number;
    readonly ended_at: number | null;
  }[];
  /** Of sessions begun by an earlier append. */
  readonly ended: { readonly room_id: string; readonly id: string; readonly at: number }[];
  readonly arrivals: {
    readonly room_id: string;
    readonly session_id: string;
    readonly user_id: string;
    readonly name: string;
    readonly arrived_at: number;
    readonly departed_at: number | null;
    readonly epoch: number;
    readonly revision: number;
    readonly event_id: string;
  }[];
  /** A null user is everybody of the session. */
  readonly departures: {
    readonly room_id: string;
    readonly session_id: string;
    readonly user_id: string | null;
    readonly at: number;
  }[];
  readonly plays: {
    readonly room_id: string;
    readonly session_id: string;
    readonly entry_id: string;
    readonly track_id: string;
    readonly title: string;
    readonly artist: string;
    readonly started_at: number;
    readonly ended_at: number;
  }[];
}

export function emptyWrites(): AppendWrites {
  return {
    rooms: [],
    events: [],
    keys: [],
    snapshots: [],
    sessions: [],
    ended: [],
    arrivals: [],
    departures: [],
    plays: [],
  };
}

// Each list comes as a binding of its own and is read into rows once: nothing here is looked up by walking another list, which would make
// a transaction of many rooms cost the square of them. `in` over `done` stays a hashed lookup because it is negated twice.
const isDone = (column: string): string => `not (${column} not in (select id from done))`;

const headsBy = (onKnownEvent: string): string => `
rooms as materialized (
  select * from jsonb_to_recordset(?::jsonb) as r(
    id uuid, is_new boolean, from_epoch int, from_revision int, from_event_id text, epoch int, revision int, event_id text,
    code text, name text, visibility text, created_at float8, closed_at float8, here_count int, last_at float8, heard jsonb)),
new_keys as materialized (
  select * from jsonb_to_recordset(?::jsonb) as k(room_id uuid, key text, reply jsonb, at float8, expires_at float8)),
used as materialized (
  select n.room_id from new_keys n join idempotency_key k on k.room_id = n.room_id and k.key = n.key
  where k.expires_at > n.at),
created as (
  insert into room (id, code, name, visibility, created_at, closed_at, here_count, epoch, revision, event_id, last_at, heard)
  select id, code, name, visibility, created_at, closed_at, here_count, epoch, revision, event_id, last_at, nullif(heard, 'null'::jsonb)
  from rooms where is_new
  on conflict do nothing
  returning id),
moved as (
  update room set
    epoch = r.epoch, revision = r.revision, event_id = r.event_id, name = r.name, visibility = r.visibility,
    closed_at = r.closed_at, here_count = r.here_count, last_at = r.last_at,
    heard = coalesce(nullif(r.heard, 'null'::jsonb), room.heard)
  from rooms r
  where room.id = r.id and not r.is_new
    and room.epoch = r.from_epoch and room.revision = r.from_revision and room.event_id = r.from_event_id
    and r.id not in (select room_id from used)
  returning room.id),
done as materialized (select id from created union all select id from moved),
written_events as (
  insert into room_event (room_id, epoch, revision, event_id, at, type, event)
  select room_id, epoch, revision, event_id, at, type, event from jsonb_to_recordset(?::jsonb) as e(
    room_id uuid, epoch int, revision int, event_id text, at float8, type text, event jsonb)
  where ${isDone('room_id')} ${onKnownEvent}),
written_keys as (
  insert into idempotency_key (room_id, key, reply, expires_at)
  select room_id, key, reply, expires_at from new_keys where ${isDone('room_id')}
  on conflict (room_id, key) do update set reply = excluded.reply, expires_at = excluded.expires_at)`;

const SNAPSHOTS = `,
written_snapshots as (
  insert into room_snapshot (room_id, epoch, revision, event_id, state)
  select room_id, epoch, revision, event_id, state from jsonb_to_recordset(?::jsonb) as s(
    room_id uuid, epoch int, revision int, event_id text, state jsonb)
  where ${isDone('room_id')}
  on conflict (room_id) do update set
    epoch = excluded.epoch, revision = excluded.revision, event_id = excluded.event_id, state = excluded.state)`;

const RECORD = `,
written_sessions as (
  insert into session (id, room_id, started_at, ended_at)
  select id, room_id, started_at, ended_at from jsonb_to_recordset(?::jsonb) as s(
    id uuid, room_id uuid, started_at float8, ended_at float8)
  where ${isDone('room_id')}
  on conflict (id) do nothing),
ended_sessions as (
  update session set ended_at = e.at
  from jsonb_to_recordset(?::jsonb) as e(room_id uuid, id uuid, at float8)
  where session.id = e.id and session.ended_at is null and ${isDone('e.room_id')}),
written_arrivals as (
  insert into participation (session_id, user_id, name, arrived_at, departed_at, epoch, revision, event_id)
  select session_id, user_id, name, arrived_at, departed_at, epoch, revision, event_id from jsonb_to_recordset(?::jsonb) as a(
    room_id uuid, session_id uuid, user_id uuid, name text, arrived_at float8, departed_at float8, epoch int, revision int,
    event_id text)
  where ${isDone('room_id')}
  on conflict (session_id, user_id, event_id) do nothing),
departed as (
  update participation p set departed_at = d.at
  from (
    select p.id, min(d.at) as at
    from jsonb_to_recordset(?::jsonb) as d(room_id uuid, session_id uuid, user_id uuid, at float8)
    join participation p on d.session_id = p.session_id and coalesce(d.user_id, p.user_id) = p.user_id
    where p.departed_at is null and ${isDone('d.room_id')} group by p.id) d
  where p.id = d.id),
written_plays as (
  insert into play (session_id, entry_id, track_id, title, artist, started_at, ended_at)
  select session_id, entry_id, track_id, title, artist, started_at, ended_at from jsonb_to_recordset(?::jsonb) as y(
    room_id uuid, session_id uuid, entry_id text, track_id text, title text, artist text, started_at float8, ended_at float8)
  where ${isDone('room_id')}
  on conflict (session_id, started_at) do nothing)`;

export interface Statement {
  readonly text: string;
  readonly bindings: readonly (string | number | readonly string[])[];
}

/**
 * The statement for these writes. Answers the ids of the rooms that were written, with all that belongs to them.
 * @param isReplay whether an event may be there before its append: what is replayed may have been archived by another way
 */
export function appendStatement(writes: AppendWrites, { isReplay = false } = {}): Statement {
  const { rooms, keys, events, snapshots, sessions, ended, arrivals, departures, plays } = writes;
  const heads = headsBy(isReplay ? 'on conflict do nothing' : '');
  const record = [sessions, ended, arrivals, departures, plays];
  const hasRecord = record.some((list) => list.length > 0);
  const hasSnapshots = snapshots.length > 0;
  const parts = [heads, hasSnapshots ? SNAPSHOTS : '', hasRecord ? RECORD : ''];
  const lists = [
    rooms,
    keys,
    events,
    ...(hasSnapshots ? [snapshots] : []),
    ...(hasRecord ? record : []),
  ];
  return {
    text: `with ${parts.join('')} select id from done`,
    bindings: lists.map((list) => JSON.stringify(list)),
  };
}
