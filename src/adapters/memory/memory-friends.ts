// Friends, requests, blocks and audiences in memory: each change is done before it answers.
import { customAlphabet } from 'nanoid';
import type { HubMs, UserId } from '../../../protocol/ids.ts';
import { CODE_ALPHABET } from '../../../protocol/schemas/primitives.ts';
import {
  checkAudience,
  checkedProfile,
  colourOf,
  decideRequest,
  FRIEND_CODE_LENGTH,
  FRIEND_LIMITS,
  isNamed,
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
  PolicyVersion,
} from '../../ports/friends.ts';
import type { MemoryArchive } from './memory-archive.ts';
import { MemoryPerson } from './memory-person.ts';
import type { MemoryUsers } from './memory-users.ts';

const friendCode = customAlphabet(CODE_ALPHABET, FRIEND_CODE_LENGTH);

export class MemoryFriends implements Friends {
  readonly #users: MemoryUsers;
  readonly #archive: MemoryArchive;
  readonly #limits: FriendLimits;
  readonly #people = new Map<UserId, MemoryPerson>();
  /** Of all people: a person who was erased and comes back goes on above what was told of them. */
  #version = 0;

  constructor(users: MemoryUsers, archive: MemoryArchive, limits: FriendLimits = FRIEND_LIMITS) {
    this.#users = users;
    this.#archive = archive;
    this.#limits = limits;
  }

  request(
    from: UserId,
    to: UserId,
    at: HubMs,
  ): Promise<Change<'sent' | 'friends' | 'already' | 'refused' | 'too_many'>> {
    const [mine, theirs] = [this.#find(from), this.#find(to)];
    if (from === to || mine === undefined || theirs === undefined) return unchanged('refused');
    const facts = {
      isBlocked: mine.blocked.has(to) || theirs.blocked.has(from),
      areFriends: mine.friends.has(to),
      asked: mine.asks.get(to),
      askedBack: theirs.asks.get(from),
      friendCounts: [mine.friends.size, theirs.friends.size] as const,
      openRequests: mine.openRequests(),
      requestTimes: mine.requestTimes,
    };
    const decision = decideRequest(facts, at, this.#limits);
    if (decision.outcome === 'friends') return this.#befriend(from, to, at);
    if (decision.outcome !== 'sent') return unchanged(decision.outcome);
    const { ask, requestTimes } = decision;
    if (ask === undefined) return unchanged('sent');
    mine.asks.set(to, ask);
    if (requestTimes !== undefined) mine.requestTimes = requestTimes;
    const overviews = ask.declinedAt === undefined ? [from, to] : [from];
    return Promise.resolve({ outcome: 'sent', policies: [], overviews });
  }

  accept(
    userId: UserId,
    from: UserId,
    at: HubMs,
  ): Promise<Change<'friends' | 'none' | 'too_many'>> {
    const [mine, theirs] = [this.#find(userId), this.#find(from)];
    if (mine === undefined || theirs === undefined || !this.#isWaiting(from, userId)) {
      return unchanged('none');
    }
    const isFull = [mine, theirs].some(({ friends }) => friends.size >= this.#limits.friends);
    return isFull ? unchanged('too_many') : this.#befriend(userId, from, at);
  }

  decline(userId: UserId, from: UserId, at: HubMs): Promise<Change<'declined' | 'none'>> {
    const ask = this.#people.get(from)?.asks.get(userId);
    if (ask === undefined || !this.#isWaiting(from, userId)) return unchanged('none');
    this.#person(from).asks.set(userId, { ...ask, declinedAt: at });
    return Promise.resolve({ outcome: 'declined', policies: [], overviews: [userId] });
  }

  cancel(userId: UserId, to: UserId): Promise<Change<'cancelled' | 'none'>> {
    const ask = this.#people.get(userId)?.asks.get(to);
    if (ask?.isWithdrawn !== false) return unchanged('none');
    this.#person(userId).endAsk(to);
    const overviews = ask.declinedAt === undefined ? [userId, to] : [userId];
    return Promise.resolve({ outcome: 'cancelled', policies: [], overviews });
  }

  remove(userId: UserId, friend: UserId): Promise<Change<'removed' | 'none'>> {
    if (this.#people.get(userId)?.friends.has(friend) !== true) return unchanged('none');
    this.#part(userId, friend);
    return Promise.resolve(this.#changed('removed', [userId, friend]));
  }

  block(
    userId: UserId,
    other: UserId,
    at: HubMs,
  ): Promise<Change<'blocked' | 'already' | 'refused' | 'too_many'>> {
    const [mine, theirs] = [this.#find(userId), this.#find(other)];
    if (userId === other || mine === undefined) return unchanged('refused');
    if (mine.blocked.has(other)) return unchanged('already');
    // Before it is looked who the other is: the answer tells nothing of them.
    if (mine.blocked.size >= this.#limits.blocked) return unchanged('too_many');
    if (theirs === undefined) return unchanged('refused');
    const isSeen =
      mine.friends.has(other) ||
      mine.asks.get(other)?.isWithdrawn === false ||
      theirs.asks.get(userId)?.isWithdrawn === false;
    this.#part(userId, other);
    mine.endAsk(other);
    theirs.endAsk(userId);
    const name = theirs.blocked.has(userId) ? undefined : this.#users.get(other)?.name;
    mine.blocked.set(other, { at, name });
    const change = this.#changed('blocked' as const, [userId, other]);
    return Promise.resolve({ ...change, overviews: isSeen ? [userId, other] : [userId] });
  }

  unblock(userId: UserId, other: UserId): Promise<Change<'unblocked' | 'none'>> {
    if (this.#people.get(userId)?.blocked.delete(other) !== true) return unchanged('none');
    const change = this.#changed('unblocked' as const, [userId, other]);
    return Promise.resolve({ ...change, overviews: [userId] });
  }

  blockedAmong(userId: UserId, others: readonly UserId[]): Promise<ReadonlySet<UserId>> {
    const blocked = this.#people.get(userId)?.blocked;
    return Promise.resolve(
      new Set(
        others.filter(
          (other) =>
            blocked?.has(other) === true || this.#people.get(other)?.blocked.has(userId) === true,
        ),
      ),
    );
  }

  async *incoming(userId: UserId): AsyncIterable<PersonSince> {
    yield* await Promise.resolve(this.#listed(this.#asking(userId)));
  }

  overview(userId: UserId): Promise<Overview> {
    const mine = this.#find(userId) ?? new MemoryPerson();
    const incoming = this.#asking(userId);
    const outgoing = [...mine.asks].filter(([, { isWithdrawn }]) => !isWithdrawn);
    return Promise.resolve({
      friends: this.#listed(mine.friends),
      incoming: this.#listed(incoming).slice(0, this.#limits.shownRequests),
      incomingCount: incoming.length,
      outgoing: this.#listed(outgoing.map(([to, { sentAt }]) => [to, sentAt])),
      blocked: this.#blockedBy(userId, mine),
    });
  }

  companions(
    userId: UserId,
    { typed = '', limit }: { readonly typed?: string; readonly limit: number },
  ): Promise<readonly PersonSince[]> {
    const met = [...this.#archive.companionsOf(userId)].filter(
      ([other]) => !this.#areBlocked(userId, other),
    );
    const named = this.#listed(met).filter(({ name }) => isNamed(name, typed));
    return Promise.resolve(named.slice(0, limit));
  }

  codeOf(userId: UserId): Promise<string | undefined> {
    const person = this.#find(userId);
    if (person === undefined) return Promise.resolve(undefined);
    person.code ??= friendCode();
    return Promise.resolve(person.code);
  }

  resetCode(userId: UserId): Promise<string | undefined> {
    const person = this.#find(userId);
    if (person !== undefined) person.code = friendCode();
    return Promise.resolve(person?.code);
  }

  findByCode(code: string, by: UserId): Promise<Person | undefined> {
    const [userId] = [...this.#people].find(([, person]) => person.code === code) ?? [];
    const isHidden = userId === undefined || this.#areBlocked(by, userId);
    return Promise.resolve(isHidden ? undefined : this.#profile(userId));
  }

  profiles(userIds: readonly UserId[]): Promise<readonly Person[]> {
    return Promise.resolve(userIds.flatMap((userId) => this.#profile(userId) ?? []));
  }

  async setProfile(userId: UserId, change: ProfileChange): Promise<Person | undefined> {
    const { name, colour, picture } = checkedProfile(change);
    const person = this.#find(userId);
    if (person === undefined) return undefined;
    if (colour !== undefined) person.colour = colour;
    if (picture !== undefined) person.picture = picture ?? undefined;
    if (name !== undefined) await this.#users.rename(userId, name);
    return this.#profile(userId);
  }

  audience(userId: UserId): Promise<Audience | undefined> {
    return Promise.resolve(this.#find(userId)?.audienceNow());
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what may not be is a rejection
  async setAudience(userId: UserId, change: AudienceChange): Promise<AudienceSet> {
    checkAudience(change);
    const person = this.#find(userId);
    if (person === undefined) return { outcome: 'refused', policies: [], overviews: [] };
    const before = person.audienceNow();
    if (change.audience !== undefined) person.audience = change.audience;
    if (change.privateUntil !== undefined) person.privateUntil = change.privateUntil ?? undefined;
    if (change.chosen !== undefined) {
      person.chosen.clear();
      for (const friend of change.chosen) if (person.friends.has(friend)) person.chosen.add(friend);
    }
    const after = person.audienceNow();
    const isSame = JSON.stringify(before) === JSON.stringify(after);
    const policies = isSame ? [] : this.#bump([userId]);
    return { outcome: 'set', policies, overviews: [], before, after };
  }

  grantsFor(viewer: UserId): Promise<readonly Grant[]> {
    const friends = [...(this.#find(viewer)?.friends.keys() ?? [])];
    return Promise.resolve(
      friends.map((author) => {
        const person = this.#person(author);
        const { version, privateUntil } = person;
        return {
          ...{ author, version, may: person.admits(viewer) },
          ...(privateUntil === undefined ? {} : { privateUntil }),
        };
      }),
    );
  }

  grantsOf(author: UserId, viewers: readonly UserId[]): Promise<GrantsOf> {
    const person = this.#find(author) ?? new MemoryPerson();
    const { version, privateUntil } = person;
    return Promise.resolve({
      version,
      ...(privateUntil === undefined ? {} : { privateUntil }),
      may: new Set(viewers.filter((viewer) => person.admits(viewer))),
    });
  }

  async policies(authors: readonly UserId[]): Promise<readonly AuthorPolicy[]> {
    return (await this.profiles(authors)).map((person) => {
      const { version, privateUntil } = this.#find(person.userId) ?? new MemoryPerson();
      return { person, version, ...(privateUntil === undefined ? {} : { privateUntil }) };
    });
  }

  erase(userId: UserId): Promise<Change<'erased' | 'none'>> {
    if (!this.#users.remove(userId)) return unchanged('none');
    const person = this.#person(userId);
    const friends = [...person.friends.keys()];
    const asked = [...person.asks.keys()].filter((to) => this.#isWaiting(userId, to));
    const others = [...this.#people].flatMap(([other, theirs]) => {
      const isAsking = theirs.asks.get(userId)?.isWithdrawn === false;
      theirs.friends.delete(userId);
      theirs.chosen.delete(userId);
      theirs.asks.delete(userId);
      return theirs.blocked.delete(userId) || isAsking ? [other] : [];
    });
    this.#people.delete(userId);
    const overviews = [...new Set([...friends, ...asked, ...others])];
    const policies = this.#bump(friends);
    return Promise.resolve({ outcome: 'erased', policies, overviews });
  }

  #befriend(a: UserId, b: UserId, at: HubMs): Promise<Change<'friends'>> {
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      this.#person(one).friends.set(other, at);
      this.#person(one).asks.delete(other);
    }
    return Promise.resolve(this.#changed('friends', [a, b]));
  }

  #part(a: UserId, b: UserId): void {
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      this.#person(one).friends.delete(other);
      this.#person(one).chosen.delete(other);
    }
  }

  #changed<Outcome extends string>(outcome: Outcome, userIds: readonly UserId[]): Change<Outcome> {
    return { outcome, policies: this.#bump(userIds), overviews: userIds };
  }

  #bump(userIds: readonly UserId[]): readonly PolicyVersion[] {
    return userIds.map((userId) => {
      this.#version += 1;
      this.#person(userId).version = this.#version;
      return { userId, version: this.#version };
    });
  }

  #isWaiting(from: UserId, to: UserId): boolean {
    const ask = this.#people.get(from)?.asks.get(to);
    return ask !== undefined && !ask.isWithdrawn && ask.declinedAt === undefined;
  }

  #asking(userId: UserId): [UserId, HubMs][] {
    return [...this.#people].flatMap(([from, { asks }]) => {
      const ask = asks.get(userId);
      return ask !== undefined && this.#isWaiting(from, userId) ? [[from, ask.sentAt]] : [];
    });
  }

  #areBlocked(a: UserId, b: UserId): boolean {
    return (
      this.#people.get(a)?.blocked.has(b) === true || this.#people.get(b)?.blocked.has(a) === true
    );
  }

  #blockedBy(userId: UserId, { blocked }: MemoryPerson): readonly PersonSince[] {
    const shown = [...blocked].filter(
      ([other, { name }]) =>
        name !== undefined || this.#people.get(other)?.blocked.has(userId) !== true,
    );
    return this.#listed(shown.map(([other, { at }]) => [other, at])).map((person) => ({
      userId: person.userId,
      name: blocked.get(person.userId)?.name ?? person.name,
      colour: colourOf(person.userId),
      at: person.at,
    }));
  }

  #listed(at: Iterable<readonly [UserId, HubMs]>): readonly PersonSince[] {
    return [...at]
      .flatMap(([userId, since]) => {
        const profile = this.#profile(userId);
        return profile === undefined ? [] : [{ ...profile, at: since }];
      })
      .sort((a, b) => b.at - a.at || (a.userId < b.userId ? 1 : -1));
  }

  #profile(userId: UserId): Person | undefined {
    const user = this.#users.get(userId);
    return user && this.#person(userId).profile(user);
  }

  /** Undefined for a person who is not known. */
  #find(userId: UserId): MemoryPerson | undefined {
    return this.#users.get(userId) && this.#person(userId);
  }

  #person(userId: UserId): MemoryPerson {
    const person = this.#people.get(userId) ?? new MemoryPerson();
    this.#people.set(userId, person);
    return person;
  }
}

function unchanged<const Outcome extends string>(outcome: Outcome): Promise<Change<Outcome>> {
  return Promise.resolve({ outcome, policies: [], overviews: [] });
}
