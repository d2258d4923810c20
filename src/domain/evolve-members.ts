// What arrivals, departures and changes of role make of a room. A part of `evolve`, and as total.
import type { EntryId, UserId } from '../../protocol/ids.ts';
import type { Queue, RoleHolder } from '../../protocol/schemas/room.ts';
import type { RoomEvent } from './room-event.ts';
import type { Member, RoomState } from './room-state.ts';
import { roleOf } from './access.ts';
import { withoutPerson } from './forget-person.ts';
import { entriesOf, keysOf, lookup, withKey, withoutKeys } from './records.ts';

type Members = Readonly<Record<UserId, Member>>;

export function afterArrival(room: RoomState, event: RoomEvent<'MembersArrived'>): RoomState {
  const members: Record<UserId, Member> = { ...room.members };
  let arrivals = 0;
  for (const { userId, name, admitted, role } of event.members) {
    const known = lookup(members, userId);
    if (known?.here !== true) arrivals += 1;
    const member: Member = {
      name,
      // Owner and host keep theirs, whatever an invite says.
      role: known?.role === 'host' ? 'host' : (role ?? known?.role ?? 'listener'),
      here: true,
      joinedAt: known?.joinedAt ?? event.at,
      admitted: admitted === true || known?.admitted === true,
    };
    define(members, userId, member);
  }
  const arrived = event.members.map(({ userId }) => userId);
  const knocks = withoutKeys(room.knocks, arrived);
  const hereCount = room.public.hereCount + arrivals;
  return withRoles({ ...room, members, knocks, public: { ...room.public, hereCount } }, arrived);
}

export function afterDeparture(room: RoomState, event: RoomEvent<'MembersDeparted'>): RoomState {
  const members: Record<UserId, Member> = { ...room.members };
  let departures = 0;
  for (const { userId } of event.members) {
    const member = lookup(members, userId);
    if (member === undefined) continue;
    if (member.here) departures += 1;
    define(members, userId, { ...member, here: false, departedAt: event.at });
  }
  const departed = event.members.map(({ userId }) => userId);
  const hereCount = Math.max(0, room.public.hereCount - departures);
  const voteless = departed.reduce(withoutSkipVotesOf, room);
  const after = {
    ...voteless,
    members: withoutOldestAway(forgetting(room, members, departed), room, hereCount),
    public: { ...voteless.public, hereCount },
  };
  return withRoles(after, departed);
}

export function afterRoleSet(room: RoomState, event: RoomEvent<'RoleSet'>): RoomState {
  const member = lookup(room.members, event.userId);
  if (member === undefined || member.role === 'host' || event.role === 'host') return room;
  const changed = withKey(room.members, event.userId, { ...member, role: event.role });
  const members = forgetting(room, changed, [event.userId]);
  return withRoles({ ...room, members }, [event.userId]);
}

export function afterHostChange(room: RoomState, event: RoomEvent<'HostChanged'>): RoomState {
  const { hostId, ownerId, hostName, at } = event;
  const before = { hostId: room.public.hostId, ownerId: room.public.ownerId };
  let { members } = room;
  const known = (userId: UserId): Member =>
    lookup(members, userId) ??
    ({ name: hostName, role: 'listener', here: false, joinedAt: at, admitted: true } as const);
  members = withKey(members, hostId, known(hostId));
  if (ownerId !== before.ownerId) {
    members = withKey(members, before.ownerId, { ...known(before.ownerId), role: 'dj' });
    members = withKey(members, ownerId, { ...known(ownerId), role: 'host', admitted: true });
  }
  const after = { ...room, members, public: { ...room.public, hostId, ownerId } };
  const touched = [hostId, ownerId, before.hostId, before.ownerId];
  return withRoles({ ...after, members: forgetting(after, members, touched) }, touched);
}

/** Sent away, with role and admission: coming back is like coming for the first time. */
export function afterKick(
  room: RoomState,
  event: RoomEvent<'MemberKicked' | 'MemberBanned'>,
): RoomState {
  const { userId } = event;
  const member = lookup(room.members, userId);
  const voteless = withoutVotesOf(room, userId);
  if (member === undefined || member.role === 'host') return voteless;
  const changed: Member = { ...member, role: 'listener', admitted: false };
  const members = forgetting(room, withKey(room.members, userId, changed), [userId]);
  return withRoles({ ...voteless, members }, [userId]);
}

export function afterBan(room: RoomState, event: RoomEvent<'MemberBanned'>): RoomState {
  const { userId, name, until, at } = event;
  const over = entriesOf(room.bans)
    .filter(([, ban]) => ban.until !== undefined && ban.until <= at)
    .map(([id]) => id);
  const bans = withKey(withoutKeys(room.bans, over), userId, {
    name,
    ...(until === undefined ? {} : { until }),
  });
  const knocks = withoutKeys(room.knocks, [userId]);
  return { ...afterKick(room, event), bans, knocks };
}

/**
 * The room without a person: what they added and did stays, as that of `as`, who has no name. As owner or host they stay in their place,
 * nameless: `ErasePerson` gives it away before.
 */
export function erasedFrom(room: RoomState, userId: UserId, as: UserId): RoomState {
  const { ownerId, hostId } = room.public;
  const voteless = withoutVotesOf(room, userId);
  const theirs = entriesOf(room.invites).filter(([, { by }]) => by === userId);
  const after: RoomState = {
    ...voteless,
    members:
      userId === ownerId || userId === hostId ? room.members : withoutKeys(room.members, [userId]),
    bans: withoutKeys(room.bans, [userId]),
    knocks: withoutKeys(room.knocks, [userId]),
    invites: withoutKeys(
      room.invites,
      theirs.map(([code]) => code),
    ),
  };
  return withoutPerson(withRoles(after, [userId]), userId, as);
}

/** Of those who are gone, the room remembers who holds a role or was let in. */
function forgetting(room: RoomState, members: Members, userIds: readonly UserId[]): Members {
  const forgotten = userIds.filter((userId) => {
    const member = lookup(members, userId);
    if (member === undefined || member.here || member.admitted) return false;
    return member.role === 'listener' && userId !== room.public.hostId;
  });
  return withoutKeys(members, forgotten);
}

/** Beyond so many people who are away, a room forgets those who were let in and went first; they need to be let in again. */
const MAX_AWAY = 1_000;

function withoutOldestAway(members: Members, room: RoomState, hereCount: number): Members {
  const surplus = keysOf(members).length - hereCount - MAX_AWAY;
  if (surplus <= 0) return members;
  const { hostId, ownerId } = room.public;
  const away = entriesOf(members)
    .filter(([userId, { here, role }]) => {
      return !here && role === 'listener' && userId !== hostId && userId !== ownerId;
    })
    .sort(([, a], [, b]) => (a.departedAt ?? a.joinedAt) - (b.departedAt ?? b.joinedAt));
  return withoutKeys(
    members,
    away.slice(0, surplus).map(([userId]) => userId),
  );
}

/** Brings the public list of role holders up to date for `userIds`. */
function withRoles(room: RoomState, userIds: readonly UserId[]): RoomState {
  let { roles } = room.public;
  for (const userId of userIds) {
    const member = lookup(room.members, userId);
    const role = roleOf(room, userId);
    if (member === undefined || role === 'listener') {
      roles = withoutKeys(roles, [userId]);
      continue;
    }
    const holder: RoleHolder = { name: member.name, role, here: member.here };
    const shown = lookup(roles, userId);
    const isSame =
      shown?.name === holder.name && shown.role === holder.role && shown.here === holder.here;
    if (!isSame) roles = withKey(roles, userId, holder);
  }
  return roles === room.public.roles ? room : { ...room, public: { ...room.public, roles } };
}

function withoutVotesOf(room: RoomState, userId: UserId): RoomState {
  let { votes } = room;
  let queue: Queue = room.public.queue;
  for (const [entryId, byUser] of entriesOf(votes)) {
    const value = lookup(byUser, userId);
    if (value === undefined) continue;
    const rest = withoutKeys(byUser, [userId]);
    votes = isEmpty(rest) ? withoutKeys(votes, [entryId]) : withKey(votes, entryId, rest);
    queue = changed(queue, entryId, (entry) => ({ ...entry, score: entry.score - value }));
  }
  const after = votes === room.votes ? room : { ...room, votes, public: { ...room.public, queue } };
  return withoutSkipVotesOf(after, userId);
}

function withoutSkipVotesOf(room: RoomState, userId: UserId): RoomState {
  let { skipVotes } = room;
  let queue: Queue = room.public.queue;
  for (const [entryId, voters] of entriesOf(skipVotes)) {
    if (!voters.includes(userId)) continue;
    const rest = voters.filter((voter) => voter !== userId);
    skipVotes =
      rest.length === 0 ? withoutKeys(skipVotes, [entryId]) : withKey(skipVotes, entryId, rest);
    // Counted anew: the sum left out whoever was not connected at the last vote.
    queue = changed(queue, entryId, (entry) => ({ ...entry, skipVotes: rest.length }));
  }
  if (skipVotes === room.skipVotes) return room;
  return { ...room, skipVotes, public: { ...room.public, queue } };
}

function changed(
  queue: Queue,
  entryId: EntryId,
  change: (entry: Queue[EntryId]) => Queue[EntryId],
): Queue {
  const entry = lookup(queue, entryId);
  return entry === undefined ? queue : withKey(queue, entryId, change(entry));
}

function isEmpty(record: object): boolean {
  return Object.keys(record).length === 0;
}

/** Assignment would reach the prototype where an id reads `__proto__`. */
function define(members: Record<UserId, Member>, userId: UserId, member: Member): void {
  Object.defineProperty(members, userId, {
    value: member,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}
