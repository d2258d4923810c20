// The port to the rooms' log: the one order of a room's events, which every node shares and which outlives them all.
import type { EventId, HubMs, RoomCode, RoomId, UserId } from '../../protocol/ids.ts';
import type { JsonObject } from '../../protocol/merge-patch.ts';
import type { RoomEvent } from '../domain/room-event.ts';
import type { RoomState } from '../domain/room-state.ts';

/**
 * The end of a room's log. Revisions count 1, 2, 3 … within an epoch. `eventId` tells two histories apart that share an epoch and
 * a revision. A room that does not exist has the head `NO_ROOM`.
 */
export interface Head {
  readonly epoch: number;
  readonly revision: number;
  readonly eventId: EventId | '';
}

export const NO_ROOM: Head = { epoch: 1, revision: 0, eventId: '' };

export function isSameHead(a: Head, b: Head): boolean {
  return a.epoch === b.epoch && a.revision === b.revision && a.eventId === b.eventId;
}

/** Where something stands in a room's log, by its numbers alone. */
export type Place = Pick<Head, 'epoch' | 'revision'>;

/** A later epoch comes after every revision of an earlier one. */
export function isAfter(a: Place, b: Place): boolean {
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.revision > b.revision);
}

/**
 * A request that must take effect at most once, remembered with its outcome for ten minutes.
 * `key` is already scoped to its user by the caller.
 */
export interface IdempotencyRecord {
  readonly key: string;
  /** What the request is answered with when it comes again. */
  readonly reply: JsonObject;
}

export type AppendResult =
  /** Durable as far as the adapter promises, visible to `read` and told to subscribers, in this order. */
  | { readonly kind: 'committed'; readonly head: Head }
  /** Nothing was changed: the log ends elsewhere. Read, evolve, decide again. */
  | { readonly kind: 'conflict'; readonly head: Head }
  /** Nothing was changed: this key was used before. Answer it with `reply` and append the others again. */
  | { readonly kind: 'duplicate'; readonly key: string; readonly reply: JsonObject }
  /**
   * Nothing was changed: the log ends at `expected`, but another server keeps it now, which may have lost what came after, and others may
   * hold that. Call `restore`, which begins a new epoch, so that no revision means two things; then decide again.
   */
  | { readonly kind: 'moved' };

export interface LoadedRoom {
  readonly head: Head;
  /** The state at `head`. */
  readonly state: RoomState;
  /**
   * The newest events up to `head`, in order, where the log may lose them: whoever holds the room holds them too. Absent where it loses
   * nothing.
   */
  readonly recent?: readonly HeldEvent[];
  /** The log would answer an append with `moved`: what came after may be lost, and be held or kept elsewhere. */
  readonly isMoved?: true;
}

export type ReadResult =
  /**
   * The events after the given revision, in order, up to `head`, and the requests that took effect by them, where the log may lose them.
   * Empty where there are none.
   */
  | {
      readonly kind: 'events';
      readonly head: Head;
      readonly events: readonly RoomEvent[];
      readonly keys?: readonly IdempotencyRecord[];
    }
  /** Trimmed, of another history, or never was: take `restore`. */
  | { readonly kind: 'gone' };

/** An event as a node has seen it committed. */
export interface HeldEvent {
  readonly epoch: number;
  readonly revision: number;
  readonly event: RoomEvent;
  /** The requests that took effect by the append that ended with it, if any: who gives it back gives them back too. */
  readonly keys?: readonly IdempotencyRecord[];
}

/** What a node holds of a room: enough to give back what a log has lost. */
export interface HeldRoom extends LoadedRoom {
  /** The newest events that the node saw committed, in order; they may span epochs and have holes. */
  readonly recent: readonly HeldEvent[];
  /** The requests that took effect by events of `recent`, as far as the node knows them. */
  readonly keys: readonly IdempotencyRecord[];
  /** It is an archive's: further on, it takes the place of what a log that has `moved` has of the room, whose way there need not be known. */
  readonly isArchived?: true;
}

/** A room whose log says that people are in it, found at start. */
export interface InhabitedRoom {
  readonly roomId: RoomId;
  /** The last time at which this service was known to be alive while the room was inhabited. */
  readonly aliveAt: HubMs;
}

/**
 * The log of all rooms.
 *
 * Ordering: one room's appends take effect one after the other; `append` is atomic over its events and keys.
 * Durability: what was committed survives the death of this process at any moment, for every adapter but memory.
 * Availability: a store that is away rejects with `StoreUnavailable` and has then changed nothing, or the caller cannot know: it must
 * read the head before it tries again.
 * Size: at least the newest 1,000 events of a room can be `read`; older ones may be `gone`.
 */
export interface RoomLog {
  /** Undefined for a room that never was. */
  load(roomId: RoomId): Promise<LoadedRoom | undefined>;
  /**
   * Appends `events` if the log still ends at `expected`.
   * @param after the state after the events, from which the adapter may keep a snapshot, so that `load` need not replay all
   * @param events one or more; the first of a new room is `RoomCreated`, whose code is then claimed: a code in use is a `conflict`
   * with the head `NO_ROOM`
   */
  append(
    roomId: RoomId,
    expected: Head,
    events: readonly RoomEvent[],
    after: RoomState,
    keys: readonly IdempotencyRecord[],
  ): Promise<AppendResult>;
  /** @param after where `eventId` is given, the log must hold that very event at the revision */
  read(
    roomId: RoomId,
    after: { readonly epoch: number; readonly revision: number; readonly eventId?: EventId | '' },
  ): Promise<ReadResult>;
  /**
   * Makes the log hold all that a node holds. Events of `held.recent` that it has lost are put back behind what it has, a room that it
   * has lost is put back whole: both under a new epoch, as is a log that answered `moved`. Where it lacks nothing it stays as it is.
   * @returns the room as the log has it now; the node's own copy gives way to it. Rejects with `StoreUnavailable`
   */
  restore(roomId: RoomId, held: HeldRoom): Promise<LoadedRoom>;
  /**
   * Takes a person out of all that is kept of the room, by `erasedFrom`: a new epoch begins, in which `as` stands in their place and what
   * was appended before cannot be read any more. Told like a `restore`; this process is to look at the head. Nothing for a room that the
   * log does not have. Rejects with `StoreUnavailable`
   */
  forget(roomId: RoomId, userId: UserId, as: UserId): Promise<void>;
  /**
   * The heads of many rooms at once, in their order; `NO_ROOM` for one that the log does not have, undefined where only the part of the
   * log that keeps it is away. Rejects with `StoreUnavailable` where all of it is.
   */
  heads(roomIds: readonly RoomId[]): Promise<readonly (Head | undefined)[]>;
  /** The reply remembered for `key` in this room, so that a repeated request need not be decided at all. */
  recall(roomId: RoomId, key: string): Promise<JsonObject | undefined>;
  findByCode(code: RoomCode): Promise<RoomId | undefined>;
  /** Rooms with members by the log: asked once, at start, to end the stay of those who do not come back. */
  inhabited(): Promise<readonly InhabitedRoom[]>;
  /** Remembers that the service is alive at `at`, for `inhabited`. Cheap; called every few seconds. */
  heartbeat(at: HubMs): Promise<void>;
  /**
   * Calls `listener` for each append and `restore` by anybody else than this process, in order for each room; may lose some.
   * Returns the remover.
   */
  subscribe(listener: (roomId: RoomId, told: ToldAppend) => void): () => void;
}

/** An append of another node, as it was told. */
export interface ToldAppend {
  /** Where the log ended before. */
  readonly from: Head;
  readonly head: Head;
  /** What leads from `from` to `head`; none where a new epoch began: then the room is to be loaded. */
  readonly events: readonly RoomEvent[];
  readonly keys: readonly IdempotencyRecord[];
}

/** A store cannot be reached or has failed. The request that met it is answered `unavailable`. */
export class StoreUnavailable extends Error {
  constructor(store: string, options?: ErrorOptions) {
    super(`${store} is not available`, options);
    this.name = 'StoreUnavailable';
  }
}
