// What is published of a person who listens: an item as their viewers' nodes read it from the feed. Knows no rooms and no stores.
import type { HubMs, RoomCode, RoomId, SessionId } from '../../protocol/ids.ts';
import type { JsonObject } from '../../protocol/merge-patch.ts';
import type { ActivityTrack, Person } from '../../protocol/schemas/feed.ts';
import type { Person as KnownPerson } from '../ports/friends.ts';

export interface ActivityRoom {
  readonly roomId: RoomId;
  readonly name: string;
  /** Absent where the room is private. */
  readonly code?: RoomCode;
  /** When it was published: it is not told anew for each who comes or goes. */
  readonly hereCount: number;
}

/** How a friend gets in: `room.join`, `room.knock`, or `activity.join`. */
export type ActivityEntrance = 'room' | 'knock' | 'solo';

/** Something a person listens to, from wherever they do. */
export interface Activity {
  /** The same on every node for the same play of the same person. */
  readonly activityId: string;
  readonly playKey: string;
  /** When this person began with it. */
  readonly at: HubMs;
  readonly state: 'playing' | 'paused';
  readonly track: ActivityTrack;
  readonly positionMs: number;
  readonly positionAt: HubMs;
  readonly room?: ActivityRoom;
  readonly sessionId?: SessionId;
  readonly join?: ActivityEntrance;
  /** Nobody sees it, now or later: the room does not show what it plays. */
  readonly isHidden: boolean;
}

export type ActivityUser = Person;

/** As the wire names a person. */
export function personOf({ userId: id, name, colour, picture }: KnownPerson): Person {
  return { id, name, colour, ...(picture === undefined ? {} : { picture }) };
}

/** As it lies in the feed: what a viewer gets, but for the number that the feed gives it. */
export interface LiveActivity {
  readonly activityId: string;
  readonly user: ActivityUser;
  readonly at: HubMs;
  readonly state: 'playing' | 'paused';
  readonly track: ActivityTrack;
  readonly positionMs: number;
  readonly positionAt: HubMs;
  readonly room?: ActivityRoom;
  readonly join?: ActivityEntrance;
  readonly reactions?: Readonly<Record<string, number>>;
}

export function liveItem(
  activity: Activity,
  user: ActivityUser,
  reactions: Readonly<Record<string, number>>,
): JsonObject {
  const { activityId, at, state, track, positionMs, positionAt, room, join } = activity;
  const item: LiveActivity = {
    activityId,
    user,
    at,
    state,
    track,
    positionMs,
    positionAt,
    ...(room === undefined ? {} : { room }),
    ...(join === undefined ? {} : { join }),
    ...(Object.keys(reactions).length === 0 ? {} : { reactions }),
  };
  return item as unknown as JsonObject;
}

/** What stands in the feed where its author has removed an activity: viewers' nodes take it away by its id. */
export function tombstone(activityId: string): JsonObject {
  return { removed: activityId };
}

/** The id of the activity that was removed, where the item says so. */
export function removedId(item: JsonObject): string | undefined {
  const { removed } = item;
  return typeof removed === 'string' ? removed : undefined;
}

/** What a node of ours has published; undefined for a tombstone, and for what an older or newer hub wrote otherwise. */
export function readLive(item: JsonObject): LiveActivity | undefined {
  const { activityId, user, track, state } = item;
  if (typeof activityId !== 'string' || typeof track !== 'object' || typeof user !== 'object') {
    return undefined;
  }
  if (state !== 'playing' && state !== 'paused') return undefined;
  return item as unknown as LiveActivity;
}
