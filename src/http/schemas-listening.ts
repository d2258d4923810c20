// What REST takes and gives of listening: the feed, histories, listens, counts, who with whom.
import { z } from '@hono/zod-openapi';
import { ImportSchema, MAX_LISTENS_PER_IMPORT } from '../domain/listenbrainz.ts';
import { PersonBody } from './schemas-people.ts';

const hubMs = z.number().openapi({ description: 'hub time, ms' });
const count = z.int().min(0);
const next = z
  .string()
  .optional()
  .openapi({ description: 'the cursor of the next page; absent on the last one' });

const HeardTrackBody = z
  .object({
    trackId: z.string().optional().openapi({ description: 'absent: in no catalogue of this hub' }),
    title: z.string(),
    artist: z.string(),
    album: z.string().optional(),
    durationMs: z.number(),
    hasCover: z.boolean(),
  })
  .openapi('HeardTrack');

const FeedItemBody = z
  .object({
    activityId: z.uuid(),
    user: PersonBody,
    seq: count,
    at: hubMs,
    state: z.enum(['playing', 'paused', 'ended']),
    endedAt: hubMs.optional(),
    track: HeardTrackBody,
    positionMs: z.number(),
    positionAt: hubMs,
    room: z
      .object({
        roomId: z.uuid(),
        name: z.string(),
        code: z.string().optional(),
        hereCount: count,
      })
      .optional(),
    join: z.enum(['room', 'knock', 'solo']).optional().openapi({
      description: '`room` also to whoever is banned there, and is refused as they ask',
    }),
    reactions: z.record(z.string(), count).optional(),
  })
  .openapi('FeedItem', { description: 'as `feed.items` of the socket has it' });
export const FeedBody = z.object({ items: z.array(FeedItemBody), next }).openapi('Feed');

export const HistoryBody = z
  .object({
    items: z.array(
      z.object({
        activityId: z.uuid(),
        at: hubMs,
        endedAt: hubMs.optional(),
        track: HeardTrackBody,
        roomId: z.uuid().optional(),
        roomName: z.string().optional(),
        isPrivate: z.boolean(),
      }),
    ),
    next,
  })
  .openapi('History');

export const ListensBody = z
  .object({
    listens: z.array(
      z.object({
        id: z.uuid(),
        at: hubMs,
        track: HeardTrackBody,
        heardMs: z.number(),
        roomId: z.uuid().optional(),
        session: z
          .object({
            id: z.uuid(),
            startedAt: hubMs,
            endedAt: hubMs.optional(),
            peopleCount: count,
            playCount: count,
          })
          .optional()
          .openapi({ description: 'the gathering it was heard in; `/v1/sessions/{id}` has more' }),
      }),
    ),
    next,
  })
  .openapi('Listens');

const from = z.coerce.number().min(0).default(0).openapi({ description: 'hub time, ms' });
const to = z.coerce
  .number()
  .min(0)
  .optional()
  .openapi({ description: 'hub time, ms; excluded; now where it is absent' });
const limit = z.coerce.number().int().min(1).max(400).default(50);

export const CountsQuery = z.object({
  by: z.enum(['track', 'artist', 'day']),
  from,
  to,
  timeZone: z.string().max(64).default('UTC').openapi({
    description: 'an IANA name of an area and a place, as Europe/London, or UTC',
  }),
  limit,
});
export const CountsBody = z
  .object({
    counts: z.array(
      z.object({
        key: z.string().openapi({ description: 'the title, the artist, or the day as 2026-11-24' }),
        track: HeardTrackBody.optional(),
        listens: count,
        heardMs: z.number(),
      }),
    ),
  })
  .openapi('ListenCounts');

export const TogetherQuery = z.object({ from, to, limit });
export const TogetherBody = z
  .object({
    people: z.array(
      z.object({
        person: PersonBody,
        heardMs: z.number().openapi({ description: 'time in which both heard the same' }),
        plays: count,
      }),
    ),
  })
  .openapi('Together');

/** The domain's schema behind one that the OpenAPI document can describe. */
export const ListenBrainzBody = z
  .object({
    listen_type: z.string().max(64),
    payload: z
      .array(z.unknown().openapi({ type: 'object', additionalProperties: true }))
      .max(MAX_LISTENS_PER_IMPORT),
  })
  .openapi('ListenBrainzImport', { description: 'as ListenBrainz’s submit-listens takes it' })
  .pipe(ImportSchema);
export const ImportedBody = z
  .object({
    received: count.openapi({ description: 'all that were sent' }),
    added: count.openapi({ description: 'those that were not known' }),
    skipped: count.openapi({ description: 'those that are no listens, and were left out' }),
    problems: z
      .array(z.object({ index: count, why: z.string() }))
      .openapi({ description: 'what is wrong with the first few of these, by their place from 0' }),
  })
  .openapi('Imported');
