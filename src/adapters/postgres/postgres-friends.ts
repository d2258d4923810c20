// Friends, requests, blocks and audiences in Postgres. A change locks the people it is about, so that those of a pair come one after the other.
import { customAlphabet } from 'nanoid';
import type { HubMs, UserId } from '../../../protocol/ids.ts';
import { CODE_ALPHABET } from '../../../protocol/schemas/primitives.ts';
import {
  checkAudience,
  checkedProfile,
  decideRequest,
  FRIEND_CODE_LENGTH,
  FRIEND_LIMITS,
  type AudienceChange,
  type FriendLimits,
  type ProfileChange,
} from '../../domain/people.ts';
import type {
  Audience,
  AudienceSet,
  AuthorPolicy,
  Change,
  Friends,
  Grant,
  GrantsOf,
  Overview,
  Person,
  PersonSince,
} from '../../ports/friends.ts';
import * as reading from './friends-reading.ts';
import {
  askOf,
  befriend,
  changed,
  countRequest,
  endAsks,
  forget,
  friendsOf,
  part,
  readBetween,
  writeAsk,
  writeAudience,
} from './friends-writing.ts';
import { bumpPolicies, lockPeople, type LockedPerson } from './people-rows.ts';
import { isUniqueViolation, type Rows, type Sql } from './sql.ts';

const friendCode = customAlphabet(CODE_ALPHABET, FRIEND_CODE_LENGTH);
const MAX_CODE_ATTEMPTS = 5;

export class PostgresFriends implements Friends {
  readonly #sql: Sql;
  readonly #limits: FriendLimits;
  readonly #rows: Rows;

  constructor(sql: Sql, limits: FriendLimits = FRIEND_LIMITS) {
    this.#sql = sql;
    this.#limits = limits;
    this.#rows = (text, bindings) => sql.rows(text, bindings);
  }

  request(
    from: UserId,
    to: UserId,
    at: HubMs,
  ): Promise<Change<'sent' | 'friends' | 'already' | 'refused' | 'too_many'>> {
    return this.#between(from, to, unchanged('refused'), async (rows, mine) => {
      const between = await readBetween(rows, from, to);
      const facts = {
        isBlocked: between.is_blocked,
        areFriends: between.are_friends,
        asked: askOf(between.asked),
        askedBack: askOf(between.asked_back),
        friendCounts: [between.my_friends, between.their_friends] as const,
        openRequests: between.open_requests,
        requestTimes: mine.request_times ?? [],
      };
      const decision = decideRequest(facts, at, this.#limits);
      if (decision.outcome === 'friends') return befriend(rows, from, to, at);
      if (decision.outcome !== 'sent') return unchanged(decision.outcome);
      const { ask, requestTimes } = decision;
      if (ask === undefined) return unchanged('sent');
      await writeAsk(rows, from, to, ask);
      if (requestTimes !== undefined) await countRequest(rows, from, requestTimes, at);
      const overviews = ask.declinedAt === undefined ? [from, to] : [from];
      return { outcome: 'sent', policies: [], overviews };
    });
  }

  accept(
    userId: UserId,
    from: UserId,
    at: HubMs,
  ): Promise<Change<'friends' | 'none' | 'too_many'>> {
    return this.#between(userId, from, unchanged('none'), async (rows) => {
      const between = await readBetween(rows, userId, from);
      const { asked_back: ask, my_friends: mine, their_friends: theirs } = between;
      if (ask === null || ask.withdrawn || ask.declined_at !== null) return unchanged('none');
      if (Math.max(mine, theirs) >= this.#limits.friends) return unchanged('too_many');
      return befriend(rows, userId, from, at);
    });
  }

  decline(userId: UserId, from: UserId, at: HubMs): Promise<Change<'declined' | 'none'>> {
    return this.#between(userId, from, unchanged('none'), async (rows) => {
      const declined = await rows(
        `update friend_request set declined_at = ?
         where from_id = ? and to_id = ? and declined_at is null and not withdrawn returning id`,
        [at, from, userId],
      );
      if (declined.length === 0) return unchanged('none');
      return { outcome: 'declined', policies: [], overviews: [userId] };
    });
  }

  cancel(userId: UserId, to: UserId): Promise<Change<'cancelled' | 'none'>> {
    return this.#between(userId, to, unchanged('none'), async (rows) => {
      const { asked } = await readBetween(rows, userId, to);
      if (asked === null || asked.withdrawn) return unchanged('none');
      const isDeclined = asked.declined_at !== null;
      await rows(
        isDeclined
          ? 'update friend_request set withdrawn = true where from_id = ? and to_id = ?'
          : 'delete from friend_request where from_id = ? and to_id = ?',
        [userId, to],
      );
      const overviews = isDeclined ? [userId] : [userId, to];
      return { outcome: 'cancelled', policies: [], overviews };
    });
  }

  remove(userId: UserId, friend: UserId): Promise<Change<'removed' | 'none'>> {
    return this.#between(userId, friend, unchanged('none'), async (rows) => {
      if (!(await part(rows, userId, friend))) return unchanged('none');
      return changed(rows, 'removed', [userId, friend]);
    });
  }

  block(
    userId: UserId,
    other: UserId,
    at: HubMs,
  ): Promise<Change<'blocked' | 'already' | 'refused' | 'too_many'>> {
    if (userId === other) return Promise.resolve(unchanged('refused'));
    return this.#sql.transaction(
      async (rows): Promise<Change<'blocked' | 'already' | 'refused' | 'too_many'>> => {
        const locked = await lockPeople(rows, [userId, other]);
        if (!locked.has(userId)) return unchanged('refused');
        const [mine] = await rows<{ readonly count: number; readonly already: boolean }>(
          `select count(*)::int as count, coalesce(bool_or(blocked_id = ?), false) as already
         from block where user_id = ?`,
          [other, userId],
        );
        if (mine?.already === true) return unchanged('already');
        // Before it is looked who the other is: the answer tells nothing of them.
        if ((mine?.count ?? 0) >= this.#limits.blocked) return unchanged('too_many');
        if (!locked.has(other)) return unchanged('refused');
        const wereFriends = await part(rows, userId, other);
        const isSeen = (await endAsks(rows, userId, other)) || wereFriends;
        await rows(
          `insert into block (user_id, blocked_id, at, name)
         select ?, u.id, ?, case when not exists (
           select from block r where r.user_id = u.id and r.blocked_id = ?) then u.name end
         from "user" u where u.id = ?`,
          [userId, at, userId, other],
        );
        const change = await changed(rows, 'blocked', [userId, other]);
        return { ...change, overviews: isSeen ? [userId, other] : [userId] };
      },
    );
  }

  unblock(userId: UserId, other: UserId): Promise<Change<'unblocked' | 'none'>> {
    return this.#between(userId, other, unchanged('none'), async (rows) => {
      const gone = await rows(
        'delete from block where user_id = ? and blocked_id = ? returning id',
        [userId, other],
      );
      if (gone.length === 0) return unchanged('none');
      return { ...(await changed(rows, 'unblocked', [userId, other])), overviews: [userId] };
    });
  }

  incoming(userId: UserId): AsyncIterable<PersonSince> {
    return reading.readIncoming(this.#rows, userId, this.#limits.shownRequests);
  }

  overview(userId: UserId): Promise<Overview> {
    return reading.readOverview(this.#rows, userId, this.#limits.shownRequests);
  }

  companions(
    userId: UserId,
    query: { readonly typed?: string; readonly limit: number },
  ): Promise<readonly PersonSince[]> {
    return reading.readCompanions(this.#rows, userId, query);
  }

  codeOf(userId: UserId): Promise<string | undefined> {
    return this.#setCode(userId, 'coalesce(friend_code, ?)');
  }

  resetCode(userId: UserId): Promise<string | undefined> {
    return this.#setCode(userId, '?');
  }

  blockedAmong(userId: UserId, others: readonly UserId[]): Promise<ReadonlySet<UserId>> {
    return reading.readBlockedAmong(this.#rows, userId, others);
  }

  findByCode(code: string, by: UserId): Promise<Person | undefined> {
    return reading.readByCode(this.#rows, code, by);
  }

  profiles(userIds: readonly UserId[]): Promise<readonly Person[]> {
    return reading.readProfiles(this.#rows, userIds);
  }

  async setProfile(userId: UserId, change: ProfileChange): Promise<Person | undefined> {
    const { name, colour, picture } = checkedProfile(change);
    await this.#sql.rows(
      `update "user" set name = coalesce(?, name), colour = coalesce(?, colour),
         picture = case when ?::boolean then ?::text else picture end where id = ?`,
      [name ?? null, colour ?? null, picture !== undefined, picture ?? null, userId],
    );
    const [person] = await this.profiles([userId]);
    return person;
  }

  audience(userId: UserId): Promise<Audience | undefined> {
    return reading.readAudience(this.#rows, userId);
  }

  async setAudience(userId: UserId, change: AudienceChange): Promise<AudienceSet> {
    checkAudience(change);
    return this.#sql.transaction(async (rows) => {
      await lockPeople(rows, [userId]);
      const before = await reading.readAudience(rows, userId);
      if (before === undefined) return unchanged('refused');
      await writeAudience(rows, userId, change);
      const after = (await reading.readAudience(rows, userId)) ?? before;
      const isSame = JSON.stringify(before) === JSON.stringify(after);
      const policies = isSame ? [] : await bumpPolicies(rows, [userId]);
      return { outcome: 'set', policies, overviews: [], before, after };
    });
  }

  grantsFor(viewer: UserId): Promise<readonly Grant[]> {
    return reading.readGrantsFor(this.#rows, viewer);
  }

  grantsOf(author: UserId, viewers: readonly UserId[]): Promise<GrantsOf> {
    return reading.readGrantsOf(this.#rows, author, viewers);
  }

  policies(authors: readonly UserId[]): Promise<readonly AuthorPolicy[]> {
    return reading.readPolicies(this.#rows, authors);
  }

  async erase(userId: UserId): Promise<Change<'erased' | 'none'>> {
    for (;;) {
      const friends = await friendsOf(this.#rows, userId);
      const change = await this.#sql.transaction(async (rows) => {
        const locked = await lockPeople(rows, [userId, ...friends]);
        if (!locked.has(userId)) return unchanged('none');
        // Somebody became a friend in between, and is not locked: once more.
        const now = await friendsOf(rows, userId);
        return now.every((id) => locked.has(id)) ? forget(rows, userId, now) : undefined;
      });
      if (change !== undefined) return change;
    }
  }

  /** Runs `work` with both people locked; answers `otherwise` where one is not known, or both are the same. */
  async #between<Outcome extends string>(
    userId: UserId,
    other: UserId,
    otherwise: Change<Outcome>,
    work: (rows: Rows, mine: LockedPerson) => Promise<Change<Outcome>>,
  ): Promise<Change<Outcome>> {
    if (userId === other) return otherwise;
    return this.#sql.transaction(async (rows) => {
      const locked = await lockPeople(rows, [userId, other]);
      const mine = locked.get(userId);
      return mine === undefined || !locked.has(other) ? otherwise : work(rows, mine);
    });
  }

  async #setCode(userId: UserId, value: string): Promise<string | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const [row] = await this.#sql.rows<{ readonly friend_code: string }>(
          `update "user" set friend_code = ${value} where id = ? returning friend_code`,
          [friendCode(), userId],
        );
        return row?.friend_code;
      } catch (error) {
        if (attempt === MAX_CODE_ATTEMPTS || !isUniqueViolation(error)) throw error;
      }
    }
  }
}

function unchanged<const Outcome extends string>(outcome: Outcome): Change<Outcome> {
  return { outcome, policies: [], overviews: [] };
}
