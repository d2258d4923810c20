// What people of this node listen to by themselves, as they tell it. Knows neither rooms, the feed nor the history.
import type { HubMs, UserId } from '../../../protocol/ids.ts';
import {
  PAUSE_LASTS_MS,
  SHOWN_AFTER_MS,
  SOLO_LASTS_MS,
  isReplay,
  soloSpan,
  type SoloSaid,
  type Span,
} from '../../domain/now-playing.ts';
import type { Connection } from '../connection.ts';
import type { ActivityTrack } from '../../../protocol/schemas/feed.ts';
import type { Activity } from './live-activity.ts';

export interface SoloWord {
  readonly track: ActivityTrack;
  readonly positionMs: number;
  readonly state: 'playing' | 'paused';
  readonly isJoinable: boolean;
}

export interface SoloListeningDeps {
  /** @param endedAt as in `ActivityAuthors.show` */
  show(userId: UserId, activity: Activity | undefined, endedAt: HubMs | undefined): void;
  heard(userId: UserId, activity: Activity, spans: readonly Span[]): void;
  /** The same for the same play, wherever it is told. */
  idOf(userId: UserId, track: ActivityTrack, begunAt: HubMs): string;
  /** Whether a room shows it by now. */
  goesOn(userId: UserId, activityId: string): boolean;
  /** How long somebody whose socket was lost may take to come back, ms. */
  readonly graceMs: number;
}

/** A track that is said to be over by its length may be a moment late in saying what comes next. */
const END_MARGIN_MS = 5_000;
/** Whoever follows into the room that a friend has made of it is there by then. */
const FOLLOWS_WITHIN_MS = 60_000;

interface Solo {
  readonly activityId: string;
  readonly at: HubMs;
  readonly word: SoloWord;
  readonly said: SoloSaid;
  /** Since when it plays without a pause. */
  readonly playsSince: HubMs | undefined;
  readonly isVisible: boolean;
  connection: Connection | undefined;
  /** The socket was lost. */
  lostAt: HubMs | undefined;
}

export class SoloListening {
  readonly #deps: SoloListeningDeps;
  readonly #solos = new Map<UserId, Solo>();
  /** What each heard last, for a while: a room may go on with it. Oldest first. */
  readonly #over = new Map<UserId, Pick<Solo, 'activityId' | 'at'> & { readonly endedAt: HubMs }>();

  constructor(deps: SoloListeningDeps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#solos.size + this.#over.size;
  }

  has(userId: UserId): boolean {
    return this.#solos.has(userId);
  }

  /** When this person began with this, if it is what they hear alone or heard so last. */
  sinceOf(userId: UserId, activityId: string): HubMs | undefined {
    return [this.#solos.get(userId), this.#over.get(userId)].find(
      (solo) => solo?.activityId === activityId,
    )?.at;
  }

  /**
   * What somebody says that they listen to.
   * @param known of the same track, told by another node: it goes on. Without an id it may, and then began no later
   * @returns the activity's id
   */
  set(
    userId: UserId,
    word: SoloWord,
    connection: Connection,
    now: HubMs,
    known?: { readonly activityId?: string; readonly at: HubMs },
  ): string {
    const before = this.#solos.get(userId);
    if (before !== undefined) this.#count(userId, before, now);
    const same =
      before !== undefined &&
      isSameTrack(before.word.track, word.track) &&
      !isReplay(before.said, word.positionMs, now)
        ? before
        : undefined;
    // Until the next one is shown or stopped, what is over is not.
    if (before !== undefined && same === undefined) this.#end(userId, before, now);
    const { durationMs } = word.track;
    const playsSince = word.state === 'playing' ? (same?.playsSince ?? now) : undefined;
    const solo: Solo = {
      activityId:
        same?.activityId ??
        known?.activityId ??
        this.#deps.idOf(userId, word.track, now - word.positionMs),
      at: same?.at ?? known?.at ?? now,
      word,
      said: { state: word.state, positionMs: word.positionMs, positionAt: now, durationMs },
      playsSince,
      isVisible: same?.isVisible ?? known?.activityId !== undefined,
      connection,
      lostAt: undefined,
    };
    this.#solos.set(userId, solo);
    this.#showIfDue(userId, solo, now, true);
    return solo.activityId;
  }

  /** They listen to nothing any more. */
  end(userId: UserId, now: HubMs): void {
    const solo = this.#solos.get(userId);
    if (solo !== undefined) this.#endNow(userId, solo, now);
  }

  /** Nobody listens here any more: all is told. */
  stop(now: HubMs): void {
    for (const [userId, solo] of this.#solos) this.#endNow(userId, solo, solo.lostAt ?? now);
  }

  /** The socket over which it was told is gone: what was heard until then is told, as they may go on over another node. */
  closed(connection: Connection, userId: UserId, now: HubMs): void {
    const solo = this.#solos.get(userId);
    if (solo?.connection !== connection) return;
    this.#count(userId, solo, now);
    solo.connection = undefined;
    solo.lostAt = now;
  }

  /** The person is erased: nothing is told of them any more. */
  forget(userId: UserId): void {
    this.#solos.delete(userId);
    this.#over.delete(userId);
  }

  /** To be called every second. */
  tick(now: HubMs): void {
    for (const [userId, { endedAt }] of this.#over) {
      if (now - endedAt < FOLLOWS_WITHIN_MS) break;
      this.#over.delete(userId);
    }
    for (const [userId, solo] of this.#solos) {
      const endedAt = this.#endOf(solo, now);
      if (endedAt === undefined) this.#showIfDue(userId, solo, now, false);
      else this.#end(userId, solo, endedAt);
    }
  }

  /** When it has ended without a word; undefined while it goes on. */
  #endOf({ said, lostAt }: Solo, now: HubMs): HubMs | undefined {
    if (lostAt !== undefined && now - lostAt >= this.#deps.graceMs) return lostAt;
    const silentMs = now - said.positionAt;
    if (said.state === 'paused') return silentMs >= PAUSE_LASTS_MS ? said.positionAt : undefined;
    const leftMs = said.durationMs - said.positionMs;
    if (silentMs >= leftMs + END_MARGIN_MS) return said.positionAt + leftMs;
    return silentMs > SOLO_LASTS_MS ? said.positionAt + Math.min(SOLO_LASTS_MS, leftMs) : undefined;
  }

  #count(userId: UserId, solo: Solo, now: HubMs): void {
    const span = soloSpan(solo.said, now);
    if (span !== undefined) this.#deps.heard(userId, activityOf(solo), [span]);
  }

  #endNow(userId: UserId, solo: Solo, endedAt: HubMs): void {
    this.#count(userId, solo, endedAt);
    this.#end(userId, solo, endedAt);
  }

  #end(userId: UserId, solo: Solo, endedAt: HubMs): void {
    const { activityId, at, isVisible } = solo;
    this.#solos.delete(userId);
    if (!isVisible) return;
    this.#over.delete(userId);
    this.#over.set(userId, { activityId, at, endedAt });
    const isOver = !this.#deps.goesOn(userId, activityId);
    this.#deps.show(userId, undefined, isOver ? endedAt : undefined);
  }

  #showIfDue(userId: UserId, solo: Solo, now: HubMs, isNews: boolean): void {
    if (solo.isVisible) {
      if (isNews) this.#deps.show(userId, activityOf(solo), undefined);
      return;
    }
    if (solo.playsSince === undefined || now - solo.playsSince < SHOWN_AFTER_MS) return;
    const visible = { ...solo, isVisible: true };
    this.#solos.set(userId, visible);
    this.#deps.show(userId, activityOf(visible), undefined);
  }
}

function activityOf({ activityId, at, word, said }: Solo): Activity {
  const { track, isJoinable } = word;
  return {
    activityId,
    playKey: activityId,
    at,
    state: said.state,
    track,
    positionMs: said.positionMs,
    positionAt: said.positionAt,
    ...(isJoinable && track.trackId !== undefined ? { join: 'solo' as const } : {}),
    isHidden: false,
  };
}

export function isSameTrack(a: ActivityTrack, b: ActivityTrack): boolean {
  if (a.trackId !== undefined || b.trackId !== undefined) return a.trackId === b.trackId;
  return a.title === b.title && a.artist === b.artist && a.album === b.album;
}
