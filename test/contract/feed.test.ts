// The contract of the feed, on memory.
import { describe } from 'vitest';
import { MemoryFeeds } from '../../src/adapters/memory/memory-feed.ts';
import { feedContract } from './feed.contract.ts';

describe('memory', () => {
  const feeds = new MemoryFeeds({ now: () => 1_000_000 });
  feedContract({
    join: (nodeId) => Promise.resolve(feeds.join(nodeId)),
    listening: (author) => Promise.resolve(feeds.listening(author)),
    empty: () => {
      feeds.empty();
      return Promise.resolve();
    },
  });
});
