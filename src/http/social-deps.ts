// What the routes of people and listening are given.
import type { Activities } from '../hub/activity/activities.ts';
import { Erasure } from '../hub/erasure.ts';
import type { Dismissals } from '../hub/dismissals.ts';
import type { FeedDesk } from '../hub/feed/feed-desk.ts';
import type { FeedHistory } from '../hub/feed/feed-history.ts';
import type { Hub } from '../hub/hub.ts';
import type { Accounts } from '../ports/accounts.ts';
import type { ActivityLog } from '../ports/activity-log.ts';
import type { Feed } from '../ports/feed.ts';
import type { Friends } from '../ports/friends.ts';
import type { HubClock } from '../ports/hub-clock.ts';
import type { ActivityOutbox } from '../ports/activity-outbox.ts';
import type { ChatLog } from '../ports/chat-log.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';
import type { RoomLog } from '../ports/room-log.ts';
import type { Traces } from '../ports/traces.ts';

export interface SocialDeps {
  readonly friends: Friends;
  readonly accounts: Accounts;
  readonly activityLog: ActivityLog;
  readonly traces: Traces;
  readonly activities: Pick<Activities, 'remove'>;
  readonly desk: Pick<FeedDesk, 'tell' | 'setAudience'>;
  readonly dismissals: Pick<Dismissals, 'device'>;
  readonly history: FeedHistory;
  readonly erasure: Pick<Erasure, 'erase'>;
}

export interface SocialPorts {
  readonly roomLog: RoomLog;
  readonly chatLog: ChatLog;
  readonly random: Random;
  readonly friends: Friends;
  readonly accounts: Accounts;
  readonly activityLog: ActivityLog;
  readonly activityOutbox: ActivityOutbox;
  readonly feed: Feed;
  readonly traces: Traces;
  readonly clock: HubClock;
  readonly log: Log;
}

/** Undefined where the hub has no feed. */
export function socialDeps(
  ports: SocialPorts,
  hub: Pick<Hub, 'feed' | 'rooms'>,
): SocialDeps | undefined {
  if (hub.feed === undefined) return undefined;
  const { activities, desk, dismissals, history } = hub.feed;
  const { friends, accounts, activityLog, traces } = ports;
  return {
    friends,
    accounts,
    activityLog,
    traces,
    activities,
    desk,
    dismissals,
    history,
    erasure: new Erasure({ ...ports, dismissals, desk, rooms: hub.rooms }),
  };
}
