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
export const NameBody = z.object({ name: name('Ana') }).openapi('Name');
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
export const RoomListBody = z.object({ rooms: z.array(RoomBody) }).openapi('RoomList');
export const RoomDraftBody = z
  .object({
    name: name('Friday night'),
    preset: PresetSchema.optional(),
    visibility: VisibilitySchema.optional(),
  })
  .openapi('RoomDraft');

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
  .object({ ready: z.boolean(), reasons: z.array(z.string()) })
  .openapi('Readiness');
