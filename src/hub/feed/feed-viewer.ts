// A person who looks at the feed over this node, and what they are shown of it at once. Knows neither feed nor stores.
import type { HubMs, UserId } from '../../../protocol/ids.ts';
import {
  MAX_FEED_ITEMS,
  MIN_FEED_ITEMS,
  type AudienceView,
  type FeedItem,
  type FeedSnapshot,
} from '../../../protocol/schemas/feed.ts';
import type { FeedSubscription } from '../../ports/feed.ts';
import type { Audience } from '../../ports/friends.ts';
import type { Connection } from '../connection.ts';
import type { Watch } from './feed-view.ts';

export interface Viewer {
  readonly id: UserId;
  /** Few: a person has some devices. */
  connections: readonly Connection[];
  /** How many wait for the first reading. */
  waiting: number;
  /** The version of their own policy that the last reading came after. */
  version: number;
  toldVersion: number;
  audience: AudienceView | undefined;
  self: Watch | undefined;
  signals: FeedSubscription | undefined;
  reading: Promise<void> | undefined;
}

/** Of whoever is not known to the store. */
export const EVERYBODY: AudienceView = { audience: 'friends', chosen: [] };

export function newViewer(id: UserId): Viewer {
  return {
    id,
    connections: [],
    waiting: 0,
    version: 0,
    toldVersion: 0,
    audience: undefined,
    self: undefined,
    signals: undefined,
    reading: undefined,
  };
}

/** As the wire has it: without a private session that is over. */
export function audienceView(
  { audience, chosen, privateUntil }: Audience,
  now: HubMs,
): AudienceView {
  const isPrivate = privateUntil !== undefined && privateUntil > now;
  return { audience, chosen: [...chosen], ...(isPrivate ? { privateUntil } : {}) };
}

/** What is live before what is over, as much of it as fits. @param items in no order */
export function snapshotOf({ audience }: Viewer, items: readonly FeedItem[]): FeedSnapshot {
  const inOrder = items.toSorted(newestFirst);
  const live = inOrder.filter(({ state }) => state !== 'ended').slice(0, MAX_FEED_ITEMS);
  const over = inOrder.filter(({ state }) => state === 'ended');
  return {
    items: [...live, ...over.slice(0, Math.max(0, MIN_FEED_ITEMS - live.length))],
    audience: audience ?? EVERYBODY,
  };
}

function newestFirst(a: FeedItem, b: FeedItem): number {
  return b.at - a.at || (a.user.id < b.user.id ? -1 : 1);
}
