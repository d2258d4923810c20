// What is asked about people and what is between them: one statement a question, so that each answer is of one moment. Changes nothing.
import type { HubMs, UserId } from '../../../protocol/ids.ts';
import {
  colourOf,
  isColour,
  isFriendCode,
  isNamed,
  type AudienceKind,
} from '../../domain/people.ts';
import type {
  AuthorPolicy,
  Audience,
  Grant,
  GrantsOf,
  Overview,
  Person,
  PersonSince,
} from '../../ports/friends.ts';
import type { Rows } from './sql.ts';

/** Beyond so many viewers it is quicker to read all friends than to look for each viewer among them. */
const MAX_LOOKED_FOR = 100;
/** How far back, and among how many, people are looked for whom one was in a room with. */
const MAX_STAYS = 200;
const MAX_COMPANIONS = 1_000;

interface PersonRow {
  readonly id: UserId;
  readonly name: string;
  readonly colour: string | null;
  readonly picture: string | null;
}

interface ListedRow extends PersonRow {
  readonly kind: 'friends' | 'incoming' | 'outgoing' | 'blocked';
  readonly at: HubMs;
  readonly total: number;
}

interface AudienceRow {
  readonly audience: AudienceKind;
  readonly private_until: HubMs | null;
  readonly chosen: readonly UserId[];
}

const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const PERSON = 'u.id, u.name, u.colour, u.picture';
export async function readOverview(
  rows: Rows,
  userId: UserId,
  shownRequests: number,
): Promise<Overview> {
  const listed = await rows<ListedRow>(
    `select l.kind, l.at, l.total, u.id, coalesce(l.name, u.name) as name,
       case when l.kind <> 'blocked' then u.colour end as colour,
       case when l.kind <> 'blocked' then u.picture end as picture
     from (
       select 'friends' as kind, friend_id as id, since as at, 0 as total, null::text as name
         from friendship where user_id = ?
       union all (
         select 'incoming', from_id, sent_at, count(*) over ()::int, null
         from friend_request where to_id = ? and declined_at is null and not withdrawn
         order by sent_at desc, from_id desc limit ?)
       union all
         select 'outgoing', to_id, sent_at, 0, null
         from friend_request where from_id = ? and not withdrawn
       union all
         select 'blocked', b.blocked_id, b.at, 0, b.name from block b
         where b.user_id = ? and (b.name is not null or not exists (
           select from block r where r.user_id = b.blocked_id and r.blocked_id = b.user_id))
     ) l join "user" u on u.id = l.id order by l.at desc, l.id desc`,
    [userId, userId, shownRequests, userId, userId],
  );
  const of = (kind: ListedRow['kind']): readonly PersonSince[] =>
    listed.filter((row) => row.kind === kind).map((row) => ({ ...personOf(row), at: row.at }));
  return {
    friends: of('friends'),
    incoming: of('incoming'),
    incomingCount: listed.find(({ kind }) => kind === 'incoming')?.total ?? 0,
    outgoing: of('outgoing'),
    blocked: of('blocked'),
  };
}

/** @param portion how many are asked for at once */
export async function* readIncoming(
  rows: Rows,
  userId: UserId,
  portion: number,
): AsyncIterable<PersonSince> {
  type Row = PersonRow & { readonly at: HubMs };
  const select = `select ${PERSON}, r.sent_at as at
    from friend_request r join "user" u on u.id = r.from_id
    where r.to_id = ? and r.declined_at is null and not r.withdrawn
      and (r.sent_at, r.from_id) < (?::float8, ?::uuid)
    order by r.sent_at desc, r.from_id desc limit ?`;
  let before: readonly [HubMs | string, string] = ['infinity', LAST_ID];
  for (;;) {
    const found: Row[] = await rows<Row>(select, [userId, ...before, portion]);
    for (const row of found) yield { ...personOf(row), at: row.at };
    const last = found.at(-1);
    if (last === undefined || found.length < portion) return;
    before = [last.at, last.id];
  }
}

export async function readCompanions(
  rows: Rows,
  userId: UserId,
  { typed = '', limit }: { readonly typed?: string; readonly limit: number },
): Promise<readonly PersonSince[]> {
  const met = await rows<PersonRow & { readonly at: HubMs }>(
    `with mine as (
       select session_id, arrived_at, coalesce(departed_at, 'infinity') as departed_at
       from participation where user_id = ? order by arrived_at desc limit ?)
     select ${PERSON}, m.at from (
       select o.user_id, max(greatest(o.arrived_at, mine.arrived_at)) as at
       from mine join participation o on o.session_id = mine.session_id and o.user_id <> ?
         and o.arrived_at < mine.departed_at
         and mine.arrived_at < coalesce(o.departed_at, 'infinity')
       group by o.user_id
     ) m join "user" u on u.id = m.user_id
     where not exists (
       select from block b where b.user_id = ? and b.blocked_id = u.id
         or b.user_id = u.id and b.blocked_id = ?)
     order by m.at desc, u.id desc limit ?`,
    [userId, MAX_STAYS, userId, userId, userId, MAX_COMPANIONS],
  );
  // Not in the statement: what the database takes for the same letter depends on how it was set up.
  const named = met.filter(({ name }) => isNamed(name, typed));
  return named.slice(0, limit).map((row) => ({ ...personOf(row), at: row.at }));
}

export async function readProfiles(
  rows: Rows,
  userIds: readonly UserId[],
): Promise<readonly Person[]> {
  const found = await rows<PersonRow>(
    `select ${PERSON} from "user" u where u.id = any(?::uuid[])`,
    [userIds],
  );
  const byId = new Map(found.map((row) => [row.id, personOf(row)]));
  return userIds.flatMap((userId) => byId.get(userId) ?? []);
}

export async function readByCode(
  rows: Rows,
  code: string,
  by: UserId,
): Promise<Person | undefined> {
  // Text may hold what Postgres takes for no text.
  if (!isFriendCode(code)) return undefined;
  const [row] = await rows<PersonRow>(
    `select ${PERSON} from "user" u where u.friend_code = ? and not exists (
       select from block b where b.user_id = ? and b.blocked_id = u.id
         or b.user_id = u.id and b.blocked_id = ?)`,
    [code, by, by],
  );
  return row && personOf(row);
}

export async function readBlockedAmong(
  rows: Rows,
  userId: UserId,
  others: readonly UserId[],
): Promise<ReadonlySet<UserId>> {
  const found = await rows<{ readonly id: UserId }>(
    `select blocked_id as id from block where user_id = ? and blocked_id = any(?::uuid[])
     union select user_id from block where blocked_id = ? and user_id = any(?::uuid[])`,
    [userId, others, userId, others],
  );
  return new Set(found.map(({ id }) => id));
}

export async function readAudience(rows: Rows, userId: UserId): Promise<Audience | undefined> {
  const [row] = await rows<AudienceRow>(
    `select u.audience, u.private_until, array(
       select c.chosen_id::text from audience_choice c where c.user_id = u.id order by c.chosen_id
     ) as chosen from "user" u where u.id = ?`,
    [userId],
  );
  if (row === undefined) return undefined;
  return { audience: row.audience, chosen: row.chosen, ...privacyOf(row) };
}

export async function readGrantsFor(rows: Rows, viewer: UserId): Promise<readonly Grant[]> {
  interface Row {
    readonly id: UserId;
    readonly version: number;
    readonly private_until: HubMs | null;
    readonly may: boolean;
  }
  const found = await rows<Row>(
    `select u.id, u.policy_version as version, u.private_until,
       u.audience = 'friends' or u.audience = 'chosen' and u.id in (
         select c.user_id from audience_choice c where c.chosen_id = ?) as may
     from friendship f join "user" u on u.id = f.friend_id where f.user_id = ?`,
    [viewer, viewer],
  );
  return found.map((row) => ({
    ...{ author: row.id, version: row.version, may: row.may },
    ...privacyOf(row),
  }));
}

export async function readGrantsOf(
  rows: Rows,
  author: UserId,
  viewers: readonly UserId[],
): Promise<GrantsOf> {
  interface Row {
    readonly version: number;
    readonly private_until: HubMs | null;
    readonly may: readonly UserId[];
  }
  const isLookedFor = viewers.length <= MAX_LOOKED_FOR;
  const [row] = await rows<Row>(
    `select u.policy_version as version, u.private_until, array(
       select f.friend_id::text from friendship f
       where f.user_id = u.id ${isLookedFor ? 'and f.friend_id = any(?::uuid[])' : ''}
         and (u.audience = 'friends' or u.audience = 'chosen' and f.friend_id in (
           select c.chosen_id from audience_choice c where c.user_id = ?))
     ) as may from "user" u where u.id = ?`,
    [...(isLookedFor ? [viewers] : []), author, author],
  );
  if (row === undefined) return { version: 0, may: new Set() };
  const asked = new Set(viewers);
  const may = new Set(row.may.filter((viewer) => asked.has(viewer)));
  return { version: row.version, ...privacyOf(row), may };
}

export async function readPolicies(
  rows: Rows,
  authors: readonly UserId[],
): Promise<readonly AuthorPolicy[]> {
  interface Row extends PersonRow {
    readonly version: number;
    readonly private_until: HubMs | null;
  }
  const found = await rows<Row>(
    `select ${PERSON}, u.policy_version as version, u.private_until from "user" u where u.id = any(?::uuid[])`,
    [authors],
  );
  return found.map((row) => ({
    ...{ person: personOf(row), version: row.version },
    ...privacyOf(row),
  }));
}

function personOf({ id, name, colour, picture }: PersonRow): Person {
  return {
    userId: id,
    name,
    colour: isColour(colour) ? colour : colourOf(id),
    ...(picture === null ? {} : { picture }),
  };
}

function privacyOf(row: { readonly private_until: HubMs | null }): {
  readonly privateUntil?: HubMs;
} {
  return row.private_until === null ? {} : { privateUntil: row.private_until };
}
