// How many rooms are made by a person and from an address, by whatever way: they are kept for good.
import { describe, expect, it } from 'vitest';
import { archivedRoomLog } from '../../src/adapters/archived-logs.ts';
import { MemoryArchive } from '../../src/adapters/memory/memory-archive.ts';
import { MemoryRoomLog } from '../../src/adapters/memory/memory-room-log.ts';
import { DEFAULT_HUB_OPTIONS } from '../../src/hub/hub-options.ts';
import { StoreUnavailable } from '../../src/ports/room-log.ts';
import { FakeSharedRates } from '../support/fake-shared-rates.ts';
import { HubWorld, trackId, userId, type Message, type TestClient } from '../support/hub-world.ts';
import { appOver, call } from '../support/http-calls.ts';
import { UNHURRIED } from '../support/kitchen.ts';
import { ListeningWorld } from '../support/listening-world.ts';
import { NodesWorld } from '../support/nodes-world.ts';

const { connectionRate, userRate } = UNHURRIED;
const { roomRate } = DEFAULT_HUB_OPTIONS;
const UNHURRIED_ELSE = { connectionRate, userRate, maxRoomsPerConnection: 1_000 };
const HERE = '192.0.2.1';
const ELSEWHERE = '192.0.2.2';

async function from(world: HubWorld, n: number, address: string): Promise<TestClient> {
  const client = world.open(address);
  const token = `${userId(n)}|User ${n}`;
  await client.ask('hello', { token, client: { name: 'test', version: '1' } });
  return client;
}

const make = (client: TestClient, key?: string): Promise<Message> =>
  client.ask('room.create', { name: 'Kitchen', ...(key === undefined ? {} : { key }) });

describe('the rooms that are made', () => {
  it('by a person are some at once, and then a few a minute, by socket and by REST', async () => {
    const world = new HubWorld(UNHURRIED_ELSE);
    const app = appOver(world);
    const byRest = () =>
      call(app, '/v1/rooms', {
        json: { name: 'Kitchen' },
        token: `${userId(1)}|User 1`,
        from: HERE,
      });
    const ana = await from(world, 1, HERE);
    for (let n = 0; n < roomRate.burst; n += 2) {
      expect(await make(ana)).toMatchObject({ type: 'ok' });
      expect((await byRest()).status).toBe(201);
    }
    const refusal = await make(ana);
    expect(refusal).toMatchObject({ code: 'rate_limited', retryable: true, retryAfterMs: 15_000 });
    const refused = await byRest();
    expect([refused.status, refused.body]).toMatchObject([429, { code: 'rate_limited' }]);
    // From another address it is the same person.
    expect(await make(await from(world, 1, ELSEWHERE))).toMatchObject({ code: 'rate_limited' });
    expect(await make(await from(world, 2, HERE))).toMatchObject({ type: 'ok' });
    await world.time.advance(15_000);
    expect(await make(ana)).toMatchObject({ type: 'ok' });
    expect(await make(ana)).toMatchObject({ code: 'rate_limited' });
  });

  it('from an address are some more, by however many guests', async () => {
    const addressRoomRate = { perSecond: 0.2, burst: 60 };
    const world = new HubWorld({ ...UNHURRIED_ELSE, addressRoomRate });
    let made = 0;
    for (let n = 1; n <= 10; n += 1) {
      const guest = await from(world, n, HERE);
      for (let k = 0; k < 10; k += 1) if ((await make(guest))['type'] === 'ok') made += 1;
    }
    expect(made).toBe(addressRoomRate.burst);
    const next = await from(world, 11, HERE);
    expect(await make(next)).toMatchObject({ code: 'rate_limited', retryAfterMs: 5_000 });
    expect(await make(await from(world, 12, ELSEWHERE))).toMatchObject({ type: 'ok' });
    await world.time.advance(5_000);
    expect(await make(next)).toMatchObject({ type: 'ok' });
  });

  it('are counted over all nodes', async () => {
    const world = new NodesWorld(UNHURRIED_ELSE);
    const sharedRates = new FakeSharedRates(() => world.time.now());
    world.portsOf = () => ({ sharedRates });
    const [east, west] = [await world.start('east'), await world.start('west')];
    const [here, there] = [await from(east, 1, HERE), await from(west, 1, HERE)];
    for (let n = 0; n < roomRate.burst; n += 1)
      expect(await make(here)).toMatchObject({ type: 'ok' });
    for (let n = 0; n < 5; n += 1) expect(await make(there)).toMatchObject({ type: 'ok' });
    await world.time.advance(1_000);
    expect(await make(there)).toMatchObject({ code: 'rate_limited' });
    await east.hub.stop();
    await west.hub.stop();
  });

  it('are not counted again where a request is repeated', async () => {
    const world = new HubWorld({ ...UNHURRIED_ELSE, roomRate: { perSecond: 0.1, burst: 1 } });
    const ana = await from(world, 1, HERE);
    const { roomId } = await make(ana, 'once');
    expect(await make(ana, 'once')).toMatchObject({ type: 'ok', roomId });
    expect(await make(ana, 'another')).toMatchObject({ code: 'rate_limited' });
  });

  it('of what a friend listens to are those of who joins them, once', async () => {
    const world = new ListeningWorld({
      ...UNHURRIED_ELSE,
      roomRate: { perSecond: 0.001, burst: 1 },
    });
    await world.hub.start();
    const [ada, ben, eve] = [await world.person(1), await world.person(2), await world.person(3)];
    await world.befriend(1, 2);
    await world.befriend(1, 3);
    const { activityId } = await ada.ask('activity.set', {
      track: { trackId: trackId(1) },
      positionMs: 0,
      state: 'playing',
    });
    await world.time.advance(10_000);
    const join = (client: TestClient) =>
      client.ask('activity.join', { userId: userId(1), activityId: String(activityId) });
    expect(await make(ben)).toMatchObject({ type: 'ok' });
    expect(await join(ben)).toMatchObject({ code: 'rate_limited' });
    const { roomId } = await join(eve);
    expect(roomId).toBeTypeOf('string');
    // Whoever comes to a room that is there makes none.
    expect(await join(ben)).toMatchObject({ type: 'ok', roomId });
    expect(await make(eve)).toMatchObject({ code: 'rate_limited' });
    expect(await make(ada)).toMatchObject({ type: 'ok' });
  });

  it('are made while the archive is away', async () => {
    const away = new MemoryRoomLog(new MemoryArchive());
    away.load = () => Promise.reject(new StoreUnavailable('Postgres is away'));
    const live = new MemoryRoomLog(new MemoryArchive());
    const world = new HubWorld(UNHURRIED_ELSE, { roomLog: archivedRoomLog(live, away) });
    const ana = await from(world, 1, HERE);
    expect(await make(ana)).toMatchObject({ type: 'ok' });
    expect(await make(ana, 'once')).toMatchObject({ type: 'ok' });
  });
});
