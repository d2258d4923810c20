// Friends, requests, blocks, audiences and profiles over REST.
import { describe, expect, it, vi } from 'vitest';
import type { UserId } from '../../protocol/ids.ts';
import { call, type Answer } from '../support/http-calls.ts';
import { userId } from '../support/hub-world.ts';
import type { ListeningStores } from '../support/listening-world.ts';
import { SocialWorld, idsIn } from '../support/social-world.ts';
import { MAX_DEVICE_TOKENS } from '../../src/ports/accounts.ts';
import type { Users } from '../../src/ports/users.ts';

const UNKNOWN = '00000000-0000-4000-8000-00000000dead';

/** One after the other, while the clock of the rates stands still: none comes back meanwhile. */
async function statusesOf(count: number, ask: () => Promise<Answer>): Promise<number[]> {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    const statuses: number[] = [];
    for (let n = 0; n < count; n += 1) statuses.push((await ask()).status);
    return statuses;
  } finally {
    vi.useRealTimers();
  }
}

describe('friends', () => {
  it('ask, accept, part, and see one another in their lists', async () => {
    const social = new SocialWorld();
    await social.people(1, 2);
    const asked = await social.as(1, '/v1/friends/requests', { json: { userId: userId(2) } });
    expect([asked.status, asked.body]).toEqual([200, { status: 'sent' }]);
    const waiting = await social.as(2, '/v1/friends');
    expect(waiting.body).toMatchObject({
      incoming: [{ id: userId(1), name: 'User 1' }],
      incomingCount: 1,
    });
    expect(idsIn(await social.as(1, '/v1/friends'), 'outgoing')).toEqual([userId(2)]);

    const path = `/v1/friends/requests/${userId(1)}/accept`;
    expect((await social.as(2, path, { method: 'POST' })).status).toBe(204);
    expect((await social.as(2, path, { method: 'POST' })).status).toBe(404);
    expect(idsIn(await social.as(1, '/v1/friends'), 'friends')).toEqual([userId(2)]);

    expect((await social.as(1, `/v1/friends/${userId(2)}`, { method: 'DELETE' })).status).toBe(204);
    expect(idsIn(await social.as(2, '/v1/friends'), 'friends')).toEqual([]);
  });

  it('who both ask are friends at once; who declines is left in peace', async () => {
    const social = new SocialWorld();
    await social.people(1, 2, 3);
    await social.as(1, '/v1/friends/requests', { json: { userId: userId(2) } });
    const back = await social.as(2, '/v1/friends/requests', { json: { userId: userId(1) } });
    expect(back.body).toEqual({ status: 'friends' });

    await social.as(3, '/v1/friends/requests', { json: { userId: userId(1) } });
    const declined = await social.as(1, `/v1/friends/requests/${userId(3)}/decline`, {
      method: 'POST',
    });
    expect(declined.status).toBe(204);
    const again = await social.as(3, '/v1/friends/requests', { json: { userId: userId(1) } });
    expect(again.body).toEqual({ status: 'sent' });
    expect(idsIn(await social.as(1, '/v1/friends'), 'incoming')).toEqual([]);
    const back3 = await social.as(3, `/v1/friends/requests/${userId(1)}`, { method: 'DELETE' });
    expect(back3.status).toBe(204);
  });

  it('are found by the code of a link, until it is changed', async () => {
    const social = new SocialWorld();
    await social.people(1, 2);
    const { code } = (await social.as(1, '/v1/friends/code')).body as { code: string };
    const typed = `${code.slice(0, 5)}-${code.slice(5)}`.toLowerCase();
    expect((await social.as(2, `/v1/people/${typed}`)).body).toMatchObject({ id: userId(1) });
    expect((await social.as(2, '/v1/friends/requests', { json: { code: typed } })).status).toBe(
      200,
    );
    const changed = await social.as(1, '/v1/friends/code', { method: 'POST' });
    expect(changed.body['code']).not.toBe(code);
    expect((await social.as(2, `/v1/people/${code}`)).status).toBe(404);
  });

  it('codes cannot be tried out: an address has twenty tries', async () => {
    const social = new SocialWorld();
    await social.people(1);
    const guess = (from: string) => social.as(1, '/v1/people/2222222222', { from });
    expect(await statusesOf(25, () => guess('192.0.2.1'))).toEqual([
      ...Array<number>(20).fill(404),
      ...Array<number>(5).fill(429),
    ]);
    expect((await guess('192.0.2.9')).status).toBe(404);
  });

  it('secrets of devices and links cannot be tried out: an address has thirty tries of both', async () => {
    const { app } = new SocialWorld();
    const secret = (from: string) =>
      call(app, '/v1/tokens', { json: { deviceSecret: `esd_${'A'.repeat(43)}` }, from });
    const link = (from: string) => call(app, `/v1/links/${'A'.repeat(22)}`, { json: {}, from });
    expect(await statusesOf(20, () => secret('192.0.2.1'))).toEqual(Array(20).fill(401));
    expect(await statusesOf(12, () => link('192.0.2.1'))).toEqual([
      ...Array<number>(10).fill(404),
      ...[429, 429],
    ]);
    expect((await secret('192.0.2.9')).status).toBe(401);
  });

  it('whoever blocks cannot be told from whoever is not there', async () => {
    const social = new SocialWorld();
    await social.people(1, 2);
    await social.befriend(1, 2);
    const { code } = (await social.as(1, '/v1/friends/code')).body as { code: string };
    expect((await social.as(1, `/v1/blocks/${userId(2)}`, { method: 'PUT' })).status).toBe(204);
    expect(idsIn(await social.as(2, '/v1/friends'), 'friends')).toEqual([]);
    for (const [target, init] of [
      ['/v1/friends/requests', { json: { userId: userId(1) } }],
      [`/v1/users/${userId(1)}/history`, {}],
      [`/v1/friends/${userId(1)}`, { method: 'DELETE' }],
    ] as const) {
      const blocked = await social.as(2, target, init);
      const json = 'json' in init ? { json: { userId: UNKNOWN } } : init;
      const unknown = await social.as(2, target.replace(userId(1), UNKNOWN), json);
      expect([blocked.status, blocked.body]).toEqual([404, unknown.body]);
    }
    expect((await social.as(2, `/v1/people/${code}`)).body).toEqual(
      (await social.as(2, '/v1/people/2222222222')).body,
    );
    expect(idsIn(await social.as(1, '/v1/friends'), 'blocked')).toEqual([userId(2)]);
    expect((await social.as(1, `/v1/blocks/${userId(2)}`, { method: 'DELETE' })).status).toBe(204);
    expect((await social.as(1, `/v1/blocks/${userId(1)}`, { method: 'PUT' })).status).toBe(404);
  });

  it('whoever blocks cannot be told from whoever is not there by blocking them in turn', async () => {
    const social = new SocialWorld();
    await social.people(1, 2);
    await social.as(1, `/v1/blocks/${userId(2)}`, { method: 'PUT' });
    const tried = async (id: string): Promise<unknown[]> => {
      const answers: unknown[] = [];
      for (const [target, method] of [
        [`/v1/blocks/${id}`, 'PUT'],
        ['/v1/friends', 'GET'],
        [`/v1/blocks/${id}`, 'PUT'],
        [`/v1/blocks/${id}`, 'DELETE'],
        [`/v1/blocks/${id}`, 'DELETE'],
        ['/v1/friends', 'GET'],
      ] as const) {
        const { status, body } = await social.as(2, target, { method });
        answers.push([target.replace(id, ''), status, body]);
      }
      return answers;
    };
    expect(await tried(userId(1))).toEqual(await tried(UNKNOWN));

    // It holds nevertheless.
    await social.as(2, `/v1/blocks/${userId(1)}`, { method: 'PUT' });
    await social.as(1, `/v1/blocks/${userId(2)}`, { method: 'DELETE' });
    const ask = await social.as(1, '/v1/friends/requests', { json: { userId: userId(2) } });
    expect(ask.status).toBe(404);
    expect(idsIn(await social.as(2, '/v1/friends'), 'blocked')).toEqual([userId(1)]);
  });

  it('a change is told at once to those who look at the feed', async () => {
    const social = new SocialWorld();
    const [, ben] = await social.connected(1, 2);
    await ben?.ask('feed.subscribe', {});
    await social.as(1, '/v1/friends/requests', { json: { userId: userId(2) } });
    await social.world.time.advance(10);
    expect(ben?.take('friends.changed')).toHaveLength(1);
  });

  it('whom one met in a room are found by a part of the name', async () => {
    const social = new SocialWorld();
    const [ana, ben] = await social.connected(1, 2);
    const made = await ana?.ask('room.create', { name: 'Kitchen' });
    await social.world.time.advance(100);
    await ben?.ask('room.join', { roomId: String(made?.['roomId']) });
    await social.world.time.advance(500);
    expect(idsIn(await social.as(1, '/v1/people?q=USER'), 'people')).toEqual([userId(2)]);
    expect(idsIn(await social.as(1, '/v1/people?q=nobody'), 'people')).toEqual([]);
  });

  it.each([
    ['POST', '/v1/friends/requests', { userId: 'x' }],
    ['POST', '/v1/friends/requests', { userId: { $gt: '' } }],
    ['POST', '/v1/friends/requests', { userId: UNKNOWN, code: '2222222222' }],
    ['POST', '/v1/friends/requests', { code: 'x'.repeat(100) }],
    ['PUT', '/v1/me/audience', { audience: 'everybody' }],
    ['PUT', '/v1/me/audience', { audience: { $ne: 'nobody' } }],
    ['PUT', '/v1/me/audience', { userIds: Array.from({ length: 501 }, () => UNKNOWN) }],
    ['PUT', '/v1/me/audience', { privateUntil: 'tomorrow' }],
    ['PUT', '/v1/me/audience', { privateUntil: -1 }],
    ['PUT', '/v1/me/audience', { privateUntil: 1e300 }],
    ['PUT', '/v1/me/audience', { privateUntil: 367 * 86_400_000 }],
    ['PATCH', '/v1/me', { name: 'a\u202eb' }],
    ['PATCH', '/v1/me', { name: 'a\u200bb' }],
    ['PATCH', '/v1/me', { name: ' ' }],
    ['PATCH', '/v1/me', { colour: 'octarine' }],
    ['PATCH', '/v1/me', { picture: 'http://example.org/a.png' }],
    ['PATCH', '/v1/me', { picture: 'javascript:alert(1)' }],
    ['PATCH', '/v1/me', { admin: true }],
  ])('refuse %s %s %j', async (method, target, json) => {
    const social = new SocialWorld();
    await social.people(1);
    const { status, body } = await social.as(1, target, { method, json });
    expect([status, body['code']]).toEqual([400, 'bad_request']);
    expect(body['detail']).not.toBe('');
  });

  it('an audience is set, kept, and read by its owner alone', async () => {
    const social = new SocialWorld();
    await social.people(1, 2, 3);
    await social.befriend(1, 2);
    const set = await social.as(1, '/v1/me/audience', {
      method: 'PUT',
      json: { audience: 'chosen', userIds: [userId(2), userId(3)], privateUntil: 5_000_000 },
    });
    // Only friends can be chosen.
    const expected = { audience: 'chosen', chosen: [userId(2)], privateUntil: 5_000_000 };
    expect(set.body).toEqual(expected);
    expect((await social.as(1, '/v1/me/audience')).body).toEqual(expected);
    const ended = await social.as(1, '/v1/me/audience', {
      method: 'PUT',
      json: { privateUntil: null },
    });
    expect(ended.body).toEqual({ audience: 'chosen', chosen: [userId(2)] });
    expect((await social.as(2, '/v1/me/audience')).body).toEqual({
      audience: 'friends',
      chosen: [],
    });
  });
});

/** A world in which something happens to user 1, a guest, as soon as a request has been let in. */
function afterTheFirstLook(happens: (stores: ListeningStores) => unknown) {
  let isLetIn = false;
  const stores = (): ListeningStores => social.world.stores;
  const users: Pick<Users, 'find'> = {
    async find(...asked) {
      const found = await stores().users.find(...asked);
      if (!isLetIn) happens(stores());
      isLetIn = true;
      return found;
    },
  };
  const social: SocialWorld = new SocialWorld({
    users: {
      ...users,
      createGuest: (name) => stores().users.createGuest(name),
      save: (user) => stores().users.save(user),
      rename: (id, name) => stores().users.rename(id, name),
      standings: (people) => stores().users.standings(people),
    },
  });
  void social.people(1);
  return { social, users: () => stores().users };
}

describe('an account', () => {
  it('is a guest’s, with a colour and a picture of their own', async () => {
    const social = new SocialWorld();
    await social.people(1);
    const before = await social.as(1, '/v1/me');
    expect(before.body).toMatchObject({ id: userId(1), name: 'User 1', guest: true });
    const json = { name: 'Ána', colour: 'teal', picture: 'https://example.org/a.png' };
    const changed = await social.as(1, '/v1/me', { method: 'PATCH', json });
    expect(changed.body).toMatchObject({ user: { id: userId(1), ...json } });
    expect((await social.as(1, '/v1/me')).body).toMatchObject(json);
    const without = await social.as(1, '/v1/me', { method: 'PATCH', json: { picture: null } });
    expect(without.body['user']).not.toHaveProperty('picture');
    expect(without.body['user']).toMatchObject({ name: 'Ána', colour: 'teal' });
  });

  it('goes on by the secret of its device, until that is revoked', async () => {
    const social = new SocialWorld();
    const { app } = social;
    const made = await call(app, '/v1/guests', { json: { name: 'Ana', device: 'My phone' } });
    expect(made.status).toBe(201);
    const { user, device } = made.body as {
      user: { id: string };
      device: { id: string; secret: string };
    };
    const exchange = (deviceSecret: string) =>
      call(app, '/v1/tokens', { json: { deviceSecret }, from: '192.0.2.7' });
    const fresh = await exchange(device.secret);
    expect(fresh.body).toMatchObject({ user });
    const token = String(fresh.body['token']);
    const listed = await call(app, '/v1/me/devices', { token });
    expect(listed.body).toMatchObject({ devices: [{ id: device.id, label: 'My phone' }] });

    const revoked = await call(app, `/v1/me/devices/${device.id}`, { token, method: 'DELETE' });
    expect(revoked.status).toBe(204);
    const again = await call(app, `/v1/me/devices/${device.id}`, { token, method: 'DELETE' });
    expect(again.status, 'it was the one that asks').toBe(401);
    expect((await exchange(device.secret)).status).toBe(401);
    expect((await exchange('esd_nonsense')).body).toEqual((await exchange(device.secret)).body);
    expect(JSON.stringify(listed.body)).not.toContain(device.secret);
  });

  it('moves to another device by a link that works once', async () => {
    const social = new SocialWorld();
    await social.people(1, 2);
    const made = await social.as(1, '/v1/me/link', { method: 'POST' });
    expect(made.status).toBe(201);
    const path = `/v1/links/${String(made.body['code'])}`;
    const taken = await call(social.app, path, { json: { label: 'A laptop' } });
    expect(taken.body).toMatchObject({ user: { id: userId(1) } });
    expect((await call(social.app, path, { method: 'POST' })).status).toBe(404);
    const { devices } = (await social.as(1, '/v1/me/devices')).body as { devices: unknown[] };
    expect(devices).toMatchObject([{ label: 'A laptop' }]);
    // Nobody revokes another’s.
    const [{ id } = { id: '' }] = devices as { id: string }[];
    expect((await social.as(2, `/v1/me/devices/${id}`, { method: 'DELETE' })).status).toBe(404);
  });

  it('closes the sockets of the device that makes place for one more', async () => {
    const social = new SocialWorld();
    const { app, accounts } = social;
    const made = await call(app, '/v1/guests', { json: { name: 'Ana', device: 'Oldest' } });
    const { token, user } = made.body as { token: string; user: { id: UserId } };
    const soon = social.world.time.now() + 1;
    for (let n = 1; n < MAX_DEVICE_TOKENS; n += 1)
      await accounts.createToken(user.id, `${n}`, soon);
    const oldest = await social.world.connectBy(token);
    const link = await accounts.createLink(user.id, soon);
    const taken = await call(app, `/v1/links/${link?.code}`, { method: 'POST' });
    expect(taken.status).toBe(201);
    await social.world.time.advance(10);
    expect(oldest.socket.closedWith).toMatchObject({ code: 4504 });
  });

  it('is lost to a device that is revoked, whatever that holds or has asked for', async () => {
    const social = new SocialWorld();
    const { app } = social;
    const made = await call(app, '/v1/guests', { json: { name: 'Ana', device: 'My phone' } });
    const { device, token: stolen } = made.body as { device: { id: string }; token: string };
    const link = await call(app, '/v1/me/link', { token: stolen, method: 'POST' });
    const laptop = await call(app, `/v1/links/${String(link.body['code'])}`, { method: 'POST' });
    const token = String(laptop.body['token']);
    const renamed = await call(app, '/v1/me', { token: stolen, method: 'PATCH', json: {} });
    const held = [stolen, String(renamed.body['token'])];
    const underWay = await call(app, '/v1/me/link', { token: stolen, method: 'POST' });
    const sockets = await Promise.all([...held, token].map((one) => social.world.connectBy(one)));

    const path = `/v1/me/devices/${device.id}`;
    expect((await call(app, path, { token, method: 'DELETE' })).status).toBe(204);
    await social.world.time.advance(10);
    expect(sockets.map(({ socket }) => socket.closedWith?.code)).toEqual([4504, 4504, undefined]);
    for (const lost of held) {
      for (const [target, init] of [
        ['/v1/me', {}],
        ['/v1/me', { method: 'PATCH', json: {} }],
        ['/v1/me/link', { method: 'POST' }],
        ['/v1/me/devices', {}],
      ] as const) {
        const answer = await call(app, target, { token: lost, ...init });
        expect([answer.status, answer.body['code']]).toEqual([401, 'unauthorised']);
      }
    }
    const late = await call(app, `/v1/links/${String(underWay.body['code'])}`, { method: 'POST' });
    expect(late.status).toBe(404);
    expect((await call(app, '/v1/me', { token })).status).toBe(200);
  });

  it.each([{ name: 'Anna' }, { colour: 'teal' }, {}])(
    'that is erased while it is changed stays erased: %j',
    async (json) => {
      const { social, users } = afterTheFirstLook((world) => world.users.remove(userId(1)));
      const changed = await social.as(1, '/v1/me', { method: 'PATCH', json });
      expect([changed.status, changed.body['code']]).toEqual([401, 'unauthorised']);
      expect(await users().find(userId(1))).toBeUndefined();
    },
  );

  it('keeps the name that another device gives it while its colour is changed', async () => {
    const { social } = afterTheFirstLook((world) => world.users.rename(userId(1), 'Anna'));
    const json = { colour: 'teal' };
    const changed = await social.as(1, '/v1/me', { method: 'PATCH', json });
    expect(changed.body).toMatchObject({ user: { name: 'Anna', colour: 'teal' } });
    expect((await social.as(1, '/v1/me')).body).toMatchObject({ name: 'Anna', colour: 'teal' });
  });

  it('lasts no longer for a change of name', async () => {
    const social = new SocialWorld();
    await social.people(1);
    const token = `${userId(1)}|User 1|5000`;
    const json = { name: 'Anna' };
    const changed = await call(social.app, '/v1/me', { token, method: 'PATCH', json });
    expect(changed.body).toMatchObject({ token: `${userId(1)}|Anna|5000`, expiresInMs: 5_000 });
  });

  it('of an operator’s person is given neither a token nor a link by the hub', async () => {
    const social = new SocialWorld();
    const json = { name: 'Operated', colour: 'teal' };
    const changed = await social.as(1, '/v1/me', { method: 'PATCH', json });
    expect([changed.status, changed.body]).toEqual([
      200,
      { user: { id: userId(1), guest: false, ...json } },
    ]);
    const link = await social.as(1, '/v1/me/link', { method: 'POST' });
    expect([link.status, link.body['code']]).toEqual([409, 'conflict']);
  });

  it('gives no secret where none is asked for', async () => {
    const social = new SocialWorld();
    const made = await call(social.app, '/v1/guests', { json: { name: 'Ana' } });
    expect(made.body).not.toHaveProperty('device');
  });
});
