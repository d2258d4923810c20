// One room on several nodes: its people see each other, move between nodes, and are let go by whoever is left when a node dies.
import { beforeEach, describe, expect, it } from 'vitest';
import type { EntryId, RoomId } from '../../protocol/ids.ts';
import { anchorAt } from '../../protocol/schemas/playback.ts';
import type { LiveRoom } from '../../src/hub/room/live-room.ts';
import { trackId, userId, type HubWorld, type TestClient } from '../support/hub-world.ts';
import { UNHURRIED, eventsOf } from '../support/kitchen.ts';
import { NodesWorld } from '../support/nodes-world.ts';

let nodes: NodesWorld;
let east: HubWorld;
let west: HubWorld;
/** User 1, the host, on the east node. */
let host: TestClient;
/** User 2, on the west node. */
let guest: TestClient;
let roomId: RoomId;

function roomOn(world: HubWorld): LiveRoom {
  const room = world.hub.rooms.get(roomId);
  if (room === undefined) throw new Error('the node does not hold the room');
  return room;
}

async function logged(type: string): Promise<readonly Record<string, unknown>[]> {
  const events = await eventsOf(nodes.roomLog, roomId);
  return events.filter((event) => event.type === type);
}

async function play(tracks = 2): Promise<EntryId> {
  const { entryIds } = await host.ask('queue.add', {
    roomId,
    trackIds: Array.from({ length: tracks }, (_, i) => trackId(i + 1)),
  });
  await host.ask('playback.play', { roomId });
  await nodes.time.advance(3_000);
  return (entryIds as EntryId[])[0]!;
}

beforeEach(async () => {
  nodes = new NodesWorld(UNHURRIED);
  east = await nodes.start('east');
  west = await nodes.start('west');
  host = await east.connect(1);
  roomId = (await host.ask('room.create', { name: 'Kitchen' }))['roomId'] as RoomId;
  guest = await west.connect(2);
  await guest.ask('room.join', { roomId });
  await nodes.time.advance(1_000);
  host.socket.take();
  guest.socket.take();
});

describe('people on two nodes', () => {
  it('are counted and named on both', () => {
    for (const world of [east, west]) {
      const { count, members } = JSON.parse(roomOn(world).members.presence.json()) as {
        count: number;
        members: object;
      };
      expect(count).toBe(2);
      expect(Object.keys(members).sort()).toEqual([userId(1), userId(2)]);
    }
  });

  it('are told of who comes and goes elsewhere', async () => {
    const third = await west.connect(3);
    await third.ask('room.join', { roomId });
    await nodes.time.advance(500);
    expect(host.take('room.presence').at(-1)).toMatchObject({
      count: 3,
      joined: { [userId(3)]: { name: 'User 3' } },
    });
    await third.ask('room.leave', { roomId });
    await nodes.time.advance(500);
    expect(host.take('room.presence').at(-1)).toMatchObject({ count: 2, left: [userId(3)] });
    expect(await logged('MembersDeparted')).toHaveLength(1);
  });

  it('see the same revisions, chat and reactions', async () => {
    await guest.ask('room.update', { roomId, name: 'Attic' });
    await host.ask('queue.add', { roomId, trackIds: [trackId(1)] });
    await guest.ask('chat.send', { roomId, text: 'hello' });
    await host.ask('reaction.send', { roomId, emoji: '🎉' });
    await nodes.time.advance(500);
    expect(roomOn(east).state).toEqual(roomOn(west).state);
    expect(host.take('room.chat')[0]).toMatchObject({ items: [{ seq: 1, text: 'hello' }] });
    expect(guest.take('room.reactions')).toHaveLength(1);
    expect(host.take('room.reactions')).toHaveLength(1);
    const revisions = guest
      .take('room.events')
      .flatMap((push) => (push['revisions'] as { revision: number }[]).map((one) => one.revision));
    expect(revisions).toEqual(revisions.map((_, i) => revisions[0]! + i));
  });

  it('wait for each other at a gate, and no longer than needed', async () => {
    const { entryIds } = await host.ask('queue.add', { roomId, trackIds: [trackId(1)] });
    const entryId = (entryIds as EntryId[])[0]!;
    await guest.ask('playback.play', { roomId });
    const startOf = (world: HubWorld): number =>
      roomOn(world).state.public.playback.timeline.at(-1)!.at;
    const planned = startOf(east);
    await host.ask('ready', { roomId, entryId, bufferedMs: 5_000 });
    await nodes.time.advance(50);
    expect(roomOn(east).state.public.playback.gate).toBeDefined();
    await guest.ask('ready', { roomId, entryId, bufferedMs: 5_000 });
    await nodes.time.advance(50);
    expect(roomOn(east).state.public.playback.gate).toBeUndefined();
    expect(startOf(west)).toBe(startOf(east));
    expect(startOf(east)).toBeLessThan(planned);
  });

  it('get a start that the slowest can keep, wherever they are', async () => {
    await guest.ask('sync.report', {
      roomId,
      errorMs: 1,
      maxErrorMs: 2,
      rttMs: 1_000,
      outputLatencyMs: 200,
      state: 'following',
    });
    await nodes.time.advance(11_000);
    expect(host.take('room.sync').at(-1)).toMatchObject({
      p95Ms: 1,
      members: { [userId(2)]: { errorMs: 1 } },
    });
    const entryId = await play();
    const now = nodes.time.now();
    await host.ask('playback.seek', { roomId, entryId, positionMs: 30_000 });
    const { timeline } = roomOn(east).state.public.playback;
    expect(timeline.find(({ at }) => at > now)!.at - now).toBe(800);
  });

  it('have what time brings done once', async () => {
    await play(5);
    await nodes.time.advance(200_000);
    expect(roomOn(east).state).toEqual(roomOn(west).state);
    const moves = await logged('PlaybackMoved');
    const marks = moves.map((event) => JSON.stringify(event['timeline']));
    expect(new Set(marks).size).toBe(marks.length);
    expect(east.hub.metrics.appendConflicts + west.hub.metrics.appendConflicts).toBe(0);
  });
});

describe('a person', () => {
  it('who joins on another node is told off the first one, and stays in the room', async () => {
    const again = await west.connect(1);
    await again.ask('room.join', { roomId });
    await nodes.time.advance(1_000);
    expect(host.take('room.left')).toMatchObject([{ reason: 'replaced' }]);
    expect(roomOn(east).members.count).toBe(2);
    expect(roomOn(west).members.count).toBe(2);
    host.close();
    await nodes.time.advance(60_000);
    expect(await logged('MembersDeparted')).toEqual([]);
    expect(roomOn(west).members.count).toBe(2);
  });

  it('who joins on two nodes at once ends up on one', async () => {
    const [there, here] = [await east.connect(3), await west.connect(3)];
    there.send('room.join', { roomId });
    here.send('room.join', { roomId });
    await nodes.time.advance(5_000);
    expect(there.take('room.left').length + here.take('room.left').length).toBe(1);
    expect([roomOn(east).members.count, roomOn(west).members.count]).toEqual([3, 3]);
  });

  it('who is lost on one node and comes back on the other within the grace never left', async () => {
    await play();
    host.close();
    await nodes.time.advance(10_000);
    await (await west.connect(1)).ask('room.join', { roomId });
    await nodes.time.advance(60_000);
    expect(await logged('MembersDeparted')).toEqual([]);
    expect(await logged('MembersArrived')).toHaveLength(2);
  });

  it('is not let go by a node that did not hear of the return', async () => {
    host.close();
    await nodes.time.advance(10_000);
    nodes.deaf.add('east');
    await (await west.connect(1)).ask('room.join', { roomId });
    await nodes.time.advance(20_000);
    expect(await logged('MembersDeparted')).toEqual([]);
  });

  it('who does not come back departs once', async () => {
    host.close();
    await nodes.time.advance(14_000);
    expect(await logged('MembersDeparted')).toEqual([]);
    await nodes.time.advance(2_000);
    expect(await logged('MembersDeparted')).toHaveLength(1);
    await nodes.time.advance(30_000);
    expect(await logged('MembersDeparted')).toHaveLength(1);
  });
});

describe('a node that dies', () => {
  it('takes its people with it after the grace, not before', async () => {
    await play();
    nodes.kill('east');
    await nodes.time.advance(6_000);
    nodes.bury('east');
    await nodes.time.advance(14_000);
    expect(await logged('MembersDeparted')).toEqual([]);
    expect(roomOn(west).members.count).toBe(1);
    await nodes.time.advance(6_000);
    expect(await logged('MembersDeparted')).toMatchObject([{ members: [{ userId: userId(1) }] }]);
    expect(anchorAt(roomOn(west).state.public.playback.timeline, nodes.time.now()).state).toBe(
      'playing',
    );
  });

  it('is not missed by those who come back to another one within the grace', async () => {
    await play();
    nodes.kill('east');
    await nodes.time.advance(6_000);
    nodes.bury('east');
    await nodes.time.advance(5_000);
    await (await west.connect(1)).ask('room.join', { roomId });
    await nodes.time.advance(60_000);
    expect(await logged('MembersDeparted')).toEqual([]);
  });

  it('leaves no room behind: another one ends the stay of its people, where they heard it last', async () => {
    await guest.ask('room.leave', { roomId });
    await nodes.time.advance(1_000);
    await play(5);
    await nodes.time.advance(70_000);
    const aliveAt = nodes.time.now();
    nodes.kill('east');
    nodes.bury('east');
    await nodes.time.advance(20_000);
    const { public: room } = roomOn(west).state;
    expect(room.hereCount).toBe(0);
    expect(room.playback.timeline).toHaveLength(1);
    expect(room.playback.timeline[0]).toMatchObject({ state: 'paused' });
    expect(room.playback.timeline[0]!.at).toBeLessThanOrEqual(aliveAt);
  });

  it('by the others’ belief alone, and lives on, has its people back', async () => {
    nodes.cutOff.add('east');
    nodes.deaf.add('east');
    nodes.bury('east');
    await nodes.time.advance(30_000);
    expect(await logged('MembersDeparted')).toHaveLength(1);
    nodes.heal('east');
    nodes.mesh.revive(nodes.nodeOf('east')!);
    await nodes.time.advance(10_000);
    expect(roomOn(west).state.members[userId(1)]?.here).toBe(true);
    expect([roomOn(east).members.count, roomOn(west).members.count]).toEqual([2, 2]);
  });
});

describe('a message that is lost', () => {
  it('is made good by one read when the next one shows the hole', async () => {
    nodes.deaf.add('west');
    await host.ask('room.update', { roomId, name: 'Attic' });
    nodes.deaf.delete('west');
    await host.ask('queue.add', { roomId, trackIds: [trackId(1)] });
    expect(roomOn(west).state).toEqual(roomOn(east).state);
  });

  it('is noticed within seconds when none comes after it', async () => {
    nodes.deaf.add('west');
    await host.ask('room.update', { roomId, name: 'Attic' });
    await host.ask('chat.send', { roomId, text: 'hello' });
    const third = await east.connect(3);
    await third.ask('room.join', { roomId });
    await nodes.time.advance(1_000);
    nodes.deaf.delete('west');
    expect(roomOn(west).state.public.name).toBe('Kitchen');
    await nodes.time.advance(5_500);
    expect(roomOn(west).state).toEqual(roomOn(east).state);
    expect(guest.take('room.chat')).toHaveLength(1);
    expect(roomOn(west).members.count).toBe(3);
  });

  it('is not suspected where the answer of the log is older than what is held', async () => {
    const heads = nodes.roomLog.heads.bind(nodes.roomLog);
    let answer: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => {
      nodes.roomLog.heads = async (roomIds) => {
        const found = await heads(roomIds);
        resolve();
        await new Promise<void>((resume) => (answer = resume));
        return found;
      };
    });
    nodes.nodeOf('west')!.doubt();
    await asked;
    await host.ask('room.update', { roomId, name: 'Attic' });
    answer();
    await nodes.time.settle();
    expect(roomOn(west).state.public.name).toBe('Attic');
    expect(west.hub.metrics.gapsRepaired).toBe(0);
  });

  it('is looked for at once when the path was in doubt', async () => {
    nodes.deaf.add('west');
    await host.ask('room.update', { roomId, name: 'Attic' });
    nodes.heal('west');
    await nodes.time.settle();
    expect(roomOn(west).state.public.name).toBe('Attic');
  });
});
