// The feed of a hub: those who listen and those who look, tied together. Undefined where no store of it is configured.
import type { UserId } from '../../protocol/ids.ts';
import { Activities } from './activity/activities.ts';
import type { Connection } from './connection.ts';
import { Dismissals } from './dismissals.ts';
import { FeedDesk } from './feed/feed-desk.ts';
import { FeedHistory } from './feed/feed-history.ts';
import type { HubOptions } from './hub-options.ts';
import type { HubPorts } from './hub-ports.ts';
import { EVERY_NODE } from './listening/live-head.ts';
import { MissedErasures } from './missed-erasures.ts';
import type { Outbox } from './outbox.ts';
import type { Rooms } from './room/rooms.ts';
import { StandingWatch } from './standing-watch.ts';

export interface HubFeed {
  readonly activities: Activities;
  readonly desk: FeedDesk;
  readonly dismissals: Dismissals;
  readonly standing: StandingWatch;
  readonly history: FeedHistory;
  /** As of `Activities`. */
  stop(patienceMs: number): Promise<number>;
}

export function hubFeed(parts: {
  readonly ports: HubPorts;
  readonly options: HubOptions;
  readonly outbox: Outbox;
  readonly rooms: () => Rooms;
  readonly connectionsOf: (userId: UserId) => Iterable<Connection>;
  readonly connections: () => Iterable<Connection>;
  readonly turnAway: (userId: UserId, deviceId?: string) => void;
}): HubFeed | undefined {
  const { ports, options, outbox, rooms, connectionsOf, connections, turnAway } = parts;
  const { feed, friends, activityLog, activityOutbox } = ports;
  if (
    feed === undefined ||
    friends === undefined ||
    activityLog === undefined ||
    activityOutbox === undefined
  )
    return undefined;
  const presence = ports.nodes?.presence ?? { aliveNodes: EVERY_NODE };
  const desk: FeedDesk = new FeedDesk({
    ports: { ...ports, feed, friends, activityLog },
    presence: ports.nodes?.presence,
    outbox,
    policyChanged: (userId, version) => activities.policyChanged(userId, version),
  });
  const activities: Activities = new Activities({
    ports: { ...ports, feed, friends, activityOutbox },
    options,
    presence,
    rooms,
    connectionsOf,
    lastOf: async (userId) =>
      (await activityLog.historyPage(userId, { limit: 1, includePrivate: true }))[0],
    latestOf: async (author) => (await activityLog.latest([author])).get(author),
    signal: (userId, push) => desk.signal(userId, push),
  });
  const history = new FeedHistory({ ...ports, feed, friends, activityLog, presence });
  const dismissals = new Dismissals({
    feed,
    outbox,
    connectionsOf,
    timers: ports.timers,
    log: ports.log,
    forget: (userId) => activities.forget(userId),
    turnAway,
    look: (userId) => void standing.look([...connectionsOf(userId)]),
  });
  const missed = new MissedErasures({ ...ports, feed, activityLog, activityOutbox });
  const standing: StandingWatch = new StandingWatch({
    ...ports,
    connections,
    letGo: (userId, deviceId) => {
      dismissals.here(userId, deviceId);
      if (deviceId === undefined) missed.erase(userId);
    },
  });
  const removeDoubt = feed.onDoubt(() => standing.lookAtAll());
  return {
    activities,
    desk,
    dismissals,
    standing,
    history,
    stop(patienceMs) {
      removeDoubt();
      standing.stop();
      missed.stop();
      dismissals.stop();
      desk.stop();
      return activities.stop(patienceMs);
    },
  };
}
