// Listens in ListenBrainz's JSON, in and out. Pure. The format: https://listenbrainz.readthedocs.io/en/latest/users/json.html
import { z } from 'zod';
import type { HubMs } from '../../protocol/ids.ts';
import { TitleSchema } from '../../protocol/schemas/feed.ts';
import { MAX_POSITION_MS } from '../../protocol/schemas/primitives.ts';
import type { ImportedListen } from './imported-listen.ts';

/** As ListenBrainz takes at once. */
export const MAX_LISTENS_PER_IMPORT = 1_000;
/** Before it nobody listened to anything by wire: 1 October 2002, as ListenBrainz has it. */
const EARLIEST_S = 1_033_430_400;

/** Other players write whatever they have: a listen is one without what they got wrong. */
function ifWellFormed<T extends z.ZodType>(schema: T) {
  return schema.optional().catch(undefined);
}

const ListenSchema = z.object({
  listened_at: z.int().min(EARLIEST_S),
  track_metadata: z.object({
    artist_name: TitleSchema,
    track_name: TitleSchema,
    release_name: ifWellFormed(TitleSchema),
    additional_info: ifWellFormed(
      z.object({
        duration_ms: ifWellFormed(z.number().min(1).max(MAX_POSITION_MS)),
        duration: ifWellFormed(
          z
            .number()
            .min(1)
            .max(MAX_POSITION_MS / 1_000),
        ),
        earshot_listen_id: ifWellFormed(z.uuid()),
      }),
    ),
  }),
});

/**
 * What is sent to be imported. A `playing_now` has no time, and is no listen. Each listen is looked at by itself: of many years, one that
 * is wrong is to keep none of the others out.
 */
export const ImportSchema = z.object({
  listen_type: z.enum(['single', 'import']),
  payload: z.array(z.unknown()).min(1).max(MAX_LISTENS_PER_IMPORT),
});
export type ListenImport = z.infer<typeof ImportSchema>;

export interface SkippedListen {
  /** Its place in what was sent, from 0. */
  readonly index: number;
  /** The field, and what is wrong with it. */
  readonly why: string;
}

export interface ListenBrainzListen {
  readonly listened_at: number;
  readonly track_metadata: {
    readonly artist_name: string;
    readonly track_name: string;
    readonly release_name?: string;
    readonly additional_info: {
      readonly duration_ms: number;
      /** Ours: by it the same listen is known when it comes back. */
      readonly earshot_listen_id: string;
    };
  };
}

/** Those that are listens, and those that are none: malformed in what every listen has, or yet to come at `now`. */
export function importedListens(
  { payload }: ListenImport,
  now: HubMs,
): { readonly listens: readonly ImportedListen[]; readonly skipped: readonly SkippedListen[] } {
  const listens: ImportedListen[] = [];
  const skipped: SkippedListen[] = [];
  for (const [index, sent] of payload.entries()) {
    const { data, error } = ListenSchema.safeParse(sent);
    if (data === undefined) skipped.push({ index, why: wrongWith(error) });
    else if (data.listened_at * 1_000 > now)
      skipped.push({ index, why: 'listened_at: it is yet to come' });
    else listens.push(listenOf(data));
  }
  return { listens, skipped };
}

function wrongWith({ issues: [issue] }: z.ZodError): string {
  if (issue === undefined) return 'it is no listen';
  const field = issue.path.map(String).join('.');
  return field === '' ? issue.message : `${field}: ${issue.message}`;
}

function listenOf({ listened_at: atS, track_metadata: track }: z.infer<typeof ListenSchema>) {
  const { duration_ms: ms, duration: s, earshot_listen_id: id } = track.additional_info ?? {};
  const durationMs = ms ?? (s === undefined ? undefined : s * 1_000);
  return {
    at: atS * 1_000,
    title: track.track_name,
    artist: track.artist_name,
    ...(track.release_name === undefined ? {} : { album: track.release_name }),
    ...(durationMs === undefined ? {} : { durationMs: Math.round(durationMs) }),
    ...(id === undefined ? {} : { sameAs: id }),
  };
}

export function exportedListen(listen: {
  readonly listenId: string;
  readonly at: HubMs;
  readonly track: {
    readonly title: string;
    readonly artist: string;
    readonly album?: string | undefined;
    readonly durationMs: number;
  };
}): ListenBrainzListen {
  const { title, artist, album, durationMs } = listen.track;
  return {
    listened_at: Math.floor(listen.at / 1_000),
    track_metadata: {
      artist_name: artist,
      track_name: title,
      ...(album === undefined ? {} : { release_name: album }),
      additional_info: { duration_ms: durationMs, earshot_listen_id: listen.listenId },
    },
  };
}
