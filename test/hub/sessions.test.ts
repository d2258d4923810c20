// From an open socket to a known person, and every way in which that ends.
import { describe, expect, it, vi } from 'vitest';
import { answerProbe, decodeReply, encodeProbe } from '../../protocol/clock-frames.ts';
import type { RoomId } from '../../protocol/ids.ts';
import { MemoryUsers } from '../../src/adapters/memory/memory-users.ts';
import { createPromMetrics } from '../../src/adapters/system/prom-metrics.ts';
import { FakeSocket } from '../support/fake-socket.ts';
import { HubWorld, trackId, userId, type TestClient } from '../support/hub-world.ts';

const CLIENT = { client: { name: 'test', version: '1' } };
const token = (n: number, lifeMs = 3_600_000): string => `${userId(n)}|User ${n}|${lifeMs}`;

describe('a session', () => {
  it('is closed without a hello in five seconds (SE2)', async () => {
    const world = new HubWorld();
    const client = world.open();
    await world.time.advance(4_999);
    expect(client.socket.isOpen).toBe(true);
    await world.time.advance(1);
    expect(client.socket.closedWith?.code).toBe(4003);
  });

  it('waits for its turn where many say hello at once, and gets that of whoever leaves (SE2)', async () => {
    const users = new MemoryUsers();
    const asked: string[] = [];
    const answers: (() => void)[] = [];
    const find = users.find.bind(users);
    users.find = async (id, device) => {
      asked.push(id);
      await new Promise<void>((resolve) => answers.push(resolve));
      return find(id, device);
    };
    const world = new HubWorld({ maxHellosAtOnce: 2 }, { users });
    const clients = [1, 2, 3, 4, 5].map((n) => {
      const client = world.open();
      client.send('hello', { token: token(n), ...CLIENT });
      return client;
    });
    await world.time.settle();
    expect(asked).toEqual([userId(1), userId(2)]);
    clients[2]?.socket.terminate();
    answers[1]?.();
    await world.time.settle();
    expect(asked).toEqual([userId(1), userId(2), userId(4)]);
    expect(clients[1]?.socket.messages()).toMatchObject([{ id: 1, type: 'ok' }]);
    clients[0]?.socket.terminate();
    await world.time.settle();
    expect(asked).toEqual([userId(1), userId(2), userId(4), userId(5)]);
  });

  it('is closed where the store does not answer, and keeps others from their turn no longer (SE2)', async () => {
    const users = new MemoryUsers();
    const find = users.find.bind(users);
    users.find = (id, device) =>
      id === userId(1) ? new Promise(() => undefined) : find(id, device);
    const world = new HubWorld({ maxHellosAtOnce: 1 }, { users });
    const hung = world.open();
    hung.send('hello', { token: token(1), ...CLIENT });
    await world.time.advance(10_000);
    const next = world.open();
    next.send('hello', { token: token(2), ...CLIENT });
    await world.time.advance(4_999);
    expect(hung.socket.isOpen).toBe(true);
    expect(next.socket.messages()).toEqual([]);
    await world.time.advance(1);
    expect(hung.socket.closedWith?.code).toBe(4003);
    expect(next.socket.messages()).toMatchObject([{ id: 1, type: 'ok' }]);
  });

  it('begins with hello and nothing else (SE1)', async () => {
    const world = new HubWorld();
    const client = world.open();
    client.send('room.create', { name: 'Kitchen' });
    await world.time.settle();
    expect(client.socket.closedWith?.code).toBe(4500);
    expect(client.socket.closedWith?.reason).toContain('hello');
  });

  it.each([
    ['invalid', 'nonsense', 4501],
    ['expired', 'expired', 4005],
  ])('refuses a token that is %s, with an answer before the close (SE3)', async (_, bad, code) => {
    const world = new HubWorld();
    const client = world.open();
    client.send('hello', { token: bad, ...CLIENT });
    await world.time.settle();
    expect(client.socket.messages()).toMatchObject([
      { id: 1, type: 'error', code: 'unauthorised' },
    ]);
    expect(client.socket.closedWith?.code).toBe(code);
    expect(
      JSON.stringify(client.socket.messages()) + (client.socket.closedWith?.reason ?? ''),
    ).not.toContain(bad === 'nonsense' ? bad : '|');
  });

  it('answers a second hello with a conflict', async () => {
    const world = new HubWorld();
    const client = await world.connect(1);
    expect(await client.ask('hello', { token: token(1), ...CLIENT })).toMatchObject({
      code: 'conflict',
    });
  });

  it('is warned a minute before its token ends, goes on with another of the same person, and ends without (SE4)', async () => {
    const world = new HubWorld();
    await world.hub.start();
    const client = world.open();
    await client.ask('hello', { token: token(1, 100_000), ...CLIENT });
    await world.time.advance(50_000);
    expect(client.take('session.expiring')).toHaveLength(1);
    expect(await client.ask('auth.refresh', { token: token(2) })).toMatchObject({
      code: 'unauthorised',
    });
    expect(await client.ask('auth.refresh', { token: token(1, 200_000) })).toMatchObject({
      type: 'ok',
    });
    await world.time.advance(100_000);
    expect(client.socket.isOpen).toBe(true);
    await world.time.advance(120_000);
    expect(client.socket.closedWith?.code).toBe(4005);
  });

  it('takes the place of the connection that it names, of the same person only (SE5)', async () => {
    const world = new HubWorld();
    const old = world.open();
    const { connectionId } = await old.ask('hello', { token: token(1), ...CLIENT });
    const stranger = world.open();
    await stranger.ask('hello', { token: token(2), ...CLIENT, replaces: connectionId as string });
    expect(old.socket.isOpen).toBe(true);
    const fresh = world.open();
    await fresh.ask('hello', { token: token(1), ...CLIENT, replaces: connectionId as string });
    expect(old.socket.closedWith?.code).toBe(4002);
  });

  it('is one of at most so many of a person, an address, and the hub', async () => {
    const world = new HubWorld({
      maxConnectionsPerUser: 2,
      maxConnectionsPerAddress: 3,
      maxConnections: 4,
    });
    await world.connect(1);
    await world.connect(1);
    const third = world.open();
    third.send('hello', { token: token(1), ...CLIENT });
    await world.time.settle();
    expect(third.socket.closedWith?.code).toBe(4505);
    const ask = (remoteAddress: string) =>
      world.hub.upgrade({ remoteAddress, origin: undefined, headers: new Map(), query: '' });
    world.open();
    expect(ask('127.0.0.1')).toMatchObject({ kind: 'reject', status: 429 });
    expect(ask('192.0.2.1')).toEqual({ kind: 'accept' });
    world.open('192.0.2.1');
    expect(ask('192.0.2.2')).toMatchObject({ kind: 'reject', status: 503 });
  });

  it('counts by the address that a trusted proxy tells, and only by one that is trusted', () => {
    const forwarded = (address: string) => ({
      remoteAddress: '127.0.0.1',
      origin: undefined,
      headers: new Map([['x-forwarded-for', `203.0.113.9, ${address}`]]),
      query: '',
    });
    const behind = new HubWorld({
      maxConnectionsPerAddress: 1,
      trustProxy: { kind: 'hops', count: 1 },
    });
    const socket = new FakeSocket();
    socket.onClose = () => behind.hub.closed(socket);
    behind.hub.opened(socket, forwarded('198.51.100.1'));
    expect(behind.hub.upgrade(forwarded('198.51.100.1'))).toMatchObject({ status: 429 });
    expect(behind.hub.upgrade(forwarded('198.51.100.2'))).toEqual({ kind: 'accept' });
    socket.terminate();
    expect(behind.hub.upgrade(forwarded('198.51.100.1'))).toEqual({ kind: 'accept' });
    const open = new HubWorld({ maxConnectionsPerAddress: 1 });
    open.hub.opened(new FakeSocket(), forwarded('198.51.100.1'));
    expect(open.hub.upgrade(forwarded('198.51.100.2'))).toMatchObject({ status: 429 });
  });

  it('is counted, by limit and by code, when it is refused', async () => {
    const metrics = createPromMetrics();
    const world = new HubWorld({ maxConnectionsPerUser: 1, maxConnections: 2 }, { metrics });
    const client = await world.connect(1);
    world.open().send('hello', { token: token(1), ...CLIENT });
    await world.time.settle();
    world.open();
    world.hub.upgrade({ remoteAddress: '::1', origin: undefined, headers: new Map(), query: '' });
    await client.ask('room.leave', { roomId: '00000000-0000-4000-8000-000000000001' });
    client.sendRaw('{"id":9,"type":"room.fly"}');
    const { body } = await metrics.exposition();
    expect(body).toContain('earshot_connections_refused_total{limit="person"} 1');
    expect(body).toContain('earshot_connections_refused_total{limit="hub"} 1');
    expect(body).toContain('earshot_requests_refused_total{code="unknown_type"} 1');
  });

  it('is closed for a page of another origin', () => {
    const world = new HubWorld();
    const socket = world.open().socket;
    expect(socket.isOpen).toBe(true);
    const foreign = world.open('127.0.0.1', {
      origin: 'https://evil.example',
      host: 'hub.example',
    });
    expect(foreign.socket.closedWith?.code).toBe(4502);
    const own = world.open('127.0.0.1', { origin: 'https://hub.example', host: 'hub.example' });
    expect(own.socket.isOpen).toBe(true);
  });

  it('is sent away in good order when the hub drains (SE6)', async () => {
    const world = new HubWorld();
    const client = await world.connect(1);
    const drained = world.hub.drain(2_000);
    await world.time.settle();
    expect(client.take('hub.draining')).toMatchObject([{ reconnectWithinMs: 2_000 }]);
    expect(
      world.hub.upgrade({ remoteAddress: '::1', origin: undefined, headers: new Map(), query: '' }),
    ).toMatchObject({
      status: 503,
    });
    await world.time.advance(2_000);
    await drained;
    expect(client.socket.closedWith?.code).toBe(4000);
  });

  it('has longer to leave where many do, and a line says where that is cut short', async () => {
    const world = new HubWorld({ drain: { leastMs: 100, perSecond: 2, mostMs: 1_000 } });
    const ana = await world.connect(1);
    const said = () => world.log.lines.filter(({ message }) => message.includes('DRAIN_MAX_MS'));
    void world.hub.drain();
    await world.time.settle();
    expect(ana.take('hub.draining')).toMatchObject([{ reconnectWithinMs: 500 }]);
    expect(said()).toEqual([]);

    const crowded = new HubWorld({ drain: { leastMs: 100, perSecond: 2, mostMs: 1_000 } });
    const clients = [];
    for (let n = 1; n <= 3; n += 1) clients.push(await crowded.connect(n));
    const drained = crowded.hub.drain();
    await crowded.time.settle();
    for (const client of clients)
      expect(client.take('hub.draining')).toMatchObject([{ reconnectWithinMs: 1_000 }]);
    expect(crowded.log.lines).toMatchObject([
      { level: 'warn', fields: { connections: 3, neededMs: 1_500, windowMs: 1_000 } },
      { level: 'info', fields: { connections: 3, windowMs: 1_000 } },
    ]);
    await crowded.time.advance(1_000);
    await drained;
  });

  it('ends the draining when the last one has gone', async () => {
    const world = new HubWorld();
    const client = await world.connect(1);
    let isOver = false;
    const drained = world.hub.drain(60_000).then(() => (isOver = true));
    await world.time.advance(1_000);
    expect(isOver).toBe(false);
    client.close();
    await drained;
    await new HubWorld().hub.drain(60_000);
  });

  it.each([
    { first: 2_000, second: 60_000, told: 1_000 },
    { first: 60_000, second: 2_000, told: 2_000 },
  ])(
    'has the shorter window where the hub drains within $first ms and, a second later, within $second',
    async ({ first, second, told }) => {
      const world = new HubWorld();
      const client = await world.connect(1);
      const over: string[] = [];
      void world.hub.drain(first).then(() => over.push('first'));
      await world.time.advance(1_000);
      void world.hub.drain(second).then(() => over.push('second'));
      await world.time.settle();
      expect(client.take('hub.draining')).toMatchObject([
        { reconnectWithinMs: first },
        { reconnectWithinMs: told },
      ]);
      await world.time.advance(told - 1);
      expect(client.socket.isOpen).toBe(true);
      expect(over).toEqual([]);
      await world.time.advance(1);
      expect(client.socket.closedWith?.code).toBe(4000);
      expect(over).toEqual(['first', 'second']);
    },
  );

  it('has what is left of the window, where the hub drains for good after an operator had it drained', async () => {
    const world = new HubWorld({ drain: { leastMs: 3_000, perSecond: 1_000, mostMs: 9_000 } });
    const client = await world.connect(1);
    const over: string[] = [];
    void world.hub.drain(2_000.5).then(() => over.push('first'));
    await world.time.advance(500);
    void world.hub.drain().then(() => over.push('second'));
    await world.time.settle();
    expect(client.take('hub.draining')).toMatchObject([
      { reconnectWithinMs: 2_001 },
      { reconnectWithinMs: 1_501 },
    ]);
    client.close();
    await world.time.settle();
    expect(over).toEqual(['first', 'second']);
  });

  it('has nothing left where the hub drains again after the window has passed', async () => {
    const world = new HubWorld();
    const client = await world.connect(1);
    // It is asked to close, and stays.
    vi.spyOn(client.socket, 'close').mockImplementation(() => undefined);
    await Promise.all([world.hub.drain(1_000), world.time.advance(1_000)]);
    const again = world.hub.drain();
    await world.time.settle();
    expect(client.take('hub.draining').at(-1)).toMatchObject({ reconnectWithinMs: 0 });
    await world.time.advance(1);
    await again;
  });

  it('gets every answer that it was promised, and loses nothing, while the hub drains under load', async () => {
    const rate = { perSecond: 1e6, burst: 1e6 };
    const world = new HubWorld({ connectionRate: rate, userRate: rate });
    await world.hub.start();
    const host = await world.connect(1);
    const roomId = (await host.ask('room.create', { name: 'Kitchen' }))['roomId'] as RoomId;
    const clients = [host];
    for (let n = 2; n <= 5; n += 1) {
      const client = await world.connect(n);
      await client.ask('room.join', { roomId });
      clients.push(client);
    }
    const drained = world.hub.drain(2_000);
    const asked: { readonly client: TestClient; readonly id: number }[] = [];
    for (let round = 0; round < 40; round += 1) {
      for (const client of clients) {
        const id = client.send('queue.add', { roomId, trackIds: [trackId(round)] });
        asked.push({ client, id });
      }
      await world.time.advance(40);
    }
    await world.time.advance(1_000);
    await drained;
    const entryIds = new Set<string>();
    for (const { client, id } of asked) {
      const reply = client.socket.messages().find((message) => message.id === id);
      expect(reply).toMatchObject({ type: 'ok' });
      for (const entryId of reply?.['entryIds'] as string[]) entryIds.add(entryId);
    }
    expect(entryIds.size).toBe(200);
    for (const { socket } of clients) expect(socket.closedWith?.code).toBe(4000);
    await world.hub.stop();
    const kept = await world.ports.roomLog.load(roomId);
    expect(new Set(Object.keys(kept?.state.public.queue ?? {}))).toEqual(entryIds);
  });

  it('leaves nothing behind: no timer, no person, no room’s member', async () => {
    const world = new HubWorld();
    await world.hub.start();
    const client = await world.connect(1);
    await client.ask('room.create', { name: 'Kitchen' });
    world.open();
    client.close();
    await world.time.advance(200_000);
    expect(world.hub.rooms.count).toBe(0);
    await world.hub.stop();
    expect(world.time.waiting).toBe(0);
  });
});

describe('the clock', () => {
  it('answers probes at once, before the hello, with the client’s own stamp untouched (CL1, CL2)', () => {
    const world = new HubWorld();
    const client = world.open();
    const probe = { seq: 4_294_967_295, t0: -0.125 };
    client.sendRaw(encodeProbe(probe), true);
    const [frame] = client.socket.received;
    expect(frame?.isBinary).toBe(true);
    const reply = decodeReply(frame!.bytes);
    expect(reply).toEqual({ ...probe, timelineId: 7, t1: world.time.now(), t2: world.time.now() });
    expect(answerProbe(encodeProbe(probe), 7, reply!.t1, reply!.t2)).toEqual(frame!.bytes);
  });

  it('leaves probes above their rate unanswered, and counts them (CL4)', async () => {
    const world = new HubWorld();
    const client = world.open();
    for (let seq = 0; seq < 30; seq += 1) client.sendRaw(encodeProbe({ seq, t0: seq }), true);
    expect(client.socket.received).toHaveLength(20);
    expect(world.hub.metrics.probesRefused).toBe(10);
    await world.time.advance(1_000);
    for (let seq = 0; seq < 30; seq += 1) client.sendRaw(encodeProbe({ seq, t0: seq }), true);
    expect(client.socket.received).toHaveLength(28);
    expect(client.socket.isOpen).toBe(true);
  });

  it.each([0, 1, 15, 17, 32])('closes on a binary frame of %i bytes (CL3)', (length) => {
    const world = new HubWorld();
    const client = world.open();
    client.sendRaw(new Uint8Array(length).fill(1), true);
    expect(client.socket.closedWith?.code).toBe(4500);
  });
});
