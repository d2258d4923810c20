// Who of this node listens in one room, what the room plays them, and which time they have surely heard of it.
// Knows the room's state and its members' reports; knows neither the feed nor the history.
import type { HubMs, RoomId, UserId } from '../../../protocol/ids.ts';
import type { PublicRoom } from '../../../protocol/schemas/room.ts';
import type { SyncState } from '../../../protocol/schemas/requests.ts';
import {
  LINGERS_MS,
  LISTENS_FOR_MS,
  PAUSE_LASTS_MS,
  SHOWN_AFTER_MS,
  VOUCHES_FOR_MS,
  soundingAt,
  vouch,
  type Sounding,
  type Span,
} from '../../domain/now-playing.ts';
import type { ActivityEntrance, ActivityRoom } from './live-activity.ts';
import { RoomPlays, type PlayedRoom, type RoomPlay, type RoomPlaysDeps } from './room-plays.ts';

/** As much of a room as is looked at. */
export interface ListenedRoom {
  readonly id: RoomId;
  readonly state: PlayedRoom;
  /** Whether this person is connected to it, on any node. */
  isPresent(userId: UserId): boolean;
}

/** `lost`: the socket is gone, and they may be back; `replaced`: they are on another node now. */
export type LeftBecause = 'left' | 'lost' | 'replaced';

/** What a room tells of those who are in it on this node. All of it is cheap where nobody listens. */
export interface RoomListener {
  reported(room: ListenedRoom, userId: UserId, state: SyncState): void;
  changed(room: ListenedRoom): void;
  left(room: ListenedRoom, userId: UserId, because: LeftBecause): void;
}

/** What one of its listeners is shown to listen to. */
export interface RoomShown
  extends Omit<RoomPlay, 'began'>, Pick<Sounding, 'state' | 'positionMs' | 'positionAt'> {
  readonly at: HubMs;
  readonly room: ActivityRoom;
  readonly join: ActivityEntrance;
  readonly isHidden: boolean;
}

export interface RoomListeningDeps extends RoomPlaysDeps {
  /**
   * @param endedAt when they stopped listening to what was shown before, where `shown` is undefined or another play; undefined where
   * they go on with it on another node
   */
  show(userId: UserId, shown: RoomShown | undefined, endedAt: HubMs | undefined): void;
  heard(userId: UserId, play: RoomPlay, spans: readonly Span[]): void;
  /** Since when this person listened alone to what the room goes on with; undefined where this node does not know. */
  soloSince(userId: UserId, activityId: string): HubMs | undefined;
  /** How long somebody whose socket was lost may take to come back, ms. */
  readonly graceMs: number;
}

/** Whether a person in this state hears what the room plays. */
const HEARS: Readonly<Record<Exclude<SyncState, 'idle'>, boolean>> = {
  following: true,
  cannot_keep_up: true,
  buffering: false,
  detached: false,
};
const FLUSH_MS = 30_000;

interface Listener {
  readonly since: HubMs;
  /** Of any report. */
  reportedAt: HubMs;
  /** Of the last report that was no word of absence. */
  listenedAt: HubMs;
  /** Whether, by the last report, they heard what the room plays. */
  hears: boolean;
  readonly spans: [HubMs, HubMs][];
  /** Their socket is gone, or they are on another node. */
  lost: { readonly at: HubMs; readonly because: LeftBecause } | undefined;
  shownKey: string | undefined;
  /** What they heard alone before it was this room's. */
  readonly solo: { readonly playKey: string; readonly since: HubMs } | undefined;
}

interface Current extends RoomPlay, Sounding {
  /** Since when it plays without a pause. */
  readonly playsSince: HubMs | undefined;
  readonly pausedSince: HubMs | undefined;
  readonly isVisible: boolean;
}

export class RoomListening {
  readonly #room: ListenedRoom;
  readonly #deps: RoomListeningDeps;
  readonly #listeners = new Map<UserId, Listener>();
  /** Those who do not listen for long enough yet to be shown with what the room is shown with. */
  readonly #pending = new Set<UserId>();
  #public: PublicRoom;
  #current: Current | undefined;
  /** The newest of `#current` that was visible, while it is shown. */
  #shown: Current | undefined;
  /** When `#shown` stopped, while the next one is not visible yet. */
  #shownUntil: HubMs | undefined;
  readonly #plays: RoomPlays;
  #flushAt: HubMs;
  #expireAt: HubMs;

  constructor(room: ListenedRoom, now: HubMs, deps: RoomListeningDeps) {
    this.#room = room;
    this.#deps = deps;
    this.#public = room.state.public;
    this.#plays = new RoomPlays(room.state, now - LISTENS_FOR_MS, deps);
    this.#flushAt = now + FLUSH_MS;
    this.#expireAt = now + SHOWN_AFTER_MS;
    this.#look(now);
  }

  get count(): number {
    return this.#listeners.size;
  }

  /** A member has told how they listen. Cheap: it comes every five seconds from each. */
  report(userId: UserId, state: SyncState, at: HubMs): void {
    // Nothing plays: a word on the way to them, none on what they hear.
    if (state === 'idle') return;
    const listener = this.#listeners.get(userId);
    if (listener === undefined) {
      if (state === 'detached') return;
      const solo = this.#soloOf(userId);
      this.#listeners.set(userId, {
        since: solo?.since ?? at,
        solo,
        reportedAt: at,
        listenedAt: at,
        hears: HEARS[state],
        spans: [],
        lost: undefined,
        shownKey: undefined,
      });
      this.#pending.add(userId);
      return;
    }
    // Of the time after a word that they did not hear it, nobody knows how much they did.
    if (HEARS[state] && listener.hears) vouch(listener.spans, listener.reportedAt, at);
    listener.hears = HEARS[state];
    listener.reportedAt = at;
    listener.lost = undefined;
    if (state !== 'detached') listener.listenedAt = at;
  }

  /** Whether this play of this person is shown as the room's. */
  shows(userId: UserId, playKey: string): boolean {
    return this.#listeners.get(userId)?.shownKey === playKey;
  }

  /** The room has changed: what it was until now is put down before it is forgotten. */
  changed(now: HubMs): void {
    const before = this.#public;
    const after = this.#room.state.public;
    if (before.playback.timeline !== after.playback.timeline || before.session !== after.session) {
      this.#plays.follow(this.#room.state, now);
      this.#public = after;
      this.#look(now);
      return;
    }
    this.#public = after;
    if (before.name === after.name && before.visibility === after.visibility) {
      if (before.settings === after.settings) return;
    }
    this.#showAll(now);
  }

  /** To be called every second: boundaries of tracks come with time alone. */
  tick(now: HubMs): void {
    this.#look(now);
    if (this.#shown !== undefined) this.#showPending(now);
    if (now >= this.#expireAt) this.#expire(now);
    if (now >= this.#flushAt) this.#flushAll(now);
  }

  /** A member is gone from this node. Unless they left, they have the grace to come back, here or on another node. */
  left(userId: UserId, because: LeftBecause, at: HubMs): void {
    const listener = this.#listeners.get(userId);
    if (listener === undefined) return;
    if (because === 'left') this.#drop(userId, at, at);
    else listener.lost = { at, because };
  }

  /** The person is erased: nothing is told of them any more. */
  forget(userId: UserId): void {
    this.#listeners.delete(userId);
    this.#pending.delete(userId);
  }

  /** Nobody listens here any more: all is told. */
  stop(now: HubMs): void {
    for (const [userId, { lost }] of this.#listeners)
      this.#drop(userId, now, lost === undefined ? now : this.#endOfLost(userId, lost.at));
  }

  /** Whoever is on another node by now has not stopped. */
  #endOfLost(userId: UserId, lostAt: HubMs): HubMs | undefined {
    return this.#room.isPresent(userId) ? undefined : lostAt;
  }

  /** @param endedAt when they stopped; undefined where they go on on another node */
  #drop(userId: UserId, now: HubMs, endedAt: HubMs | undefined): void {
    const listener = this.#listeners.get(userId);
    if (listener === undefined) return;
    this.#plays.capture(now);
    this.#flush(userId, listener);
    this.#listeners.delete(userId);
    this.#pending.delete(userId);
    if (listener.shownKey !== undefined) this.#deps.show(userId, undefined, endedAt);
  }

  #soloOf(userId: UserId): Listener['solo'] {
    const { soloOf, playKey } = this.#current ?? {};
    if (soloOf !== userId || playKey === undefined) return undefined;
    const since = this.#deps.soloSince(userId, playKey);
    return since === undefined ? undefined : { playKey, since };
  }

  #look(now: HubMs): void {
    const before = this.#current;
    const current = this.#sounding(before, now);
    this.#current = current;
    if (current?.isVisible === true) {
      const isNews = !isSame(this.#shown, current);
      this.#shown = current;
      this.#shownUntil = undefined;
      if (isNews) this.#showAll(now);
      return;
    }
    if (this.#shown === undefined) return;
    this.#shownUntil ??= current?.began ?? this.#endOf(this.#shown, now);
    if (current !== undefined && now - this.#shownUntil < LINGERS_MS) return;
    this.#shown = undefined;
    this.#showAll(this.#shownUntil);
    this.#shownUntil = undefined;
  }

  #sounding(before: Current | undefined, now: HubMs): Current | undefined {
    const { timeline } = this.#public.playback;
    const sounding = soundingAt(timeline, now);
    const play = sounding === undefined ? undefined : this.#plays.playAt(now);
    if (sounding === undefined || play === undefined) return undefined;
    const same = before?.playKey === play.playKey ? before : undefined;
    const isPlaying = sounding.state === 'playing';
    const playsSince = isPlaying ? (same?.playsSince ?? sounding.positionAt) : undefined;
    const pausedSince = isPlaying ? undefined : (same?.pausedSince ?? sounding.positionAt);
    const isVisible =
      same?.isVisible === true ||
      play.soloOf !== undefined ||
      this.#shown?.playKey === play.playKey ||
      hasPlayed(playsSince, now);
    const isOver = pausedSince !== undefined && now - pausedSince >= PAUSE_LASTS_MS;
    if (isOver) return undefined;
    return { ...play, ...sounding, playsSince, pausedSince, isVisible };
  }

  /** When what was shown stopped, as far as the timeline tells. */
  #endOf(shown: Current, now: HubMs): HubMs {
    const end = this.#public.playback.timeline.findLast(({ at }) => at <= now)?.at ?? now;
    return end > shown.began ? end : now;
  }

  #showAll(now: HubMs): void {
    for (const [userId, listener] of this.#listeners) this.#show(userId, listener, now);
  }

  #showPending(now: HubMs): void {
    for (const userId of [...this.#pending]) {
      const listener = this.#listeners.get(userId);
      if (listener === undefined) this.#pending.delete(userId);
      else this.#show(userId, listener, now);
    }
  }

  #show(userId: UserId, listener: Listener, now: HubMs): void {
    const shown = this.#shown;
    if (shown === undefined) {
      this.#pending.add(userId);
      if (listener.shownKey === undefined) return;
      listener.shownKey = undefined;
      this.#deps.show(userId, undefined, listener.lost?.at ?? now);
      return;
    }
    // What has stopped by now, and is shown until the next one is, they may have heard for a moment only.
    if (listener.shownKey === undefined && !hasPlayed(listener.since, this.#shownUntil ?? now)) {
      this.#pending.add(userId);
      return;
    }
    if (listener.shownKey !== shown.playKey && shown.began > listensUntil(listener)) {
      // Whoever is gone hears no more than they did: they come to it when they are back, or are told off with what they heard last.
      this.#pending.add(userId);
      return;
    }
    this.#pending.delete(userId);
    listener.shownKey = shown.playKey;
    const { began, playKey, soloOf, sessionId, track, state, positionMs, positionAt } = shown;
    const { solo } = listener;
    this.#deps.show(
      userId,
      {
        playKey,
        ...(soloOf === undefined ? {} : { soloOf }),
        sessionId,
        track,
        state,
        positionMs,
        positionAt,
        at: solo?.playKey === playKey ? solo.since : Math.max(began, listener.since),
        ...this.#door(),
      },
      began,
    );
  }

  #door(): Pick<RoomShown, 'room' | 'join' | 'isHidden'> {
    const { id, code, name, hereCount, visibility, settings } = this.#public;
    const isPrivate = visibility === 'private';
    return {
      room: { roomId: id, name, hereCount, ...(isPrivate ? {} : { code }) },
      join: isPrivate && !settings.friendsEnter ? 'knock' : 'room',
      isHidden: !settings.showActivity,
    };
  }

  /** Whoever says nothing any more while the room plays does not listen, whatever their socket does. */
  #expire(now: HubMs): void {
    this.#expireAt = now + SHOWN_AFTER_MS;
    const playsSince = this.#current?.playsSince;
    const isPaused = this.#current?.state === 'paused';
    for (const [userId, { listenedAt, lost }] of this.#listeners) {
      const silentSince = Math.max(listenedAt, playsSince ?? 0);
      if (lost !== undefined && now - lost.at >= this.#deps.graceMs) {
        this.#drop(userId, now, this.#endOfLost(userId, lost.at));
      } else if (lost === undefined && !isPaused && now - silentSince > LISTENS_FOR_MS) {
        // While nothing plays, a page has nothing to report.
        this.#drop(userId, now, listenedAt);
      }
    }
  }

  #flushAll(now: HubMs): void {
    this.#flushAt = now + FLUSH_MS;
    this.#plays.capture(now);
    for (const [userId, listener] of this.#listeners) this.#flush(userId, listener);
  }

  #flush(userId: UserId, listener: Listener): void {
    for (const { play, spans } of this.#plays.within(listener.spans))
      this.#deps.heard(userId, play, spans);
    listener.spans.length = 0;
  }
}

/** Until when somebody may be taken to listen, by what is known of them. */
function listensUntil({ listenedAt, lost }: Listener): HubMs {
  return Math.min(lost?.at ?? Infinity, listenedAt + VOUCHES_FOR_MS);
}

function hasPlayed(since: HubMs | undefined, now: HubMs): boolean {
  return since !== undefined && now - since >= SHOWN_AFTER_MS;
}

function isSame(a: Current | undefined, b: Current): boolean {
  return (
    a !== undefined &&
    a.playKey === b.playKey &&
    a.state === b.state &&
    a.positionMs === b.positionMs &&
    a.positionAt === b.positionAt
  );
}
