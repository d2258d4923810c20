// A peer that does not read: nothing is lost in silence, and nobody else notices.
import { describe, expect, it } from 'vitest';
import { encodeProbe } from '../../protocol/clock-frames.ts';
import type { RoomId } from '../../protocol/ids.ts';
import { stateHash } from '../../protocol/state-hash.ts';
import { HubWorld, trackId, userId, type TestClient } from '../support/hub-world.ts';

const CLIENT = { name: 'test', version: '1' };
const TOKEN = `${userId(1)}|User 1`;
const MARKS = { softBufferBytes: 4_000, hardBufferBytes: 20_000 };

async function roomOf(
  world: HubWorld,
  count: number,
): Promise<{ roomId: RoomId; clients: TestClient[] }> {
  const host = await world.connect(1);
  const roomId = (await host.ask('room.create', { name: 'Kitchen' }))['roomId'] as RoomId;
  const clients = [host];
  for (let n = 2; n <= count; n += 1) {
    const client = await world.connect(n);
    await client.ask('room.join', { roomId });
    clients.push(client);
  }
  await world.time.advance(1_000);
  for (const client of clients) client.socket.take();
  return { roomId, clients };
}

async function change(client: TestClient, roomId: RoomId, times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    await client.ask('room.update', { roomId, name: `Name ${n} ${'x'.repeat(40)}` });
    await client.world.time.advance(1_000);
  }
}

describe('a socket that reads too slowly', () => {
  it('is behind above the soft mark, and gets the whole room once it has read (RM10)', async () => {
    const world = new HubWorld(MARKS);
    const { roomId, clients } = await roomOf(world, 3);
    const [host, slow, other] = clients as [TestClient, TestClient, TestClient];
    slow.socket.isStalled = true;
    await change(host, roomId, 40);
    await host.ask('chat.send', { roomId, text: 'still there?' });
    expect(world.hub.metrics.socketsBehind).toBe(1);
    expect(world.hub.metrics.framesWithheld).toBeGreaterThan(20);
    expect(slow.socket.isOpen).toBe(true);
    const received = slow.socket.received.length;
    await host.ask('queue.add', { roomId, trackIds: [trackId(1)] });
    expect(slow.socket.received).toHaveLength(received);
    // Nobody else has noticed: every change arrived, in order.
    const revisions = other
      .take('room.events')
      .flatMap((push) =>
        (push['revisions'] as { revision: number }[]).map(({ revision }) => revision),
      );
    expect(revisions).toEqual(revisions.map((_, i) => (revisions[0] ?? 0) + i));
    expect(revisions.length).toBeGreaterThanOrEqual(41);

    slow.socket.isStalled = false;
    slow.socket.bufferedBytes = 0;
    slow.socket.take();
    world.hub.drained(slow.socket);
    await world.time.settle();
    const pushes = slow.socket.take();
    expect(pushes).toHaveLength(1);
    const { public: room } = world.hub.rooms.get(roomId)!.state;
    expect(pushes[0]).toMatchObject({
      type: 'room.snapshot',
      reason: 'behind',
      chatSeq: 1,
      hash: stateHash(room),
      room,
    });
    expect(world.hub.metrics.snapshotsForBehind).toBe(1);
    await host.ask('queue.add', { roomId, trackIds: [trackId(2)] });
    expect(slow.take('room.events')).toHaveLength(1);
  });

  it('is behind as well where nothing is buffered here but it shows of too little that it has read it', async () => {
    const world = new HubWorld({ mostUnreadBytes: 4_000 });
    const { roomId, clients } = await roomOf(world, 2);
    const [host, slow] = clients as [TestClient, TestClient];
    slow.socket.unreadBytes = 2_001;
    // Not behind yet, but who does not read is sent nothing long.
    expect(await slow.ask('room.join', { roomId })).toMatchObject({
      ...{ type: 'error', code: 'rate_limited', retryable: true, retryAfterMs: 1_000 },
      message: 'what you were sent is not read yet',
    });
    expect(await slow.ask('chat.send', { roomId, text: 'hello' })).toMatchObject({ type: 'ok' });
    slow.socket.unreadBytes = 4_001;
    await change(host, roomId, 1);
    slow.socket.take();
    expect(world.hub.metrics.socketsBehind).toBe(1);
    await change(host, roomId, 3);
    expect(slow.socket.take()).toEqual([]);
    // It has read half of it: too little to be sent as much again.
    slow.socket.unreadBytes = 2_001;
    world.hub.drained(slow.socket);
    expect(slow.socket.take()).toEqual([]);
    slow.socket.unreadBytes = 0;
    world.hub.drained(slow.socket);
    await world.time.settle();
    expect(slow.socket.take()).toMatchObject([{ type: 'room.snapshot', reason: 'behind' }]);
    expect(await slow.ask('room.join', { roomId })).toMatchObject({ type: 'ok' });
  });

  it('still gets the answers to what it asks', async () => {
    const world = new HubWorld(MARKS);
    const { roomId, clients } = await roomOf(world, 2);
    const [host, slow] = clients as [TestClient, TestClient];
    slow.socket.isStalled = true;
    await change(host, roomId, 40);
    expect(await slow.ask('chat.send', { roomId, text: 'I am here' })).toMatchObject({
      type: 'ok',
    });
  });

  it('is closed with 4001 above the hard mark, and cut when it does not read even that', async () => {
    const world = new HubWorld(MARKS);
    const { roomId, clients } = await roomOf(world, 2);
    const [host, slow] = clients as [TestClient, TestClient];
    slow.socket.isStalled = true;
    const close = slow.socket.onClose;
    slow.socket.onClose = undefined;
    // Replies are not withheld: who asks and does not read fills the buffer.
    for (let n = 0; n < 60 && slow.socket.isOpen; n += 1) {
      slow.send('room.join', { roomId });
      await world.time.advance(300);
    }
    expect(slow.socket.closedWith?.code).toBe(4001);
    expect(world.hub.metrics.closedTooSlow).toBe(1);
    await world.time.advance(5_000);
    expect(slow.socket.wasTerminated).toBe(true);
    close?.(1006, '');
    expect(await host.ask('chat.send', { roomId, text: 'gone?' })).toMatchObject({ type: 'ok' });
  });

  it('gets no more answers of the clock above the soft mark, which is counted, until it has read', async () => {
    const world = new HubWorld(MARKS);
    const silent = world.open();
    const probe = () => silent.sendRaw(encodeProbe({ seq: 1, t0: 1 }), true);
    silent.socket.isStalled = true;
    for (let seconds = 0; seconds < 60; seconds += 1) {
      for (let n = 0; n < 8; n += 1) probe();
      await world.time.advance(1_000);
      if (seconds === 0) silent.send('hello', { token: TOKEN, client: CLIENT });
    }
    const { bufferedBytes, received } = silent.socket;
    expect(bufferedBytes).toBeGreaterThan(MARKS.softBufferBytes);
    expect(bufferedBytes).toBeLessThan(MARKS.softBufferBytes + 100);
    expect(world.hub.metrics.probesAnswered + world.hub.metrics.probesRefused).toBe(480);
    expect(world.hub.metrics.probesAnswered).toBe(
      received.filter(({ isBinary }) => isBinary).length,
    );
    silent.socket.isStalled = false;
    silent.socket.bufferedBytes = 0;
    world.hub.drained(silent.socket);
    const before = silent.socket.received.length;
    probe();
    expect(silent.socket.received).toHaveLength(before + 1);
  });

  it('is owed a snapshot of each room it is in, and of none that it left', async () => {
    const world = new HubWorld(MARKS);
    const { roomId, clients } = await roomOf(world, 2);
    const [host, slow] = clients as [TestClient, TestClient];
    const second = (await host.ask('room.create', { name: 'Garden' }))['roomId'] as RoomId;
    await slow.ask('room.join', { roomId: second });
    slow.socket.isStalled = true;
    await change(host, roomId, 40);
    await change(host, second, 2);
    await host.ask('member.kick', { roomId: second, userId: userId(2) });
    slow.socket.isStalled = false;
    slow.socket.bufferedBytes = 0;
    slow.socket.take();
    world.hub.drained(slow.socket);
    await world.time.settle();
    expect(slow.socket.take().filter(({ type }) => type === 'room.snapshot')).toMatchObject([
      { roomId },
    ]);
  });
});
