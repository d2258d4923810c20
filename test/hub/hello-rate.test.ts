// Who says hello over and over: it costs their own rate, and nobody else's turn or store.
import { describe, expect, it } from 'vitest';
import { MemoryUsers } from '../../src/adapters/memory/memory-users.ts';
import { createPromMetrics } from '../../src/adapters/system/prom-metrics.ts';
import {
  HubWorld,
  RecordingLog,
  userId,
  type Message,
  type TestClient,
} from '../support/hub-world.ts';
import { revokedHere } from '../support/revoked-here.ts';
import { termedAuthenticator, tokenOf } from '../support/termed-tokens.ts';

const CLIENT = { client: { name: 'test', version: '1' } };
const token = (n: number): string => `${userId(n)}|User ${n}`;

/** People of whom the store is asked, in the order in which it is. */
class AskedUsers extends MemoryUsers {
  readonly asked: string[] = [];

  override find(...args: Parameters<MemoryUsers['find']>) {
    this.asked.push(args[0]);
    return super.find(...args);
  }
}

async function greeted(
  world: HubWorld,
  n: number,
  more: { replaces?: string } = {},
): Promise<{ client: TestClient; reply: Message }> {
  const client = world.open();
  return { client, reply: await client.ask('hello', { token: token(n), ...CLIENT, ...more }) };
}

describe('hello', () => {
  it('takes from the rate of the person, and is refused above it with the time to wait (RQ6)', async () => {
    const users = new AskedUsers();
    const metrics = createPromMetrics();
    const world = new HubWorld({ userRate: { perSecond: 2, burst: 9 } }, { users, metrics });
    for (let n = 0; n < 3; n += 1) {
      const { client, reply } = await greeted(world, 1);
      expect(reply).toMatchObject({ type: 'ok' });
      client.close();
    }
    const { client, reply } = await greeted(world, 1);
    expect(reply).toMatchObject({ code: 'rate_limited', retryable: true, retryAfterMs: 1_500 });
    // A client comes back by itself, later.
    expect(client.socket.closedWith?.code).toBe(4004);
    expect(users.asked).toHaveLength(3);
    expect((await metrics.exposition()).body).toContain(
      'earshot_connections_refused_total{limit="rate"} 1',
    );
    // Others have their own.
    expect((await greeted(world, 2)).reply).toMatchObject({ type: 'ok' });
    await world.time.advance(1_500);
    expect((await greeted(world, 1)).reply).toMatchObject({ type: 'ok' });
  });

  it('in a loop fills neither the turns nor the store', async () => {
    const users = new AskedUsers();
    const log = new RecordingLog();
    const world = new HubWorld({ maxHellosAtOnce: 2 }, { users, log });
    const loop = Array.from({ length: 1_000 }, () => {
      const client = world.open();
      client.send('hello', { token: token(1), ...CLIENT });
      return client;
    });
    const honest = world.open();
    honest.send('hello', { token: token(2), ...CLIENT });
    for (let n = 0; n < 20; n += 1) await world.time.settle();
    expect(honest.socket.messages()).toMatchObject([{ type: 'ok' }]);
    const { burst } = world.options.userRate;
    expect(users.asked.length).toBeLessThanOrEqual(burst / 3 + 1);
    expect(loop.filter(({ socket }) => socket.isOpen)).toHaveLength(10);
    // Who it is, and no line for each.
    expect(log.lines.map(({ fields }) => fields['userId'])).toEqual([userId(1)]);
  });

  it('of ten tabs, once each, is answered when they all come back at the same time', async () => {
    const world = new HubWorld();
    const tabs = [];
    for (let n = 0; n < 10; n += 1) tabs.push((await greeted(world, 1)).reply);
    const roomId = (await (await greeted(world, 2)).client.ask('room.create', { name: 'Kitchen' }))[
      'roomId'
    ] as string;
    await world.time.advance(10_000);
    // The sockets that they lost still look open here.
    const back = await Promise.all(
      tabs.map((reply) => greeted(world, 1, { replaces: reply['connectionId'] as string })),
    );
    for (const { reply } of back) expect(reply).toMatchObject({ type: 'ok' });
    for (const { client } of back)
      expect(await client.ask('room.join', { roomId })).toMatchObject({ type: 'ok' });
  });

  it('of many people at once is refused to none of them', async () => {
    const world = new HubWorld();
    const clients = Array.from({ length: 500 }, (_, n) => {
      const client = world.open(`192.0.2.${n % 250}`);
      client.send('hello', { token: token(n), ...CLIENT });
      return client;
    });
    await world.time.settle();
    for (const { socket } of clients) expect(socket.messages()).toMatchObject([{ type: 'ok' }]);
  });

  it('beyond the sockets of a person is refused before the store is asked', async () => {
    const users = new AskedUsers();
    const world = new HubWorld({ maxConnectionsPerUser: 2 }, { users });
    const { reply } = await greeted(world, 1);
    await greeted(world, 1);
    const third = await greeted(world, 1);
    expect(third.reply).toMatchObject({ code: 'conflict', retryable: false });
    expect(third.client.socket.closedWith?.code).toBe(4505);
    expect(users.asked).toEqual([userId(1), userId(1)]);
    const stranger = await greeted(world, 2);
    const strangers = { replaces: stranger.reply['connectionId'] as string };
    expect((await greeted(world, 1, strangers)).client.socket.closedWith?.code).toBe(4505);
    // One that takes another's place is not one more.
    const inPlace = { replaces: reply['connectionId'] as string };
    expect((await greeted(world, 1, inPlace)).reply).toMatchObject({ type: 'ok' });
  });

  it('by a token that was revoked takes nothing of what its person may ask', async () => {
    const revoked = revokedHere(() => 1_000);
    const users = new AskedUsers();
    const world = new HubWorld(
      { userRate: { perSecond: 1, burst: 3 } },
      { revoked, users, authenticator: termedAuthenticator(() => 1_000) },
    );
    const common = { at: 1_000, endsAt: undefined, by: userId(99), reason: undefined };
    await revoked.revoke({ ...common, kind: 'token', tokenId: 'stolen' });
    const hello = (tokenId: string) =>
      world.open().ask('hello', { token: tokenOf(1, { tokenId }), ...CLIENT });
    for (let n = 0; n < 5; n += 1)
      expect(await hello('stolen')).toMatchObject({ code: 'unauthorised' });
    expect(users.asked).toEqual([]);
    expect(await hello('good')).toMatchObject({ type: 'ok' });
  });
});
