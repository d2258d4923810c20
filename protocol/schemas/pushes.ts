// What the hub sends: replies to requests, and pushes that nobody asked for.
import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '../errors.ts';
import { AudienceSchema, FeedItemSchema, FeedRemovalSchema, FeedSchema } from './feed.ts';
import {
  ActivityIdSchema,
  ConnectionIdSchema,
  CountSchema,
  EmojiSchema,
  EntryIdSchema,
  HubMsSchema,
  InviteCodeSchema,
  RoomIdSchema,
  UserIdSchema,
} from './primitives.ts';
import { PublicEventSchema, type PublicEvent } from './events.ts';
import { PublicRoomSchema, RoleSchema, type PublicRoom } from './room.ts';
import { RequestIdSchema } from './requests.ts';
import type { JsonObject } from '../merge-patch.ts';

export const UserSchema = z.object({ id: UserIdSchema, name: z.string(), guest: z.boolean() });

/** What this hub allows; a client may read its own pace from it. */
export const LimitsSchema = z.object({
  maxFrameBytes: CountSchema,
  maxQueueEntries: CountSchema,
  maxRoomMembers: CountSchema,
  maxRoomsPerConnection: CountSchema,
  requestsPerSecond: z.number(),
  requestBurst: CountSchema,
});

export const RevisionSchema = z.object({
  revision: z.int().min(1),
  event: PublicEventSchema,
  patch: z
    .record(z.string(), z.unknown())
    .meta({ description: 'JSON Merge Patch of the snapshot’s room' }),
  hash: z
    .string()
    .exactOptional()
    .meta({ description: 'hash of the room after the patch, on every 64th revision' }),
});

export const ChatItemSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('message'),
    seq: z.int().min(1),
    at: HubMsSchema,
    userId: UserIdSchema,
    name: z.string(),
    text: z.string().meta({ description: 'empty once deleted' }),
    deleted: z.literal(true).exactOptional(),
  }),
  z.object({
    kind: z.literal('deletion'),
    seq: z.int().min(1),
    at: HubMsSchema,
    by: UserIdSchema,
    target: z.int().min(1).meta({ description: 'the seq of the message that is gone' }),
  }),
]);

export const PresentSchema = z.object({ name: z.string(), role: RoleSchema });

export const PresenceSchema = z.object({
  version: CountSchema,
  count: CountSchema.meta({ description: 'all who are connected' }),
  members: z.record(z.string(), PresentSchema).meta({
    description: 'by user id: all of them up to 200; beyond that those with a role, and a sample',
  }),
});

const WaitingSchema = z.array(UserSchema.pick({ id: true, name: true }));

export const YouSchema = z.object({
  role: RoleSchema,
  votes: z.record(z.string(), z.int()).meta({ description: 'your votes by entry id' }),
  skipVotes: z.array(EntryIdSchema),
  waiting: WaitingSchema.exactOptional().meta({
    description: 'who waits at the door; absent where nobody does, or you may not answer',
  }),
});

export const SnapshotSchema = z.object({
  roomId: RoomIdSchema,
  epoch: CountSchema,
  revision: CountSchema,
  hash: z.string(),
  room: PublicRoomSchema,
});

const ChatPageSchema = z.object({
  items: z.array(ChatItemSchema).meta({ description: 'in order of seq' }),
  lastSeq: CountSchema.meta({ description: 'the newest seq of the room' }),
  gap: z
    .boolean()
    .meta({ description: 'true when older items than these were left out: ask chat.history' }),
});

/** The reply to `room.join` and `room.create`: a snapshot, or what followed on `since`. */
export const JoinedSchema = z.object({
  roomId: RoomIdSchema,
  snapshot: SnapshotSchema.exactOptional(),
  resumed: z
    .object({ epoch: CountSchema, revision: CountSchema, revisions: z.array(RevisionSchema) })
    .exactOptional(),
  presence: PresenceSchema,
  you: YouSchema,
  chat: ChatPageSchema,
});

const RevisedSchema = z.object({
  epoch: CountSchema,
  revision: CountSchema.meta({
    description: 'the room’s revision after the request; unchanged where there was nothing to do',
  }),
});

/** What an `ok` carries beside `id` and `type`, by the request’s type. Those not named here carry nothing more. */
export const ReplySchemas = {
  hello: z.object({
    user: UserSchema,
    connectionId: ConnectionIdSchema,
    hub: z.object({ now: HubMsSchema, timelineId: CountSchema }),
    limits: LimitsSchema,
    heartbeatMs: CountSchema,
    features: z.array(z.string()),
    tokenExpiresInMs: z.number().exactOptional(),
  }),
  'room.create': JoinedSchema,
  'room.join': JoinedSchema,
  'room.invite': z.object({ invite: InviteCodeSchema }),
  'room.knock': z.object({ roomId: RoomIdSchema, status: z.enum(['waiting', 'admitted']) }),
  'chat.send': z.object({ seq: CountSchema, at: HubMsSchema }),
  'chat.delete': z.object({ seq: CountSchema }),
  'chat.history': ChatPageSchema,
  'queue.add': RevisedSchema.extend({ entryIds: z.array(EntryIdSchema) }),
  'feed.subscribe': FeedSchema,
  'activity.set': z.object({
    activityId: ActivityIdSchema.exactOptional().meta({ description: 'absent once stopped' }),
  }),
  'activity.join': z.object({ roomId: RoomIdSchema }),
  'audience.set': z.object({ audience: AudienceSchema }),
  revised: RevisedSchema,
} as const;

export const OkSchema = z.looseObject({ id: RequestIdSchema, type: z.literal('ok') });
export const ErrorReplySchema = z.object({
  id: RequestIdSchema.exactOptional().meta({
    description: 'absent where the frame’s id could not be read',
  }),
  type: z.literal('error'),
  code: z.enum(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]]),
  message: z.string(),
  retryable: z.boolean(),
  retryAfterMs: CountSchema.exactOptional(),
});

function push<T extends string, S extends z.ZodRawShape>(type: T, shape: S) {
  return z.object({ type: z.literal(type), ...shape });
}

const FriendSchema = UserSchema.pick({ id: true, name: true });

export const PushSchemas = {
  'room.events': push('room.events', {
    roomId: RoomIdSchema,
    epoch: CountSchema,
    revisions: z.array(RevisionSchema).min(1),
  }),
  'room.snapshot': push('room.snapshot', {
    ...SnapshotSchema.shape,
    presence: PresenceSchema,
    you: YouSchema,
    chatSeq: CountSchema.meta({
      description: 'the newest seq of the room’s chat: ask chat.history for what is missing',
    }),
    reason: z.enum(['behind', 'epoch']).meta({ description: 'why the hub starts over' }),
  }),
  'room.presence': push('room.presence', {
    roomId: RoomIdSchema,
    version: CountSchema,
    count: CountSchema,
    joined: z.record(z.string(), PresentSchema).exactOptional(),
    left: z.array(UserIdSchema).exactOptional(),
    changed: z.record(z.string(), PresentSchema).exactOptional(),
    full: PresenceSchema.exactOptional().meta({
      description: 'sent instead of a difference when the hub starts over',
    }),
  }),
  'room.sync': push('room.sync', {
    roomId: RoomIdSchema,
    p50Ms: z.number(),
    p95Ms: z.number(),
    members: z.record(
      z.string(),
      z.object({
        errorMs: z.number(),
        state: z.enum(['following', 'detached', 'buffering', 'cannot_keep_up']),
      }),
    ),
  }),
  'room.chat': push('room.chat', { roomId: RoomIdSchema, items: z.array(ChatItemSchema).min(1) }),
  'room.reactions': push('room.reactions', {
    roomId: RoomIdSchema,
    counts: z
      .record(z.string(), CountSchema)
      .meta({ description: 'how often each emoji was sent in the last 250 ms' }),
    from: z.array(UserIdSchema).meta({ description: 'some of those who sent them' }),
  }),
  'room.left': push('room.left', {
    roomId: RoomIdSchema,
    reason: z.enum(['left', 'kicked', 'banned', 'closed', 'replaced']),
  }),
  'room.knocked': push('room.knocked', {
    roomId: RoomIdSchema,
    waiting: WaitingSchema.meta({ description: 'all who wait at the door now, oldest first' }),
  }),
  'room.admitted': push('room.admitted', { roomId: RoomIdSchema, accept: z.boolean() }),
  'feed.items': push('feed.items', {
    upsert: z.array(FeedItemSchema),
    remove: z.array(FeedRemovalSchema).meta({ description: 'done before `upsert`' }),
  }),
  'feed.snapshot': push('feed.snapshot', {
    ...FeedSchema.shape,
    reason: z.enum(['behind', 'changed']).meta({ description: 'why the hub starts over' }),
  }),
  'audience.changed': push('audience.changed', { audience: AudienceSchema }),
  'friends.changed': push('friends.changed', {}),
  'activity.reacted': push('activity.reacted', {
    activityId: ActivityIdSchema,
    user: FriendSchema,
    emoji: EmojiSchema,
  }),
  'activity.joined': push('activity.joined', {
    activityId: ActivityIdSchema,
    roomId: RoomIdSchema,
    user: FriendSchema,
  }),
  'session.expiring': push('session.expiring', { inMs: z.number() }),
  'hub.draining': push('hub.draining', { reconnectWithinMs: CountSchema }),
} as const;

export type PushType = keyof typeof PushSchemas;
type Inferred = { [T in PushType]: z.infer<(typeof PushSchemas)[T]> };

export type User = Readonly<z.infer<typeof UserSchema>>;
export type Limits = Readonly<z.infer<typeof LimitsSchema>>;
export type ChatItem = Readonly<z.infer<typeof ChatItemSchema>>;
export type ChatMessage = Extract<ChatItem, { kind: 'message' }>;
export type ChatPage = Readonly<z.infer<typeof ChatPageSchema>>;
export type Present = Readonly<z.infer<typeof PresentSchema>>;
export type PresenceView = Readonly<z.infer<typeof PresenceSchema>>;
export type You = Readonly<z.infer<typeof YouSchema>>;
export interface Revision {
  readonly revision: number;
  readonly event: PublicEvent;
  readonly patch: JsonObject;
  readonly hash?: string;
}
export interface Snapshot extends Readonly<Omit<z.infer<typeof SnapshotSchema>, 'room'>> {
  readonly room: PublicRoom;
}
export interface Joined extends Readonly<
  Omit<z.infer<typeof JoinedSchema>, 'snapshot' | 'resumed'>
> {
  readonly snapshot?: Snapshot;
  readonly resumed?: {
    readonly epoch: number;
    readonly revision: number;
    readonly revisions: readonly Revision[];
  };
}
export type ErrorReply = Readonly<z.infer<typeof ErrorReplySchema>>;
/** What the reply to a request of type `T` carries, beside `id` and `type`. */
export interface ReplyBodies {
  hello: Readonly<z.infer<(typeof ReplySchemas)['hello']>>;
  'room.create': Joined;
  'room.join': Joined;
  'room.invite': Readonly<z.infer<(typeof ReplySchemas)['room.invite']>>;
  'room.knock': Readonly<z.infer<(typeof ReplySchemas)['room.knock']>>;
  'chat.send': Readonly<z.infer<(typeof ReplySchemas)['chat.send']>>;
  'chat.delete': Readonly<z.infer<(typeof ReplySchemas)['chat.delete']>>;
  'chat.history': ChatPage;
  'queue.add': Readonly<z.infer<(typeof ReplySchemas)['queue.add']>>;
  'feed.subscribe': Readonly<z.infer<(typeof ReplySchemas)['feed.subscribe']>>;
  'activity.set': Readonly<z.infer<(typeof ReplySchemas)['activity.set']>>;
  'activity.join': Readonly<z.infer<(typeof ReplySchemas)['activity.join']>>;
  'audience.set': Readonly<z.infer<(typeof ReplySchemas)['audience.set']>>;
}
export type Revised = Readonly<z.infer<typeof RevisedSchema>>;
/** A push as the hub makes it. */
export type Push =
  | Exclude<
      { [T in PushType]: Readonly<Inferred[T]> }[PushType],
      { type: 'room.events' | 'room.snapshot' }
    >
  | RoomEventsPush
  | RoomSnapshotPush;
export interface RoomEventsPush extends Readonly<Omit<Inferred['room.events'], 'revisions'>> {
  readonly revisions: readonly Revision[];
}
export interface RoomSnapshotPush extends Readonly<Omit<Inferred['room.snapshot'], 'room'>> {
  readonly room: PublicRoom;
}
