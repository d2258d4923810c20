// What people have listened to, in Postgres. Knows nothing of who may read it.
import type { HubMs, RoomId, SessionId, UserId } from '../../../protocol/ids.ts';
import type { ActivityTrack } from '../../../protocol/schemas/feed.ts';
import { dayNamer } from '../../domain/activity-counts.ts';
import { newer, oneOfEach, spanning } from '../../domain/entry-batches.ts';
import { sinceErased } from '../../domain/erased-entries.ts';
import type { ImportedEntry } from '../../domain/imported-listen.ts';
import { countedAt, heardMs, unionOf } from '../../domain/listens.ts';
import type { Span } from '../../domain/now-playing.ts';
import type {
  ActivityEntry,
  ActivityLog,
  Count,
  CountsQuery,
  ExportedRecord,
  HeardEntry,
  Listen,
  PageQuery,
  PastActivity,
  PlayedEntry,
  Range,
  RemoveEntry,
  Together,
} from '../../ports/activity-log.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import type { Rows, Sql } from './sql.ts';

/** Whoever erases a person waits for those who write, and the other way round. */
const ERASING = 3_277_470;
const EXPORTED_AT_ONCE = 500;

interface ActivityRow {
  readonly id: string;
  readonly user_id: UserId;
  readonly at: number;
  readonly ended_at: number | null;
  readonly track: ActivityTrack;
  readonly room_id: RoomId | null;
  readonly room_name: string | null;
  readonly is_private: boolean;
}

interface ListenRow {
  readonly id: string;
  readonly user_id: UserId;
  readonly at: number;
  readonly track: ActivityTrack;
  readonly room_id: RoomId | null;
  readonly session_id: SessionId | null;
  readonly heard_ms: number;
  readonly counted_at: number | null;
}

const ACTIVITY = 'a.id, a.user_id, a.at, a.ended_at, a.track, a.room_id, a.room_name, a.is_private';
const LISTEN = 'id, user_id, at, track, room_id, session_id, heard_ms, counted_at';

export class PostgresActivityLog implements ActivityLog {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  async append(entries: readonly ActivityEntry[]): Promise<void> {
    await this.#append(entries, sinceErased);
  }

  async #append<T extends ActivityEntry>(
    entries: readonly T[],
    keep: (entries: readonly T[], erasedAt: ReadonlyMap<UserId, HubMs>) => readonly T[],
  ): Promise<void> {
    if (entries.length === 0) return;
    await this.#sql.transaction(async (rows) => {
      await rows('select pg_advisory_xact_lock_shared(?)', [ERASING]);
      const people = [...new Set(entries.map(({ userId }) => userId))];
      const erased = await rows<{ readonly user_id: UserId; readonly at: HubMs }>(
        'select user_id, at from erased_person where user_id = any(?::uuid[])',
        [people],
      );
      const erasedAt = new Map(erased.map(({ user_id: id, at }) => [id, at]));
      const kept: readonly ActivityEntry[] = keep(entries, erasedAt);
      const byActivity = (entry: PlayedEntry | RemoveEntry): string =>
        `${entry.userId}:${entry.activityId}`;
      const byListen = ({ userId, listenId }: HeardEntry): string => `${userId}:${listenId}`;
      const removals = kept.filter((entry) => entry.kind === 'remove');
      const played = kept.filter((entry) => entry.kind === 'activity');
      const heard = kept.filter((entry) => entry.kind === 'heard');
      // Always in the order of ids, so that no two writers wait for each other.
      await removeAll(
        rows,
        oneOfEach(removals, byActivity, (before) => before),
      );
      await keepPlayed(rows, oneOfEach(played, byActivity, newer));
      await keepHeard(rows, oneOfEach(heard, byListen, spanning));
    });
  }

  async feedPage(authors: readonly UserId[], query: PageQuery): Promise<readonly PastActivity[]> {
    const { at, id } = query.after ?? {};
    const found = await this.#sql.rows<ActivityRow>(
      `select ${ACTIVITY} from unnest(?::uuid[]) as author, lateral (
         select * from activity a where a.user_id = author and not a.is_private and not a.removed
           and (?::float8 is null or (a.at, a.id) < (?::float8, ?::uuid))
         order by a.at desc, a.id desc limit ?) a
       order by a.at desc, a.id desc limit ?`,
      [[...authors], at ?? null, at ?? null, id ?? null, query.limit, query.limit],
    );
    return found.map(activityOf);
  }

  async historyPage(
    userId: UserId,
    query: PageQuery & { readonly includePrivate: boolean },
  ): Promise<readonly PastActivity[]> {
    const { at, id } = query.after ?? {};
    const found = await this.#sql.rows<ActivityRow>(
      `select ${ACTIVITY} from activity a where a.user_id = ? and not a.removed and (? or not a.is_private)
         and (?::float8 is null or (a.at, a.id) < (?::float8, ?::uuid))
       order by a.at desc, a.id desc limit ?`,
      [userId, query.includePrivate, at ?? null, at ?? null, id ?? null, query.limit],
    );
    return found.map(activityOf);
  }

  async listensPage(userId: UserId, query: PageQuery): Promise<readonly Listen[]> {
    const { at, id } = query.after ?? {};
    const found = await this.#sql.rows<ListenRow>(
      `select ${LISTEN} from listen where user_id = ? and counted_at is not null and not removed
         and (?::float8 is null or (at, id) < (?::float8, ?::uuid))
       order by at desc, id desc limit ?`,
      [userId, at ?? null, at ?? null, id ?? null, query.limit],
    );
    return found.flatMap((row) =>
      row.counted_at === null ? [] : [{ ...listenOf(row), countedAt: row.counted_at }],
    );
  }

  async counts(userId: UserId, query: CountsQuery): Promise<readonly Count[]> {
    // Throws for what is no time zone, before Postgres does in its own words.
    dayNamer(query.timeZone);
    const groups = {
      track: [
        `coalesce(track->>'trackId', lower(track->>'artist') || chr(10) || lower(track->>'title'))`,
        `track->>'title'`,
      ],
      artist: [`lower(track->>'artist')`, `track->>'artist'`],
      day: [DAY, DAY],
    } as const;
    const [group, key] = groups[query.by];
    const zone = query.by === 'day' ? [query.timeZone] : [];
    const found = await this.#summed<{
      readonly key: string;
      readonly track: ActivityTrack;
      readonly listens: number;
      readonly heard_ms: number;
    }>(
      `select * from (
         select distinct on (grp) key, track, (count(*) over same)::int as listens, sum(heard_ms) over same as heard_ms
         from (select ${group} as grp, ${key} as key, track, at, id, heard_ms from listen
           where user_id = ? and counted_at is not null and not removed and at >= ? and at < ?) l
         window same as (partition by grp) order by grp, at desc, id desc) counted
       order by ${query.by === 'day' ? 'key desc' : 'listens desc, key collate "C"'} limit ?`,
      [...zone, ...zone, userId, query.from, query.to, query.limit],
    );
    return found.map((row) => ({
      key: row.key,
      ...(query.by === 'track' ? { track: row.track } : {}),
      listens: row.listens,
      heardMs: row.heard_ms,
    }));
  }

  async together(
    userId: UserId,
    query: Range & { readonly limit: number },
  ): Promise<readonly Together[]> {
    const found = await this.#summed<{
      readonly user_id: UserId;
      readonly heard_ms: number;
      readonly plays: number;
    }>(
      `with mine as (
         select l.play_key, (s->>0)::float8 as begun, (s->>1)::float8 as over
         from listen l, jsonb_array_elements(l.spans) s
         where l.user_id = ? and l.at >= ? and l.at < ? and not l.removed),
       shared as (
         select o.user_id, o.play_key,
           least(m.over, (s->>1)::float8) - greatest(m.begun, (s->>0)::float8) as ms
         from mine m join listen o on o.play_key = m.play_key, jsonb_array_elements(o.spans) s
         where o.user_id <> ? and not o.removed)
       select user_id, sum(ms) as heard_ms, count(distinct play_key)::int as plays from shared where ms > 0
       group by user_id order by heard_ms desc, user_id limit ?`,
      [userId, query.from, query.to, userId, query.limit],
    );
    return found.map((row) => ({ userId: row.user_id, heardMs: row.heard_ms, plays: row.plays }));
  }

  /** A sum that takes too long is given up: it is answered as unavailable. */
  async #summed<Row extends object>(text: string, bindings: readonly unknown[]): Promise<Row[]> {
    try {
      return await this.#sql.transaction(async (rows) => {
        await rows(`set local statement_timeout = ${SUM_MS}`);
        return rows<Row>(text, bindings);
      });
    } catch (error) {
      if ((error as { readonly code?: unknown }).code === QUERY_CANCELED)
        throw new StoreUnavailable('Postgres', { cause: error });
      throw error;
    }
  }

  async latest(authors: readonly UserId[]): Promise<ReadonlyMap<UserId, PastActivity>> {
    const found = await this.#sql.rows<ActivityRow>(
      `select ${ACTIVITY} from unnest(?::uuid[]) as author, lateral (
         select * from activity a where a.user_id = author and not a.is_private and not a.removed
         order by a.at desc, a.id desc limit 1) a`,
      [[...authors]],
    );
    return new Map(found.map((row) => [row.user_id, activityOf(row)]));
  }

  async importListens(entries: readonly ImportedEntry[], askedAt: HubMs): Promise<number> {
    const [userIds, ids, sameAs] = [
      entries.map(({ userId }) => userId),
      entries.map(({ listenId }) => listenId),
      entries.map((entry) => entry.sameAs ?? null),
    ];
    const known = await this.#sql.rows<{ readonly id: string }>(
      `select told.id from unnest(?::uuid[], ?::uuid[], ?::uuid[]) as told (user_id, id, same)
       where exists (select from listen l where l.user_id = told.user_id and l.id in (told.id, told.same))`,
      [userIds, ids, sameAs],
    );
    const isKnown = new Set(known.map(({ id }) => id));
    const fresh = entries.filter(({ listenId }) => !isKnown.has(listenId));
    await this.#append(fresh, (all, erasedAt) =>
      all.filter(({ userId }) => (erasedAt.get(userId) ?? -Infinity) < askedAt),
    );
    return new Set(fresh.map(({ listenId }) => listenId)).size;
  }

  async *export(userId: UserId): AsyncIterable<ExportedRecord> {
    let after: { readonly at: number; readonly id: string } | undefined;
    for (;;) {
      const rows: ActivityRow[] = await this.#sql.rows<ActivityRow>(
        `select ${ACTIVITY} from activity a where a.user_id = ? and not a.removed
           and (?::float8 is null or (a.at, a.id) > (?::float8, ?::uuid)) order by a.at, a.id limit ?`,
        [userId, after?.at ?? null, after?.at ?? null, after?.id ?? null, EXPORTED_AT_ONCE],
      );
      for (const row of rows) yield { kind: 'activity', ...activityOf(row) };
      after = rows.at(-1);
      if (rows.length < EXPORTED_AT_ONCE) break;
    }
    after = undefined;
    for (;;) {
      const rows: ListenRow[] = await this.#sql.rows<ListenRow>(
        `select ${LISTEN} from listen where user_id = ? and not removed
           and (?::float8 is null or (at, id) > (?::float8, ?::uuid)) order by at, id limit ?`,
        [userId, after?.at ?? null, after?.at ?? null, after?.id ?? null, EXPORTED_AT_ONCE],
      );
      for (const row of rows) {
        const counted = row.counted_at === null ? {} : { countedAt: row.counted_at };
        yield { kind: 'listen', ...listenOf(row), ...counted };
      }
      after = rows.at(-1);
      if (rows.length < EXPORTED_AT_ONCE) return;
    }
  }

  async prune(before: HubMs, limit: number): Promise<number> {
    let dropped = 0;
    for (const table of ['activity', 'listen']) {
      // Many nodes come at the same moment: each takes others.
      const gone = await this.#sql.rows(
        `delete from ${table} where (user_id, id) in (
           select user_id, id from ${table} where at < ? order by at limit ? for update skip locked) returning 1`,
        [before, limit],
      );
      dropped += gone.length;
    }
    return dropped;
  }

  async erase(userId: UserId, at: HubMs): Promise<void> {
    await this.#sql.transaction(async (rows) => {
      await rows('select pg_advisory_xact_lock(?)', [ERASING]);
      await rows(
        `insert into erased_person as e (user_id, at) values (?, ?)
         on conflict (user_id) do update set at = greatest(e.at, excluded.at)`,
        [userId, at],
      );
      await rows('delete from activity where user_id = ?', [userId]);
      await rows('delete from listen where user_id = ?', [userId]);
    });
  }
}

const SUM_MS = 10_000;
const QUERY_CANCELED = '57014';

const DAY = `to_char(to_timestamp(at / 1000) at time zone ?, 'YYYY-MM-DD')`;

async function removeAll(rows: Rows, entries: readonly RemoveEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const said = JSON.stringify(
    entries.map(({ activityId: id, userId, at }) => ({ id, userId, at })),
  );
  // A mark stays, so that what is told of it later does not bring it back; but none of something that went with its person.
  for (const table of ['activity', 'listen']) {
    const isListen = table === 'listen';
    await rows(
      `insert into ${table} as t (id, user_id, at, removed${isListen ? ', play_key' : ''})
       select id, "userId", at, true${isListen ? ", ''" : ''} from jsonb_to_recordset(?::jsonb) as x(id uuid, "userId" uuid, at float8)
       where not exists (select from erased_person e where e.user_id = x."userId") or exists (select from ${table} k where k.user_id = x."userId" and k.id = x.id)
       on conflict (user_id, id) do update set removed = true, at = excluded.at, track = null${isListen ? ", spans = '[]', play_key = ''" : ', room_id = null, room_name = null'}`,
      [said],
    );
  }
}

/** Of an older word only its beginning counts. */
const NEWEST = ['version', 'ended_at', 'track', 'room_id', 'room_name', 'is_private']
  .map(
    (name) =>
      `${name} = case when t.version < excluded.version then excluded.${name} else t.${name} end`,
  )
  .join(', ');

async function keepPlayed(rows: Rows, entries: readonly PlayedEntry[]): Promise<void> {
  if (entries.length === 0) return;
  await rows(
    `insert into activity as t (id, user_id, version, at, ended_at, track, room_id, room_name, is_private)
     select "activityId", "userId", version, at, "endedAt", track, "roomId", "roomName", "isPrivate"
     from jsonb_to_recordset(?::jsonb) as x("activityId" uuid, "userId" uuid, version float8, at float8, "endedAt" float8,
       track jsonb, "roomId" uuid, "roomName" text, "isPrivate" boolean)
     on conflict (user_id, id) do update set at = least(t.at, excluded.at), ${NEWEST}
     where not t.removed and (t.version < excluded.version or t.at > excluded.at)`,
    [JSON.stringify(entries)],
  );
}

async function keepHeard(rows: Rows, entries: readonly HeardEntry[]): Promise<void> {
  if (entries.length === 0) return;
  await rows(
    `insert into listen (id, user_id, play_key, at, track, room_id, session_id)
     select "listenId", "userId", "playKey", 0, track, "roomId", "sessionId"
     from jsonb_to_recordset(?::jsonb) as x("listenId" uuid, "userId" uuid, "playKey" text, track jsonb, "roomId" uuid, "sessionId" uuid)
     on conflict (user_id, id) do nothing`,
    [JSON.stringify(entries)],
  );
  const known = await rows<{ readonly id: string; readonly user_id: UserId; spans: Span[] }>(
    `select l.id, l.user_id, l.spans from listen l
     join unnest(?::uuid[], ?::uuid[]) as told (user_id, id) on l.user_id = told.user_id and l.id = told.id
     where not l.removed order by l.user_id, l.id for update of l`,
    [entries.map(({ userId }) => userId), entries.map(({ listenId }) => listenId)],
  );
  const before = new Map(known.map((row) => [`${row.user_id}:${row.id}`, row]));
  const united = entries.flatMap(({ listenId: id, userId, spans: told, track }) => {
    const row = before.get(`${userId}:${id}`);
    if (row === undefined) return [];
    const spans = unionOf([...row.spans, ...told]);
    const [first] = spans;
    if (first === undefined) return [];
    const counted = countedAt(spans, track.durationMs) ?? null;
    return [{ id, userId, spans, at: first[0], heard: heardMs(spans), counted }];
  });
  await rows(
    `update listen l set spans = x.spans, at = x.at, heard_ms = x.heard, counted_at = x.counted
     from jsonb_to_recordset(?::jsonb) as x(id uuid, "userId" uuid, spans jsonb, at float8, heard float8, counted float8)
     where l.user_id = x."userId" and l.id = x.id`,
    [JSON.stringify(united)],
  );
}

function activityOf(row: ActivityRow): PastActivity {
  return {
    activityId: row.id,
    userId: row.user_id,
    at: row.at,
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at }),
    track: row.track,
    ...(row.room_id === null ? {} : { roomId: row.room_id }),
    ...(row.room_name === null ? {} : { roomName: row.room_name }),
    isPrivate: row.is_private,
  };
}

function listenOf(row: ListenRow): Omit<Listen, 'countedAt'> {
  return {
    listenId: row.id,
    userId: row.user_id,
    at: row.at,
    track: row.track,
    heardMs: row.heard_ms,
    ...(row.room_id === null ? {} : { roomId: row.room_id }),
    ...(row.session_id === null ? {} : { sessionId: row.session_id }),
  };
}
