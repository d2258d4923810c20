// Listens counted by track, artist or day. Pure; knows neither stores nor whose they are.
import type { HubMs } from '../../protocol/ids.ts';
import type { ActivityTrack } from '../../protocol/schemas/feed.ts';

export type CountBy = 'track' | 'artist' | 'day';

/** Names the day, as `2026-11-24`, that a time falls on in a time zone. Throws a `RangeError` for what is no zone. */
export function dayNamer(timeZone: string): (at: HubMs) => string {
  // The form of Canadian English is year, month, day with dashes.
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  });
  return (at) => format.format(at);
}

/** What makes two listens of the same track: its id, or artist and title, whatever their case. */
export function trackKey({ trackId, artist, title }: ActivityTrack): string {
  return trackId ?? `${artist.toLowerCase()}\n${title.toLowerCase()}`;
}
