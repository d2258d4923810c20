// The public state of a room: what every member holds a copy of, changed only by merge patches. No member of it is ever null (RM5).
import { z } from 'zod';
import type { EntryId, UserId } from '../ids.ts';
import { PlaybackSchema, type Playback } from './playback.ts';
import {
  CountSchema,
  HubMsSchema,
  NameSchema,
  PositionMsSchema,
  RoomCodeSchema,
  RoomIdSchema,
  SessionIdSchema,
  ShareSchema,
  TrackIdSchema,
  UserIdSchema,
} from './primitives.ts';

export const PresetSchema = z.enum(['friends', 'party', 'radio']);
/** `public`: listed and open; `unlisted`: open to whoever has the code; `private`: an invite or an answered knock. */
export const VisibilitySchema = z.enum(['public', 'unlisted', 'private']);
export const RoleSchema = z.enum(['host', 'dj', 'listener']);
/** Who may do a thing: those of at least this role. */
export const PermissionSchema = z.enum(['host', 'dj', 'all']);

export const SettingsSchema = z.object({
  control: PermissionSchema.meta({ description: 'play, pause, seek, skip, jump, mode' }),
  queueAdd: PermissionSchema.meta({ description: 'add entries, move and remove one’s own' }),
  queueEdit: PermissionSchema.meta({ description: 'move, remove and clear entries of others' }),
  chat: PermissionSchema,
  invite: PermissionSchema.meta({ description: 'make invites, answer knocks' }),
  queuePolicy: z.enum(['manual', 'fair']),
  skipVoteShare: ShareSchema.meta({
    description: 'share of those present that skips an entry; 0 switches votes to skip off',
  }),
  removeVoteShare: ShareSchema.meta({
    description:
      'share of those present whose votes against, less those for, remove an entry; 0 is never',
  }),
  gateMs: z.int().min(0).max(10_000).meta({ description: 'the longest wait of a cold start, ms' }),
  gateQuorum: ShareSchema.meta({
    description: 'share of those present who must be ready for it to start early',
  }),
  friendsEnter: z
    .boolean()
    .meta({ description: 'friends of members enter a private room without an invite' }),
  showActivity: z.boolean().meta({ description: 'whether friends may see what is played here' }),
});

function exactPartial<S extends Record<string, z.ZodType>>(shape: S) {
  const members = Object.entries(shape).map(([name, schema]) => [name, schema.exactOptional()]);
  return z.object(Object.fromEntries(members) as { [K in keyof S]: z.ZodExactOptional<S[K]> });
}

/** Some of the settings: those that are to change. */
export const SettingsPatchSchema = exactPartial(SettingsSchema.shape);

export const EntrySchema = z.object({
  trackId: TrackIdSchema,
  title: z.string(),
  artist: z.string(),
  album: z.string().exactOptional(),
  durationMs: PositionMsSchema,
  hasCover: z.boolean(),
  rank: z.string().meta({ description: 'sorts the queue by UTF-16 units (a fractional index)' }),
  shuffleRank: z
    .string()
    .exactOptional()
    .meta({ description: 'sorts it instead while shuffle is on' }),
  addedBy: UserIdSchema,
  addedByName: z.string(),
  addedAt: HubMsSchema,
  score: z.int().meta({ description: 'votes for less votes against' }),
  skipVotes: CountSchema,
});

export const RoleHolderSchema = z.object({
  name: z.string(),
  role: RoleSchema,
  here: z.boolean(),
});

export const PublicRoomSchema = z.object({
  id: RoomIdSchema,
  code: RoomCodeSchema,
  name: NameSchema,
  preset: PresetSchema,
  visibility: VisibilitySchema,
  createdAt: HubMsSchema,
  settings: SettingsSchema,
  ownerId: UserIdSchema.meta({ description: 'who gets the host’s role back on return' }),
  hostId: UserIdSchema.meta({ description: 'who is host now' }),
  roles: z
    .record(z.string(), RoleHolderSchema)
    .meta({ description: 'those who hold a role above listener, by user id' }),
  hereCount: CountSchema.meta({ description: 'people in the room, by the log' }),
  queue: z
    .record(z.string(), EntrySchema)
    .meta({ description: 'entries by id: played, current and coming, in order of rank' }),
  playback: PlaybackSchema,
  session: z.object({ id: SessionIdSchema, startedAt: HubMsSchema }).exactOptional(),
  closed: z.object({ at: HubMsSchema, by: UserIdSchema }).exactOptional(),
});

export type Preset = z.infer<typeof PresetSchema>;
export type Visibility = z.infer<typeof VisibilitySchema>;
export type Role = z.infer<typeof RoleSchema>;
export type Permission = z.infer<typeof PermissionSchema>;
export type Settings = Readonly<z.infer<typeof SettingsSchema>>;
export type Entry = Readonly<z.infer<typeof EntrySchema>>;
export type RoleHolder = Readonly<z.infer<typeof RoleHolderSchema>>;
export type Queue = Readonly<Record<EntryId, Entry>>;
export interface PublicRoom extends Readonly<
  Omit<z.infer<typeof PublicRoomSchema>, 'queue' | 'playback' | 'roles' | 'settings'>
> {
  readonly settings: Settings;
  readonly roles: Readonly<Record<UserId, RoleHolder>>;
  readonly queue: Queue;
  readonly playback: Playback;
}

const ROLE_ORDER: Readonly<Record<Role, number>> = { listener: 0, dj: 1, host: 2 };

/** Whether somebody of `role` may do what is open to `permission`. */
export function allows(permission: Permission, role: Role): boolean {
  const needed: Role = permission === 'all' ? 'listener' : permission;
  return ROLE_ORDER[role] >= ROLE_ORDER[needed];
}

/** The queue's entry ids in the order in which they play: by `shuffleRank` while shuffle is on (else `rank`), ties by id (QU2). */
export function playOrder(room: Pick<PublicRoom, 'queue' | 'playback'>): EntryId[] {
  const { queue, playback } = room;
  const rankOf = (id: EntryId): string => {
    const entry = queue[id];
    return (playback.shuffle ? entry?.shuffleRank : undefined) ?? entry?.rank ?? '';
  };
  return (Object.keys(queue) as EntryId[]).sort((a, b) => {
    const [rankA, rankB] = [rankOf(a), rankOf(b)];
    if (rankA !== rankB) return rankA < rankB ? -1 : 1;
    return a < b ? -1 : 1;
  });
}
