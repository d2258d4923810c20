// Every limit, its exact refusal, and that it costs the others nothing.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RoomId } from '../../protocol/ids.ts';
import { MAX_DEPTH, MAX_FRAME_BYTES } from '../../protocol/codec.ts';
import { RequestSchemas, type RequestType } from '../../protocol/schemas/requests.ts';
import { stateHash } from '../../protocol/state-hash.ts';
import { DEFAULT_HUB_OPTIONS } from '../../src/hub/hub-options.ts';
import { FakeSharedRates } from '../support/fake-shared-rates.ts';
import { HubWorld, RecordingLog, trackId, userId, type TestClient } from '../support/hub-world.ts';
import { NodesWorld } from '../support/nodes-world.ts';

async function alone(world: HubWorld): Promise<{ host: TestClient; roomId: RoomId }> {
  const host = await world.connect(1);
  const roomId = (await host.ask('room.create', { name: 'Kitchen' }))['roomId'] as RoomId;
  return { host, roomId };
}

describe('a frame', () => {
  it.each([
    [
      'too large',
      `{"id":1,"type":"hello","x":"${'x'.repeat(MAX_FRAME_BYTES)}"}`,
      'at most 16384 bytes',
    ],
    [
      'too deep',
      `{"id":1,"type":"hello","x":${'['.repeat(MAX_DEPTH)}${']'.repeat(MAX_DEPTH)}}`,
      'at most 16 deep',
    ],
    ['not JSON', '{"id":1,', 'one JSON object'],
    ['not an object', '[1,2]', '"id"'],
    ['without an id', '{"type":"room.leave"}', 'id: '],
    ['with an id that is no number', '{"id":"1","type":"room.leave"}', 'id: '],
  ])('that is %s closes the socket and says why (SE8)', async (_, text, why) => {
    const world = new HubWorld();
    const client = await world.connect(1);
    client.sendRaw(text);
    expect(client.socket.closedWith?.code).toBe(4500);
    expect(client.socket.closedWith?.reason).toContain(why);
    expect(world.hub.metrics.badFrames).toBe(1);
  });

  it('of invalid UTF-8 closes it too', async () => {
    const client = await new HubWorld().connect(1);
    client.sendRaw(Uint8Array.from([0x7b, 0xff, 0x7d]));
    expect(client.socket.closedWith?.code).toBe(4500);
  });

  it('of an unknown type is answered, and the socket stays (GR5)', async () => {
    const world = new HubWorld();
    const client = await world.connect(1);
    client.sendRaw('{"id":9,"type":"room.fly"}');
    await world.time.settle();
    expect(client.socket.take()).toMatchObject([
      { id: 9, type: 'error', code: 'unknown_type', retryable: false },
    ]);
    expect(client.socket.isOpen).toBe(true);
  });
});

describe('the rate of a connection', () => {
  it('refuses what is above it, says when to come back, and keeps its word (RQ6)', async () => {
    const world = new HubWorld({ connectionRate: { perSecond: 2, burst: 5 } });
    const client = await world.connect(1);
    const leave = () =>
      client.ask('room.leave', { roomId: '00000000-0000-4000-8000-000000000001' });
    for (let n = 0; n < 5; n += 1) expect(await leave()).toMatchObject({ type: 'ok' });
    const refusal = await leave();
    expect(refusal).toMatchObject({ code: 'rate_limited', retryable: true, retryAfterMs: 500 });
    await world.time.advance(refusal['retryAfterMs'] as number);
    expect(await leave()).toMatchObject({ type: 'ok' });
  });

  it('holds for a person over all connections', async () => {
    const world = new HubWorld({ userRate: { perSecond: 1, burst: 10 } });
    // Each hello costs three.
    const [a, b] = [await world.connect(1), await world.connect(1)];
    const roomId = '00000000-0000-4000-8000-000000000001';
    for (const client of [a, b, a, b])
      expect(await client.ask('room.leave', { roomId })).toMatchObject({ type: 'ok' });
    expect(await a.ask('room.leave', { roomId })).toMatchObject({
      code: 'rate_limited',
      retryAfterMs: 1_000,
    });
    const other = await world.connect(2);
    expect(await other.ask('room.leave', { roomId })).toMatchObject({ type: 'ok' });
  });

  it('holds for a person over all nodes, by sockets and by REST', async () => {
    const world = new NodesWorld({ userRate: { perSecond: 8, burst: 32 } });
    const sharedRates = new FakeSharedRates(() => world.time.now());
    world.portsOf = () => ({ sharedRates });
    const [east, west] = [await world.start('east'), await world.start('west')];
    const [here, there] = [await east.connect(1), await west.connect(1)];
    // What the hellos took has come back.
    await world.time.advance(1_000);
    const leave = (client: TestClient) =>
      client.ask('room.leave', { roomId: '00000000-0000-4000-8000-000000000001' });
    expect(east.hub.takeRate(userId(1), 32)).toBe(0);
    // Each node answers without asking: what was taken on the other is known a little later.
    expect(west.hub.takeRate(userId(1), 16)).toBe(0);
    expect(await leave(here)).toMatchObject({ code: 'rate_limited' });
    expect(await leave(there)).toMatchObject({ type: 'ok' });
    await world.time.advance(250);
    const refusal = await leave(there);
    expect(refusal).toMatchObject({ code: 'rate_limited', retryable: true });
    const waitMs = refusal['retryAfterMs'] as number;
    expect(west.hub.takeRate(userId(1), 1)).toBe(waitMs);
    await world.time.advance(waitMs);
    expect(await leave(there)).toMatchObject({ type: 'ok' });
    // Others have their own.
    expect(await leave(await west.connect(2))).toMatchObject({ type: 'ok' });
    await east.hub.stop();
    await west.hub.stop();
  });

  it('is not made good by leaving and coming back', async () => {
    const world = new HubWorld({ userRate: { perSecond: 1, burst: 15 } });
    const roomId = '00000000-0000-4000-8000-000000000001';
    for (let n = 0; n < 3; n += 1) {
      const client = await world.connect(1);
      expect(await client.ask('room.leave', { roomId })).toMatchObject({ type: 'ok' });
      client.close();
    }
    const client = await world.connect(1);
    expect(await client.ask('room.leave', { roomId })).toMatchObject({ code: 'rate_limited' });
  });

  it('is taken from by each further hello', async () => {
    const world = new HubWorld({ connectionRate: { perSecond: 1, burst: 2 } });
    const client = await world.connect(1);
    const greet = () => client.ask('hello', { token: 't', client: { name: 'x', version: '1' } });
    for (let n = 0; n < 2; n += 1) expect(await greet()).toMatchObject({ code: 'conflict' });
    expect(await greet()).toMatchObject({ code: 'rate_limited' });
  });

  it('forgives who is now and then above it', async () => {
    const world = new HubWorld({ connectionRate: { perSecond: 1, burst: 1 }, maxRateRefusals: 10 });
    const client = await world.connect(1);
    for (let n = 0; n < 10; n += 1) {
      for (let k = 0; k < 9; k += 1) {
        client.send('room.leave', { roomId: '00000000-0000-4000-8000-000000000001' });
      }
      await world.time.advance(10_001);
    }
    expect(client.socket.isOpen).toBe(true);
  });

  it('closes who goes on regardless, as overloaded', async () => {
    const world = new HubWorld({ connectionRate: { perSecond: 1, burst: 1 }, maxRateRefusals: 10 });
    const client = await world.connect(1);
    for (let n = 0; n < 12 && client.socket.isOpen; n += 1) {
      client.send('room.leave', { roomId: '00000000-0000-4000-8000-000000000001' });
    }
    expect(client.socket.closedWith?.code).toBe(4004);
    // What came before in the same tick was answered before the close.
    const codes = client.socket.messages().map((reply) => reply['code'] ?? reply['type']);
    expect(codes).toEqual(['ok', ...Array.from({ length: 10 }, () => 'rate_limited')]);
  });
});

describe('whoever is closed as overloaded', () => {
  const LIMITS = { connectionRate: { perSecond: 1, burst: 1 }, maxRateRefusals: 10 };
  const MESSAGE = 'a connection was closed as overloaded: it went on above its rate';

  async function flooder(world: HubWorld, n: number): Promise<{ connectionId: unknown }> {
    const client = world.open();
    const token = `${userId(n)}|User ${n}`;
    const hello = { token, client: { name: 'test', version: '1' } };
    const { connectionId } = await client.ask('hello', hello);
    while (client.socket.isOpen)
      client.send('room.leave', { roomId: '00000000-0000-4000-8000-000000000001' });
    return { connectionId };
  }

  it('is named in the log at once', async () => {
    const log = new RecordingLog();
    const world = new HubWorld(LIMITS, { log });
    const { connectionId } = await flooder(world, 1);
    const fields = { connectionId, userId: userId(1) };
    expect(log.lines).toEqual([{ level: 'warn', message: MESSAGE, fields }]);
  });

  it('fills no log: one of them is named in a second, with how many are left out', async () => {
    const log = new RecordingLog();
    const world = new HubWorld(LIMITS, { log });
    for (let n = 1; n < 10; n += 1) await flooder(world, n);
    expect(log.lines).toHaveLength(1);
    await world.time.advance(1_000);
    expect(log.lines.slice(1)).toMatchObject([{ fields: { userId: userId(9), leftOut: 7 } }]);
    await flooder(world, 10);
    expect(log.lines).toHaveLength(2);
    await world.time.advance(1_000);
    expect(log.lines.slice(2).map(({ fields }) => fields['userId'])).toEqual([userId(10)]);
    expect(log.lines[2]?.fields).not.toHaveProperty('leftOut');
    // Where nobody was closed for a second, the next one is named at once again.
    await world.time.advance(1_000);
    await flooder(world, 11);
    await flooder(world, 12);
    expect(log.lines.slice(3)).toMatchObject([{ fields: { userId: userId(11) } }]);
    await world.hub.stop();
    expect(log.lines.slice(4)).toMatchObject([{ fields: { userId: userId(12) } }]);
    await world.time.advance(10_000);
    expect(log.lines).toHaveLength(5);
  });
});

describe('the sizes', () => {
  it('of a room', async () => {
    const world = new HubWorld({ maxRoomMembers: 2 });
    const { roomId } = await alone(world);
    await (await world.connect(2)).ask('room.join', { roomId });
    expect(await (await world.connect(3)).ask('room.join', { roomId })).toMatchObject({
      code: 'room_full',
      retryable: true,
    });
    // Who is in it may come back from elsewhere.
    expect(await (await world.connect(2)).ask('room.join', { roomId })).toMatchObject({
      type: 'ok',
    });
  });

  it('of the rooms of a connection', async () => {
    const world = new HubWorld({ maxRoomsPerConnection: 1 });
    const { host, roomId } = await alone(world);
    expect(await host.ask('room.create', { name: 'Garden' })).toMatchObject({ code: 'conflict' });
    expect(await host.ask('room.join', { roomId })).toMatchObject({ type: 'ok' });
  });

  it('of a queue', async () => {
    const world = new HubWorld({ domain: { ...DEFAULT_HUB_OPTIONS.domain, maxQueueEntries: 2 } });
    const { host, roomId } = await alone(world);
    await host.ask('queue.add', { roomId, trackIds: [trackId(1), trackId(2)] });
    expect(await host.ask('queue.add', { roomId, trackIds: [trackId(3)] })).toMatchObject({
      code: 'queue_full',
    });
    expect(await host.ask('queue.add', { roomId, trackIds: ['no-such-track'] })).toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('no-such-track') as string,
    });
  });

  it('of the commands that wait for a room', async () => {
    const world = new HubWorld({
      maxWaitingCommands: 3,
      connectionRate: { perSecond: 100, burst: 100 },
    });
    const { host, roomId } = await alone(world);
    for (let n = 0; n < 5; n += 1) host.send('queue.clear', { roomId });
    await world.time.settle();
    const codes = host.socket.take().map((reply) => reply['code'] ?? reply['type']);
    expect(codes.filter((code) => code === 'unavailable')).toHaveLength(2);
  });
});

describe('hostile input', () => {
  /** Values that no schema expects, of every shape. */
  const anything = fc.anything({ maxDepth: 2, withNullPrototype: false }).filter((value) => {
    try {
      JSON.stringify(value);
      return true;
    } catch {
      return false;
    }
  });

  it(
    'is answered or closed, never thrown, and changes nothing for others',
    { timeout: 60_000 },
    async () => {
      const world = new HubWorld({
        connectionRate: { perSecond: 1e6, burst: 1e6 },
        userRate: { perSecond: 1e6, burst: 1e6 },
        maxConnectionsPerUser: 10_000,
      });
      const { host, roomId } = await alone(world);
      await host.ask('queue.add', { roomId, trackIds: [trackId(1)] });
      const before = stateHash(world.hub.rooms.get(roomId)!.state.public);
      const types = Object.keys(RequestSchemas) as RequestType[];
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...types),
          fc.dictionary(
            fc.constantFrom(
              'roomId',
              'entryId',
              'name',
              'token',
              'client',
              'trackIds',
              'since',
              'text',
              '__proto__',
              'key',
              'userId',
              'settings',
              'to',
              'value',
            ),
            anything,
          ),
          async (type, fields) => {
            const stranger = await world.connect(2);
            stranger.sendRaw(JSON.stringify({ ...fields, id: 77, type }));
            await world.time.settle();
            const reply = stranger.socket.messages().find(({ id }) => id === 77);
            // A room may be made of such fields, by chance: that is no harm.
            if (stranger.socket.isOpen) expect(['ok', 'error']).toContain(reply?.['type']);
            else expect(stranger.socket.closedWith?.code).toBe(4500);
            stranger.close();
          },
        ),
        { numRuns: 300 },
      );
      await fc.assert(
        fc.asyncProperty(
          fc.uint8Array({ maxLength: 400 }),
          fc.boolean(),
          async (bytes, isBinary) => {
            const stranger = await world.connect(2);
            stranger.sendRaw(bytes, isBinary);
            await world.time.settle();
            if (stranger.socket.isOpen) expect(stranger.socket.received.length).toBeGreaterThan(0);
            else expect(stranger.socket.closedWith?.code).toBe(4500);
            stranger.close();
          },
        ),
        { numRuns: 300 },
      );
      expect(stateHash(world.hub.rooms.get(roomId)!.state.public)).toBe(before);
      expect(world.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
    },
  );
});
