// How a play that somebody hears alone is known: on whatever node it is told, and in the room that a friend makes of it. Knows neither.
import type { EntryId, HubMs, RoomId, UserId } from '../../../protocol/ids.ts';
import type { ActivityTrack } from '../../../protocol/schemas/feed.ts';
import type { PublicRoom } from '../../../protocol/schemas/room.ts';
import { trackKey } from '../../domain/activity-counts.ts';
import { soloStartMark } from '../../domain/now-playing.ts';
import type { Random } from '../../ports/random.ts';

/** A room that is made of what somebody hears starts at once; its track played again later is another play. */
const STARTS_WITHIN_MS = 5_000;
const UUID = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/;

/**
 * The same for all words about one play, also where no node has heard of it: of what nobody may see, the feed says nothing.
 * @param begunAt when it would have begun had it played without a pause
 */
export function soloPlayId(
  random: Pick<Random, 'activityId'>,
  userId: UserId,
  track: ActivityTrack,
  begunAt: HubMs,
): string {
  const mark = soloStartMark(track.durationMs, begunAt);
  return random.activityId(`solo:${userId}:${trackKey(track)}:${mark}`);
}

/** The room that friends make of it: the same for all of them. */
export function roomOfSolo(
  random: Pick<Random, 'roomId'>,
  userId: UserId,
  activityId: string,
): RoomId {
  return random.roomId(`activity:${userId}:${activityId}`);
}

/** Its track's entry in that room: by it any node knows, also later, what the room goes on with. */
export function entryOfSolo(activityId: string): EntryId {
  return activityId.replaceAll('-', '') as EntryId;
}

/** What the room's owner heard alone, where this play of the room goes on with it. */
export function soloOfPlay(
  random: Pick<Random, 'roomId'>,
  { id, ownerId, createdAt }: Pick<PublicRoom, 'id' | 'ownerId' | 'createdAt'>,
  play: { readonly entryId: EntryId; readonly at: HubMs },
): string | undefined {
  if (play.at - createdAt > STARTS_WITHIN_MS) return undefined;
  const activityId = play.entryId.replace(UUID, '$1-$2-$3-$4-$5');
  return roomOfSolo(random, ownerId, activityId) === id ? activityId : undefined;
}
