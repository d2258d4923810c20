// What is published of a person who listens: an item as their viewers' nodes read it from the feed. Knows no rooms and no stores.
import type { HubMs, RoomCode, RoomId, SessionId, UserId } from '../../../protocol/ids.ts';
import type { JsonObject } from '../../../protocol/merge-patch.ts';
import type { ActivityTrack, Person } from '../../../protocol/schemas/feed.ts';
import type { Person as KnownPerson } from '../../ports/friends.ts';

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

/**
 * What an item in the feed says beside what is live, or alone: the ids of what nobody is to be shown, for as long as some node may still
 * hold or say it. Viewers' nodes take both away by their ids.
 */
export interface WithheldIds {
  /** Its author has taken it back. */
  readonly removed: readonly string[];
  /** It is heard in a private session, or in a room that does not show what it plays. */
  readonly hidden: readonly string[];
}

/** What somebody listens to alone and nobody is shown: by it another node knows the same track again when they say it there. */
export interface WithheldSolo {
  readonly activityId: string;
  readonly at: HubMs;
  /** Of its track, which is not to be told. */
  readonly mark: string;
  /** When it is over at the latest. */
  readonly until: HubMs;
}

/** @param live what is live beside it; undefined for nothing */
export function withheldItem(
  live: JsonObject | undefined,
  { removed, hidden }: WithheldIds,
  solo: WithheldSolo | undefined,
): JsonObject | undefined {
  if (removed.length + hidden.length === 0) return live;
  return {
    ...live,
    ...(removed.length === 0 ? {} : { removed: [...removed] }),
    ...(hidden.length === 0 ? {} : { hidden: [...hidden] }),
    ...(solo === undefined ? {} : { solo: { ...solo } }),
  };
}

export function withheldIn(item: JsonObject | undefined): WithheldIds {
  return { removed: stringsOf(item?.['removed']), hidden: stringsOf(item?.['hidden']) };
}

export function isWithheld({ removed, hidden }: WithheldIds, activityId: string): boolean {
  return removed.includes(activityId) || hidden.includes(activityId);
}

export function withheldSolo(item: JsonObject | undefined): WithheldSolo | undefined {
  const solo = item?.['solo'];
  return typeof solo === 'object' ? (solo as unknown as WithheldSolo) : undefined;
}

/** From which the mark of a track is made that somebody listens to alone. */
export function soloSeed(userId: UserId, track: ActivityTrack): string {
  const { trackId, title, artist, album } = track;
  return `solo:${userId}:${JSON.stringify(trackId ?? [title, artist, album ?? ''])}`;
}

/** What a node of ours has published as live; undefined where nothing is, and for what an older or newer hub wrote otherwise. */
export function readLive(item: JsonObject | undefined): LiveActivity | undefined {
  if (item === undefined) return undefined;
  const { removed: _removed, hidden: _hidden, solo: _solo, ...live } = item;
  const { activityId, user, track, state } = live;
  if (typeof activityId !== 'string' || typeof track !== 'object' || typeof user !== 'object') {
    return undefined;
  }
  if (state !== 'playing' && state !== 'paused') return undefined;
  return live as unknown as LiveActivity;
}

function stringsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
