// A room in which much happens: what comes within a few milliseconds leaves together, in order and whole, and playback waits for nothing.
import { describe, expect, it } from 'vitest';
import type { RoomId } from '../../protocol/ids.ts';
import { RoomPace } from '../../src/hub/room/room-pace.ts';
import { HubWorld, trackId, userId, type TestClient } from '../support/hub-world.ts';

/** Much a second for as long as the rate is averaged over, and the rest of it told. */
async function makeBusy(client: TestClient, roomId: RoomId): Promise<void> {
  for (let n = 0; n < 100; n += 1) {
    await client.ask('chat.send', { roomId, text: `word ${n}` });
    await client.world.time.advance(5);
  }
  await client.world.time.advance(19);
  await client.world.time.advance(1);
}

const UNLIMITED = {
  connectionRate: { perSecond: 1e6, burst: 1e6 },
  userRate: { perSecond: 1e6, burst: 1e6 },
};

async function busyRoom(): Promise<{
  world: HubWorld;
  roomId: RoomId;
  host: TestClient;
  other: TestClient;
}> {
  const world = new HubWorld(UNLIMITED);
  const host = await world.connect(1);
  const roomId = (await host.ask('room.create', { name: 'Kitchen' }))['roomId'] as RoomId;
  const other = await world.connect(2);
  await other.ask('room.join', { roomId });
  await host.ask('queue.add', { roomId, trackIds: [trackId(1)] });
  await world.time.advance(1_000);
  await makeBusy(host, roomId);
  host.socket.take();
  other.socket.take();
  return { world, roomId, host, other };
}

function seqsOf(client: TestClient): number[][] {
  return client
    .take('room.chat')
    .map((push) => (push['items'] as { seq: number }[]).map(({ seq }) => seq));
}

describe('a busy room', () => {
  it('sends what comes within its window in one frame, in order', async () => {
    const { world, roomId, host, other } = await busyRoom();
    for (let n = 0; n < 4; n += 1) await host.ask('chat.send', { roomId, text: `more ${n}` });
    await world.time.advance(19);
    expect(seqsOf(other)).toEqual([]);
    await world.time.advance(1);
    expect(seqsOf(other)).toEqual([[101, 102, 103, 104]]);
  });

  it('holds revisions as well, as one run of numbers', async () => {
    const { world, roomId, host, other } = await busyRoom();
    await host.ask('queue.add', { roomId, trackIds: [trackId(2)] });
    await host.ask('queue.add', { roomId, trackIds: [trackId(3)] });
    expect(other.take('room.events')).toEqual([]);
    await world.time.advance(20);
    const [push, ...others] = other.take('room.events');
    expect(others).toEqual([]);
    const [first, second] = push?.['revisions'] as { revision: number }[];
    expect(second?.revision).toBe((first?.revision ?? 0) + 1);
  });

  it('lets playback wait for nothing, and takes along what waits', async () => {
    const { roomId, host, other } = await busyRoom();
    await host.ask('queue.add', { roomId, trackIds: [trackId(2)] });
    await host.ask('chat.send', { roomId, text: 'now!' });
    expect(other.take('room.events')).toEqual([]);
    await host.ask('playback.play', { roomId });
    const events = other.take('room.events').flatMap((push) => push['revisions'] as object[]);
    expect(events.length).toBeGreaterThanOrEqual(2);
    expect(seqsOf(other)).toEqual([[101]]);
  });

  it('gives who joins in between nothing twice, and nobody too little', async () => {
    const { world, roomId, host, other } = await busyRoom();
    await host.ask('queue.add', { roomId, trackIds: [trackId(2)] });
    await host.ask('chat.send', { roomId, text: 'somebody comes' });
    const third = await world.connect(3);
    const joined = await third.ask('room.join', { roomId });
    // Those who were there are told before the other one is let in.
    const told = other
      .take('room.events')
      .flatMap((push) => push['revisions'] as { revision: number }[]);
    expect(told).toHaveLength(1);
    expect(seqsOf(other)).toEqual([[101]]);
    const { revision } = joined['snapshot'] as { revision: number };
    expect(revision).toBe(told[0]?.revision);
    await world.time.advance(20);
    const later = third
      .take('room.events')
      .flatMap((push) => push['revisions'] as { revision: number }[]);
    expect(later.map((each) => each.revision)).toEqual(later.map((_, i) => revision + 1 + i));
    expect(seqsOf(third)).toEqual([]);
  });

  it('tells who is sent away first what came before', async () => {
    const { roomId, host, other, world } = await busyRoom();
    await host.ask('chat.send', { roomId, text: 'off you go' });
    await host.ask('member.kick', { roomId, userId: userId(2) });
    await world.time.settle();
    const types = other.socket.take().map((push) => push['type']);
    expect(types.indexOf('room.chat')).toBeLessThan(types.indexOf('room.left'));
    expect(types.indexOf('room.events')).toBeLessThan(types.indexOf('room.left'));
    expect(types.at(-1)).toBe('room.left');
  });
});

describe('RoomPace', () => {
  function paceAt(perSecond: number): number {
    const pace = new RoomPace(20);
    let waitMs = 0;
    for (let n = 0; n < perSecond * 3; n += 1) waitMs = pace.came(1, (n * 1_000) / perSecond);
    return waitMs;
  }

  it('lets nothing wait in a quiet room, nor a lone burst', () => {
    expect(paceAt(1)).toBe(0);
    expect(paceAt(15)).toBe(0);
    expect(new RoomPace(20).came(1_000, 0)).toBe(0);
  });

  it('waits longer the more there is, and never beyond its window', () => {
    const waits = [25, 40, 60, 200, 5_000].map(paceAt);
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    expect(waits[0]).toBeGreaterThan(0);
    expect(waits.at(-1)).toBe(20);
  });

  it('forgets that it was busy', () => {
    const pace = new RoomPace(20);
    for (let n = 0; n < 1_000; n += 1) pace.came(1, n * 5);
    expect(pace.came(1, 5_005)).toBe(20);
    expect(pace.came(1, 8_000)).toBe(0);
  });
});
