// What the hub is given: its ports, gathered once, so that each part can name the few that it needs.
import type { ActivityLog } from '../ports/activity-log.ts';
import type { ActivityOutbox } from '../ports/activity-outbox.ts';
import type { Archive } from '../ports/archive.ts';
import type { Authenticator } from '../ports/authenticator.ts';
import type { Bus } from '../ports/bus.ts';
import type { Catalogue } from '../ports/catalogue.ts';
import type { ChatLog } from '../ports/chat-log.ts';
import type { Feed } from '../ports/feed.ts';
import type { Friends } from '../ports/friends.ts';
import type { HubClock } from '../ports/hub-clock.ts';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Presence } from '../ports/presence.ts';
import type { Random } from '../ports/random.ts';
import type { RoomLog } from '../ports/room-log.ts';
import type { SharedRates } from '../ports/shared-rates.ts';
import type { Timers } from '../ports/timers.ts';
import type { Tracer } from '../ports/tracer.ts';
import type { Users } from '../ports/users.ts';
import type { RevokedTokens } from './revoked-tokens.ts';

/** What ties this node to the others. */
export interface Nodes {
  readonly bus: Bus;
  readonly presence: Presence;
}

export interface HubPorts {
  readonly roomLog: RoomLog;
  readonly chatLog: ChatLog;
  readonly users: Users;
  readonly archive: Archive;
  readonly authenticator: Authenticator;
  /** Undefined where nothing is revoked before its time. */
  readonly revoked?: RevokedTokens | undefined;
  readonly catalogue: Pick<Catalogue, 'get'>;
  readonly clock: HubClock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Undefined where nothing is traced. */
  readonly tracer?: Tracer | undefined;
  /** Undefined where nobody is told what people listen to: the four go together. */
  readonly friends?: Friends | undefined;
  readonly feed?: Feed | undefined;
  readonly activityLog?: ActivityLog | undefined;
  readonly activityOutbox?: ActivityOutbox | undefined;
  /** Undefined where this process is alone. */
  readonly nodes?: Nodes | undefined;
  /** Undefined where this process is alone. */
  readonly sharedRates?: SharedRates | undefined;
}
