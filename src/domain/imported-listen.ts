// A listen that was made elsewhere, as an entry of ours: the same one always has the same id. Knows no store.
import type { HubMs, UserId } from '../../protocol/ids.ts';
import type { ActivityTrack } from '../../protocol/schemas/feed.ts';
import { neededMs } from './listens.ts';
import type { Span } from './now-playing.ts';

/** Where nothing says how long a track is. */
const USUAL_LENGTH_MS = 210_000;

/** How the play key of each begins, and of no other. */
export const IMPORTED = 'import:';

/** A listen that was made elsewhere. */
export interface ImportedListen {
  /** Unix time, ms. */
  readonly at: HubMs;
  readonly title: string;
  readonly artist: string;
  readonly album?: string;
  readonly durationMs?: number;
  /** The id under which an Earshot exported it: whoever has that listen has this one. */
  readonly sameAs?: string;
}

export interface ImportedEntry {
  readonly kind: 'heard';
  readonly listenId: string;
  readonly userId: UserId;
  readonly track: ActivityTrack;
  readonly playKey: string;
  readonly spans: readonly Span[];
  readonly sameAs?: string;
}

/**
 * Whoever tells of a listen vouches that it counted; that much of it is taken as heard.
 * @param idOf the same id for the same seed, always
 */
export function importedEntry(
  userId: UserId,
  listen: ImportedListen,
  idOf: (seed: string) => string,
): ImportedEntry {
  const { at, title, artist, album, durationMs = USUAL_LENGTH_MS, sameAs } = listen;
  const key = `${IMPORTED}${at}:${artist}:${title}`;
  const track = {
    title,
    artist,
    ...(album === undefined ? {} : { album }),
    durationMs,
    hasCover: false,
  };
  return {
    kind: 'heard',
    listenId: idOf(`${userId}:${key}`),
    userId,
    track,
    // Nobody else heard this very play.
    playKey: `${key}:${userId}`,
    spans: [[at, at + Math.ceil(neededMs(durationMs))]],
    ...(sameAs === undefined ? {} : { sameAs }),
  };
}
