// Words for every node of the service, over the feed's channels: how they are said, and heard. Knows none of the words.
import type { JsonObject } from '../../protocol/merge-patch.ts';
import type { UserId } from '../../protocol/ids.ts';
import type { Feed, FeedSubscription } from '../ports/feed.ts';
import { StoreUnavailable } from '../ports/room-log.ts';

/** Nobody has this id: what is signalled to it is for the nodes, each of which listens. */
const ADDRESS_OF_NODES = '00000000-0000-0000-0000-000000000000' as UserId;

/** Hears what is told to the nodes, also what this one told. Whoever asks need not wait: a node that cannot hear yet serves all the same. */
export function hearNodes(
  feed: Pick<Feed, 'subscribe'>,
  heard: (word: JsonObject) => void,
): FeedSubscription {
  const subscription = feed.subscribe(ADDRESS_OF_NODES, () => undefined, heard);
  // It is tried until it stands.
  subscription.ready.catch((error: unknown) => {
    if (!(error instanceof StoreUnavailable)) throw error;
  });
  return subscription;
}

/** Rejects with `StoreUnavailable`. */
export function tellNodes(feed: Pick<Feed, 'signal'>, word: JsonObject): Promise<void> {
  return feed.signal(ADDRESS_OF_NODES, word);
}
