// What somebody who listens alone goes on with, by what another node has told of them. Knows the feed and the history; knows no sockets.
import type { UserId } from '../../../protocol/ids.ts';
import type { ActivityTrack } from '../../../protocol/schemas/feed.ts';
import { PAUSE_LASTS_MS, isReplay, type SoloSaid } from '../../domain/now-playing.ts';
import type { PastActivity } from '../../ports/activity-log.ts';
import type { Feed } from '../../ports/feed.ts';
import type { HubClock } from '../../ports/hub-clock.ts';
import type { Random } from '../../ports/random.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import { soloSeed, withheldSolo } from '../listening/live-activity.ts';
import { EVERY_NODE, liveOf } from '../listening/live-head.ts';
import { isSameTrack } from '../listening/solo-listening.ts';

export interface SoloElsewhereDeps {
  readonly feed: Pick<Feed, 'heads'>;
  readonly random: Pick<Random, 'activityId'>;
  readonly clock: HubClock;
  /** The newest activity of a person in the history, private or not. Rejects with `StoreUnavailable`. */
  lastOf(userId: UserId): Promise<PastActivity | undefined>;
}

/** Without an id where nobody could be asked. */
export type ToldElsewhere = Pick<PastActivity, 'at'> & Partial<Pick<PastActivity, 'activityId'>>;

/**
 * The activity that a word about `track` goes on with; undefined where it begins one. Where nobody can be asked it is most often known by
 * when it began (`soloPlayId`), and who listens does not wait for more. It is then recorded as begun as early as it may have been, which
 * is too early where they began in the middle of the track: by a later beginning, what was heard in a private session since would be
 * shown, here and by whoever looks from another node (FE8).
 */
export async function toldElsewhere(
  deps: SoloElsewhereDeps,
  userId: UserId,
  track: ActivityTrack,
  positionMs: number,
): Promise<ToldElsewhere | undefined> {
  const { feed, clock, random } = deps;
  const goesOn = (before: ActivityTrack, said: Omit<SoloSaid, 'durationMs'>): boolean => {
    const { durationMs } = track;
    return (
      isSameTrack(before, track) && !isReplay({ ...said, durationMs }, positionMs, clock.now())
    );
  };
  try {
    const [head] = await feed.heads([userId]);
    if (head === undefined) throw new StoreUnavailable('a part of the feed');
    // Also what nobody is shown: as another one it would be shown.
    const solo = withheldSolo(head.live?.item);
    if (solo !== undefined && solo.until > clock.now()) {
      if (solo.mark === random.activityId(soloSeed(userId, track))) return solo;
    }
    // Also by the word of a node that has died since: it is the same play (FE6).
    const live = liveOf(head, EVERY_NODE, clock.now());
    if (live !== undefined) {
      return live.room === undefined && goesOn(live.track, live) ? live : undefined;
    }
    // What nobody may see stands in no head.
    const last = await deps.lastOf(userId);
    if (last === undefined || last.roomId !== undefined || last.endedAt !== undefined) {
      return undefined;
    }
    if (clock.now() - last.at > track.durationMs + PAUSE_LASTS_MS) return undefined;
    const said = { state: 'playing', positionMs: 0, positionAt: last.at } as const;
    return goesOn(last.track, said) ? last : undefined;
  } catch (error) {
    if (error instanceof StoreUnavailable)
      return { at: Math.round(clock.now() - Math.min(positionMs, track.durationMs)) };
    throw error;
  }
}
