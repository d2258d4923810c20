// Owns how numbers, events and refusals are put into words; must not know where the words are shown.
import type { UserId } from '../../protocol/ids.ts';
import type { PublicEvent } from '../../protocol/schemas/events.ts';
import type { PublicRoom } from '../../protocol/schemas/room.ts';
import type { OutputDevice } from './page-sdk.ts';

/** 225_000 → `3:45`. */
export function clockLabel(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = String(seconds % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

/** 225_000 → `3 minutes 45 seconds`, for those who listen to the page. */
export function spokenTime(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const rest = `${seconds % 60} ${seconds % 60 === 1 ? 'second' : 'seconds'}`;
  return minutes === 0 ? rest : `${minutes} ${minutes === 1 ? 'minute' : 'minutes'} ${rest}`;
}

/** A time out of step: `3 ms`, `0.4 s`, `12 s`. */
export function errorLabel(ms: number): string {
  const size = Math.abs(ms);
  if (size < 100) return `${Math.round(size)} ms`;
  return size < 10_000 ? `${(size / 1000).toFixed(1)} s` : `${Math.round(size / 1000)} s`;
}

/** By how much sound is sent earlier: `+40 ms`, `−15 ms`, `0 ms`. */
export function nudgeLabel(ms: number): string {
  return `${ms > 0 ? '+' : ms < 0 ? '−' : ''}${Math.abs(Math.round(ms))} ms`;
}

/** Said when the sound has gone to another device. */
export function deviceLine({ label, nudgeMs }: OutputDevice): string {
  return `${label === undefined ? 'Another output' : `Now on ${label}`}: nudge ${nudgeLabel(nudgeMs)}`;
}

export function countLabel(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

export interface Names {
  /** The reader, who is told of as “You”. */
  readonly me: UserId;
  nameOf(userId: UserId): string | undefined;
}

function who(userId: UserId | undefined, names: Names): string {
  if (userId === undefined) return 'Somebody';
  return userId === names.me ? 'You' : (names.nameOf(userId) ?? 'Somebody');
}

function people(members: readonly { readonly name: string }[], count: number): string {
  const [first, second] = members;
  if (first === undefined) return countLabel(count, 'person', 'people');
  if (count === 1) return first.name;
  if (count === 2 && second !== undefined) return `${first.name} and ${second.name}`;
  return `${first.name} and ${countLabel(count - 1, 'other')}`;
}

function movedLabel(
  event: Extract<PublicEvent, { type: 'PlaybackMoved' }>,
  names: Names,
): string | undefined {
  const actor = who(event.by, names);
  switch (event.cause) {
    case 'play':
      return `${actor} pressed play`;
    case 'pause':
      return `${actor} paused`;
    case 'seek':
      return `${actor} moved the needle`;
    case 'skip':
      return `${actor} skipped`;
    case 'previous':
      return `${actor} went back`;
    case 'jump':
      return `${actor} picked another track`;
    case 'vote':
      return 'Skipped by vote';
    case 'deserted':
      return 'Paused: nobody was here';
    case 'removed':
    case 'gate':
    case 'horizon':
    case 'replanned':
      return undefined;
  }
}

/** One line on what happened, or nothing where it is not worth a line. */
export function eventLabel(event: PublicEvent, room: PublicRoom, names: Names): string | undefined {
  switch (event.type) {
    case 'RoomCreated':
    case 'SessionStarted':
    case 'SessionEnded':
    case 'InviteCreated':
    case 'InviteUsed':
    case 'InviteRevoked':
    case 'KnockReceived':
    case 'MemberUnbanned':
    case 'QueueReordered':
    case 'EntryVoted':
      return undefined;
    case 'RoomUpdated':
      return `${who(event.by, names)} changed the room`;
    case 'RoomClosed':
      return `${who(event.by, names)} closed the room`;
    case 'MembersArrived': {
      const others = event.members.filter((member) => member.userId !== names.me);
      const count = event.count - (event.members.length - others.length);
      return count > 0 ? `${people(others, count)} came in` : undefined;
    }
    case 'MembersDeparted':
      return `${people(event.members, event.count)} left`;
    case 'RoleSet': {
      const role = event.role === 'dj' ? 'a DJ' : 'a listener';
      return event.userId === names.me ? `You are ${role} now` : `${event.name} is ${role} now`;
    }
    case 'HostChanged':
      return event.hostId === names.me
        ? 'You are the host now'
        : `${event.hostName} is the host now`;
    case 'MemberKicked':
      return `${who(event.by, names)} removed ${event.name}`;
    case 'MemberBanned':
      return `${who(event.by, names)} banned ${event.name}`;
    case 'KnockAnswered':
      return `${who(event.by, names)} ${event.accept ? 'opened the door' : 'turned somebody away'}`;
    case 'PlaybackMoved':
      return movedLabel(event, names);
    case 'PlaybackModeSet': {
      const repeat = { off: 'repeat off', one: 'repeat this track', all: 'repeat all' }[
        event.repeat
      ];
      return `${who(event.by, names)} set: ${repeat}, shuffle ${event.shuffle ? 'on' : 'off'}`;
    }
    case 'QueueAdded': {
      const entries = Object.values(event.entries);
      const [first] = entries;
      if (first === undefined) return undefined;
      const what = entries.length === 1 ? `“${first.title}”` : countLabel(entries.length, 'track');
      return `${who(event.by, names)} added ${what}`;
    }
    case 'QueueRemoved':
      return event.cause === 'vote'
        ? 'Voted out of the queue'
        : `${who(event.by, names)} removed ${countLabel(event.entryIds.length, 'track')}`;
    case 'QueueMoved':
      return `${who(event.by, names)} moved “${room.queue[event.entryId]?.title ?? 'a track'}”`;
    case 'QueueCleared':
      return `${who(event.by, names)} cleared the queue`;
    case 'QueueUndone':
      return `${who(event.by, names)} took a change back`;
    case 'SkipVoted':
      return `${who(event.by, names)} voted to skip (${event.skipVotes} of ${event.needed})`;
  }
}

const REFUSALS: Readonly<Record<string, string>> = {
  forbidden: 'Your role here does not allow that.',
  banned: 'You are banned from this room.',
  invite_needed: 'This room is private.',
  invite_invalid: 'This invite is used up or has expired.',
  guests_disabled: 'This hub gives no names to guests.',
  not_found: 'There is no room with this code.',
  not_in_room: 'You are not in the room at the moment.',
  room_closed: 'This room was closed.',
  queue_full: 'The queue is full.',
  room_full: 'The room is full at the moment.',
  too_large: 'That is too long.',
  rate_limited: 'Slow down a little: too many requests.',
  unavailable: 'The hub cannot reach its store for a moment. Nothing was changed.',
  internal: 'Something failed at the hub.',
  connection_lost: 'The connection broke before that was done.',
  timeout: 'The hub did not answer in time.',
  closed: 'The connection is closed.',
  unauthorised: 'The hub does not know you any more.',
  bad_request: 'The hub did not accept that.',
  conflict: 'That is not possible right now.',
};

/** A refusal as a sentence for a person. `stale` has none: the room has moved on, and they see it. */
export function refusalLabel(code: string | undefined): string {
  return REFUSALS[code ?? ''] ?? 'That did not work.';
}
