// What is over: what was live until now, and what lies in the history, as items, and which of it nobody may see. Knows neither feed nor viewers.
import type { HubMs } from '../../../protocol/ids.ts';
import type { JsonObject } from '../../../protocol/merge-patch.ts';
import type { FeedItem } from '../../../protocol/schemas/feed.ts';
import type { PastActivity } from '../../ports/activity-log.ts';
import { isWithheld, readLive, withheldIn } from './live-activity.ts';

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

/**
 * Whether a part of it may have been heard in a private session that ends, or has ended, at `privateUntil` (FE8). Its node tells the history so,
 * unless it died or reached no store by then: what it told at the beginning lies there still, and no end.
 */
export function mayBePrivate(
  { at, endedAt }: Pick<PastActivity, 'at' | 'endedAt'>,
  privateUntil: HubMs | undefined,
): boolean {
  return endedAt === undefined && at < (privateUntil ?? 0);
}

/**
 * Whether nobody is to be shown what lies in the history: what was removed, or hidden, lies there until an outbox has brought the word; and
 * what goes on since before the end of a private session, until its node has learnt of that.
 * @param said what the feed says of the author
 */
export function isHidden(
  past: PastActivity,
  said: JsonObject | undefined,
  privateUntil: HubMs | undefined,
): boolean {
  const { activityId } = past;
  if (isWithheld(withheldIn(said), activityId) || mayBePrivate(past, privateUntil)) return true;
  const live = readLive(said);
  return live?.activityId === activityId && live.at < (privateUntil ?? 0);
}
