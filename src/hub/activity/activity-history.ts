// What the history is told of the people of this node: what they listened to, what they heard, and what they took back.
// Knows the recorder; knows neither the feed nor who is in a private session.
import type { HubMs, RoomId, UserId } from '../../../protocol/ids.ts';
import type { Span } from '../../domain/now-playing.ts';
import type { HubClock } from '../../ports/hub-clock.ts';
import type { ActivityRecorder } from './activity-recorder.ts';
import type { Activity } from '../listening/live-activity.ts';

export interface HeardOf extends Pick<Activity, 'activityId' | 'playKey' | 'track' | 'sessionId'> {
  readonly roomId?: RoomId;
}

export interface PlayedAs {
  readonly isPrivate: boolean;
  /** Whether it was told as public before. */
  readonly wasPublic?: boolean;
  /** Undefined while it goes on. */
  readonly endedAt?: HubMs | undefined;
}

/** As long as a play may last that its author has removed. */
const REMOVED_KEPT_MS = 86_400_000;
const MOST_REMOVED = 10_000;
const MOST_VERSIONS = 10_000;

export class ActivityHistory {
  readonly #recorder: ActivityRecorder;
  readonly #clock: HubClock;
  /** When each was removed, by person and activity, oldest first: nobody takes back what is another's. */
  readonly #removed = new Map<string, HubMs>();
  /** Of the last word about each person, oldest first. */
  readonly #versions = new Map<UserId, number>();

  constructor(recorder: ActivityRecorder, clock: HubClock) {
    this.#recorder = recorder;
    this.#clock = clock;
  }

  /** Whether its author has taken it back: it is neither shown nor told any more. */
  isRemoved(userId: UserId, activityId: string): boolean {
    return this.#removed.has(keyOf(userId, activityId));
  }

  /** @returns whether it is told: where too much waits, it is not */
  played(
    userId: UserId,
    activity: Activity,
    { isPrivate, wasPublic = false, endedAt }: PlayedAs,
  ): boolean {
    const { activityId, at, track, room } = activity;
    return this.#recorder.record({
      kind: 'activity',
      activityId,
      userId,
      version: this.#nextVersion(userId),
      at,
      ...(endedAt === undefined ? {} : { endedAt: Math.max(at, endedAt) }),
      track,
      ...(room === undefined ? {} : { roomId: room.roomId, roomName: room.name }),
      isPrivate,
      ...(isPrivate && wasPublic ? { takesBack: true } : {}),
    });
  }

  /**
   * Two words about a person within a millisecond still have an order. One count for all would run ahead of the time in a large room,
   * and a later word from another node would lose to it.
   */
  #nextVersion(userId: UserId): number {
    const now = Math.round(this.#clock.now());
    const version = Math.max((this.#versions.get(userId) ?? 0) + 1, now);
    this.#versions.delete(userId);
    this.#versions.set(userId, version);
    // What lies before now changes nothing any more.
    for (const [oldest, last] of this.#versions) {
      if (last >= now && this.#versions.size <= MOST_VERSIONS) break;
      this.#versions.delete(oldest);
    }
    return version;
  }

  /** Time heard of an activity, shown or not. */
  heard(userId: UserId, activity: HeardOf, spans: readonly Span[]): void {
    const { activityId: listenId, playKey, track, roomId, sessionId } = activity;
    if (spans.length === 0 || this.isRemoved(userId, listenId)) return;
    this.#recorder.record({
      kind: 'heard',
      listenId,
      userId,
      track,
      playKey,
      ...(roomId === undefined ? {} : { roomId }),
      ...(sessionId === undefined ? {} : { sessionId }),
      spans,
    });
  }

  /** Its author has removed it, here or on another node: nothing more is told of it. */
  forget(userId: UserId, activityId: string): void {
    const now = this.#clock.now();
    this.#recorder.forget(userId, activityId);
    this.#removed.set(keyOf(userId, activityId), now);
    const [oldest] = this.#removed;
    if (oldest === undefined) return;
    const isOld = now - oldest[1] > REMOVED_KEPT_MS;
    if (isOld || this.#removed.size > MOST_REMOVED) this.#removed.delete(oldest[0]);
  }

  /** Resolves when the removal is durable. Rejects where it is not. */
  async remove(userId: UserId, activityId: string): Promise<void> {
    this.forget(userId, activityId);
    const at = this.#clock.now();
    await this.#recorder.recordNow({ kind: 'remove', activityId, userId, at });
  }
}

function keyOf(userId: UserId, activityId: string): string {
  return `${userId}:${activityId}`;
}
