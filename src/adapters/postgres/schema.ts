// The tables, as MikroORM sees them. Knows nothing of how they are written to.
import { defineEntity, p, type InferEntity } from '@mikro-orm/core';

// Hub times are double precision: a JavaScript number goes in and the same one comes out.

export const UserSchema = defineEntity({
  name: 'User',
  tableName: 'user',
  properties: {
    id: p.uuid().primary().defaultRaw('gen_random_uuid()'),
    name: p.text(),
    guest: p.boolean(),
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
  KvSchema,
];
