// What is kept of a track of the catalogue, in a queue, in the feed and in the history.
import type { TrackInfo } from '../domain/command.ts';
import type { Track } from '../ports/catalogue.ts';

export function trackInfoOf({ id, title, artist, album, durationMs, hasCover }: Track): TrackInfo {
  return {
    trackId: id,
    title,
    artist,
    ...(album === undefined ? {} : { album }),
    // One without length could never be passed.
    durationMs: Math.max(1, Math.round(durationMs)),
    hasCover,
  };
}
