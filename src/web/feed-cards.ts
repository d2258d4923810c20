// Owns how what friends listen to is put on cards: one a room or a lone listener, where its needle stands; must not know how a card looks.
import type { FeedItem, FeedTrack } from './page-people.ts';

export interface FeedCard {
  /** The same as long as it is the same listening, so that a card keeps its place and its focus. */
  readonly key: string;
  readonly live: boolean;
  /** Whoever began last is the first. All of the same room where there is one. */
  readonly items: readonly [FeedItem, ...FeedItem[]];
}

const EASIEST = { room: 0, solo: 1, knock: 2 } as const;

/** The cards of `items`: those that are live first, each part the newest first. What has ended stands alone. */
export function cardsOf(items: readonly FeedItem[]): FeedCard[] {
  const groups = new Map<string, [FeedItem, ...FeedItem[]]>();
  const ended: FeedCard[] = [];
  for (const item of [...items].sort(newestFirst)) {
    if (item.state === 'ended') {
      ended.push({ key: item.activityId, live: false, items: [item] });
      continue;
    }
    const key = item.room === undefined ? `solo ${item.user.id}` : `room ${item.room.roomId}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  const live = [...groups].map(([key, group]): FeedCard => ({ key, live: true, items: group }));
  return [...live, ...ended.sort((a, b) => endOf(b.items[0]) - endOf(a.items[0]))];
}

/** The track that a card shows: of a room the one that was reported last. */
export function shownItem({ items }: FeedCard): FeedItem {
  return items.reduce((latest, item) => (item.positionAt > latest.positionAt ? item : latest));
}

/** Whom to join, by the easiest way in: walking in comes before making a room, and that before knocking. */
export function wayIn({ items, live }: FeedCard): FeedItem | undefined {
  if (!live) return undefined;
  const open = items.filter((item) => item.join !== undefined);
  return open.sort((a, b) => EASIEST[a.join ?? 'knock'] - EASIEST[b.join ?? 'knock'])[0];
}

/** Where the needle stands at `hubNow`, ms, never outside the track. */
export function needleMs(item: FeedItem, hubNow: number | undefined): number {
  const { state, positionMs, positionAt, track } = item;
  const gone = state === 'playing' && hubNow !== undefined ? hubNow - positionAt : 0;
  return Math.min(Math.max(0, positionMs + gone), track.durationMs);
}

export function endOf(item: FeedItem): number {
  return item.endedAt ?? item.at;
}

/** The same for the same track, also where the catalogue does not have it: a sleeve is drawn from it. */
export function sleeveKey(track: FeedTrack): string {
  return track.trackId ?? `${track.artist} ${track.title}`;
}

function newestFirst(a: FeedItem, b: FeedItem): number {
  return b.at - a.at || (a.user.id < b.user.id ? -1 : 1);
}
