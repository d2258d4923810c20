// Items of what is over: what was live until now, and what lies in the history. Knows neither feed nor viewers.
import type { HubMs } from '../../protocol/ids.ts';
import type { FeedItem } from '../../protocol/schemas/feed.ts';
import type { PastActivity } from '../ports/activity-log.ts';

/** What was live, as over. */
export function ended(item: FeedItem, seq: number, now: HubMs): FeedItem {
  if (item.state === 'ended') return item;
  const { join: _nowhere, ...rest } = item;
  return { ...rest, seq, state: 'ended', endedAt: Math.max(item.at, Math.round(now)) };
}

/** An activity that is over, as an item. */
export function pastItem(past: PastActivity, user: FeedItem['user'], seq: number): FeedItem {
  const { activityId, at, endedAt, track, roomId, roomName } = past;
  return {
    activityId,
    user,
    seq,
    at,
    state: 'ended',
    endedAt: endedAt ?? at,
    track,
    positionMs: 0,
    positionAt: at,
    ...(roomId === undefined || roomName === undefined
      ? {}
      : { room: { roomId, name: roomName, hereCount: 0 } }),
  };
}
