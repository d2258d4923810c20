// Requests and their answers, sockets that die without a word, and the clock over them.
import { describe, expect, it } from 'vitest';
import type { TrackId } from '../../protocol/ids.ts';
import { FakeHub, HUB_AHEAD_MS, failure } from './fake-hub.ts';
import { ROOM_ID } from './room-fixture.ts';

const TRACK = 'track1' as TrackId;
const adding = { roomId: ROOM_ID, trackIds: [TRACK] };

describe('a dead socket', () => {
  it('is let go of when what must be answered is not', async () => {
    const hub = new FakeHub();
    const client = await hub.connected();
    await hub.time.advance(5_000);
    hub.answersProbes = false;
    await hub.time.advance(20_000);
    expect(hub.peers[0]!.isClosedByClient).toBe(true);
    expect(hub.peers.length).toBeGreaterThan(1);
    expect(client.connection.value.phase).not.toBe('connected');
  });

  it('is not one while anything is heard, even if no probe is answered', async () => {
    const hub = new FakeHub();
    hub.answersProbes = false;
    const client = await hub.connected();
    for (let i = 0; i < 20; i += 1) {
      await hub.time.advance(3_000);
      hub.peer.text({ type: 'something.new' });
    }
    expect(hub.peers).toHaveLength(1);
    expect(client.connection.value.phase).toBe('connected');
    expect(client.counts.unknownFrames).toBe(20);
  });

  it('is found out within seconds after a change of the network', async () => {
    const hub = new FakeHub();
    await hub.connected();
    await hub.time.advance(120_000);
    const before = hub.peer.probes.length;
    hub.answersProbes = false;
    hub.networkChanges();
    expect(hub.peer.probes.length).toBeGreaterThan(before);
    await hub.time.advance(4_000);
    expect(hub.peers[0]!.isClosedByClient).toBe(true);
  });

  it('stays when the hub answers the doubt, also in a hidden page whose probes are used up', async () => {
    const hub = new FakeHub();
    const client = await hub.connected();
    hub.hide(true);
    for (let i = 0; i < 20; i += 1) {
      hub.networkChanges();
      await hub.time.advance(2_000);
    }
    await hub.time.advance(300_000);
    expect(hub.peers).toHaveLength(1);
    expect(client.connection.value.phase).toBe('connected');
  });
});

describe('requests', () => {
  it('match their replies, in whatever order these come', async () => {
    const hub = new FakeHub();
    const client = await hub.connected();
    const first = client.request('chat.send', { roomId: ROOM_ID, text: 'one' });
    const second = client.request('chat.send', { roomId: ROOM_ID, text: 'two' });
    const refused = failure(client.request('chat.delete', { roomId: ROOM_ID, seq: 9 }));
    const { peer } = hub;
    const [one, two] = [peer.take('chat.send'), peer.take('chat.send')];
    peer.refuse(peer.take('chat.delete'), 'rate_limited', { retryable: true, retryAfterMs: 400 });
    peer.ok(two, { seq: 2, at: 20 });
    peer.ok(one, { seq: 1, at: 10 });
    expect((await first).seq).toBe(1);
    expect((await second).seq).toBe(2);
    expect(await refused).toMatchObject({
      name: 'EarshotError',
      code: 'rate_limited',
      retryable: true,
      retryAfterMs: 400,
    });
  });

  it('time out, and a reply that comes too late changes nothing', async () => {
    const hub = new FakeHub();
    const client = await hub.connected();
    const asked = failure(client.request('queue.clear', { roomId: ROOM_ID }, { timeoutMs: 1_000 }));
    await hub.time.advance(1_000);
    expect(await asked).toMatchObject({ code: 'timeout', retryable: true });
    hub.peer.ok(hub.peer.take('queue.clear'), { epoch: 1, revision: 1 });
  });

  it('are given up with their signal', async () => {
    const hub = new FakeHub();
    const client = await hub.connected();
    const controller = new AbortController();
    const asked = failure(client.request('queue.add', adding, { signal: controller.signal }));
    controller.abort(new Error('enough'));
    expect((await asked).message).toBe('enough');
    const late = failure(client.request('queue.add', adding, { signal: controller.signal }));
    expect((await late).message).toBe('enough');
    expect(hub.peer.inbox).toHaveLength(1);
  });

  it('fail with the socket unless they carry a key; those are sent again as they were', async () => {
    const hub = new FakeHub();
    const client = await hub.connected();
    const cleared = failure(client.request('queue.clear', { roomId: ROOM_ID }));
    const keyedByType = client.request('queue.add', adding);
    const keyedByHand = client.request('queue.clear', { roomId: ROOM_ID }, { key: 'mine' });
    const before = hub.peer.take('queue.add');
    expect(before.key).toMatch(/^[0-9a-f]{32}$/);
    hub.peer.close(1006);
    expect(await cleared).toMatchObject({ code: 'connection_lost', retryable: true });

    const whileAway = failure(client.request('queue.clear', { roomId: ROOM_ID }));
    expect((await whileAway).code).toBe('connection_lost');
    const sentLater = client.request('chat.send', { roomId: ROOM_ID, text: 'hi' });

    await hub.time.advance(250);
    hub.peer.greet();
    const again = hub.peer.take('queue.add');
    expect(again).toEqual(before);
    hub.peer.ok(again, { epoch: 1, revision: 2, entryIds: ['entry9'] });
    expect((await keyedByType).entryIds).toEqual(['entry9']);
    const second = hub.peer.take('queue.clear');
    expect(second.key).toBe('mine');
    hub.peer.ok(second, { epoch: 1, revision: 3 });
    expect((await keyedByHand).revision).toBe(3);
    hub.peer.ok(hub.peer.take('chat.send'), { seq: 1, at: 1 });
    expect((await sentLater).seq).toBe(1);
    expect(hub.peer.inbox).toEqual([]);
  });

  it('with a key still time out while there is no connection', async () => {
    const hub = new FakeHub();
    const client = await hub.connected();
    hub.peer.close(1006);
    hub.chance = 0.999;
    const asked = failure(client.request('queue.add', adding, { timeoutMs: 100 }));
    await hub.time.advance(100);
    expect((await asked).code).toBe('timeout');
    await hub.time.advance(1_000);
    hub.peer.greet();
    expect(hub.peer.has('queue.add')).toBe(false);
  });

  it('larger than the hub takes are refused here, as the hub would end the connection for them', async () => {
    const hub = new FakeHub();
    const client = await hub.connected();
    const text = 'ä'.repeat(9_000);
    const error = await failure(client.request('chat.send', { roomId: ROOM_ID, text }));
    expect(error.code).toBe('too_large');
    expect(hub.peer.inbox).toEqual([]);
  });

  it('need a client that was connected', async () => {
    const client = new FakeHub().client();
    expect((await failure(client.joinRoom({ code: 'ABCDEFGH' }))).code).toBe('closed');
  });
});

describe('the clock', () => {
  it('probes on the same socket before hello is answered, and tells hub time', async () => {
    const hub = new FakeHub();
    const client = hub.client();
    expect(client.clock.now()).toBeUndefined();
    const statuses: string[] = [];
    client.clock.status.subscribe(({ quality }) => statuses.push(quality));
    void client.connect();
    await hub.time.settle();
    hub.peer.open();
    expect(hub.peer.probes).toHaveLength(1);
    await hub.time.advance(3_000);
    expect(client.clock.now()).toBeCloseTo(hub.time.now() + HUB_AHEAD_MS, 0);
    expect(client.clock.toLocal(HUB_AHEAD_MS)).toBeCloseTo(0, 0);
    expect(statuses.at(-1)).toBe('good');
  });

  it('stops probing with the connection, keeps the estimate, and probes at once on the next', async () => {
    const hub = new FakeHub();
    const client = await hub.connected();
    await hub.time.advance(3_000);
    hub.peer.close(1006);
    const sent = hub.peer.probes.length;
    hub.chance = 0.99;
    await hub.time.advance(200);
    expect(hub.peer.probes).toHaveLength(sent);
    expect(client.clock.now()).toBeCloseTo(hub.time.now() + HUB_AHEAD_MS, 0);
    await hub.time.advance(300);
    hub.peer.greet();
    expect(hub.peer.probes).toHaveLength(1);
  });

  it('probes sparsely while hidden, and at once when shown or woken', async () => {
    const hub = new FakeHub();
    const client = await hub.connected();
    await hub.time.advance(60_000);
    hub.hide(true);
    await hub.time.advance(60_000);
    const before = hub.peer.probes.length;
    await hub.time.advance(60_000);
    expect(hub.peer.probes.length - before).toBeLessThanOrEqual(6);
    const hidden = hub.peer.probes.length;
    hub.hide(false);
    await hub.time.advance(200);
    expect(hub.peer.probes.length).toBeGreaterThan(hidden + 1);
    await hub.time.advance(1_000);
    const shown = hub.peer.probes.length;
    client.clock.wake();
    expect(hub.peer.probes.length).toBe(shown + 1);
  });

  it('ignores binary frames that are no replies', async () => {
    const hub = new FakeHub();
    const client = await hub.connected();
    hub.peer.binary(new Uint8Array(31));
    hub.peer.binary(new Uint8Array(32));
    expect(client.clock.ignored).toBe(2);
  });
});
