// What may be asked of a room, and what the hub knows beside the log when it is decided.
import type {
  EntryId,
  EventId,
  HubMs,
  InviteCode,
  RoomCode,
  RoomId,
  SessionId,
  TrackId,
  UserId,
} from '../../protocol/ids.ts';
import type { DepartureReason } from '../../protocol/schemas/events.ts';
import type { Repeat } from '../../protocol/schemas/playback.ts';
import type { Preset, Role, Settings, Visibility } from '../../protocol/schemas/room.ts';

/** A track as the catalogue knows it at the time of the command. */
export interface TrackInfo {
  readonly trackId: TrackId;
  readonly title: string;
  readonly artist: string;
  readonly album?: string;
  readonly durationMs: number;
  readonly hasCover: boolean;
}

/** Commands of people. `by` is in the context. */
export type UserCommand =
  | {
      readonly type: 'CreateRoom';
      readonly roomId: RoomId;
      readonly code: RoomCode;
      readonly name: string;
      readonly byName: string;
      readonly preset: Preset;
      readonly visibility: Visibility;
    }
  | {
      readonly type: 'UpdateRoom';
      readonly name?: string;
      readonly visibility?: Visibility;
      readonly preset?: Preset;
      readonly settings?: Partial<Settings>;
    }
  | { readonly type: 'CloseRoom' }
  | {
      readonly type: 'CreateInvite';
      readonly code: InviteCode;
      readonly role?: Exclude<Role, 'host'>;
      readonly uses?: number;
      readonly expiresAt?: HubMs;
    }
  | { readonly type: 'Knock'; readonly name: string }
  | { readonly type: 'AnswerKnock'; readonly userId: UserId; readonly accept: boolean }
  | { readonly type: 'SetRole'; readonly userId: UserId; readonly role: Exclude<Role, 'host'> }
  | { readonly type: 'TransferHost'; readonly userId: UserId }
  | { readonly type: 'KickMember'; readonly userId: UserId }
  | { readonly type: 'BanMember'; readonly userId: UserId; readonly durationMs?: number }
  | { readonly type: 'UnbanMember'; readonly userId: UserId }
  | { readonly type: 'Play'; readonly entryId?: EntryId }
  | { readonly type: 'Pause'; readonly entryId: EntryId }
  | { readonly type: 'Seek'; readonly entryId: EntryId; readonly positionMs: number }
  | { readonly type: 'Skip'; readonly entryId: EntryId }
  | { readonly type: 'Previous'; readonly entryId: EntryId }
  | { readonly type: 'Jump'; readonly to: EntryId }
  | { readonly type: 'SetMode'; readonly repeat?: Repeat; readonly shuffle?: boolean }
  | {
      readonly type: 'AddToQueue';
      readonly tracks: readonly TrackInfo[];
      /** Of the entries, where they are known before: those that are in the queue are there already. */
      readonly entryIds?: readonly EntryId[];
      readonly at: 'next' | 'end';
    }
  | { readonly type: 'RemoveFromQueue'; readonly entryIds: readonly EntryId[] }
  | { readonly type: 'MoveInQueue'; readonly entryId: EntryId; readonly beforeEntryId?: EntryId }
  | { readonly type: 'ClearQueue' }
  | { readonly type: 'UndoQueue' }
  | { readonly type: 'VoteSkip'; readonly entryId: EntryId }
  | { readonly type: 'VoteEntry'; readonly entryId: EntryId; readonly value: -1 | 0 | 1 };

/** Commands of the hub itself: presence and time. They are allowed to find nothing to do. */
export type SystemCommand =
  | {
      readonly type: 'Arrive';
      readonly members: readonly {
        readonly userId: UserId;
        readonly name: string;
        readonly invite?: InviteCode;
        /** The hub has seen that a member's friend comes in (`friendsEnter`). */
        readonly asFriend?: true;
      }[];
    }
  | {
      readonly type: 'Depart';
      readonly members: readonly { readonly userId: UserId; readonly reason: DepartureReason }[];
      /** Where the room pauses if nobody is left: the time when it was last known to be heard. Absent: now. */
      readonly heardUntil?: HubMs;
    }
  /** The gate's deadline came nearer: enough are ready. */
  | { readonly type: 'OpenGate'; readonly entryId: EntryId }
  /** A boundary entered the horizon. */
  | { readonly type: 'PlanHorizon' }
  /** Somebody is about to be erased: they leave, and what is theirs is given away. Also in a room that is closed. */
  | { readonly type: 'ErasePerson'; readonly userId: UserId }
  /** An operator ends the room for good, whoever it belongs to. */
  | { readonly type: 'ShutRoom'; readonly by: UserId }
  /** The host's grace ended. */
  | { readonly type: 'SucceedHost' };

export type Command = UserCommand | SystemCommand;

export interface DecideContext {
  /** Absent for the hub's own commands. */
  readonly by?: UserId;
  /** Hub time now; the events get `max(at, room.lastAt)`, as whole milliseconds. */
  readonly at: HubMs;
  /** How many are connected now, for quorums and votes: presence, not the log. */
  readonly presentCount: number;
  /** Whether somebody is connected now. */
  isPresent(userId: UserId): boolean;
  /** How many of those present have buffered the start of that entry. */
  readyCount(entryId: EntryId): number;
  /** How far ahead a start is planned, ms. */
  readonly leadMs: number;
  readonly limits: DomainLimits;
  newEventId(): EventId;
  newEntryId(): EntryId;
  newSessionId(): SessionId;
  /** Uniform in [0, 1). */
  random(): number;
}

export interface DomainLimits {
  readonly maxQueueEntries: number;
  readonly maxInvites: number;
  readonly maxKnocks: number;
  readonly maxBans: number;
  readonly maxUndo: number;
  /** How far ahead boundaries are planned, ms. */
  readonly horizonMs: number;
  /** How long a host may be away before another takes over, ms. */
  readonly hostGraceMs: number;
}

export const DEFAULT_DOMAIN_LIMITS: DomainLimits = {
  maxQueueEntries: 500,
  maxInvites: 50,
  maxKnocks: 50,
  maxBans: 500,
  maxUndo: 20,
  horizonMs: 30_000,
  hostGraceMs: 120_000,
};
