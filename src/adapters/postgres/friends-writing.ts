// The statements that change what is between people. Whoever calls them has locked those people; they decide nothing.
import type { HubMs, UserId } from '../../../protocol/ids.ts';
import { DECLINED_REST_MS, type Ask, type AudienceChange } from '../../domain/people.ts';
import type { Change } from '../../ports/friends.ts';
import { bumpPolicies } from './people-rows.ts';
import type { Rows } from './sql.ts';

interface AskRow {
  readonly sent_at: HubMs;
  readonly declined_at: HubMs | null;
  readonly withdrawn: boolean;
}

export interface Between {
  readonly is_blocked: boolean;
  readonly are_friends: boolean;
  readonly asked: AskRow | null;
  readonly asked_back: AskRow | null;
  readonly my_friends: number;
  readonly their_friends: number;
  readonly open_requests: number;
}

export async function readBetween(rows: Rows, me: UserId, them: UserId): Promise<Between> {
  const [found] = await rows<Between>(
    `select
       exists (select from block b where b.user_id = p.me and b.blocked_id = p.them
         or b.user_id = p.them and b.blocked_id = p.me) as is_blocked,
       exists (select from friendship f where f.user_id = p.me and f.friend_id = p.them) as are_friends,
       (select to_jsonb(r) from friend_request r where r.from_id = p.me and r.to_id = p.them) as asked,
       (select to_jsonb(r) from friend_request r where r.from_id = p.them and r.to_id = p.me) as asked_back,
       (select count(*)::int from friendship f where f.user_id = p.me) as my_friends,
       (select count(*)::int from friendship f where f.user_id = p.them) as their_friends,
       (select count(*)::int from friend_request r where r.from_id = p.me and not r.withdrawn) as open_requests
     from (select ?::uuid as me, ?::uuid as them) p`,
    [me, them],
  );
  if (found === undefined) throw new Error('a statement that always answers a row answered none');
  return found;
}

export function askOf(row: AskRow | null): Ask | undefined {
  if (row === null) return undefined;
  return {
    sentAt: row.sent_at,
    ...(row.declined_at === null ? {} : { declinedAt: row.declined_at }),
    isWithdrawn: row.withdrawn,
  };
}

export async function writeAsk(rows: Rows, from: UserId, to: UserId, ask: Ask): Promise<void> {
  await rows(
    `insert into friend_request (from_id, to_id, sent_at, declined_at, withdrawn) values (?, ?, ?, ?, ?)
     on conflict (from_id, to_id) do update set
       sent_at = excluded.sent_at, declined_at = excluded.declined_at, withdrawn = excluded.withdrawn`,
    [from, to, ask.sentAt, ask.declinedAt ?? null, ask.isWithdrawn],
  );
}

/** Also forgets the requests that were taken back and that nothing rests on any more. */
export async function countRequest(
  rows: Rows,
  from: UserId,
  times: readonly HubMs[],
  at: HubMs,
): Promise<void> {
  await rows('update "user" set request_times = ?::jsonb where id = ?', [
    JSON.stringify(times),
    from,
  ]);
  await rows('delete from friend_request where from_id = ? and withdrawn and declined_at <= ?', [
    from,
    at - DECLINED_REST_MS,
  ]);
}

export async function befriend(
  rows: Rows,
  me: UserId,
  them: UserId,
  at: HubMs,
): Promise<Change<'friends'>> {
  await forgetAsks(rows, me, them);
  await rows('insert into friendship (user_id, friend_id, since) values (?, ?, ?), (?, ?, ?)', [
    ...[me, them, at],
    ...[them, me, at],
  ]);
  return changed(rows, 'friends', [me, them]);
}

/** Whether they were friends. */
export async function part(rows: Rows, me: UserId, them: UserId): Promise<boolean> {
  const pair = [me, them, them, me];
  await rows(
    'delete from audience_choice where user_id = ? and chosen_id = ? or user_id = ? and chosen_id = ?',
    pair,
  );
  const parted = await rows(
    `delete from friendship where user_id = ? and friend_id = ? or user_id = ? and friend_id = ?
     returning id`,
    pair,
  );
  return parted.length > 0;
}

/** One that was declined stays, taken back: a block that is lifted again is no way around the rest. Answers whether either overview named one. */
export async function endAsks(rows: Rows, me: UserId, them: UserId): Promise<boolean> {
  const pair = [me, them, them, me];
  const declined = await rows(
    `update friend_request set withdrawn = true
     where (from_id = ? and to_id = ? or from_id = ? and to_id = ?) and declined_at is not null and not withdrawn
     returning id`,
    pair,
  );
  const waiting = await rows(
    `delete from friend_request
     where (from_id = ? and to_id = ? or from_id = ? and to_id = ?) and declined_at is null returning id`,
    pair,
  );
  return declined.length + waiting.length > 0;
}

async function forgetAsks(rows: Rows, me: UserId, them: UserId): Promise<void> {
  await rows(
    'delete from friend_request where from_id = ? and to_id = ? or from_id = ? and to_id = ?',
    [me, them, them, me],
  );
}

export async function changed<const Outcome extends string>(
  rows: Rows,
  outcome: Outcome,
  userIds: readonly UserId[],
): Promise<Change<Outcome>> {
  return { outcome, policies: await bumpPolicies(rows, userIds), overviews: userIds };
}

export async function writeAudience(
  rows: Rows,
  userId: UserId,
  { audience, chosen, privateUntil }: AudienceChange,
): Promise<void> {
  await rows(
    `update "user" set audience = coalesce(?, audience),
       private_until = case when ?::boolean then ?::float8 else private_until end where id = ?`,
    [audience ?? null, privateUntil !== undefined, privateUntil ?? null, userId],
  );
  if (chosen === undefined) return;
  await rows('delete from audience_choice where user_id = ?', [userId]);
  await rows(
    `insert into audience_choice (user_id, chosen_id)
     select user_id, friend_id from friendship where user_id = ? and friend_id = any(?::uuid[])`,
    [userId, chosen],
  );
}

export async function friendsOf(rows: Rows, userId: UserId): Promise<readonly UserId[]> {
  const friends = await rows<{ readonly friend_id: UserId }>(
    'select friend_id from friendship where user_id = ?',
    [userId],
  );
  return friends.map(({ friend_id }) => friend_id);
}

/** Whoever asks or blocks locks both people, and so meets this one before all is gone or not at all. */
export async function forget(
  rows: Rows,
  userId: UserId,
  friends: readonly UserId[],
): Promise<Change<'erased'>> {
  const asks = await rows<{ readonly other: UserId; readonly is_seen: boolean }>(
    `delete from friend_request where from_id = ? or to_id = ?
     returning case when from_id = ? then to_id else from_id end as other,
       not withdrawn and (to_id = ? or declined_at is null) as is_seen`,
    [userId, userId, userId, userId],
  );
  const blocks = await rows<{ readonly user_id: UserId }>(
    'delete from block where user_id = ? or blocked_id = ? returning user_id',
    [userId, userId],
  );
  await rows('delete from audience_choice where user_id = ? or chosen_id = ?', [userId, userId]);
  // By the friends, of whom each has a row: there is an index by whose it is, and none by who is the friend.
  await rows('delete from friendship where user_id = ?', [userId]);
  await rows('delete from friendship where user_id = any(?::uuid[]) and friend_id = ?', [
    friends,
    userId,
  ]);
  // Whoever makes one of these has locked the person: what is gone here is not made again.
  for (const table of ['account_link', 'device_token'] as const)
    await rows(`delete from ${table} where user_id = ?`, [userId]);
  await rows('delete from "user" where id = ?', [userId]);
  const overviews = new Set([
    ...friends,
    ...asks.filter(({ is_seen }) => is_seen).map(({ other }) => other),
    ...blocks.map(({ user_id }) => user_id).filter((id) => id !== userId),
  ]);
  return {
    outcome: 'erased',
    policies: await bumpPolicies(rows, friends),
    overviews: [...overviews],
  };
}
