// Erasing a person: in an order in which a failure in the middle leaves them an account to ask with again. Knows stores; knows no HTTP.
import type { RoomId, UserId } from '../../protocol/ids.ts';
import type { ActivityLog } from '../ports/activity-log.ts';
import type { ActivityOutbox } from '../ports/activity-outbox.ts';
import type { ChatLog } from '../ports/chat-log.ts';
import type { Feed } from '../ports/feed.ts';
import type { Friends } from '../ports/friends.ts';
import type { HubClock } from '../ports/hub-clock.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';
import { StoreUnavailable, type RoomLog } from '../ports/room-log.ts';
import type { Traces } from '../ports/traces.ts';
import type { Dismissals } from './dismissals.ts';
import type { FeedDesk } from './feed/feed-desk.ts';
import type { Rooms } from './room/rooms.ts';

export interface ErasureDeps {
  readonly friends: Pick<Friends, 'erase'>;
  readonly activityLog: Pick<ActivityLog, 'erase'>;
  readonly activityOutbox: Pick<ActivityOutbox, 'forget'>;
  readonly feed: Pick<Feed, 'forget'>;
  readonly traces: Pick<Traces, 'roomsOf' | 'erase'>;
  readonly roomLog: Pick<RoomLog, 'forget'>;
  readonly chatLog: Pick<ChatLog, 'forget'>;
  readonly rooms: Pick<Rooms, 'open'>;
  readonly dismissals: Pick<Dismissals, 'person'>;
  readonly desk: Pick<FeedDesk, 'tell'>;
  readonly random: Pick<Random, 'activityId'>;
  readonly clock: HubClock;
  readonly log: Log;
}

export class Erasure {
  readonly #deps: ErasureDeps;

  constructor(deps: ErasureDeps) {
    this.#deps = deps;
  }

  /**
   * Resolves when nothing is kept of the person any more, but for requests that are remembered for ten minutes.
   * Rejects with `StoreUnavailable`: then the account is there still, to ask again. Idempotent.
   */
  async erase(userId: UserId): Promise<void> {
    const { friends, activityLog, activityOutbox, feed, traces, dismissals, desk } = this.#deps;
    const { clock, log } = this.#deps;
    // Whoever goes on listening leaves new traces: first they go, on every node.
    await dismissals.person(userId);
    const roomIds = await traces.roomsOf(userId);
    for (const roomId of roomIds) await this.#eraseIn(roomId, userId);
    await feed.forget(userId);
    await activityOutbox.forget(userId);
    await activityLog.erase(userId, clock.now());
    desk.tell(await friends.erase(userId));
    // Whoever came in since has been looked up before the account went.
    await dismissals.person(userId);
    log.info({ rooms: roomIds.length }, 'a person was erased');
  }

  async #eraseIn(roomId: RoomId, userId: UserId): Promise<void> {
    const { roomLog, chatLog, rooms, traces, random } = this.#deps;
    // Another one in each room: nobody can tell that they were the same.
    const as = random.activityId() as UserId;
    const room = await rooms.open(roomId);
    const outcome = await room?.submit({ type: 'ErasePerson', userId });
    if (outcome?.kind === 'refused') throw new StoreUnavailable(`room ${roomId}`);
    await chatLog.forget(roomId, userId, as);
    await roomLog.forget(roomId, userId, as);
    await room?.readAnew();
    await traces.erase(roomId, userId, as);
  }
}
