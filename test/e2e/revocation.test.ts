// A login with a key set, its people and its operators, over two real nodes with a real Redis and Postgres.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CutProxy } from '../support/cut-proxy.ts';
import { userId } from '../support/hub-world.ts';
import type { EarshotProcess } from '../support/earshot-process.ts';
import { ISSUER, Login } from '../support/login.ts';
import { SharedServers } from '../support/shared-servers.ts';
import { WireClient, guestToken } from '../support/wire-client.ts';

const servers = await SharedServers.start();
const CLIENT = { client: { name: 'test', version: '1' } };
const PATH = '/v1/operator/revocations';

describe.skipIf(servers === undefined)('people of a login', () => {
  if (servers === undefined) return;
  let login: Login;
  let east: EarshotProcess;
  let west: EarshotProcess;
  let operator: string;
  const env = () => ({ JWT_JWKS_URL: login.url, JWT_ISSUER: ISSUER });
  beforeAll(async () => {
    login = await Login.start();
    await login.turn('first', 'ES256');
    [east, west] = await Promise.all([servers.node(env()), servers.node(env())]);
    operator = await login.sign('first', { sub: userId(99), name: 'Op', roles: ['operator'] });
  });
  afterAll(async () => {
    await servers.stop();
    await login.stop();
  });

  const rest = (node: EarshotProcess, token: string, target: string, json?: object) =>
    fetch(node.url + target, {
      method: json === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });
  const enter = (node: EarshotProcess, token: string) =>
    WireClient.enter(node.url, { token, user: { id: '', name: '' } });
  const closing = async (client: WireClient): Promise<WireClient['closed']> => {
    await client.push(() => false);
    return client.closed;
  };

  it('are closed on the other node within a second of being revoked, and stay out of every node', async () => {
    const ana = await login.sign('first', { sub: userId(1), jti: 'stolen' });
    const ben = await login.sign('first', { sub: userId(2), jti: 'kept' });
    const hers = await enter(west, ana);
    const his = await enter(west, ben);
    expect((await rest(east, ben, PATH, { tokenId: 'stolen' })).status).toBe(403);
    expect((await rest(east, operator, PATH, { tokenId: 'stolen' })).status).toBe(201);
    const from = performance.now();
    expect(await closing(hers)).toMatchObject({ code: 4504 });
    // What the service promises, rather than how fast this machine is.
    expect(performance.now() - from).toBeLessThan(1_000);
    expect(his.closed).toBeUndefined();
    for (const node of [east, west]) {
      expect((await rest(node, ana, '/v1/me')).status).toBe(401);
      await expect(enter(node, ana)).rejects.toThrow(/unauthorised/);
    }
    his.close();
  });

  it('stay out after a restart, and of a node that comes later', async () => {
    const cleo = await login.sign('first', { sub: userId(3), jti: 'before the restart' });
    const guest = await guestToken(west.url, 'Guest');
    const theirs = await WireClient.enter(west.url, guest);
    await rest(east, operator, PATH, { tokenId: 'before the restart' });
    await rest(east, operator, PATH, { userId: guest.user.id });
    expect(await closing(theirs)).toMatchObject({ code: 4504 });
    await west.kill();
    west = await servers.node(env());
    await expect(enter(west, cleo)).rejects.toThrow(/unauthorised/);
    await expect(WireClient.enter(west.url, guest)).rejects.toThrow(/unauthorised/);
    const list = (await (await rest(west, operator, PATH)).json()) as { revocations: object[] };
    expect(list.revocations).toHaveLength(3);
  });

  it('are closed by a node that was cut off from Redis and Postgres, once it is back', async () => {
    const cuts: CutProxy[] = [];
    const through = async (address: string): Promise<string> => {
      const url = new URL(address);
      const proxy = await CutProxy.to(Number(url.port));
      cuts.push(proxy);
      url.port = String(proxy.port);
      return url.href;
    };
    const REDIS_URL = await through(servers.redis.url);
    const POSTGRES_URL = await through(servers.databaseUrl);
    const south = await servers.node({ ...env(), REDIS_URL, POSTGRES_URL });
    const dan = await enter(south, await login.sign('first', { sub: userId(7), jti: 'cut off' }));
    for (const proxy of cuts) proxy.cut();
    expect((await rest(east, operator, PATH, { tokenId: 'cut off' })).status).toBe(201);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(dan.closed).toBeUndefined();
    for (const proxy of cuts) proxy.mend();
    expect(await closing(dan)).toMatchObject({ code: 4504 });
    await south.kill();
    for (const proxy of cuts) await proxy.stop();
  });

  it('refresh in band by a key that has turned meanwhile, and only as themselves', async () => {
    const client = await enter(east, await login.sign('first', { sub: userId(4) }));
    // The cooldown of the key set has passed since it was fetched.
    await new Promise((resolve) => setTimeout(resolve, 10_500));
    await login.turn('second', 'EdDSA');
    const token = await login.sign('second', { sub: userId(4) });
    expect(await client.ask('auth.refresh', { token })).toMatchObject({ type: 'ok' });
    const another = await login.sign('second', { sub: userId(5) });
    expect(await client.ask('auth.refresh', { token: another })).toMatchObject({
      code: 'unauthorised',
    });
    expect(client.closed).toBeUndefined();
    client.close();
  });

  it('come later where their login is away, and hold up no guest', async () => {
    login.answers = 'nothing';
    const north = await servers.node(env());
    const client = await WireClient.open(north.url);
    const token = await login.sign('first', { sub: userId(6) });
    const asked = client.ask('hello', { token, ...CLIENT });
    const guest = await guestToken(north.url, 'Guest');
    (await WireClient.enter(north.url, guest)).close();
    expect(await asked).toMatchObject({ type: 'error', code: 'unavailable' });
    expect(await closing(client)).toMatchObject({ code: 4004 });
    const answer = await rest(north, token, '/v1/me');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    login.answers = 'keys';
    await expect.poll(async () => (await rest(north, token, '/v1/me')).status).toBe(200);
  });
});
