// The identifiers that travel on the wire, each its own type so that one is never passed for another.

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Milliseconds on the hub's own timeline. Comparable across nodes and clients, never with `Date.now()`. */
export type HubMs = number;

/** A room, for ever: a uuid. People share its `RoomCode` instead. */
export type RoomId = Brand<string, 'RoomId'>;
/** What a person types to enter a room: eight characters of an unambiguous alphabet. */
export type RoomCode = Brand<string, 'RoomCode'>;
/** A person: a uuid. */
export type UserId = Brand<string, 'UserId'>;
/** A track of the catalogue: derived from its content, so it survives a rename and a rescan. */
export type TrackId = Brand<string, 'TrackId'>;
/** One place in one room's queue. The same track queued twice has two entries. */
export type EntryId = Brand<string, 'EntryId'>;
/** One gathering in a room, from the first arrival to the last leave: a uuid. */
export type SessionId = Brand<string, 'SessionId'>;
/** One socket's life on one node. */
export type ConnectionId = Brand<string, 'ConnectionId'>;
/** The id of one event of a room's log: tells apart two histories that share a revision number. */
export type EventId = Brand<string, 'EventId'>;
/** The secret part of an invite link. */
export type InviteCode = Brand<string, 'InviteCode'>;
