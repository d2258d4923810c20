// What happened in a room, as its members are told: who did what. The patch beside an event carries the effect, so a client needs
// none of these to be right, only to say "Ana skipped" (RM4).
import { z } from 'zod';
import {
  CountSchema,
  EntryIdSchema,
  EventIdSchema,
  HubMsSchema,
  NameSchema,
  RoomCodeSchema,
  SessionIdSchema,
  UserIdSchema,
} from './primitives.ts';
import { AnchorSchema, GateSchema, RepeatSchema } from './playback.ts';
import {
  EntrySchema,
  PresetSchema,
  RoleSchema,
  SettingsPatchSchema,
  SettingsSchema,
  VisibilitySchema,
} from './room.ts';

const base = { id: EventIdSchema, at: HubMsSchema };
const by = UserIdSchema.meta({ description: 'who did it' });
const RanksSchema = z.record(z.string(), z.string()).meta({ description: 'new ranks by entry id' });

/** Why the timeline changed. */
export const MoveCauseSchema = z.enum([
  'play',
  'pause',
  'seek',
  'skip',
  'previous',
  'jump',
  'vote',
  'removed',
  'gate',
  'horizon',
  'replanned',
  'deserted',
]);

const PersonSchema = z.object({ userId: UserIdSchema, name: z.string() });
export const DepartureReasonSchema = z.enum(['left', 'lost', 'kicked', 'banned']);

function event<T extends string, S extends z.ZodRawShape>(type: T, shape: S) {
  return z.object({ ...base, type: z.literal(type), ...shape });
}

export const RoomEventSchemas = {
  RoomCreated: event('RoomCreated', {
    by,
    byName: z.string(),
    code: RoomCodeSchema,
    name: NameSchema,
    preset: PresetSchema,
    visibility: VisibilitySchema,
    settings: SettingsSchema,
  }),
  RoomUpdated: event('RoomUpdated', {
    by,
    name: NameSchema.exactOptional(),
    visibility: VisibilitySchema.exactOptional(),
    preset: PresetSchema.exactOptional(),
    settings: SettingsPatchSchema.exactOptional(),
  }),
  RoomClosed: event('RoomClosed', { by }),
  SessionStarted: event('SessionStarted', { sessionId: SessionIdSchema }),
  SessionEnded: event('SessionEnded', { sessionId: SessionIdSchema }),
  /** At most `MAX_NAMED` of them are named; `count` is all of them. */
  MembersArrived: event('MembersArrived', { members: z.array(PersonSchema), count: CountSchema }),
  MembersDeparted: event('MembersDeparted', {
    members: z.array(PersonSchema.extend({ reason: DepartureReasonSchema })),
    count: CountSchema,
  }),
  RoleSet: event('RoleSet', { by, userId: UserIdSchema, name: z.string(), role: RoleSchema }),
  HostChanged: event('HostChanged', {
    hostId: UserIdSchema,
    hostName: z.string(),
    ownerId: UserIdSchema,
    cause: z.enum(['transfer', 'succession', 'return']),
  }),
  MemberKicked: event('MemberKicked', { by, userId: UserIdSchema, name: z.string() }),
  MemberBanned: event('MemberBanned', {
    by,
    userId: UserIdSchema,
    name: z.string(),
    until: HubMsSchema.exactOptional(),
  }),
  MemberUnbanned: event('MemberUnbanned', { by, userId: UserIdSchema }),
  /** The code itself is told to the one who asked for it, in the reply. */
  InviteCreated: event('InviteCreated', { by }),
  InviteUsed: event('InviteUsed', {}),
  InviteRevoked: event('InviteRevoked', { by }),
  /** Who knocked is pushed to those who may answer (`room.knocked`). */
  KnockReceived: event('KnockReceived', {}),
  KnockAnswered: event('KnockAnswered', { by, accept: z.boolean() }),
  PlaybackMoved: event('PlaybackMoved', {
    by: by.exactOptional(),
    cause: MoveCauseSchema,
    timeline: z.array(AnchorSchema).min(1),
    gate: GateSchema.exactOptional(),
  }),
  PlaybackModeSet: event('PlaybackModeSet', {
    by,
    repeat: RepeatSchema,
    shuffle: z.boolean(),
    shuffleRanks: RanksSchema.exactOptional(),
  }),
  QueueAdded: event('QueueAdded', {
    by,
    entries: z.record(z.string(), EntrySchema),
    ranks: RanksSchema.exactOptional(),
    dropped: z
      .array(EntryIdSchema)
      .exactOptional()
      .meta({ description: 'played entries that made place' }),
  }),
  QueueRemoved: event('QueueRemoved', {
    by,
    cause: z.enum(['request', 'vote']),
    entryIds: z.array(EntryIdSchema),
    ranks: RanksSchema.exactOptional(),
  }),
  QueueMoved: event('QueueMoved', {
    by,
    entryId: EntryIdSchema,
    ranks: RanksSchema,
    shuffle: z.boolean(),
  }),
  QueueCleared: event('QueueCleared', { by, entryIds: z.array(EntryIdSchema) }),
  QueueUndone: event('QueueUndone', {
    by,
    restored: z.record(z.string(), EntrySchema).exactOptional(),
    removed: z.array(EntryIdSchema).exactOptional(),
    ranks: RanksSchema.exactOptional(),
    shuffle: z.boolean().exactOptional(),
  }),
  /** `renumbered`: shorter ranks in the same order; of `shuffleRank` where `shuffle` is set. */
  QueueReordered: event('QueueReordered', {
    cause: z.enum(['fair', 'away', 'renumbered']),
    ranks: RanksSchema,
    shuffle: z.boolean().exactOptional(),
  }),
  EntryVoted: event('EntryVoted', {
    by,
    entryId: EntryIdSchema,
    value: z.union([z.literal(-1), z.literal(0), z.literal(1)]),
    score: z.int(),
  }),
  SkipVoted: event('SkipVoted', {
    by,
    entryId: EntryIdSchema,
    skipVotes: CountSchema,
    needed: CountSchema,
  }),
} as const;

export type RoomEventType = keyof typeof RoomEventSchemas;
export type PublicEvent<T extends RoomEventType = RoomEventType> = {
  [K in RoomEventType]: Readonly<z.infer<(typeof RoomEventSchemas)[K]>>;
}[T];
export type MoveCause = z.infer<typeof MoveCauseSchema>;
export type DepartureReason = z.infer<typeof DepartureReasonSchema>;

/** How many people an event names; the rest are counted (RM8). */
export const MAX_NAMED = 20;

/** A client must accept events that it does not know: it shows nothing for them and applies their patch. */
export const PublicEventSchema = z
  .union(Object.values(RoomEventSchemas) as unknown as [z.ZodObject, z.ZodObject, ...z.ZodObject[]])
  .or(z.looseObject({ ...base, type: z.string() }));
