// What the people of this node listen to, from rooms and by themselves, on its way to the feed and the history.
// Ties its parts together; knows no sockets and no viewers.
import { refuse, type Refusal } from '../../../protocol/errors.ts';
import type { HubMs, RoomId, TrackId, UserId } from '../../../protocol/ids.ts';
import type { ActivityTrack } from '../../../protocol/schemas/feed.ts';
import type { User } from '../../../protocol/schemas/pushes.ts';
import type { SyncState } from '../../../protocol/schemas/requests.ts';
import type { JsonObject } from '../../../protocol/merge-patch.ts';
import type { PastActivity } from '../../ports/activity-log.ts';
import type { ActivityOutbox } from '../../ports/activity-outbox.ts';
import type { Feed } from '../../ports/feed.ts';
import type { Friends } from '../../ports/friends.ts';
import type { Presence } from '../../ports/presence.ts';
import { ALONE } from './activity-author.ts';
import { ActivityAuthors } from './activity-authors.ts';
import { ActivityHistory } from './activity-history.ts';
import { ActivityJoining } from './activity-joining.ts';
import { ActivityPublisher } from './activity-publisher.ts';
import { ActivityRecorder } from './activity-recorder.ts';
import type { Connection } from '../connection.ts';
import { trackInfoOf } from '../track-info.ts';
import type { HubOptions } from '../hub-options.ts';
import type { HubPorts } from '../hub-ports.ts';
import type { Activity } from '../listening/live-activity.ts';
import {
  RoomListening,
  type LeftBecause,
  type ListenedRoom,
  type RoomListener,
  type RoomShown,
} from '../listening/room-listening.ts';
import type { RoomPlay } from '../listening/room-plays.ts';
import type { Rooms } from '../room/rooms.ts';
import { toldElsewhere, type ToldElsewhere } from './solo-elsewhere.ts';
import { SoloListening } from '../listening/solo-listening.ts';
import { roomOfSolo, soloOfPlay, soloPlayId } from '../listening/solo-play.ts';

export interface ActivitiesDeps {
  readonly ports: Pick<
    HubPorts,
    'catalogue' | 'clock' | 'timers' | 'random' | 'log' | 'metrics'
  > & {
    readonly feed: Feed;
    readonly friends: Friends;
    readonly activityOutbox: ActivityOutbox;
  };
  readonly options: Pick<HubOptions, 'presenceGraceMs'>;
  /** Nodes whose word of what is live counts. */
  readonly presence: Pick<Presence, 'aliveNodes'>;
  readonly rooms: () => Pick<Rooms, 'create'>;
  connectionsOf(userId: UserId): Iterable<Connection>;
  /** The newest activity of a person that the history shows. Rejects with `StoreUnavailable`. */
  latestOf(author: UserId): Promise<PastActivity | undefined>;
  /** The newest activity of a person in the history, private or not. Rejects with `StoreUnavailable`. */
  lastOf(userId: UserId): Promise<PastActivity | undefined>;
  signal(userId: UserId, push: JsonObject): Promise<void>;
}

/** What somebody says of their listening outside a room. */
export interface SoloRequest {
  readonly track:
    | { readonly trackId: TrackId }
    | {
        readonly title: string;
        readonly artist: string;
        readonly album?: string;
        readonly durationMs: number;
      };
  readonly positionMs: number;
  readonly state: 'playing' | 'paused' | 'stopped';
  readonly joinable?: boolean;
}

const TICK_MS = 1_000;
/** Of the time for the end, this part is for what may have been private; what is not known is private, and that must be handed on, too. */
const ASKED_PART = 3;

export class Activities implements RoomListener {
  readonly #deps: ActivitiesDeps;
  readonly #rooms = new Map<RoomId, RoomListening>();
  readonly #publisher: ActivityPublisher;
  readonly #recorder: ActivityRecorder;
  readonly #history: ActivityHistory;
  readonly #authors: ActivityAuthors;
  readonly #solo: SoloListening;
  readonly #joining: ActivityJoining;
  /** The newest word of each person that waits for a store. */
  readonly #words = new Map<UserId, symbol>();
  #cancelTick: (() => void) | undefined;
  #isStopped = false;

  constructor(deps: ActivitiesDeps) {
    this.#deps = deps;
    const { ports, options } = deps;
    this.#publisher = new ActivityPublisher({
      ...ports,
      isCurrent: (userId) => this.#authors.isCurrent(userId),
    });
    this.#recorder = new ActivityRecorder({ ...ports, outbox: ports.activityOutbox });
    this.#history = new ActivityHistory(this.#recorder, ports.clock);
    this.#authors = new ActivityAuthors({
      ...ports,
      publisher: this.#publisher,
      history: this.#history,
      nameOf: (userId) => this.#nameOf(userId),
    });
    this.#solo = new SoloListening({
      show: (userId, activity, endedAt) => this.#authors.show(userId, ALONE, activity, endedAt),
      heard: (userId, activity, spans) => this.#history.heard(userId, activity, spans),
      idOf: (userId, track, begunAt) => soloPlayId(ports.random, userId, track, begunAt),
      goesOn: (userId, activityId) =>
        this.#rooms.get(roomOfSolo(ports.random, userId, activityId))?.shows(userId, activityId) ===
        true,
      graceMs: options.presenceGraceMs,
    });
    this.#joining = new ActivityJoining({
      ...ports,
      presence: deps.presence,
      rooms: { create: (...args) => deps.rooms().create(...args) },
      latestOf: (author) => deps.latestOf(author),
      signal: (userId, push) => deps.signal(userId, push),
    });
    ports.metrics.gauge(
      { name: 'earshot_activity_authors', help: 'People who listen to something on this node.' },
      () => this.#authors.size,
    );
  }

  reported(room: ListenedRoom, userId: UserId, state: SyncState): void {
    const now = this.#deps.ports.clock.now();
    let listening = this.#rooms.get(room.id);
    if (listening === undefined) {
      if (state === 'detached' || this.#isStopped) return;
      listening = this.#listenIn(room, now);
    }
    listening.report(userId, state, now);
  }

  changed(room: ListenedRoom): void {
    this.#rooms.get(room.id)?.changed(this.#deps.ports.clock.now());
  }

  left(room: ListenedRoom, userId: UserId, because: LeftBecause): void {
    this.#rooms.get(room.id)?.left(userId, because, this.#deps.ports.clock.now());
  }

  /** A socket has closed. */
  closed(connection: Connection, userId: UserId): void {
    this.#solo.closed(connection, userId, this.#deps.ports.clock.now());
  }

  /**
   * What somebody says that they listen to by themselves.
   * @returns the activity's id, if there is something
   */
  async set(
    user: User,
    request: SoloRequest,
    connection: Connection,
  ): Promise<{ readonly activityId?: string } | Refusal> {
    const { clock } = this.#deps.ports;
    if (request.state === 'stopped') {
      this.#words.delete(user.id);
      this.#solo.end(user.id, clock.now());
      return {};
    }
    const track = this.#trackOf(request.track);
    if ('code' in track) return track;
    let known: ToldElsewhere | undefined;
    if (!this.#solo.has(user.id)) {
      const word = Symbol();
      this.#words.set(user.id, word);
      const elsewhere = { ...this.#deps.ports, lastOf: (id: UserId) => this.#deps.lastOf(id) };
      known = await toldElsewhere(elsewhere, user.id, track, request.positionMs);
      // A later word has overtaken it: what it says is not so any more.
      if (this.#words.get(user.id) !== word) return {};
      this.#words.delete(user.id);
    }
    // Meanwhile the socket may have closed: nobody would say any more that it has ended.
    if (connection.session.phase !== 'active' || this.#isStopped) return {};
    const word = {
      track,
      positionMs: Math.min(request.positionMs, track.durationMs),
      state: request.state,
      isJoinable: request.joinable !== false,
    };
    this.#tickSoon();
    const activityId = this.#solo.set(user.id, word, connection, clock.now(), known);
    return { activityId };
  }

  /** Takes back what this person listened to: from the feed and the history. Rejects where the history cannot be told. */
  async remove(userId: UserId, activityId: string): Promise<void> {
    this.#tickSoon();
    await this.#authors.remove(userId, activityId);
  }

  /** The person is erased: what this node shows of them goes, and what it has not told yet is not told any more. */
  forget(userId: UserId): void {
    for (const listening of this.#rooms.values()) listening.forget(userId);
    this.#words.delete(userId);
    this.#solo.forget(userId);
    this.#authors.forget(userId);
    this.#recorder.forgetPerson(userId);
  }

  /** Told on this node: who sees this person, or a private session of theirs. */
  policyChanged(userId: UserId, version: number): void {
    this.#authors.policyChanged(userId, version);
  }

  /** Rejects with `StoreUnavailable`. */
  async react(
    by: User,
    author: UserId,
    activityId: string,
    emoji: string,
  ): Promise<Refusal | undefined> {
    return this.#joining.react(by, author, activityId, emoji);
  }

  /** Rejects with `StoreUnavailable`. */
  async join(
    by: User,
    author: UserId,
    activityId: string,
    address: string,
  ): Promise<RoomId | Refusal> {
    return this.#joining.join(by, author, activityId, address);
  }

  /** A friend of this person, who is on this node, has reacted. */
  reacted(userId: UserId, activityId: string, emoji: string): void {
    this.#authors.reacted(userId, activityId, emoji);
  }

  /**
   * All that was heard is handed on, with its ends; resolves when it is, and after `patienceMs` at the latest. What is shown of this
   * node's people goes with the node.
   * @returns how many entries of the history were lost, as nobody took them in time
   */
  async stop(patienceMs: number): Promise<number> {
    if (this.#isStopped) return this.#recorder.stop(patienceMs);
    this.#isStopped = true;
    this.#cancelTick?.();
    const now = this.#deps.ports.clock.now();
    for (const listening of this.#rooms.values()) listening.stop(now);
    this.#rooms.clear();
    this.#solo.stop(now);
    this.#publisher.stop();
    await this.#authors.stop(patienceMs / ASKED_PART);
    const usedMs = this.#deps.ports.clock.now() - now;
    return this.#recorder.stop(Math.max(0, patienceMs - usedMs));
  }

  #listenIn(room: ListenedRoom, now: HubMs): RoomListening {
    const { random } = this.#deps.ports;
    const idOf = (userId: UserId, { playKey, soloOf }: Pick<RoomPlay, 'playKey' | 'soloOf'>) =>
      soloOf === userId ? playKey : random.activityId(`play:${userId}:${playKey}`);
    const listening = new RoomListening(room, now, {
      show: (userId, shown, endedAt) => {
        const activity = shown === undefined ? undefined : activityOf(idOf(userId, shown), shown);
        this.#authors.show(userId, room.id, activity, endedAt);
      },
      heard: (userId, play, spans) => {
        const activityId = idOf(userId, play);
        this.#history.heard(userId, { ...play, activityId, roomId: room.id }, spans);
      },
      soloOf: (shown, play) => soloOfPlay(random, shown, play),
      soloSince: (userId, activityId) => this.#solo.sinceOf(userId, activityId),
      graceMs: this.#deps.options.presenceGraceMs,
    });
    this.#rooms.set(room.id, listening);
    this.#tickSoon();
    return listening;
  }

  #tickSoon(): void {
    if (this.#isStopped) return;
    this.#cancelTick ??= this.#deps.ports.timers.after(TICK_MS, () => {
      this.#cancelTick = undefined;
      this.#tick();
    });
  }

  #tick(): void {
    const { clock, log } = this.#deps.ports;
    const now = clock.now();
    for (const [roomId, listening] of this.#rooms) {
      try {
        listening.tick(now);
      } catch (error) {
        // One room must not silence the others.
        log.error({ roomId, err: error }, 'what a room listens to could not be told');
      }
      if (listening.count === 0) this.#rooms.delete(roomId);
    }
    this.#solo.tick(now);
    this.#authors.tick(now);
    this.#publisher.prune();
    const isIdle =
      this.#rooms.size + this.#solo.size + this.#authors.size + this.#publisher.size === 0;
    if (!isIdle) this.#tickSoon();
  }

  #trackOf(track: SoloRequest['track']): ActivityTrack | Refusal {
    if (!('trackId' in track)) return { ...track, hasCover: false };
    const known = this.#deps.ports.catalogue.get(track.trackId);
    if (known === undefined) {
      return refuse('not_found', `no track "${track.trackId}" in the catalogue`);
    }
    return trackInfoOf(known);
  }

  #nameOf(userId: UserId): string {
    for (const { session } of this.#deps.connectionsOf(userId)) {
      if (session.phase === 'active') return session.user.name;
    }
    return '';
  }
}

function activityOf(activityId: string, shown: RoomShown): Activity {
  return { ...shown, activityId };
}
