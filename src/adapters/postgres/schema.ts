// The tables, as MikroORM sees them. Knows nothing of how they are written to.
import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { ActivityTrack } from '../../../protocol/schemas/feed.ts';

// Hub times are double precision: a JavaScript number goes in and the same one comes out.

export const UserSchema = defineEntity({
  name: 'User',
  tableName: 'user',
  properties: {
    id: p.uuid().primary().defaultRaw('gen_random_uuid()'),
    name: p.text(),
    guest: p.boolean(),
    colour: p.text().nullable(),
    picture: p.text().nullable(),
    friendCode: p.text().unique('user_friend_code_unique').nullable(),
    audience: p.text().default('friends'),
    privateUntil: p.float().columnType('double precision').nullable(),
    /** Grows with each change of who may see what this person does. */
    policyVersion: p.float().columnType('double precision').default(0),
    /** When friend requests were sent, of the last day. */
    requestTimes: p.json<readonly number[]>().nullable(),
  },
});
export type UserRow = InferEntity<typeof UserSchema>;

export const RoomSchema = defineEntity({
  name: 'Room',
  tableName: 'room',
  indexes: [
    {
      name: 'room_public_index',
      expression:
        "create index room_public_index on room (here_count desc, created_at desc) where visibility = 'public' and closed_at is null",
    },
    {
      name: 'room_inhabited_index',
      expression: 'create index room_inhabited_index on room (id) where here_count > 0',
    },
  ],
  properties: {
    id: p.uuid().primary().defaultRaw('gen_random_uuid()'),
    code: p.text().unique('room_code_unique'),
    name: p.text(),
    visibility: p.text(),
    createdAt: p.float().columnType('double precision'),
    closedAt: p.float().columnType('double precision').nullable(),
    hereCount: p.integer(),
    epoch: p.integer(),
    revision: p.integer(),
    eventId: p.text(),
    lastAt: p.float().columnType('double precision'),
    heard: p.json<unknown>().nullable(),
  },
});

/** Beside `room`, so that moving a head does not rewrite the state. */
export const RoomSnapshotSchema = defineEntity({
  name: 'RoomSnapshot',
  tableName: 'room_snapshot',
  properties: {
    roomId: p.uuid().primary(),
    epoch: p.integer(),
    revision: p.integer(),
    eventId: p.text(),
    state: p.json<unknown>(),
  },
});

export const RoomEventSchema = defineEntity({
  name: 'RoomEvent',
  tableName: 'room_event',
  uniques: [{ name: 'room_event_id_unique', properties: ['roomId', 'eventId'] }],
  indexes: [
    {
      name: 'room_event_landmark_index',
      expression:
        "create index room_event_landmark_index on room_event (room_id, type, at) where type in ('SessionStarted', 'SessionEnded', 'RoomUpdated')",
    },
  ],
  properties: {
    roomId: p.uuid().primary(),
    epoch: p.integer().primary(),
    revision: p.integer().primary(),
    eventId: p.text(),
    at: p.float().columnType('double precision'),
    type: p.text(),
    event: p.json<unknown>(),
  },
});

/** Events that were archived and then lost by the rooms' log with all who knew them: no part of their room's history. */
export const LostEventSchema = defineEntity({
  name: 'LostEvent',
  tableName: 'lost_event',
  properties: {
    roomId: p.uuid().primary(),
    eventId: p.text().primary(),
    epoch: p.integer(),
    revision: p.integer(),
    at: p.float().columnType('double precision'),
    type: p.text(),
    event: p.json<unknown>(),
  },
});

export const IdempotencyKeySchema = defineEntity({
  name: 'IdempotencyKey',
  tableName: 'idempotency_key',
  properties: {
    roomId: p.uuid().primary(),
    key: p.text().primary(),
    reply: p.json<unknown>(),
    expiresAt: p.float().columnType('double precision').index('idempotency_key_expires_at_index'),
  },
});

export const SessionSchema = defineEntity({
  name: 'Session',
  tableName: 'session',
  indexes: [{ name: 'session_room_index', properties: ['roomId', 'startedAt'] }],
  properties: {
    id: p.uuid().primary().defaultRaw('gen_random_uuid()'),
    roomId: p.uuid(),
    startedAt: p.float().columnType('double precision'),
    endedAt: p.float().columnType('double precision').nullable(),
  },
});

export const ParticipationSchema = defineEntity({
  name: 'Participation',
  tableName: 'participation',
  uniques: [{ name: 'participation_event_unique', properties: ['sessionId', 'userId', 'eventId'] }],
  indexes: [{ name: 'participation_user_index', properties: ['userId', 'arrivedAt'] }],
  properties: {
    id: p.uuid().primary().defaultRaw('gen_random_uuid()'),
    sessionId: p.uuid(),
    userId: p.uuid(),
    name: p.text(),
    arrivedAt: p.float().columnType('double precision'),
    departedAt: p.float().columnType('double precision').nullable(),
    /** Where the arrival was told first; its event may have another number since. */
    epoch: p.integer(),
    revision: p.integer(),
    eventId: p.text(),
  },
});

export const PlaySchema = defineEntity({
  name: 'Play',
  tableName: 'play',
  uniques: [{ name: 'play_start_unique', properties: ['sessionId', 'startedAt'] }],
  properties: {
    id: p.uuid().primary().defaultRaw('gen_random_uuid()'),
    sessionId: p.uuid(),
    entryId: p.text(),
    trackId: p.text(),
    title: p.text(),
    artist: p.text(),
    startedAt: p.float().columnType('double precision'),
    endedAt: p.float().columnType('double precision'),
  },
});

export const ChatItemSchema = defineEntity({
  name: 'ChatItem',
  tableName: 'chat_item',
  uniques: [{ name: 'chat_item_seq_unique', properties: ['roomId', 'seq'] }],
  indexes: [
    {
      name: 'chat_item_key_index',
      expression:
        'create index chat_item_key_index on chat_item (room_id, key) where key is not null',
    },
    { name: 'chat_item_user_index', properties: ['userId', 'at', 'id'] },
  ],
  properties: {
    id: p.uuid().primary().defaultRaw('gen_random_uuid()'),
    roomId: p.uuid(),
    seq: p.integer(),
    at: p.float().columnType('double precision'),
    kind: p.text(),
    userId: p.uuid(),
    name: p.text().nullable(),
    text: p.text().nullable(),
    deleted: p.boolean().default(false),
    target: p.integer().nullable(),
    key: p.text().nullable(),
  },
});
export type ChatItemRow = InferEntity<typeof ChatItemSchema>;

/** Two rows a friendship, one for each. */
export const FriendshipSchema = defineEntity({
  name: 'Friendship',
  tableName: 'friendship',
  uniques: [{ name: 'friendship_unique', properties: ['userId', 'friendId'] }],
  properties: {
    id: p.uuid().primary().defaultRaw('gen_random_uuid()'),
    userId: p.uuid(),
    friendId: p.uuid(),
    since: p.float().columnType('double precision'),
  },
});

export const FriendRequestSchema = defineEntity({
  name: 'FriendRequest',
  tableName: 'friend_request',
  uniques: [{ name: 'friend_request_unique', properties: ['fromId', 'toId'] }],
  indexes: [{ name: 'friend_request_to_index', properties: ['toId', 'sentAt'] }],
  properties: {
    id: p.uuid().primary().defaultRaw('gen_random_uuid()'),
    fromId: p.uuid(),
    toId: p.uuid(),
    sentAt: p.float().columnType('double precision'),
    declinedAt: p.float().columnType('double precision').nullable(),
    withdrawn: p.boolean().default(false),
  },
});

export const BlockSchema = defineEntity({
  name: 'Block',
  tableName: 'block',
  uniques: [{ name: 'block_unique', properties: ['userId', 'blockedId'] }],
  indexes: [{ name: 'block_blocked_index', properties: ['blockedId'] }],
  properties: {
    id: p.uuid().primary().defaultRaw('gen_random_uuid()'),
    userId: p.uuid(),
    blockedId: p.uuid(),
    at: p.float().columnType('double precision'),
    /** As it was then; null where the other blocked this person already. */
    name: p.text().nullable(),
  },
});

/** Whom a person has chosen to see what they do. */
export const AudienceChoiceSchema = defineEntity({
  name: 'AudienceChoice',
  tableName: 'audience_choice',
  uniques: [{ name: 'audience_choice_unique', properties: ['userId', 'chosenId'] }],
  indexes: [{ name: 'audience_choice_chosen_index', properties: ['chosenId'] }],
  properties: {
    id: p.uuid().primary().defaultRaw('gen_random_uuid()'),
    userId: p.uuid(),
    chosenId: p.uuid(),
  },
});

export const DeviceTokenSchema = defineEntity({
  name: 'DeviceToken',
  tableName: 'device_token',
  indexes: [{ name: 'device_token_user_index', properties: ['userId'] }],
  properties: {
    id: p.uuid().primary().defaultRaw('gen_random_uuid()'),
    userId: p.uuid(),
    /** SHA-256 of the secret, in base64url. */
    hash: p.text().unique('device_token_hash_unique'),
    label: p.text(),
    createdAt: p.float().columnType('double precision'),
    usedAt: p.float().columnType('double precision'),
  },
});

/** At most one a person: the one-time link to another device. */
export const AccountLinkSchema = defineEntity({
  name: 'AccountLink',
  tableName: 'account_link',
  properties: {
    id: p.uuid().primary().defaultRaw('gen_random_uuid()'),
    userId: p.uuid().unique('account_link_user_unique'),
    hash: p.text().unique('account_link_hash_unique'),
    expiresAt: p.float().columnType('double precision'),
  },
});

/** Something a person listened to; `removed` marks what they took back. */
export const ActivitySchema = defineEntity({
  name: 'Activity',
  tableName: 'activity',
  indexes: [
    { name: 'activity_user_index', properties: ['userId', 'at', 'id'] },
    { name: 'activity_at_index', properties: ['at'] },
  ],
  properties: {
    userId: p.uuid().primary(),
    id: p.uuid().primary(),
    version: p.float().columnType('double precision').default(0),
    at: p.float().columnType('double precision'),
    endedAt: p.float().columnType('double precision').nullable(),
    track: p.json<ActivityTrack>().nullable(),
    roomId: p.uuid().nullable(),
    roomName: p.text().nullable(),
    isPrivate: p.boolean().default(false),
    removed: p.boolean().default(false),
  },
});

/** What a person heard of a play. */
export const ListenSchema = defineEntity({
  name: 'Listen',
  tableName: 'listen',
  indexes: [
    { name: 'listen_user_index', properties: ['userId', 'at', 'id'] },
    { name: 'listen_play_key_index', properties: ['playKey'] },
    { name: 'listen_at_index', properties: ['at'] },
  ],
  properties: {
    userId: p.uuid().primary(),
    id: p.uuid().primary(),
    playKey: p.text(),
    at: p.float().columnType('double precision'),
    track: p.json<ActivityTrack>().nullable(),
    roomId: p.uuid().nullable(),
    sessionId: p.uuid().nullable(),
    /** Stretches of hub time, none touching another. */
    spans: p.json<readonly (readonly [number, number])[]>().defaultRaw(`'[]'`),
    heardMs: p.float().columnType('double precision').default(0),
    countedAt: p.float().columnType('double precision').nullable(),
    removed: p.boolean().default(false),
  },
});

/** What waits for a store of activity elsewhere. */
export const ActivityOutboxSchema = defineEntity({
  name: 'ActivityOutbox',
  tableName: 'activity_outbox',
  indexes: [
    {
      name: 'activity_outbox_order_index',
      expression: `create index "activity_outbox_order_index" on "activity_outbox" (("entry"->>'kind' = 'remove' or coalesce("entry"->>'isPrivate', '') = 'true') desc, "at", "id") where "rejected" is null`,
    },
  ],
  properties: {
    id: p.uuid().primary().defaultRaw('gen_random_uuid()'),
    userId: p.uuid().index('activity_outbox_user_id_index'),
    /** When it was told. */
    at: p.float().columnType('double precision').index('activity_outbox_at_index'),
    entry: p.json<unknown>(),
    /** Why the store will never take it. */
    rejected: p.text().nullable(),
  },
});

/** Of whose time until `at` nothing is written any more. */
export const ErasedPersonSchema = defineEntity({
  name: 'ErasedPerson',
  tableName: 'erased_person',
  properties: {
    userId: p.uuid().primary(),
    /** Hub time. */
    at: p.float().columnType('double precision'),
  },
});

/** What an operator has taken back before its time. Times are by the clock on the wall. */
export const RevocationSchema = defineEntity({
  name: 'Revocation',
  tableName: 'revocation',
  uniques: [{ name: 'revocation_subject_unique', properties: ['kind', 'subject'] }],
  properties: {
    id: p.uuid().primary().defaultRaw('gen_random_uuid()'),
    kind: p.text(),
    /** A person, or the `jti` of a token. */
    subject: p.text(),
    at: p.float().columnType('double precision'),
    endsAt: p.float().columnType('double precision').nullable(),
    by: p.uuid(),
    reason: p.text().nullable(),
    /** By the database's own clock. */
    changedAt: p.float().columnType('double precision').index('revocation_changed_at_index'),
  },
});

/** Small facts of the service itself, such as when it was last alive. */
export const KvSchema = defineEntity({
  name: 'Kv',
  tableName: 'kv',
  properties: { key: p.text().primary(), value: p.json<unknown>() },
});

export const ENTITIES = [
  UserSchema,
  RoomSchema,
  RoomSnapshotSchema,
  RoomEventSchema,
  LostEventSchema,
  IdempotencyKeySchema,
  SessionSchema,
  ParticipationSchema,
  PlaySchema,
  ChatItemSchema,
  FriendshipSchema,
  FriendRequestSchema,
  BlockSchema,
  AudienceChoiceSchema,
  DeviceTokenSchema,
  AccountLinkSchema,
  ActivitySchema,
  ListenSchema,
  ActivityOutboxSchema,
  ErasedPersonSchema,
  RevocationSchema,
  KvSchema,
];
