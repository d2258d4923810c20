// What its author has taken back, or hears where it does not show, is shown to nobody: over whatever node, whatever was missed.
import { describe, expect, it } from 'vitest';
import type { RoomId } from '../../protocol/ids.ts';
import { MemoryActivityLog } from '../../src/adapters/memory/memory-activity-log.ts';
import { MemoryFeeds } from '../../src/adapters/memory/memory-feed.ts';
import { MemoryFriends } from '../../src/adapters/memory/memory-friends.ts';
import { FeedViewer } from '../support/feed-viewer.ts';
import { userId, type HubWorld, type TestClient } from '../support/hub-world.ts';
import { UNHURRIED } from '../support/kitchen.ts';
import { KeepingOutbox, listen, playingRoom, report } from '../support/listening-world.ts';
import { NodesWorld } from '../support/nodes-world.ts';

const LONG_MS = 3_600_000;

/** Ada, who listens over `a` or `b`, and her friend Ben, who looks over `c`. */
async function town() {
  const nodes = new NodesWorld(UNHURRIED);
  const activityLog = new MemoryActivityLog();
  const outbox = new KeepingOutbox(activityLog);
  let isDeaf = false;
  const feeds = new MemoryFeeds({
    now: () => nodes.time.now(),
    deliver: (to, message) => (isDeaf && to === 'c' ? undefined : message()),
  });
  const friends = new MemoryFriends(nodes.users, nodes.archive);
  nodes.portsOf = (nodeId) => {
    const feed = feeds.join(nodeId);
    return { feed, friends, activityLog, activityOutbox: outbox };
  };
  const [a, b, c] = [await nodes.start('a'), await nodes.start('b'), await nodes.start('c')];
  for (const [n, name] of [
    [1, 'Ada'],
    [2, 'Ben'],
  ] as const)
    await nodes.users.save({ id: userId(n), name, guest: true });
  await friends.request(userId(1), userId(2), 0);
  await friends.accept(userId(2), userId(1), 0);
  const ben = new FeedViewer(await c.connect(2));
  await ben.subscribe();
  const { time } = nodes;
  return {
    ...{ a, b, c, ben, time, friends, feeds, outbox, activityLog },
    ada: (node: HubWorld) => node.connect(1),
    live: () => {
      const item = feeds.head(userId(1)).live?.item;
      return (item?.['track'] as { title?: string } | undefined)?.title;
    },
    /** While it does, Ben's node hears nothing of the feed. */
    hearsNothing: (is: boolean) => {
      isDeaf = is;
    },
    /** All titles that Ben was shown from now on. */
    shownSince: () => {
      ben.holds();
      const from = ben.shown.length;
      return () => {
        ben.holds();
        return ben.shown.slice(from).map(({ track }) => track.title);
      };
    },
  };
}

/** Ada says that she plays `title` alone, every fifteen seconds. */
async function say(ada: TestClient, title: string, fromMs: number, ms: number): Promise<string> {
  const track = { title, artist: 'A', durationMs: LONG_MS };
  let id = '';
  for (let passed = 0; passed < ms; passed += 15_000) {
    const word = { track, positionMs: fromMs + passed, state: 'playing' as const };
    id = (await ada.ask('activity.set', word))['activityId'] as string;
    await ada.world.time.advance(Math.min(15_000, ms - passed));
  }
  return id;
}

async function comeBackTo(node: HubWorld, before: TestClient, roomId: RoomId): Promise<TestClient> {
  before.close();
  const again = await node.connect(1);
  await again.ask('room.join', { roomId });
  return again;
}

describe('what its author has taken back', () => {
  it('is not shown again when they go on with it in the room over another node', async () => {
    const { a, b, ben, ada, feeds, shownSince } = await town();
    const there = await ada(a);
    const roomId = await playingRoom(there, ['track1', 'track2']);
    await listen([there], roomId, 15_000);
    const { activityId } = [...ben.items.values(), ...(ben.holds(), ben.items.values())][0] ?? {};
    expect(ben.holds()).toEqual({ Ada: 'Title 1' });
    await there.ask('activity.remove', { activityId: activityId ?? '' });
    await there.world.time.advance(1_000);
    const shown = shownSince();
    const here = await comeBackTo(b, there, roomId);
    await listen([here], roomId, 30_000);
    expect(shown()).toEqual([]);
    expect(feeds.head(userId(1)).live?.item).toMatchObject({ removed: [activityId] });
    // The track after it is another one.
    await listen([here], roomId, 25_000);
    expect(shown()).toEqual(['Title 2']);
  });

  it('is not shown as another one when they go on with it alone over another node', async () => {
    const { a, b, ada, shownSince } = await town();
    const there = await ada(a);
    const id = await say(there, 'Long', 0, 15_000);
    await there.ask('activity.remove', { activityId: id });
    await there.world.time.advance(1_000);
    const shown = shownSince();
    there.close();
    const here = await ada(b);
    expect(await say(here, 'Long', 16_000, 45_000)).toBe(id);
    expect(shown()).toEqual([]);
    expect(await say(here, 'Other', 0, 15_000)).not.toBe(id);
    expect(shown()).toEqual(['Other']);
  });

  it('is known to be so as long as it is played, and by none for ever', async () => {
    const { a, b, ada, feeds, time, shownSince } = await town();
    const there = await ada(a);
    const id = await say(there, 'Long', 0, 15_000);
    await there.ask('activity.remove', { activityId: id });
    const shown = shownSince();
    await say(there, 'Long', 15_000, 15 * 60_000);
    there.close();
    const here = await ada(b);
    await say(here, 'Long', 915_000, 30_000);
    expect(shown()).toEqual([]);
    here.close();
    await time.advance(11 * 60_000);
    expect(feeds.head(userId(1)).live).toBeUndefined();
  });

  it('makes way at once for what else they listen to', async () => {
    const { a, ben, ada, time } = await town();
    const there = await ada(a);
    const roomId = await playingRoom(there, ['track1', 'track2']);
    await listen([there], roomId, 15_000);
    const id = await say(there, 'Long', 0, 10_000);
    expect(ben.holds()).toEqual({ Ada: 'Long' });
    await there.ask('activity.remove', { activityId: id });
    report(there, roomId);
    await time.advance(2_000);
    expect(ben.holds()).toEqual({ Ada: 'Title 1' });
    await there.ask('activity.set', {
      track: { title: 'Long', artist: 'A', durationMs: LONG_MS },
      ...{ positionMs: 12_000, state: 'stopped' },
    });
    await time.advance(2_000);
    expect(ben.holds()).toEqual({ Ada: 'Title 1' });
  });

  it('leaves alone what is another person’s', async () => {
    const { a, ben, ada, b, time } = await town();
    const id = await say(await ada(a), 'Long', 0, 10_000);
    const eve = await b.connect(3);
    expect(await eve.ask('activity.remove', { activityId: id })).toMatchObject({ type: 'ok' });
    await time.advance(3_000);
    expect(ben.holds()).toEqual({ Ada: 'Long' });
  });

  it('is not shown as over where the word was missed: the history tells what is left', async () => {
    const { a, ben, feeds, hearsNothing, activityLog } = await town();
    const at = a.time.now() - 60_000;
    const track = { title: 'Before', artist: 'A', durationMs: 1_000, hasCover: false };
    const before = { kind: 'activity', activityId: 'w', version: 1, isPrivate: false } as const;
    await activityLog.append([{ ...before, userId: userId(1), at, endedAt: at + 1_000, track }]);
    const item = (activityId: string) => ({
      activityId,
      user: { id: userId(1), name: 'Ada', colour: 'rose' },
      ...{ at, state: 'playing', positionMs: 0, positionAt: at },
      track: { ...track, title: activityId },
    });
    // By hand, as a node that is known to live.
    const alive = feeds.join('a');
    await alive.publish(userId(1), item('x'));
    await a.time.settle();
    expect(ben.holds()).toEqual({ Ada: 'x' });
    hearsNothing(true);
    await alive.publish(userId(1), { removed: ['x'] });
    await alive.publish(userId(1), item('y'));
    hearsNothing(false);
    await alive.publish(userId(1), undefined);
    await a.time.settle();
    expect(ben.holds()).toEqual({ Ada: 'Before (over)' });
  });
});

describe('a room that ceases to show what it plays', () => {
  it('takes the track that plays away, and not as over, until the next one that it shows', async () => {
    const { a, ben, ada, time, shownSince } = await town();
    const there = await ada(a);
    const roomId = await playingRoom(there, ['track1', 'track2']);
    await listen([there], roomId, 15_000);
    expect(ben.holds()).toEqual({ Ada: 'Title 1' });
    const shown = shownSince();
    await there.ask('room.update', { roomId, settings: { showActivity: false } });
    await time.advance(1_500);
    expect(ben.holds()).toEqual({});
    await there.ask('room.update', { roomId, settings: { showActivity: true } });
    await listen([there], roomId, 30_000);
    expect(shown()).toEqual([]);
    await listen([there], roomId, 25_000);
    expect(shown()).toEqual(['Title 2']);
  });

  it('has hidden it also from the node that they go on over', async () => {
    const { a, b, ada, time, outbox, shownSince } = await town();
    const there = await ada(a);
    const roomId = await playingRoom(there, ['track1', 'track2']);
    await listen([there], roomId, 15_000);
    await there.ask('room.update', { roomId, settings: { showActivity: false } });
    await time.advance(1_000);
    await there.ask('room.update', { roomId, settings: { showActivity: true } });
    await time.advance(1_000);
    const shown = shownSince();
    const here = await comeBackTo(b, there, roomId);
    await listen([here], roomId, 25_000);
    expect(shown()).toEqual([]);
    expect(outbox.history(1)).toMatchObject([{ isPrivate: true }]);
    // It is their own history all the same: what is hidden is not taken back.
    await here.ask('room.leave', { roomId });
    await time.advance(1_000);
    expect(outbox.heardMs(1, 'Title 1')).toBeGreaterThan(25_000);
  });
});

describe('what is heard in a private session', () => {
  it('is not shown where it goes on after it, over this node or another', async () => {
    const { a, b, ada, friends, time, ben, shownSince } = await town();
    const there = await ada(a);
    const tell = async (change: { readonly privateUntil: number | null }) => {
      a.hub.feed?.desk.tell(await friends.setAudience(userId(1), change));
      await time.advance(1_000);
    };
    await tell({ privateUntil: time.now() + 30_000 });
    const id = await say(there, 'Long', 0, 20_000);
    const shown = shownSince();
    await tell({ privateUntil: null });
    await say(there, 'Long', 21_000, 10_000);
    there.close();
    expect(await say(await ada(b), 'Long', 31_000, 45_000)).toBe(id);
    expect(shown()).toEqual([]);
    expect(ben.holds()).toEqual({});
  });

  it('is not shown either where the session was ended before anybody could see the track', async () => {
    const { a, ada, time, shownSince } = await town();
    const there = await ada(a);
    const shown = shownSince();
    await there.ask('audience.set', { privateUntil: time.now() + 60_000 });
    await say(there, 'Long', 0, 2_000);
    const ended = await there.ask('audience.set', { privateUntil: null });
    expect(ended['audience']).toEqual({ audience: 'friends', chosen: [] });
    await say(there, 'Long', 2_000, 20_000);
    expect(shown()).toEqual([]);
    await say(there, 'Next', 0, 10_000);
    expect(shown()).toEqual(['Next']);
  });

  it('is taken back where the word of the session came after its end', async () => {
    const { a, ada, friends, time, ben, outbox } = await town();
    await say(await ada(a), 'Long', 0, 10_000);
    expect(ben.holds()).toEqual({ Ada: 'Long' });
    const change = await friends.setAudience(userId(1), { privateUntil: time.now() + 2_000 });
    await time.advance(3_000);
    a.hub.feed?.desk.tell(change);
    await time.advance(2_000);
    expect(ben.holds()).toEqual({});
    expect(outbox.history(1)).toMatchObject([{ isPrivate: true }]);
  });
});
