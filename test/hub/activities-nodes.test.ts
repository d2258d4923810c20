import { describe, expect, it } from 'vitest';
import type { RoomId } from '../../protocol/ids.ts';
import { MemoryActivityLog } from '../../src/adapters/memory/memory-activity-log.ts';
import { MemoryFeeds } from '../../src/adapters/memory/memory-feed.ts';
import { MemoryFriends } from '../../src/adapters/memory/memory-friends.ts';
import type { JsonObject } from '../../protocol/merge-patch.ts';
import { readLive, withheldIn, type WithheldIds } from '../../src/hub/listening/live-activity.ts';
import { StoreUnavailable } from '../../src/ports/room-log.ts';
import { userId, type HubWorld, type TestClient } from '../support/hub-world.ts';
import { KeepingOutbox, listen, playingRoom, report } from '../support/listening-world.ts';
import { NodesWorld } from '../support/nodes-world.ts';

class Town {
  readonly nodes = new NodesWorld();
  readonly activityLog = new MemoryActivityLog();
  readonly outbox = new KeepingOutbox(this.activityLog);
  readonly feeds = new MemoryFeeds({ now: () => this.nodes.time.now() });
  readonly friends = new MemoryFriends(this.nodes.users, this.nodes.archive);

  constructor() {
    this.nodes.portsOf = (nodeId) => {
      const feed = this.feeds.join(nodeId);
      const { friends, activityLog, outbox: activityOutbox } = this;
      return { feed, friends, activityLog, activityOutbox };
    };
  }

  async person(node: HubWorld, n: number): Promise<TestClient> {
    await this.nodes.users.save({ id: userId(n), name: `User ${n}`, guest: true });
    return node.connect(n);
  }

  live(n: number): { readonly node: string; readonly item: JsonObject } | undefined {
    const said = this.feeds.head(userId(n)).live;
    return readLive(said?.item) === undefined ? undefined : said;
  }

  withheld(n: number): WithheldIds {
    return withheldIn(this.feeds.head(userId(n)).live?.item);
  }
}

async function reportTo(pairs: readonly (readonly [TestClient, RoomId])[], ms: number) {
  for (let passed = 0; passed < ms; passed += 5_000) {
    for (const [person, roomId] of pairs) report(person, roomId);
    await pairs[0]?.[0].world.time.advance(5_000);
  }
}

describe('on two nodes', () => {
  it('a person who moves over goes on with the same activity and the same listen', async () => {
    const town = new Town();
    const [a, b] = [await town.nodes.start('a'), await town.nodes.start('b')];
    const host = await town.person(a, 1);
    const roomId = await playingRoom(host, ['track1', 'track2']);
    await listen([host], roomId, 15_000);
    const before = town.live(1)?.item['activityId'];
    expect(town.live(1)?.node).toBe('a');
    host.close();
    const again = await b.connect(1);
    await again.ask('room.join', { roomId });
    await listen([again], roomId, 25_000);
    expect(town.live(1)).toMatchObject({ node: 'b', item: { activityId: before } });
    await again.ask('room.leave', { roomId });
    await town.nodes.time.advance(2_000);
    expect(town.live(1)).toBeUndefined();
    const history = town.outbox.history(1);
    expect(history).toHaveLength(1);
    expect(new Set(town.outbox.heard(1).map(({ listenId }) => listenId))).toEqual(
      new Set([before]),
    );
  });

  it('a play whose start has left the timeline is the same on a node that comes to it later', async () => {
    const town = new Town();
    const [a, b] = [await town.nodes.start('a'), await town.nodes.start('b')];
    const host = await town.person(a, 1);
    const roomId = await playingRoom(host, ['track1']);
    await listen([host], roomId, 15_000);
    const entryId = Object.keys(a.hub.rooms.get(roomId)?.state.public.queue ?? {})[0] as string;
    for (const positionMs of [20_000, 10_000]) {
      await host.ask('playback.seek', { roomId, entryId, positionMs });
      await listen([host], roomId, 5_000);
    }
    host.close();
    const again = await b.connect(1);
    await again.ask('room.join', { roomId });
    await listen([again], roomId, 20_000);
    await again.ask('room.leave', { roomId });
    await town.nodes.time.advance(2_000);
    expect(new Set(town.outbox.heard(1).map(({ playKey }) => playKey)).size).toBe(1);
    expect(town.outbox.history(1)).toHaveLength(1);
  });

  it('a node that a person has left does not end what goes on on the other', async () => {
    const town = new Town();
    const [a, b] = [await town.nodes.start('a'), await town.nodes.start('b')];
    const host = await town.person(a, 1);
    const roomId = await playingRoom(host, ['track1', 'track2']);
    await listen([host], roomId, 15_000);
    host.close();
    const again = await b.connect(1);
    await again.ask('room.join', { roomId });
    await listen([again], roomId, 30_000);
    expect(town.outbox.history(1)).toHaveLength(1);
    expect(town.outbox.history(1)[0]).not.toHaveProperty('endedAt');
  });

  it('the newest of two rooms wins, and when it ends the other one shows again', async () => {
    const town = new Town();
    const [a, b] = [await town.nodes.start('a'), await town.nodes.start('b')];
    const there = await town.person(a, 1);
    const here = await b.connect(1);
    const first = await playingRoom(there, ['track1', 'track2', 'track3']);
    await listen([there], first, 15_000);
    const second = await playingRoom(here, ['track4', 'track5', 'track6']);
    await reportTo(
      [
        [there, first],
        [here, second],
      ],
      15_000,
    );
    expect(town.live(1)).toMatchObject({ node: 'b', item: { room: { roomId: second } } });
    await here.ask('room.leave', { roomId: second });
    await reportTo([[there, first]], 5_000);
    expect(town.live(1)).toMatchObject({ node: 'a', item: { room: { roomId: first } } });
  });

  it('what is removed over one node is shown by none', async () => {
    const town = new Town();
    const [a, b] = [await town.nodes.start('a'), await town.nodes.start('b')];
    const host = await town.person(a, 1);
    const roomId = await playingRoom(host, ['track1', 'track2']);
    await listen([host], roomId, 15_000);
    const id = town.live(1)?.item['activityId'] as string;
    await b.hub.feed?.activities.remove(userId(1), id);
    await listen([host], roomId, 10_000);
    expect(town.live(1)).toBeUndefined();
    expect(town.withheld(1)).toEqual({ removed: [id], hidden: [] });
    const told = town.outbox.entries.findIndex(({ kind }) => kind === 'remove');
    expect(town.outbox.entries.slice(told + 1)).toEqual([]);
    // The next track is another one.
    await listen([host], roomId, 45_000);
    expect(town.live(1)?.item).toMatchObject({ track: { trackId: 'track2' } });
  });

  it('says again what a store that came back empty has lost', async () => {
    const town = new Town();
    const a = await town.nodes.start('a');
    const host = await town.person(a, 1);
    const roomId = await playingRoom(host, ['track1', 'track2']);
    await listen([host], roomId, 15_000);
    town.feeds.empty();
    expect(town.live(1)).toBeUndefined();
    await listen([host], roomId, 35_000);
    expect(town.live(1)).toBeDefined();
  });

  it('goes on while the feed is away, and says the latest when it is back', async () => {
    const town = new Town();
    const a = await town.nodes.start('a');
    const host = await town.person(a, 1);
    const roomId = await playingRoom(host, ['track1', 'track2', 'track3']);
    town.feeds.isAway = true;
    await listen([host], roomId, 70_000);
    town.feeds.isAway = false;
    await listen([host], roomId, 5_000);
    expect(town.live(1)?.item).toMatchObject({ track: { trackId: 'track2' } });
    expect(town.outbox.history(1).map(({ track }) => track.title)).toEqual(['Title 1', 'Title 2']);
  });

  it('two friends who join at once on two nodes come to the same room', async () => {
    const town = new Town();
    const [a, b] = [await town.nodes.start('a'), await town.nodes.start('b')];
    await town.nodes.start('c');
    for (const n of [1, 2, 3])
      await town.nodes.users.save({ id: userId(n), name: `User ${n}`, guest: true });
    for (const n of [2, 3]) {
      await town.friends.request(userId(n), userId(1), 0);
      await town.friends.accept(userId(1), userId(n), 0);
    }
    const user = (n: number) => ({ id: userId(n), name: `User ${n}`, guest: true });
    // By hand, as a node that is known to live.
    await town.feeds.join('a').publish(userId(1), {
      activityId: 'solo',
      user: { id: userId(1), name: 'User 1', colour: 'rose' },
      at: town.nodes.time.now(),
      state: 'playing',
      track: {
        trackId: 'track1',
        title: 'Title 1',
        artist: 'Artist 1',
        durationMs: 60_000,
        hasCover: false,
      },
      positionMs: 0,
      positionAt: town.nodes.time.now(),
      join: 'solo',
    });
    const joins = Promise.all([
      a.hub.feed?.activities.join(user(2), userId(1), 'solo', '192.0.2.2'),
      b.hub.feed?.activities.join(user(3), userId(1), 'solo', '192.0.2.3'),
    ]);
    await town.nodes.time.settle();
    const [one, other] = await joins;
    expect(typeof one).toBe('string');
    expect(other).toBe(one);
    const queue = a.hub.rooms.get(one as RoomId)?.state.public.queue ?? {};
    expect(Object.keys(queue)).toHaveLength(1);
  });

  it('an outbox that is away for a while costs nothing of what was heard', async () => {
    const town = new Town();
    const a = await town.nodes.start('a');
    const host = await town.person(a, 1);
    const roomId = await playingRoom(host, ['track1', 'track2', 'track3']);
    town.outbox.add = async () => Promise.reject(new StoreUnavailable('the outbox'));
    await listen([host], roomId, 100_000);
    expect(town.outbox.entries).toEqual([]);
    Reflect.deleteProperty(town.outbox, 'add');
    await listen([host], roomId, 40_000);
    await host.ask('room.leave', { roomId });
    await town.nodes.time.advance(20_000);
    expect(town.outbox.heardMs(1, 'Title 2')).toBe(60_000);
  });
});

describe('a person who listens alone and changes nodes', () => {
  async function moving(isPrivate: boolean) {
    const town = new Town();
    const [a, b] = [await town.nodes.start('a'), await town.nodes.start('b')];
    const client = await town.person(a, 1);
    const privateUntil = isPrivate ? town.nodes.time.now() + 600_000 : null;
    await town.friends.setAudience(userId(1), { audience: 'friends', privateUntil });
    const say = (
      who: TestClient,
      positionMs: number,
      state: 'playing' | 'paused' | 'stopped' = 'playing',
    ) => who.ask('activity.set', { track: { trackId: 'track1' }, positionMs, state });
    const listens = async () => {
      await town.nodes.time.advance(1_000);
      return town.activityLog.listensPage(userId(1), { limit: 10 });
    };
    return { town, b, client, say, listens };
  }

  it.each([true, false])('has heard one play, whole: private %s', async (isPrivate) => {
    const { town, b, client, say, listens } = await moving(isPrivate);
    await say(client, 0);
    await town.nodes.time.advance(20_000);
    await say(client, 20_000);
    await town.nodes.time.advance(10_000);
    client.close();
    const again = await b.connect(1);
    // Its clock and the network are not those of before.
    await say(again, 30_080);
    await town.nodes.time.advance(29_000);
    await say(again, 59_080, 'stopped');
    const heard = await listens();
    expect(heard).toHaveLength(1);
    expect(heard[0]?.heardMs).toBeGreaterThan(58_900);
    expect(town.outbox.history(1)).toHaveLength(1);
    expect(town.outbox.history(1)).toMatchObject([{ isPrivate }]);
  });

  it('goes on in private after a pause, by the history', async () => {
    const { town, b, client, say, listens } = await moving(true);
    await say(client, 0);
    await town.nodes.time.advance(20_000);
    await say(client, 20_000, 'paused');
    await town.nodes.time.advance(100_000);
    await say(client, 20_000);
    await town.nodes.time.advance(11_000);
    client.close();
    const again = await b.connect(1);
    await say(again, 31_000);
    await town.nodes.time.advance(29_000);
    await say(again, 60_000, 'stopped');
    expect(await listens()).toHaveLength(1);
  });

  it('has begun it anew where it came to its end before', async () => {
    const { town, b, client, say, listens } = await moving(false);
    await say(client, 0);
    await town.nodes.time.advance(30_000);
    await say(client, 30_000);
    await town.nodes.time.advance(29_000);
    client.close();
    const again = await b.connect(1);
    await say(again, 0);
    await town.nodes.time.advance(40_000);
    await say(again, 40_000, 'stopped');
    expect(await listens()).toHaveLength(2);
  });
});

describe('what somebody hears alone when a friend makes a room of it', () => {
  it('is one play: theirs goes on in it, also over another node, and is heard together', async () => {
    const town = new Town();
    const [a, b] = [await town.nodes.start('a'), await town.nodes.start('b')];
    const [author, friend] = [await town.person(a, 1), await town.person(b, 2)];
    await town.friends.request(userId(2), userId(1), 0);
    await town.friends.accept(userId(1), userId(2), 0);
    const word = { track: { trackId: 'track1' }, positionMs: 0, state: 'playing' } as const;
    const begun = town.nodes.time.now();
    const { activityId } = await author.ask('activity.set', word);
    await town.nodes.time.advance(25_000);
    const joined = await friend.ask('activity.join', {
      activityId: activityId as string,
      userId: userId(1),
    });
    const roomId = joined['roomId'] as RoomId;
    await friend.ask('room.join', { roomId });
    await author.ask('room.join', { roomId });
    await town.nodes.time.advance(1_000);
    await reportTo(
      [
        [author, roomId],
        [friend, roomId],
      ],
      5_000,
    );
    expect(town.live(1)?.item).toMatchObject({ activityId, at: begun, room: { roomId } });
    await author.ask('activity.set', { ...word, positionMs: 31_000, state: 'stopped' });
    await town.nodes.time.advance(1_500);
    expect(town.outbox.history(1)).toHaveLength(1);
    expect(town.outbox.history(1)[0]).not.toHaveProperty('endedAt');
    await reportTo([[author, roomId]], 5_000);
    author.close();
    const again = await b.connect(1);
    await again.ask('room.join', { roomId });
    await reportTo(
      [
        [again, roomId],
        [friend, roomId],
      ],
      25_000,
    );
    await again.ask('room.leave', { roomId });
    await friend.ask('room.leave', { roomId });
    await town.nodes.time.advance(1_000);
    const listens = await town.activityLog.listensPage(userId(1), { limit: 10 });
    expect(listens.map(({ listenId }) => listenId)).toEqual([activityId]);
    const [theirs] = await town.activityLog.together(userId(1), {
      from: 0,
      to: Infinity,
      limit: 10,
    });
    expect(theirs).toMatchObject({ userId: userId(2), plays: 1 });
  });

  it('is another play when the room plays it again', async () => {
    const town = new Town();
    const a = await town.nodes.start('a');
    const [author, friend] = [await town.person(a, 1), await town.person(a, 2)];
    await town.friends.request(userId(2), userId(1), 0);
    await town.friends.accept(userId(1), userId(2), 0);
    const word = { track: { trackId: 'track1' }, positionMs: 0, state: 'playing' } as const;
    const { activityId } = await author.ask('activity.set', word);
    await town.nodes.time.advance(25_000);
    const joined = await friend.ask('activity.join', {
      activityId: activityId as string,
      userId: userId(1),
    });
    const roomId = joined['roomId'] as RoomId;
    await author.ask('room.join', { roomId });
    await author.ask('playback.mode', { roomId, repeat: 'one' });
    await author.ask('activity.set', { ...word, positionMs: 25_000, state: 'stopped' });
    await listen([author], roomId, 80_000);
    await author.ask('room.leave', { roomId });
    await town.nodes.time.advance(1_000);
    const listens = await town.activityLog.listensPage(userId(1), { limit: 10 });
    expect(listens).toHaveLength(2);
    expect(listens.map(({ listenId }) => listenId)).toContain(activityId);
  });
});
