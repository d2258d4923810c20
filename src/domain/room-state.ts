// The state of a room: the public part that travels, and what only the hub may know. Plain JSON, so that a log can snapshot it.
import type { EntryId, HubMs, InviteCode, UserId } from '../../protocol/ids.ts';
import type { Entry, PublicRoom, Role } from '../../protocol/schemas/room.ts';
import type { PlayStart } from './play-starts.ts';

/** Somebody whom the room remembers: everybody who is here, and those gone who still hold a role or were let in. */
export interface Member {
  readonly name: string;
  /** The role that is theirs; whoever is host for the moment is so beside it (`hostId`). */
  readonly role: Role;
  /** By the log: from the arrival until the departure after the grace. */
  readonly here: boolean;
  /** Of the first arrival: decides who is the oldest. */
  readonly joinedAt: HubMs;
  /** Of the last departure; absent while here. */
  readonly departedAt?: HubMs;
  /** Let in for good: by an invite, an answered knock, or having made the room. */
  readonly admitted: boolean;
}

/** How long somebody is taken to wait at the door; later they knock again. */
export const KNOCK_MS = 600_000;

export interface Invite {
  readonly by: UserId;
  readonly role: Exclude<Role, 'host'>;
  /** Absent: without end. */
  readonly usesLeft?: number;
  readonly expiresAt?: HubMs;
}

export interface Ban {
  readonly name: string;
  /** Absent: for good. */
  readonly until?: HubMs;
}

/** How to take back one change of the queue. */
export type UndoStep =
  | { readonly kind: 'added'; readonly by: UserId; readonly entryIds: readonly EntryId[] }
  | {
      readonly kind: 'removed';
      readonly by: UserId;
      readonly entries: Readonly<Record<EntryId, Entry>>;
      /** Those of them that were still to come: brought back, they still are. */
      readonly unheard: readonly EntryId[];
    }
  | {
      readonly kind: 'moved';
      readonly by: UserId;
      readonly shuffle: boolean;
      readonly ranks: Readonly<Record<EntryId, string>>;
    };

export interface RoomState {
  /** What every member holds a copy of. */
  readonly public: PublicRoom;
  readonly members: Readonly<Record<UserId, Member>>;
  readonly invites: Readonly<Record<InviteCode, Invite>>;
  readonly bans: Readonly<Record<UserId, Ban>>;
  /** Waiting at the door, oldest first by `at`. */
  readonly knocks: Readonly<Record<UserId, { readonly name: string; readonly at: HubMs }>>;
  /** Votes on entries still in the queue. */
  readonly votes: Readonly<Record<EntryId, Readonly<Record<UserId, 1 | -1>>>>;
  /** Votes to skip; an entry's are dropped when it is no longer current. */
  readonly skipVotes: Readonly<Record<EntryId, readonly UserId[]>>;
  /** The play that goes on at the first anchor of the timeline; what began it may have left the timeline. */
  readonly playBegan?: PlayStart;
  /** Newest last, bounded. */
  readonly undo: readonly UndoStep[];
  /** `at` of the last event. Never runs backward. */
  readonly lastAt: HubMs;
}
