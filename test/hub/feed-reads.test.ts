// What is read of friends' listening beside the live feed: over REST, and by whoever steps in.
import { describe, expect, it } from 'vitest';
import type { UserId } from '../../protocol/ids.ts';
import { MemoryActivityLog } from '../../src/adapters/memory/memory-activity-log.ts';
import { MemoryFeeds, type MemoryFeed } from '../../src/adapters/memory/memory-feed.ts';
import { MemoryFriends } from '../../src/adapters/memory/memory-friends.ts';
import { StoreUnavailable } from '../../src/ports/room-log.ts';
import { userId, type HubWorld, type TestClient } from '../support/hub-world.ts';
import { UNHURRIED } from '../support/kitchen.ts';
import { KeepingOutbox } from '../support/listening-world.ts';
import { NodesWorld } from '../support/nodes-world.ts';

const [ADA, BEN] = [userId(1), userId(2)];

/** Ada listens over `a`; her friend Ben is on `b`. */
async function town() {
  const nodes = new NodesWorld(UNHURRIED);
  const activityLog = new MemoryActivityLog();
  const outbox = new KeepingOutbox(activityLog);
  const feeds = new MemoryFeeds({ now: () => nodes.time.now() });
  const friends = new MemoryFriends(nodes.users, nodes.archive);
  const joined = new Map<string, MemoryFeed>();
  nodes.portsOf = (nodeId) => {
    const feed = feeds.join(nodeId);
    joined.set(nodeId, feed);
    return { feed, friends, activityLog, activityOutbox: outbox };
  };
  const [a, b] = [await nodes.start('a'), await nodes.start('b')];
  await nodes.users.save({ id: ADA, name: 'Ada', guest: true });
  await nodes.users.save({ id: BEN, name: 'Ben', guest: true });
  await friends.request(ADA, BEN, 0);
  await friends.accept(BEN, ADA, 0);
  const [ada, ben] = [await a.connect(1), await b.connect(2)];
  const feedOf = (nodeId: string): MemoryFeed => {
    const feed = joined.get(nodeId);
    if (feed === undefined) throw new RangeError(`no node is ${nodeId}`);
    return feed;
  };
  return { nodes, feedOf, a, b, ada, ben, friends, feeds, outbox, activityLog, ...readsOf(b) };
}

interface Reads {
  /** What Ben reads in the feed, with what is live marked. */
  readonly feed: () => Promise<string[]>;
  readonly history: (viewer?: UserId) => Promise<string[] | undefined>;
}

function readsOf({ hub }: HubWorld): Reads {
  return {
    async feed(): Promise<string[]> {
      const page = (await hub.feed?.history.recent(BEN, { limit: 10 })) ?? [];
      return page.flatMap(({ item }) =>
        item === undefined ? [] : [item.track.title + (item.state === 'ended' ? '' : ' (live)')],
      );
    },
    async history(viewer = BEN): Promise<string[] | undefined> {
      const page = await hub.feed?.history.historyOf(viewer, ADA, { limit: 10 });
      return page?.flatMap(({ activity }) => activity?.track.title ?? []);
    },
  };
}

async function play(ada: TestClient, n: number, ms = 8_000): Promise<string> {
  const word = { track: { trackId: `track${n}` }, positionMs: 0, state: 'playing' as const };
  const reply = await ada.ask('activity.set', word);
  await ada.world.time.advance(ms);
  return reply['activityId'] as string;
}

describe('what a dead node has said', () => {
  it('is not live to whoever reads the feed, joins or reacts', async () => {
    const { nodes, ada, ben, feed } = await town();
    const activityId = await play(ada, 1);
    expect(await feed()).toEqual(['Title 1 (live)']);
    nodes.kill('a');
    nodes.bury('a');
    expect(await feed()).toEqual(['Title 1']);
    expect(await ben.ask('activity.join', { userId: ADA, activityId })).toMatchObject({
      code: 'not_found',
    });
  });

  it('is not live either where it is over by its length and nobody could say so', async () => {
    const { nodes, ada, ben, feeds, feed } = await town();
    const activityId = await play(ada, 1);
    feeds.isAway = true;
    await ada.ask('activity.set', {
      track: { trackId: 'track1' },
      positionMs: 8_000,
      state: 'stopped',
    });
    await nodes.time.advance(80_000);
    feeds.isAway = false;
    expect(feeds.head(ADA)).toMatchObject({ live: { item: { activityId } } });
    expect(await feed()).toEqual(['Title 1']);
    expect(await ben.ask('activity.join', { userId: ADA, activityId })).toMatchObject({
      code: 'not_found',
    });
  });
});

describe('what its author has taken back', () => {
  it('is in no page from then on, whatever the history has heard', async () => {
    const { nodes, a, ada, outbox, activityLog, feed, history } = await town();
    const activityId = await play(ada, 1);
    await nodes.time.advance(500);
    // It is taken in, and does not reach the log yet.
    activityLog.append = () => Promise.resolve();
    await ada.ask('activity.remove', { activityId });
    await nodes.time.advance(10);
    expect(outbox.entries.at(-1)).toMatchObject({ kind: 'remove' });
    expect(await feed()).toEqual([]);
    expect(await history()).toEqual([]);
    expect(await readsOf(a).history(ADA)).toEqual(['Title 1']);
  });

  it('is withheld at once, also where something else was said a moment ago', async () => {
    const { nodes, ada, activityLog, feed } = await town();
    await play(ada, 1);
    const activityId = await play(ada, 2, 5_000);
    await nodes.time.advance(1_000);
    activityLog.append = () => Promise.resolve();
    await ada.ask('activity.remove', { activityId });
    await nodes.time.advance(10);
    expect(await feed()).toEqual(['Title 1']);
  });
});

describe('of whom nobody can say what is taken back', () => {
  it('nothing is read while that is so, and the place of it in the page is kept', async () => {
    const { b, ada, ben, feedOf, feed, history } = await town();
    const activityId = await play(ada, 1);
    const there = feedOf('b');
    const heads = there.heads.bind(there);
    // What keeps Ada is away, and with it what she has taken back.
    there.heads = async (authors) => {
      const all = await heads(authors);
      return all.map((head, i) => (authors[i] === ADA ? undefined : head)) as typeof all;
    };
    expect(await feed()).toEqual([]);
    const page = await b.hub.feed?.history.recent(BEN, { limit: 10 });
    expect(page).toMatchObject([{ item: undefined, place: { id: activityId } }]);
    await expect(history()).rejects.toThrow(StoreUnavailable);
    const reaction = { userId: ADA, activityId, emoji: '🔥' };
    expect(await ben.ask('activity.react', reaction)).toMatchObject({ code: 'unavailable' });
    there.heads = heads;
    expect(await history()).toEqual(['Title 1']);
  });
});

describe('whoever is shut out while it is read', () => {
  it('reads nothing of it', async () => {
    const { ada, friends, activityLog, feed, history, nodes } = await town();
    await play(ada, 1);
    const feedPage = activityLog.feedPage.bind(activityLog);
    const historyPage = activityLog.historyPage.bind(activityLog);
    const shutOut = async (): Promise<void> => {
      await friends.setAudience(ADA, { audience: 'nobody' });
    };
    activityLog.feedPage = async (...query) => {
      await shutOut();
      return feedPage(...query);
    };
    expect(await feed()).toEqual([]);
    await friends.setAudience(ADA, { audience: 'friends' });
    expect(await history()).toEqual(['Title 1']);
    activityLog.historyPage = async (...query) => {
      await friends.block(ADA, BEN, nodes.time.now());
      return historyPage(...query);
    };
    expect(await history()).toBeUndefined();
  });

  it('reads nothing as live that was heard in a private session of which its node has not learnt', async () => {
    const { ada, nodes, friends, feed, history } = await town();
    await play(ada, 1);
    await friends.setAudience(ADA, { privateUntil: nodes.time.now() + 1_000 });
    await nodes.time.advance(2_000);
    expect(await feed()).toEqual([]);
    expect(await history()).toEqual([]);
  });
});
