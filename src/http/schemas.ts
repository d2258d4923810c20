// What REST takes and gives, as schemas: the source of the validation, the types and the OpenAPI document.
import { z } from '@hono/zod-openapi';
import { ERROR_CODES, type ErrorCode } from '../../protocol/errors.ts';
import { MAX_NAME_CODE_POINTS, NameSchema } from '../../protocol/schemas/primitives.ts';
import { PresetSchema, VisibilitySchema } from '../../protocol/schemas/room.ts';

export const MAX_PAGE = 200;

/** The protocol's schema behind one that the OpenAPI document can describe. */
const name = (example: string) =>
  z.string().openapi({ example, maxLength: MAX_NAME_CODE_POINTS }).pipe(NameSchema);

export const UserBody = z
  .object({ id: z.uuid(), name: z.string(), guest: z.boolean() })
  .openapi('User');
export const TokenBody = z
  .object({ token: z.string(), expiresInMs: z.number(), user: UserBody })
  .openapi('Token');

const track = {
  id: z.string(),
  title: z.string(),
  artist: z.string(),
  album: z.string().optional(),
  durationMs: z.number(),
  mimeType: z.string(),
  sizeBytes: z.number(),
  hasCover: z.boolean(),
  gainDb: z
    .number()
    .optional()
    .openapi({ description: 'what brings it to −18 LUFS; absent where the file has no such tag' }),
  peak: z.number().optional().openapi({ description: 'the largest sample; 1 is full scale' }),
};
export const TrackBody = z.object(track).openapi('Track');
export const TrackDetailBody = z
  .object({
    ...track,
    mediaUrl: z.string().openapi({ description: 'signed; for an audio element as it is' }),
    mediaUrlExpiresInMs: z.number(),
  })
  .openapi('TrackDetail');
export const TrackPageBody = z
  .object({ tracks: z.array(TrackBody), total: z.number() })
  .openapi('TrackPage');
export const TrackQuery = z.object({
  q: z.string().max(200).default(''),
  offset: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(50),
});

export const RoomBody = z
  .object({
    id: z.uuid(),
    code: z.string(),
    name: z.string(),
    visibility: VisibilitySchema,
    hereCount: z.number(),
    createdAt: z.number().openapi({ description: 'hub time, ms' }),
  })
  .openapi('Room');
const next = z
  .string()
  .optional()
  .openapi({ description: 'the cursor of the next page; absent on the last one' });
export const RoomListBody = z.object({ rooms: z.array(RoomBody), next }).openapi('RoomList');
/** Which page: at most `limit` items after those that ended with `cursor`. */
export const PageQuery = z.object({
  cursor: z.string().max(400).optional().openapi({ description: '`next` of the page before' }),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(50),
});
export const RoomDraftBody = z
  .object({
    name: name('Friday night'),
    preset: PresetSchema.optional(),
    visibility: VisibilitySchema.optional(),
  })
  .openapi('RoomDraft');

const hubMs = z.number().openapi({ description: 'hub time, ms' });
const endedAt = hubMs.optional().openapi({ description: 'hub time, ms; absent while it lasts' });
const count = z.int().min(0);
export const SessionSummaryBody = z
  .object({
    id: z.uuid(),
    roomId: z.uuid(),
    startedAt: hubMs,
    endedAt,
    peopleCount: count.openapi({ description: 'different people who were there' }),
    playCount: count,
  })
  .openapi('SessionSummary');
export const SessionListBody = z
  .object({ sessions: z.array(SessionSummaryBody), next })
  .openapi('SessionList');

/** How many items of each list a recap names; `counts` has them all. */
export const MAX_RECAPPED = 1_000;
const recapped = <S extends z.ZodType>(schema: S, description: string) =>
  z.array(schema).openapi({ description: `${description}; the first ${MAX_RECAPPED}` });
const person = z.object({ userId: z.uuid(), name: z.string() });
const entry = {
  entryId: z.string(),
  trackId: z.string().optional(),
  title: z.string().openapi({ description: 'empty where nothing tells it any more' }),
  artist: z.string(),
  addedBy: z.uuid().optional(),
};
export const SessionBody = z
  .object({
    id: z.uuid(),
    room: z.object({ id: z.uuid(), code: z.string(), name: z.string() }),
    startedAt: hubMs,
    endedAt,
    people: recapped(
      person.extend({
        stays: recapped(
          z.object({
            arrivedAt: hubMs,
            departedAt: hubMs
              .optional()
              .openapi({ description: 'hub time, ms; absent while they are there' }),
          }),
          'in order',
        ),
        presentMs: z.number().openapi({ description: 'all stays together' }),
      }),
      'who was there, by first arrival, as far as they are named to me; `counts` has all',
    ),
    plays: recapped(
      z.object({ ...entry, startedAt: hubMs, endedAt: hubMs }),
      'what was heard, by its start: an entry that was paused and went on has two; what sounds now is not among them',
    ),
    skips: recapped(
      z.object({
        ...entry,
        at: hubMs,
        how: z.enum(['hand', 'vote']),
        by: person.optional().openapi({ description: 'who pressed skip; absent for a vote' }),
        voters: recapped(person, 'who had voted to skip it'),
      }),
      'what was skipped, in order',
    ),
    votes: recapped(
      z.object({
        ...entry,
        up: count,
        down: count,
        toSkip: count.openapi({ description: 'people who voted to skip it' }),
      }),
      'votes given in this session, by entry',
    ),
    counts: z.object({
      people: count,
      peakPeople: count.openapi({ description: 'the most who were there at one time' }),
      plays: count,
      tracks: count.openapi({ description: 'different tracks that were heard' }),
      playedMs: z.number(),
      added: count.openapi({ description: 'entries that were added to the queue' }),
      skips: count,
      votes: count,
    }),
  })
  .openapi('Session');

export const ProblemBody = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number(),
    detail: z.string(),
    code: z.enum(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]]),
    retryAfterMs: z.number().optional(),
  })
  .openapi('Problem');

export const ReadyBody = z
  .object({
    ready: z.boolean(),
    reasons: z.array(z.string()),
    away: z.array(
      z.object({
        store: z.string(),
        awayMs: z.number().openapi({ description: 'since it last answered' }),
      }),
    ),
  })
  .openapi('Readiness');
