// What friends see of one another's listening: items, who may see them, and the words about them. One item a friend.
import { z } from 'zod';
import {
  ActivityIdSchema,
  CountSchema,
  HubMsSchema,
  NameSchema,
  PositionMsSchema,
  RoomCodeSchema,
  RoomIdSchema,
  TrackIdSchema,
  UserIdSchema,
  isPresentable,
} from './primitives.ts';

const MAX_TITLE_CODE_POINTS = 300;

/** Of a track that is in no catalogue of this hub: shown and never parsed. */
export const TitleSchema = z
  .string()
  .max(MAX_TITLE_CODE_POINTS * 4)
  .transform((text) => text.trim().normalize('NFC'))
  .refine((text) => text.length > 0, 'a title must not be empty')
  .refine(
    (text) => Array.from(text).length <= MAX_TITLE_CODE_POINTS,
    `a title has at most ${MAX_TITLE_CODE_POINTS} characters`,
  )
  .refine(isPresentable, 'a title must not contain control, bidi-override or invisible characters')
  .meta({ description: 'a title or a name of an artist, at most 300 code points' });

/** What somebody listens to. Without `trackId` it is in no catalogue of this hub. */
export const ActivityTrackSchema = z.object({
  trackId: TrackIdSchema.exactOptional(),
  title: z.string(),
  artist: z.string(),
  album: z.string().exactOptional(),
  durationMs: PositionMsSchema,
  hasCover: z.boolean(),
});

export const PersonSchema = z.object({
  id: UserIdSchema,
  name: z.string(),
  colour: z.string().meta({ description: 'the name of a colour; each page shows its own' }),
  picture: z.string().exactOptional().meta({ description: 'an https URL' }),
});

export const FeedItemSchema = z.object({
  activityId: ActivityIdSchema,
  user: PersonSchema,
  seq: CountSchema.meta({ description: 'grows with each change of this person’s item' }),
  at: HubMsSchema.meta({ description: 'when this person began with it' }),
  state: z.enum(['playing', 'paused', 'ended']),
  endedAt: HubMsSchema.exactOptional(),
  track: ActivityTrackSchema,
  positionMs: PositionMsSchema,
  positionAt: HubMsSchema.meta({ description: 'when the position was right' }),
  room: z
    .object({
      roomId: RoomIdSchema,
      name: NameSchema,
      code: RoomCodeSchema.exactOptional().meta({ description: 'absent where it is private' }),
      hereCount: CountSchema,
    })
    .exactOptional(),
  join: z.enum(['room', 'knock', 'solo']).exactOptional().meta({
    description: 'how a friend gets in: `room.join`, `room.knock` or `activity.join`',
  }),
  reactions: z
    .record(z.string(), CountSchema)
    .exactOptional()
    .meta({ description: 'how many friends sent each emoji' }),
});

export const AudienceKindSchema = z.enum(['friends', 'chosen', 'nobody']);

export const AudienceSchema = z.object({
  audience: AudienceKindSchema,
  chosen: z.array(UserIdSchema).meta({ description: 'kept while the audience is another one' }),
  privateUntil: HubMsSchema.exactOptional().meta({
    description: 'the end of a private session: nobody sees anything until then',
  }),
});

/** How long a private session may be: beyond it somebody has most likely mistaken the unit, and would be seen by nobody for good. */
export const MAX_PRIVATE_MS = 366 * 86_400_000;

export const MAX_FEED_ITEMS = 200;
/** Also of those that are over, a snapshot has so many that there are this many items. */
export const MIN_FEED_ITEMS = 50;
export const MAX_CHOSEN_PEOPLE = 500;

export const FeedSchema = z.object({
  items: z.array(FeedItemSchema).meta({
    description: 'all that is live up to 200, then the latest that are over, newest first',
  }),
  audience: AudienceSchema,
});

/** What no longer may be seen, or is gone: one item, or all of a person. */
export const FeedRemovalSchema = z.object({
  userId: UserIdSchema,
  activityId: ActivityIdSchema.exactOptional().meta({
    description: 'absent: all that is held of this person',
  }),
});

/** A track that somebody listens to outside a room. */
export const SoloTrackSchema = z.union([
  z.strictObject({ trackId: TrackIdSchema }),
  z.strictObject({
    title: TitleSchema,
    artist: TitleSchema,
    album: TitleSchema.exactOptional(),
    durationMs: PositionMsSchema.refine((ms) => ms >= 1, 'a track has a length'),
  }),
]);

export type ActivityTrack = Readonly<z.infer<typeof ActivityTrackSchema>>;
export type FeedItem = Readonly<z.infer<typeof FeedItemSchema>>;
export type FeedRemoval = Readonly<z.infer<typeof FeedRemovalSchema>>;
export type FeedSnapshot = Readonly<z.infer<typeof FeedSchema>>;
export type AudienceView = Readonly<z.infer<typeof AudienceSchema>>;
export type Person = Readonly<z.infer<typeof PersonSchema>>;
