// A server process of the feed bench: a hub on Redis whose people look at authors, or uWebSockets.js alone as its peer;
// with a publishing clock, and its own CPU and memory.
import type { UserId } from '../protocol/ids.ts';
import type { JsonObject } from '../protocol/merge-patch.ts';
import { DirectActivityOutbox } from '../src/adapters/direct-activity-outbox.ts';
import { MemoryActivityLog } from '../src/adapters/memory/memory-activity-log.ts';
import { MemoryArchive } from '../src/adapters/memory/memory-archive.ts';
import { MemoryFeeds } from '../src/adapters/memory/memory-feed.ts';
import { MemoryFriends } from '../src/adapters/memory/memory-friends.ts';
import { MemoryUsers } from '../src/adapters/memory/memory-users.ts';
import { connectRedis } from '../src/adapters/redis/connect-redis.ts';
import { RedisFeedChannels } from '../src/adapters/redis/redis-feed-channels.ts';
import { RedisFeed } from '../src/adapters/redis/redis-feed.ts';
import { RedisKeys } from '../src/adapters/redis/redis-keys.ts';
import { createPinoLog } from '../src/adapters/system/pino-log.ts';
import { createSystemHubClock } from '../src/adapters/system/system-hub-clock.ts';
import { systemTimers } from '../src/adapters/system/system-timers.ts';
import { obeyOrders } from './append-child.ts';
import type { Feed } from '../src/ports/feed.ts';
import { idOfPerson } from './bench-token.ts';
import { startRawFeed } from './feed-peer.ts';
import { authorOf, sharedNowMs, type WhoLooks } from './feed-shape.ts';
import { createMemoryHub, listenFor } from './memory-hub.ts';
import { paced } from './pace.ts';
import { ownUsage, ownUsageCollected, type UsageReport } from './usage.ts';

/** Where the heads lie: in this process, as the rooms' log in the rooms' bench, or in Redis. The peer has none. */
export type FeedStore =
  { readonly kind: 'peer' | 'memory' } | { readonly kind: 'redis'; readonly url: string };

export type FeedServerOrder =
  | ({
      readonly kind: 'start';
      readonly on: FeedStore;
      readonly nodeId: string;
      /** The number of the first of this node's people. */
      readonly firstViewer: number;
    } & WhoLooks)
  | { readonly kind: 'run'; readonly publishesPerSecond: number; readonly seconds: number }
  | { readonly kind: 'usage' }
  | { readonly kind: 'memory' };

export type FeedServerReport =
  | { readonly kind: 'started'; readonly port: number }
  | { readonly kind: 'ran'; readonly published: number }
  | UsageReport;

/** Makes a frame of about the size of the chat message in the rooms' bench. */
const ARTIST_LENGTH = 200;
const NO_LIMITS = {
  friends: 1e9,
  openRequests: 1e9,
  requestsPerDay: 1e9,
  blocked: 1e9,
  shownRequests: 10,
};

function idOfAuthor(n: number): UserId {
  return `00000000-0000-4000-a000-${n.toString(16).padStart(12, '0')}` as UserId;
}

type Publish = (author: number, item: JsonObject) => void;

let publishItem: Publish | undefined;
let authorCount = 0;
let serial = 0;

async function start(order: Extract<FeedServerOrder, { kind: 'start' }>): Promise<number> {
  authorCount = order.authors;
  if (order.on.kind !== 'peer') return startHub(order);
  const peer = await startRawFeed(order);
  publishItem = (author, item) => peer.publish(author, JSON.stringify(item));
  return peer.port;
}

async function openFeed(on: FeedStore, nodeId: string, now: () => number): Promise<Feed> {
  if (on.kind !== 'redis') return new MemoryFeeds({ now }).join(nodeId);
  const log = createPinoLog('warn');
  const connect = () => connectRedis({ kind: 'single', url: on.url }, log);
  const { redis } = await connect();
  const common = { redis, keys: new RedisKeys(16), nodeId };
  const channels = await RedisFeedChannels.open({
    ...{ ...common, connect, timers: systemTimers, log, localNow: () => performance.now() },
  });
  return new RedisFeed({ ...common, channels, now });
}

async function startHub({
  on,
  nodeId,
  firstViewer,
  viewers,
  authors,
  looksAt,
}: Extract<FeedServerOrder, { kind: 'start' }>): Promise<number> {
  const users = new MemoryUsers();
  const archive = new MemoryArchive();
  const friends = new MemoryFriends(users, archive, NO_LIMITS);
  const activityLog = new MemoryActivityLog();
  const clock = createSystemHubClock(Date.now(), 1);
  const feed = await openFeed(on, nodeId, () => clock.now());
  publishItem = (author, item) => void feed.publish(idOfAuthor(author), item);
  for (let n = 0; n < authors; n += 1)
    await users.save({ id: idOfAuthor(n), name: `Author ${n}`, guest: false });
  for (let n = firstViewer; n < firstViewer + viewers; n += 1) {
    const viewer = idOfPerson(n);
    await users.save({ id: viewer, name: `Member ${n}`, guest: false });
    for (let k = 0; k < looksAt; k += 1) {
      const author = idOfAuthor(authorOf(n, k, authors));
      await friends.request(viewer, author, 1);
      await friends.accept(author, viewer, 1);
    }
  }
  const others = { users, friends, feed, activityLog, clock };
  const hub = createMemoryHub(archive, {
    ...others,
    activityOutbox: new DirectActivityOutbox(activityLog),
  });
  await hub.start();
  return listenFor(hub, 'uws');
}

/** What a person listens to, of about the size of a chat message in the other bench. */
function publish(): void {
  const n = serial % authorCount;
  serial += 1;
  const item = {
    activityId: `00000000-0000-4000-8000-${serial.toString(16).padStart(12, '0')}`,
    user: { id: idOfAuthor(n), name: `Author ${n}`, colour: 'teal' },
    at: serial,
    state: 'playing',
    track: {
      title: `sent ${sharedNowMs()}`,
      artist: 'A'.repeat(ARTIST_LENGTH),
      durationMs: 200_000,
      hasCover: false,
    },
    positionMs: 0,
    positionAt: serial,
  };
  publishItem?.(n, item);
}

obeyOrders(async (order: FeedServerOrder): Promise<FeedServerReport> => {
  switch (order.kind) {
    case 'start':
      return { kind: 'started', port: await start(order) };
    case 'run':
      return {
        kind: 'ran',
        published: await paced(order.publishesPerSecond, order.seconds, publish),
      };
    case 'usage':
      return { kind: 'usage', ...ownUsage() };
    case 'memory':
      return { kind: 'memory', ...(await ownUsageCollected()) };
  }
});
