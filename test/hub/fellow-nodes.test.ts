// Nodes that ask each other, over a feed that they share.
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryFeeds } from '../../src/adapters/memory/memory-feed.ts';
import { FellowNodes, type RoomReport } from '../../src/hub/fellow-nodes.ts';
import { StoreUnavailable } from '../../src/ports/room-log.ts';
import { logRecorder } from '../support/log-recorder.ts';
import { ManualTime } from '../support/manual-time.ts';

class FakeNode {
  readonly fellows: FellowNodes;
  readonly drains: (number | undefined)[] = [];
  rooms: RoomReport[] = [];
  isCutOff = false;
  /** Of a release that tells them. */
  told: { readonly host?: string; readonly release?: string } = {};

  constructor(id: string, feeds: MemoryFeeds, time: ManualTime, alive: ReadonlySet<string>) {
    const feed = feeds.join(id);
    let ids = 0;
    this.fellows = new FellowNodes({
      nodeId: id,
      feed: {
        signal: (userId, word) =>
          this.isCutOff ? Promise.reject(new StoreUnavailable('Redis')) : feed.signal(userId, word),
        subscribe: (author, listener, onSignal) =>
          feed.subscribe(author, listener, (word) => {
            if (!this.isCutOff) onSignal?.(word);
          }),
      },
      timers: time,
      log: logRecorder([]),
      alive: () => alive,
      report: () => ({
        id,
        ...this.told,
        version: '1',
        startedAt: 5,
        connections: 3,
        rooms: this.rooms.length,
        isReady: this.drains.length === 0,
        reasons: this.drains.length === 0 ? [] : ['draining'],
        away: [],
      }),
      rooms: () => this.rooms,
      drain: (withinMs) => this.drains.push(withinMs),
      newId: () => `${id}-${(ids += 1)}`,
    });
  }
}

const room = (n: number, hereCount: number): RoomReport => ({
  id: `room${n}`,
  code: `CODE${n}`,
  name: `Room ${n}`,
  visibility: 'private',
  hereCount,
});

describe('fellow nodes', () => {
  let time: ManualTime;
  let alive: Set<string>;
  let east: FakeNode;
  let west: FakeNode;
  beforeEach(() => {
    time = new ManualTime();
    const feeds = new MemoryFeeds({ now: () => time.now() });
    alive = new Set(['east', 'west']);
    east = new FakeNode('east', feeds, time, alive);
    west = new FakeNode('west', feeds, time, alive);
  });

  it('tell what they are at, whichever of them is asked', async () => {
    for (const { fellows } of [east, west]) {
      const { nodes, missing } = await fellows.nodes();
      expect(nodes.map(({ id, connections }) => [id, connections])).toEqual([
        ['east', 3],
        ['west', 3],
      ]);
      expect(missing).toEqual([]);
    }
  });

  it('tell their machine and release, and are known without where they are of one that tells none', async () => {
    east.told = { host: 'hub-1', release: '0.2.0' };
    for (const { fellows } of [east, west]) {
      const { nodes, missing } = await fellows.nodes();
      expect(nodes).toMatchObject([
        { id: 'east', host: 'hub-1', release: '0.2.0' },
        { id: 'west' },
      ]);
      expect(nodes[1]).not.toHaveProperty('host');
      expect(missing).toEqual([]);
    }
  });

  it('are told of as missing where they live and say nothing', async () => {
    west.isCutOff = true;
    alive.add('north');
    const asked = east.fellows.nodes();
    await time.advance(2_000);
    const { nodes, missing } = await asked;
    expect(nodes.map(({ id }) => id)).toEqual(['east']);
    expect(missing).toEqual(['west', 'north']);
  });

  it('are not asked where the channel is away, except the one that is', async () => {
    east.isCutOff = true;
    await expect(east.fellows.nodes()).rejects.toThrow(StoreUnavailable);
    alive.delete('west');
    expect((await east.fellows.nodes()).nodes).toHaveLength(1);
  });

  it('have rooms in common, each of which is told once, the fullest first', async () => {
    east.rooms = [room(1, 2), room(2, 9)];
    west.rooms = [room(1, 5), room(3, 1)];
    const { rooms } = await east.fellows.rooms();
    expect(rooms.map(({ id, hereCount }) => [id, hereCount])).toEqual([
      ['room2', 9],
      ['room1', 5],
      ['room3', 1],
    ]);
  });

  it('tell of their fullest rooms where they have very many', async () => {
    west.rooms = Array.from({ length: 1_000 }, (_, n) => room(n, n));
    const { rooms } = await east.fellows.rooms();
    expect([rooms.length, rooms[0]?.hereCount]).toEqual([200, 999]);
  });

  it('drain by themselves and by another, and say what they are then; nobody else drains', async () => {
    expect(await east.fellows.drain('west', 5_000)).toMatchObject({
      id: 'west',
      isReady: false,
      reasons: ['draining'],
    });
    expect([east.drains, west.drains]).toEqual([[], [5_000]]);
    expect(await east.fellows.drain('east', undefined)).toMatchObject({ id: 'east' });
    expect([east.drains, west.drains]).toEqual([[undefined], [5_000]]);
  });

  it('are not drained where there is no such node, or it does not answer', async () => {
    expect(await east.fellows.drain('north', 0)).toBeUndefined();
    west.isCutOff = true;
    const asked = east.fellows.drain('west', 0);
    await time.advance(2_000);
    expect(await asked).toBe('missing');
    expect(west.drains).toEqual([]);
  });

  it('let those who wait go when they stop', async () => {
    west.isCutOff = true;
    const asked = east.fellows.nodes();
    await time.settle();
    east.fellows.stop();
    expect((await asked).missing).toEqual(['west']);
  });
});
