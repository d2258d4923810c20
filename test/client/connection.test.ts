// Being connected: hello, refusals, back-off, draining, dead sockets.
import { describe, expect, it } from 'vitest';
import { CLOSE_CODES } from '../../protocol/close-codes.ts';
import type { TrackId } from '../../protocol/ids.ts';
import { socketUrl } from '../../src/client/link.ts';
import { FakeHub, failure } from './fake-hub.ts';
import { ROOM_ID } from './room-fixture.ts';

const TRACK = 'track1' as TrackId;
const adding = { roomId: ROOM_ID, trackIds: [TRACK] };

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
    hub.peer.text({ type: 'hub.draining', reconnectWithinMs: 20_000 });
    await hub.time.advance(6_999);
    expect(hub.peers).toHaveLength(1);
    expect(client.connection.value.phase).toBe('connected');
    await hub.time.advance(1);
    expect(hub.peers[0]!.isClosedByClient).toBe(true);
    expect(hub.peers).toHaveLength(2);
    hub.peer.greet();
    expect(client.connection.value.phase).toBe('connected');
  });

  it('leaves sooner where the hub is to stop sooner than it said', async () => {
    const hub = new FakeHub();
    await hub.connected();
    hub.chance = 0.7;
    hub.peer.text({ type: 'hub.draining', reconnectWithinMs: 60_000 });
    await hub.time.advance(5_000);
    hub.peer.text({ type: 'hub.draining', reconnectWithinMs: 2_000 });
    await hub.time.advance(1_399);
    expect(hub.peers).toHaveLength(1);
    await hub.time.advance(1);
    expect(hub.peers).toHaveLength(2);
    // The later moment is of no meaning any more.
    hub.peer.greet();
    await hub.time.advance(60_000);
    expect(hub.peers).toHaveLength(2);
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

  it('does not wait for ever for a token that does not come', async () => {
    const hub = new FakeHub();
    let asked = 0;
    const client = hub.client({
      token: () => {
        asked += 1;
        return asked === 1 ? new Promise<string>(() => undefined) : 'late';
      },
    });
    void client.connect();
    await hub.time.advance(14_000);
    expect(client.connection.value.phase).toBe('connecting');
    await hub.time.advance(1_000);
    expect(client.connection.value).toMatchObject({ phase: 'waiting', cause: 'token' });
    await hub.time.advance(1_000);
    hub.peer.open();
    expect(hub.peer.take('hello').token).toBe('late');
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
