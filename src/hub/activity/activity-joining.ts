// A friend comes to somebody who listens alone, or reacts to what they listen to: who may, and what becomes of it.
// Knows friends, the feed and rooms; knows no sockets.
import type { Refusal } from '../../../protocol/errors.ts';
import { refuse } from '../../../protocol/errors.ts';
import type { HubMs, RoomId, UserId } from '../../../protocol/ids.ts';
import type { JsonObject } from '../../../protocol/merge-patch.ts';
import { nameWith } from '../../../protocol/schemas/primitives.ts';
import type { User } from '../../../protocol/schemas/pushes.ts';
import type { TrackInfo, UserCommand } from '../../domain/command.ts';
import { entryIdOf } from '../../domain/playback.ts';
import { soloPositionAt } from '../../domain/now-playing.ts';
import { KeyedBuckets } from '../../domain/rate-limit.ts';
import type { PastActivity } from '../../ports/activity-log.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { Feed, FeedHead } from '../../ports/feed.ts';
import type { Friends } from '../../ports/friends.ts';
import type { HubClock } from '../../ports/hub-clock.ts';
import type { Presence } from '../../ports/presence.ts';
import type { Random } from '../../ports/random.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import type { CommandOutcome } from '../room/decide-batch.ts';
import type { LiveRoom } from '../room/live-room.ts';
import type { LiveActivity } from '../listening/live-activity.ts';
import { liveOf } from '../listening/live-head.ts';
import { isHidden } from '../listening/past-item.ts';
import type { Rooms } from '../room/rooms.ts';
import { entryOfSolo, roomOfSolo } from '../listening/solo-play.ts';
import { trackInfoOf } from '../track-info.ts';

export interface ActivityJoiningDeps {
  readonly feed: Pick<Feed, 'heads'>;
  readonly friends: Pick<Friends, 'grantsOf'>;
  readonly catalogue: Pick<Catalogue, 'get'>;
  readonly clock: HubClock;
  readonly random: Pick<Random, 'roomId'>;
  readonly rooms: Pick<Rooms, 'create'>;
  readonly presence: Pick<Presence, 'aliveNodes'>;
  /** The newest activity that the history shows of a person. */
  latestOf(author: UserId): Promise<PastActivity | undefined>;
  /** Tells all connections of a person, on whatever node. */
  signal(userId: UserId, push: JsonObject): Promise<void>;
}

/** Unknown, hidden, over, not a friend and blocked are not to be told apart. */
const NO_SUCH_ACTIVITY = refuse('not_found', 'no such activity');
const REACTION_RATE = { perSecond: 1, burst: 10 };

export class ActivityJoining {
  readonly #deps: ActivityJoiningDeps;
  readonly #reactions = new KeyedBuckets<UserId>(REACTION_RATE);

  constructor(deps: ActivityJoiningDeps) {
    this.#deps = deps;
  }

  /** Rejects with `StoreUnavailable`. */
  async react(
    by: User,
    author: UserId,
    activityId: string,
    emoji: string,
  ): Promise<Refusal | undefined> {
    const deps = this.#deps;
    const waitMs = this.#reactions.take(by.id, 1, deps.clock.now());
    if (waitMs > 0) return refuse('rate_limited', 'too many reactions', waitMs);
    const head = await this.#headOf(author);
    const live = this.#liveOf(head);
    const isLive = live?.activityId === activityId;
    const past = isLive ? undefined : await deps.latestOf(author);
    const privateUntil = await this.#maySee(by.id, author, live);
    if (privateUntil === undefined) return NO_SUCH_ACTIVITY;
    const isSeen =
      past?.activityId === activityId && !isHidden(past, head.live?.item, privateUntil);
    if (!isLive && !isSeen) return NO_SUCH_ACTIVITY;
    const user = { id: by.id, name: by.name };
    await deps.signal(author, { type: 'activity.reacted', activityId, user, emoji });
    return undefined;
  }

  /**
   * Makes a room of what a friend listens to alone: theirs, with the track playing where they are. Whoever else joins, on whatever node,
   * comes to the same one. Rejects with `StoreUnavailable`.
   * @param address where `by` is: who asks for a room has made it, whosever it is
   */
  async join(
    by: User,
    author: UserId,
    activityId: string,
    address: string,
  ): Promise<RoomId | Refusal> {
    const live = this.#liveOf(await this.#headOf(author));
    if ((await this.#maySee(by.id, author, live)) === undefined) return NO_SUCH_ACTIVITY;
    if (live?.activityId !== activityId || live.join !== 'solo') return NO_SUCH_ACTIVITY;
    const track = this.#trackOf(live);
    if (track === undefined) return NO_SUCH_ACTIVITY;
    const { random, rooms } = this.#deps;
    const roomId = roomOfSolo(random, author, activityId);
    const owner: User = { id: author, name: live.user.name, guest: true };
    const draft = { name: nameWith(live.user.name, '’s room') };
    const room = await rooms.create(owner, draft, roomId, { userId: by.id, address });
    if ('code' in room) return room;
    const refusal = await this.#start(room, live, track);
    if (refusal !== undefined) return refusal;
    const user = { id: by.id, name: by.name };
    await this.#deps.signal(author, { type: 'activity.joined', activityId, roomId, user });
    return roomId;
  }

  /**
   * Asked once it is known what there is to see: so nobody goes by an answer that is older than that.
   * @returns the end of the author's last private session, 0 where there was none; undefined for who may not see them
   */
  async #maySee(
    viewer: UserId,
    author: UserId,
    live: LiveActivity | undefined,
  ): Promise<HubMs | undefined> {
    if (viewer === author) return undefined;
    const { may, privateUntil = 0 } = await this.#deps.friends.grantsOf(author, [viewer]);
    if (!may.has(viewer) || privateUntil > this.#deps.clock.now()) return undefined;
    return live === undefined || live.at >= privateUntil ? privateUntil : undefined;
  }

  async #headOf(author: UserId): Promise<FeedHead> {
    const [head] = await this.#deps.feed.heads([author]);
    if (head === undefined) throw new StoreUnavailable('a part of the feed');
    return head;
  }

  #liveOf(head: FeedHead): LiveActivity | undefined {
    return liveOf(head, this.#deps.presence.aliveNodes, this.#deps.clock.now());
  }

  #trackOf({ track: { trackId } }: LiveActivity): TrackInfo | undefined {
    const track = trackId === undefined ? undefined : this.#deps.catalogue.get(trackId);
    return track && trackInfoOf(track);
  }

  /** Each step once, whoever comes first: the keys are the activity's. What is done already is not done again. */
  async #start(room: LiveRoom, live: LiveActivity, track: TrackInfo): Promise<Refusal | undefined> {
    const { activityId, user } = live;
    const step = (name: string, command: UserCommand): Promise<CommandOutcome> =>
      room.submit(command, {
        by: user.id,
        key: `${user.id}:join:${activityId}:${name}`,
        replyOf: () => ({}),
      });
    const entryId = entryOfSolo(activityId);
    const said = { ...live, durationMs: track.durationMs };
    const sought = async (name: string, at: HubMs): Promise<Refusal | undefined> => {
      const positionMs = Math.round(soloPositionAt(said, at));
      const outcome = await step(name, { type: 'Seek', entryId, positionMs });
      // Whoever has moved on meanwhile is right.
      return outcome.kind === 'refused' && outcome.refusal.code === 'unavailable'
        ? outcome.refusal
        : undefined;
    };
    const entryIds = [entryId];
    const added = await step('add', { type: 'AddToQueue', tracks: [track], entryIds, at: 'end' });
    if (added.kind === 'refused') return added.refusal;
    // Before it plays, as nobody is to hear a moment of its beginning; a start is announced ahead, and by how much is known only then.
    const aimed = await sought('aim', this.#deps.clock.now());
    if (aimed !== undefined || live.state !== 'playing') return aimed;
    const played = await step('play', { type: 'Play' });
    if (played.kind === 'refused') return played.refusal;
    const start = room.state.public.playback.timeline.find(({ state }) => state === 'playing');
    if (start === undefined || entryIdOf(start) !== entryId) return undefined;
    return sought('seek', start.at);
  }
}
