// Being connected: hello, refusals, back-off, draining, dead sockets, requests and their answers.
import { describe, expect, it } from 'vitest';
import { CLOSE_CODES } from '../../protocol/close-codes.ts';
import type { TrackId } from '../../protocol/ids.ts';
import type { EarshotError } from '../../src/client/errors.ts';
import { socketUrl } from '../../src/client/link.ts';
import { FakeHub, HUB_AHEAD_MS } from './fake-hub.ts';
import { ROOM_ID } from './room-fixture.ts';

const TRACK = 'track1' as TrackId;
const adding = { roomId: ROOM_ID, trackIds: [TRACK] };

function failure(promise: Promise<unknown>): Promise<EarshotError> {
  return promise.then(
    () => {
      throw new Error('it was expected to fail');
    },
    (error: unknown) => error as EarshotError,
  );
}

describe('connecting', () => {
  it('says hello with the token and is connected when that is answered', async () => {
    const hub = new FakeHub();
    const client = hub.client({ client: { name: 'test', version: '9' } });
    const phases: string[] = [];
    client.connection.subscribe(({ phase }) => phases.push(phase));
    const connected = client.connect();
    await hub.time.settle();
    expect(hub.peer.url).toBe('wss://hub.test/v1/socket');
    expect(hub.peer.protocols).toEqual(['earshot.v1']);
    hub.peer.open();
    const hello = hub.peer.take('hello');
    expect(hello).toMatchObject({ token: 'token', client: { name: 'test', version: '9' } });
    expect(hello).not.toHaveProperty('key');
    hub.peer.inbox.push(hello);
    hub.peer.greet();
    await connected;
    expect(client.connection.value).toMatchObject({ phase: 'connected', user: { name: 'Ana' } });
    expect(phases).toEqual(['connecting', 'connected']);
  });

  it('makes the address of the socket from http, ws and a slash at the end', () => {
    expect(socketUrl('http://a:1')).toBe('ws://a:1/v1/socket');
    expect(socketUrl('https://a/')).toBe('wss://a/v1/socket');
    expect(socketUrl('ws://a')).toBe('ws://a/v1/socket');
  });

  it('rejects and stays away when the hub refuses for good, with the hub’s own word', async () => {
    const hub = new FakeHub();
    const client = hub.client();
    const refused = failure(client.connect());
    await hub.time.settle();
    hub.peer.open();
    hub.peer.refuse(hub.peer.take('hello'), 'unauthorised');
    hub.peer.close(CLOSE_CODES.unauthorised);
    expect(await refused).toMatchObject({ code: 'unauthorised', message: 'refused: unauthorised' });
    expect(client.connection.value).toEqual({
      phase: 'closed',
      cause: 'unauthorised',
      code: CLOSE_CODES.unauthorised,
    });
    await hub.time.advance(300_000);
    expect(hub.peers).toHaveLength(1);
    expect(hub.time.waiting).toBe(0);
    expect(hub.watchers).toBe(0);
  });

  it.each([
    ['bad_frame', 'closed'],
    ['forbidden_origin', 'forbidden'],
    ['unsupported_version', 'closed'],
    ['revoked', 'unauthorised'],
    ['too_many_connections', 'conflict'],
  ] as const)('does not come back after %s', async (cause, code) => {
    const hub = new FakeHub();
    const client = hub.client();
    const refused = failure(client.connect());
    await hub.time.settle();
    hub.peer.close(CLOSE_CODES[cause]);
    expect(await refused).toMatchObject({ code, retryable: false });
    expect(client.connection.value).toMatchObject({ phase: 'closed', cause });
    expect(hub.time.waiting).toBe(0);
  });

  it('tells at once where there is no WebSocket', async () => {
    const hub = new FakeHub();
    const client = hub.client({ platform: { ...hub.platform, WebSocket: undefined } });
    const error = await failure(client.connect());
    expect(error.code).toBe('closed');
    expect(error.message).toContain('platform.WebSocket');
  });

  it('gives up when the token is refused for good, and tries again when asking for it failed', async () => {
    const hub = new FakeHub();
    const { EarshotError: SdkError } = await import('../../src/client/errors.ts');
    const answers: (() => string)[] = [
      () => {
        throw new Error('offline');
      },
      () => {
        throw new SdkError('guests_disabled', 'no guests');
      },
    ];
    const client = hub.client({ token: () => answers.shift()!() });
    const refused = failure(client.connect());
    await hub.time.settle();
    expect(client.connection.value).toMatchObject({ phase: 'waiting', cause: 'token' });
    await hub.time.advance(1_000);
    expect((await refused).code).toBe('guests_disabled');
    expect(hub.peers).toHaveLength(0);
  });

  it('ends an attempt whose hello is not answered in time', async () => {
    const hub = new FakeHub();
    const client = hub.client();
    void client.connect();
    await hub.time.settle();
    hub.peer.open();
    await hub.time.advance(15_000);
    expect(hub.peer.isClosedByClient).toBe(true);
    expect(client.connection.value).toMatchObject({ phase: 'waiting', cause: 'network' });
  });

  it('closes for good, lets go of everything, and can be connected again', async () => {
    const hub = new FakeHub();
    const client = await hub.connected();
    const asked = failure(client.request('queue.add', adding));
    client.close();
    expect((await asked).code).toBe('closed');
    expect(client.connection.value).toEqual({ phase: 'closed', cause: 'closed' });
    expect(hub.peer.isClosedByClient).toBe(true);
    expect(hub.time.waiting).toBe(0);
    expect(hub.watchers).toBe(0);
    const again = client.connect();
    await hub.time.settle();
    expect(hub.peers).toHaveLength(2);
    hub.peer.greet();
    await again;
  });
});

describe('coming back', () => {
  it('waits in windows that double, up to 4 s at first and 30 s later, at a random point of each', async () => {
    const hub = new FakeHub();
    hub.chance = 0.5;
    const client = await hub.connected();
    const delays: number[] = [];
    for (let i = 0; i < 12; i += 1) {
      hub.peer.close(1006);
      const state = client.connection.value;
      if (state.phase !== 'waiting') throw new Error(state.phase);
      expect(state.attempt).toBe(i + 1);
      delays.push(state.retryAt - hub.time.now());
      await hub.time.advance(delays.at(-1)!);
      expect(hub.peers).toHaveLength(i + 2);
    }
    expect(delays.slice(0, 5)).toEqual([250, 500, 1_000, 2_000, 2_000]);
    expect(delays.slice(8)).toEqual([2_000, 2_000, 15_000, 15_000]);
  });

  it('begins with a short wait again after a connection that held, not after one that was cut at once', async () => {
    const hub = new FakeHub();
    const client = await hub.connected();
    const delayAfter = async (heldMs: number): Promise<number> => {
      await hub.time.advance(heldMs);
      hub.peer.close(1006);
      const state = client.connection.value;
      if (state.phase !== 'waiting') throw new Error(state.phase);
      const delay = state.retryAt - hub.time.now();
      await hub.time.advance(delay);
      hub.peer.greet();
      return delay;
    };
    expect(await delayAfter(0)).toBe(250);
    expect(await delayAfter(1_000)).toBe(500);
    expect(await delayAfter(20_000)).toBe(250);
  });

  it('names the connection it replaces', async () => {
    const hub = new FakeHub();
    await hub.connected();
    hub.peer.close(1006);
    await hub.time.advance(250);
    hub.peer.open();
    expect(hub.peer.take('hello')).toMatchObject({ replaces: 'connection1' });
  });

  it('waits at least as long as the refusal asks for', async () => {
    const hub = new FakeHub();
    const client = hub.client();
    void client.connect();
    await hub.time.settle();
    hub.peer.open();
    const more = { retryable: true, retryAfterMs: 7_000 };
    hub.peer.refuse(hub.peer.take('hello'), 'unavailable', more);
    hub.peer.close(CLOSE_CODES.overloaded);
    const state = client.connection.value;
    expect(state).toMatchObject({ phase: 'waiting', cause: 'overloaded' });
    expect(state.phase === 'waiting' && state.retryAt - hub.time.now()).toBe(7_250);
  });

  it('leaves a draining hub at a random moment of its window and comes back at once', async () => {
    const hub = new FakeHub();
    const client = await hub.connected();
    hub.chance = 0.7;
    hub.peer.text({ type: 'hub.draining', reconnectWithinMs: 10_000 });
    hub.peer.text({ type: 'hub.draining', reconnectWithinMs: 1 });
    await hub.time.advance(6_999);
    expect(hub.peers).toHaveLength(1);
    expect(client.connection.value.phase).toBe('connected');
    await hub.time.advance(1);
    expect(hub.peers[0]!.isClosedByClient).toBe(true);
    expect(hub.peers).toHaveLength(2);
    hub.peer.greet();
    expect(client.connection.value.phase).toBe('connected');
  });

  it('comes back with jitter when a draining hub closes first', async () => {
    const hub = new FakeHub();
    const client = await hub.connected();
    hub.peer.text({ type: 'hub.draining', reconnectWithinMs: 10_000 });
    hub.peer.close(CLOSE_CODES.draining);
    expect(client.connection.value).toMatchObject({ phase: 'waiting', cause: 'draining' });
    await hub.time.advance(250);
    expect(hub.peers).toHaveLength(2);
    // The moment that was chosen in the window is of no meaning any more.
    hub.peer.greet();
    await hub.time.advance(9_000);
    expect(hub.peers).toHaveLength(2);
  });

  it('asks for a new token when the old one has expired; one that cannot change is the end', async () => {
    const hub = new FakeHub();
    const tokens = ['first', 'second'];
    await hub.connected({ token: () => tokens.shift()! });
    hub.peer.close(CLOSE_CODES.token_expired);
    await hub.time.advance(250);
    hub.peer.open();
    expect(hub.peer.take('hello').token).toBe('second');

    const other = new FakeHub();
    const fixed = await other.connected({ token: 'fixed' });
    other.peer.close(CLOSE_CODES.token_expired);
    expect(fixed.connection.value).toMatchObject({ phase: 'closed', cause: 'token_expired' });
  });

  it('refreshes a token that is about to expire on the same socket', async () => {
    const hub = new FakeHub();
    const tokens = ['first', 'second'];
    await hub.connected({ token: () => tokens.shift()! });
    hub.peer.text({ type: 'session.expiring', inMs: 60_000 });
    await hub.time.settle();
    expect(hub.peer.take('auth.refresh')).toMatchObject({ token: 'second' });
  });

  it('does not wait on when the network is back', async () => {
    const hub = new FakeHub();
    const client = await hub.connected();
    hub.peer.close(1006);
    hub.networkChanges();
    await hub.time.settle();
    expect(hub.peers).toHaveLength(2);
    hub.peer.close(CLOSE_CODES.overloaded);
    hub.networkChanges();
    expect(client.connection.value).toMatchObject({ phase: 'waiting', cause: 'overloaded' });
  });

  it('hears nothing from a socket that it has let go of', async () => {
    const hub = new FakeHub();
    const client = await hub.connected();
    const [first] = hub.peers;
    hub.chance = 0;
    first!.text({ type: 'hub.draining', reconnectWithinMs: 10 });
    await hub.time.advance(0);
    hub.peer.greet({ connectionId: 'connection2' });
    first!.text({ type: 'hub.draining', reconnectWithinMs: 0 });
    first!.close(CLOSE_CODES.unauthorised);
    await hub.time.advance(100);
    expect(client.connection.value).toMatchObject({ connectionId: 'connection2' });
    expect(hub.peers).toHaveLength(2);
  });
});

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
