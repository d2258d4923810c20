// What the members of a room are told of an event. Names every member that goes out, so that a private part added later stays private.
import { MAX_NAMED, type PublicEvent, type RoomEventType } from '../../protocol/schemas/events.ts';
import type { RoomEvent } from './room-event.ts';

type Keys<T extends RoomEventType> = readonly (keyof PublicEvent<T> & keyof RoomEvent<T>)[];

/** The members that go out as they are, by type; those with a list of people are made below. */
const TOLD: { readonly [T in RoomEventType]: Keys<T> } = {
  RoomCreated: ['by', 'byName', 'code', 'name', 'preset', 'visibility', 'settings'],
  RoomUpdated: ['by', 'name', 'visibility', 'preset', 'settings'],
  RoomClosed: ['by'],
  SessionStarted: ['sessionId'],
  SessionEnded: ['sessionId'],
  MembersArrived: ['count'],
  MembersDeparted: ['count'],
  RoleSet: ['by', 'userId', 'name', 'role'],
  HostChanged: ['hostId', 'hostName', 'ownerId', 'cause'],
  MemberKicked: ['by', 'userId', 'name'],
  MemberBanned: ['by', 'userId', 'name', 'until'],
  MemberUnbanned: ['by', 'userId'],
  InviteCreated: ['by'],
  InviteUsed: [],
  InviteRevoked: ['by'],
  KnockReceived: [],
  KnockAnswered: ['by', 'accept'],
  PlaybackMoved: ['by', 'cause', 'timeline', 'gate'],
  PlaybackModeSet: ['by', 'repeat', 'shuffle', 'shuffleRanks'],
  QueueAdded: ['by', 'entries', 'ranks', 'dropped'],
  QueueRemoved: ['by', 'cause', 'entryIds', 'ranks'],
  QueueMoved: ['by', 'entryId', 'ranks', 'shuffle'],
  QueueCleared: ['by', 'entryIds'],
  QueueUndone: ['by', 'restored', 'removed', 'ranks', 'shuffle'],
  QueueReordered: ['cause', 'ranks', 'shuffle'],
  EntryVoted: ['by', 'entryId', 'value', 'score'],
  SkipVoted: ['by', 'entryId', 'skipVotes', 'needed'],
};

/** The public part of `event`. Of a type that this version does not know, only that it was. */
export function publicEvent(event: RoomEvent): PublicEvent {
  const told: Record<string, unknown> = { id: event.id, type: event.type, at: event.at };
  const keys: readonly string[] = Object.hasOwn(TOLD, event.type) ? TOLD[event.type] : [];
  const source = event as unknown as Readonly<Record<string, unknown>>;
  for (const key of keys) {
    if (source[key] !== undefined) told[key] = source[key];
  }
  if (event.type === 'MembersArrived') {
    told['members'] = event.members
      .slice(0, MAX_NAMED)
      .map(({ userId, name }) => ({ userId, name }));
  }
  if (event.type === 'MembersDeparted') {
    told['members'] = event.members
      .slice(0, MAX_NAMED)
      .map(({ userId, name, reason }) => ({ userId, name, reason }));
  }
  return told as PublicEvent;
}
