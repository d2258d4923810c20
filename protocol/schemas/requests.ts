// Every request a client may send, one schema each: the source of the types, of the JSON Schema and of the hub's handler table.
import { z } from 'zod';
import { AudienceKindSchema, MAX_CHOSEN_PEOPLE, SoloTrackSchema } from './feed.ts';
import {
  ActivityIdSchema,
  ChatTextSchema,
  ConnectionIdSchema,
  CountSchema,
  EmojiSchema,
  EntryIdSchema,
  HubMsSchema,
  InviteCodeSchema,
  KeySchema,
  NameSchema,
  PositionMsSchema,
  RoomCodeSchema,
  RoomIdSchema,
  TrackIdSchema,
  UserIdSchema,
} from './primitives.ts';
import { RepeatSchema } from './playback.ts';
import { PresetSchema, RoleSchema, SettingsPatchSchema, VisibilitySchema } from './room.ts';

/** Chosen by the client and echoed in the reply; unique among its requests under way. */
export const RequestIdSchema = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

const TOKEN_MAX = 8_192;
export const MAX_TRACKS_PER_ADD = 100;
/** Errors beyond ten minutes say nothing more than "far off". */
const MAX_ERROR_MS = 600_000;

function request<T extends string, S extends z.ZodRawShape>(type: T, shape: S) {
  return z.object({
    id: RequestIdSchema,
    type: z.literal(type),
    key: KeySchema.exactOptional().meta({
      description: 'makes the request idempotent for 10 minutes per user',
    }),
    ...shape,
  });
}

function roomRequest<T extends string, S extends z.ZodRawShape>(type: T, shape: S) {
  return request(type, { roomId: RoomIdSchema, ...shape });
}

const entryId = EntryIdSchema.meta({
  description: 'the entry it was meant for: `stale` if the room has moved on',
});

export const RequestSchemas = {
  hello: request('hello', {
    token: z.string().min(1).max(TOKEN_MAX),
    client: z.object({ name: z.string().max(64), version: z.string().max(32) }),
    replaces: ConnectionIdSchema.exactOptional().meta({
      description: 'an earlier connection of the same user that is to be closed with 4002',
    }),
  }),
  'auth.refresh': request('auth.refresh', { token: z.string().min(1).max(TOKEN_MAX) }),

  'room.create': request('room.create', {
    name: NameSchema,
    preset: PresetSchema.exactOptional(),
    visibility: VisibilitySchema.exactOptional(),
  }),
  'room.join': request('room.join', {
    roomId: RoomIdSchema.exactOptional(),
    code: RoomCodeSchema.exactOptional(),
    invite: InviteCodeSchema.exactOptional(),
    since: z
      .object({ epoch: CountSchema, revision: CountSchema, chat: CountSchema.exactOptional() })
      .exactOptional()
      .meta({ description: 'what the client already holds' }),
  }),
  'room.leave': roomRequest('room.leave', {}),
  'room.update': roomRequest('room.update', {
    name: NameSchema.exactOptional(),
    visibility: VisibilitySchema.exactOptional(),
    preset: PresetSchema.exactOptional().meta({
      description: 'sets all settings of that preset first',
    }),
    settings: SettingsPatchSchema.exactOptional(),
  }),
  'room.close': roomRequest('room.close', {}),
  'room.invite': roomRequest('room.invite', {
    role: RoleSchema.exclude(['host']).exactOptional(),
    uses: z.int().min(1).max(10_000).exactOptional(),
    expiresAt: HubMsSchema.exactOptional(),
  }),
  'room.knock': request('room.knock', {
    roomId: RoomIdSchema.exactOptional(),
    code: RoomCodeSchema.exactOptional(),
  }),
  'room.admit': roomRequest('room.admit', { userId: UserIdSchema, accept: z.boolean() }),

  'role.set': roomRequest('role.set', { userId: UserIdSchema, role: RoleSchema.exclude(['host']) }),
  'host.transfer': roomRequest('host.transfer', { userId: UserIdSchema }),
  'member.kick': roomRequest('member.kick', { userId: UserIdSchema }),
  'member.ban': roomRequest('member.ban', {
    userId: UserIdSchema,
    durationMs: z
      .int()
      .min(1_000)
      .max(10 * 365 * 86_400_000)
      .exactOptional()
      .meta({ description: 'absent: for good' }),
  }),
  'member.unban': roomRequest('member.unban', { userId: UserIdSchema }),

  'playback.play': roomRequest('playback.play', { entryId: entryId.exactOptional() }),
  'playback.pause': roomRequest('playback.pause', { entryId }),
  'playback.seek': roomRequest('playback.seek', { entryId, positionMs: PositionMsSchema }),
  'playback.skip': roomRequest('playback.skip', { entryId }),
  'playback.previous': roomRequest('playback.previous', { entryId }),
  'playback.jump': roomRequest('playback.jump', { to: EntryIdSchema }),
  'playback.mode': roomRequest('playback.mode', {
    repeat: RepeatSchema.exactOptional(),
    shuffle: z.boolean().exactOptional(),
  }),

  'queue.add': roomRequest('queue.add', {
    trackIds: z.array(TrackIdSchema).min(1).max(MAX_TRACKS_PER_ADD),
    at: z.enum(['next', 'end']).exactOptional(),
  }),
  'queue.remove': roomRequest('queue.remove', {
    entryIds: z.array(EntryIdSchema).min(1).max(MAX_TRACKS_PER_ADD),
  }),
  'queue.move': roomRequest('queue.move', {
    entryId: EntryIdSchema,
    beforeEntryId: EntryIdSchema.exactOptional().meta({ description: 'absent: to the end' }),
  }),
  'queue.clear': roomRequest('queue.clear', {}),
  'queue.undo': roomRequest('queue.undo', {}),

  'vote.skip': roomRequest('vote.skip', { entryId }),
  'vote.entry': roomRequest('vote.entry', {
    entryId: EntryIdSchema,
    value: z.union([z.literal(-1), z.literal(0), z.literal(1)]),
  }),

  ready: roomRequest('ready', { entryId: EntryIdSchema, bufferedMs: PositionMsSchema }),
  'sync.report': roomRequest('sync.report', {
    errorMs: z.number().min(-MAX_ERROR_MS).max(MAX_ERROR_MS),
    maxErrorMs: z.number().min(0).max(MAX_ERROR_MS),
    rttMs: z.number().min(0).max(MAX_ERROR_MS).meta({
      description:
        'a round trip that three of four of the last ones did not exceed: a start is planned by it',
    }),
    outputLatencyMs: z.number().min(0).max(10_000).meta({
      description:
        'between handing over a sample and hearing it, buffers and what the user added by ear with it',
    }),
    state: z.enum(['following', 'detached', 'buffering', 'cannot_keep_up', 'idle']).meta({
      description: '`idle`: nothing plays; only the delays are told',
    }),
  }),

  'chat.send': roomRequest('chat.send', { text: ChatTextSchema }),
  'chat.delete': roomRequest('chat.delete', { seq: CountSchema }),
  'chat.history': roomRequest('chat.history', {
    before: CountSchema,
    limit: z.int().min(1).max(100).exactOptional(),
  }),
  'reaction.send': roomRequest('reaction.send', { emoji: EmojiSchema }),

  'feed.subscribe': request('feed.subscribe', {}),
  'feed.unsubscribe': request('feed.unsubscribe', {}),
  'activity.set': request('activity.set', {
    track: SoloTrackSchema,
    positionMs: PositionMsSchema,
    state: z.enum(['playing', 'paused', 'stopped']),
    joinable: z.boolean().exactOptional().meta({
      description: 'whether friends may make a room of it; absent: they may',
    }),
  }),
  'activity.remove': request('activity.remove', { activityId: ActivityIdSchema }),
  'activity.react': request('activity.react', {
    activityId: ActivityIdSchema,
    userId: UserIdSchema,
    emoji: EmojiSchema,
  }),
  'activity.join': request('activity.join', {
    activityId: ActivityIdSchema,
    userId: UserIdSchema.meta({ description: 'the friend who listens' }),
  }),
  'audience.set': request('audience.set', {
    audience: AudienceKindSchema.exactOptional(),
    userIds: z
      .array(UserIdSchema)
      .max(MAX_CHOSEN_PEOPLE)
      .exactOptional()
      .meta({ description: 'the chosen ones; absent: as they are' }),
    privateUntil: HubMsSchema.nullable().exactOptional().meta({
      description: 'the end of a private session; null ends it now; absent: as it is',
    }),
  }),
} as const;

export type RequestType = keyof typeof RequestSchemas;
export type RequestOf<T extends RequestType> = Readonly<z.output<(typeof RequestSchemas)[T]>>;
export type Request = { [T in RequestType]: RequestOf<T> }[RequestType];
/** What a client passes for a request: without `id` and `type`, which the SDK adds. */
export type RequestBody<T extends RequestType> = Omit<
  z.input<(typeof RequestSchemas)[T]>,
  'id' | 'type'
>;

/** `sync.report`'s state. */
export type SyncState = RequestOf<'sync.report'>['state'];
