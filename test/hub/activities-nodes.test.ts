import { describe, expect, it } from 'vitest';
import type { RoomId } from '../../protocol/ids.ts';
import { MemoryActivityLog } from '../../src/adapters/memory/memory-activity-log.ts';
import { MemoryFeeds } from '../../src/adapters/memory/memory-feed.ts';
import { MemoryFriends } from '../../src/adapters/memory/memory-friends.ts';
import type { JsonObject } from '../../protocol/merge-patch.ts';
import { readLive, withheldIn, type WithheldIds } from '../../src/hub/live-activity.ts';
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
    for (const n of [1, 2, 3])
      await town.nodes.users.save({ id: userId(n), name: `User ${n}`, guest: true });
    for (const n of [2, 3]) {
      await town.friends.request(userId(n), userId(1), 0);
      await town.friends.accept(userId(1), userId(n), 0);
    }
    const user = (n: number) => ({ id: userId(n), name: `User ${n}`, guest: true });
    await town.feeds.join('c').publish(userId(1), {
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
      a.hub.feed?.activities.join(user(2), userId(1), 'solo'),
      b.hub.feed?.activities.join(user(3), userId(1), 'solo'),
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
