// Operators over REST: who is one, what they take back, and what that does to REST, devices and sockets.
import { describe, expect, it } from 'vitest';
import type { RevokedTokens } from '../../src/hub/revoked-tokens.ts';
import { appOver, call, type Answer } from '../support/http-calls.ts';
import { RecordingLog, userId } from '../support/hub-world.ts';
import { NodesWorld } from '../support/nodes-world.ts';
import { revokedHere } from '../support/revoked-here.ts';
import { SocialWorld, idsIn } from '../support/social-world.ts';
import { termedAuthenticator, tokenOf } from '../support/termed-tokens.ts';

const PATH = '/v1/operator/revocations';
const OPERATOR = tokenOf(99, { isOperator: true });
const ANA = userId(1);

/** The request has come to the room, and the room to its end. */
async function settled({ world: { time } }: OperatorWorld): Promise<void> {
  for (let n = 0; n < 20; n += 1) await time.advance(10);
}

class OperatorWorld extends SocialWorld {
  readonly revoked: RevokedTokens;
  readonly log = new RecordingLog();

  constructor() {
    // REST alone asks it here; what it does to sockets is tested with the hub.
    const revoked = revokedHere();
    const authenticator = termedAuthenticator(() => Date.now());
    super({ revoked, authenticator });
    this.revoked = revoked;
  }

  call(method: string, target: string, json?: unknown, token = OPERATOR): Promise<Answer> {
    return call(this.app, target, { method, token, ...(json === undefined ? {} : { json }) });
  }

  revoke(json: object): Promise<Answer> {
    return this.call('POST', PATH, json);
  }

  async statusOf(token: string): Promise<number> {
    return (await call(this.app, '/v1/me', { token })).status;
  }
}

describe('an operator', () => {
  it('is who has the role: nobody else revokes, lists or lifts', async () => {
    const world = new OperatorWorld();
    const { body } = await world.revoke({ tokenId: 'stolen' });
    const one = `${PATH}/${String(body['id'])}`;
    for (const [method, target, json] of [
      ['POST', PATH, { userId: userId(99) }],
      ['GET', PATH, undefined],
      ['DELETE', one, undefined],
    ] as const) {
      const asAna = await world.call(method, target, json, tokenOf(1));
      expect([asAna.status, asAna.body['code']]).toEqual([403, 'forbidden']);
      expect((await world.call(method, target, json, 'nonsense')).status).toBe(401);
    }
    expect((await world.call('GET', PATH)).body['revocations']).toHaveLength(1);
  });

  it('takes back one token, for as long as it lives, and a little more', async () => {
    const world = new OperatorWorld();
    const [stolen, good] = [tokenOf(1, { tokenId: 'stolen' }), tokenOf(1, { tokenId: 'good' })];
    expect(await world.statusOf(stolen)).toBe(200);
    const expiresAt = Date.now() + 60_000;
    const { status, body } = await world.revoke({
      tokenId: 'stolen',
      expiresAt,
      reason: 'a phone',
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      kind: 'token',
      tokenId: 'stolen',
      endsAt: expiresAt + 300_000,
      by: userId(99),
      reason: 'a phone',
    });
    expect([await world.statusOf(stolen), await world.statusOf(good)]).toEqual([401, 200]);
    const one = `${PATH}/${String(body['id'])}`;
    expect((await world.call('DELETE', one)).status).toBe(204);
    expect((await world.call('DELETE', one)).status).toBe(404);
    expect(await world.statusOf(stolen)).toBe(200);
  });

  it('takes back all of a person’s tokens, and those of their devices and links for good', async () => {
    const world = new OperatorWorld();
    await world.people(1);
    const [phone] = [await world.accounts.createToken(ANA, 'phone', 1)];
    const link = await world.accounts.createLink(ANA, world.world.time.now());
    const deviceSecret = phone?.secret ?? '';
    const exchange = () => call(world.app, '/v1/tokens', { json: { deviceSecret } });
    const bought = await exchange();
    expect(bought.status).toBe(200);
    expect((await world.revoke({ userId: ANA })).status).toBe(201);
    for (const token of [tokenOf(1), tokenOf(1, { issuedAtMs: 1 }), String(bought.body['token'])])
      expect(await world.statusOf(token)).toBe(401);
    expect((await exchange()).status).toBe(401);
    expect((await call(world.app, `/v1/links/${link?.code ?? ''}`, { json: {} })).status).toBe(404);
    expect(await world.accounts.tokens(ANA)).toEqual([]);
    const later = tokenOf(1, { issuedAtMs: Date.now() + 1_000 });
    expect(await world.statusOf(later)).toBe(200);
    expect(await world.statusOf(tokenOf(2))).toBe(200);
  });

  it('bans a person from the service, whatever token they bring, until it is lifted', async () => {
    const world = new OperatorWorld();
    await world.people(1);
    const phone = await world.accounts.createToken(ANA, 'phone', 1);
    const exchange = () =>
      call(world.app, '/v1/tokens', { json: { deviceSecret: phone?.secret ?? '' } });
    const { body } = await world.revoke({ userId: ANA, ban: true });
    expect(body).toMatchObject({ kind: 'ban', userId: ANA });
    expect(body).not.toHaveProperty('endsAt');
    expect(await world.statusOf(tokenOf(1, { issuedAtMs: Date.now() + 5_000 }))).toBe(401);
    expect((await exchange()).status).toBe(401);
    await world.call('DELETE', `${PATH}/${String(body['id'])}`);
    expect((await exchange()).status).toBe(200);
  });

  it('lists what holds, in pages, each once', async () => {
    const world = new OperatorWorld();
    for (let n = 0; n < 5; n += 1) await world.revoke({ tokenId: `t${n}` });
    await world.revoke({ tokenId: 't0', reason: 'again' });
    const seen: string[] = [];
    for (let query = '?limit=2'; ;) {
      const page = await world.call('GET', PATH + query);
      seen.push(...idsIn(page, 'revocations'));
      const { next } = page.body;
      if (typeof next !== 'string') break;
      query = `?limit=2&cursor=${next}`;
    }
    expect([seen.length, new Set(seen).size]).toEqual([5, 5]);
  });

  it('closes a room for good, whoever it belongs to and is in it', async () => {
    const world = new OperatorWorld();
    const host = await world.world.connect(1);
    const made = await host.ask('room.create', { name: 'Kitchen' });
    const roomId = String(made['roomId']);
    const target = `/v1/operator/rooms/${roomId}`;
    expect((await world.call('DELETE', target, undefined, tokenOf(1))).status).toBe(403);
    const shut = world.call('DELETE', target);
    await settled(world);
    expect((await shut).status).toBe(204);
    expect(host.socket.isOpen).toBe(true);
    const left = host.take('room.left');
    expect(left).toMatchObject([{ roomId, reason: 'closed' }]);
    expect(await host.ask('room.join', { roomId })).toMatchObject({ code: 'room_closed' });
    const again = world.call('DELETE', target);
    await settled(world);
    expect((await again).status).toBe(410);
    for (const none of [userId(5), 'ABCD2345', 'nope'])
      expect((await world.call('DELETE', `/v1/operator/rooms/${none}`)).status).toBe(404);
  });

  it('finds whom to ban: who is in a room, on any node, by its id or code, and nobody else does', async () => {
    const nodes = new NodesWorld();
    const [east, west, south] = [
      await nodes.start('east'),
      await nodes.start('west'),
      await nodes.start('south'),
    ];
    const host = await east.connect(1);
    const roomId = String((await host.ask('room.create', { name: 'Kitchen' }))['roomId']);
    const others = [await west.connect(2), await west.connect(3)];
    for (const other of others) await other.ask('room.join', { roomId });
    await nodes.time.advance(5_000);
    await host.ask('role.set', { roomId, userId: userId(3), role: 'dj' });
    await host.ask('room.update', { roomId, visibility: 'private' });
    others[1]?.close();
    await nodes.time.advance(5_000);
    const log = new RecordingLog();
    // It has nobody in the room, and did not hold it.
    const app = appOver(south, {
      ...{ revoked: revokedHere(), authenticator: termedAuthenticator(() => Date.now()) },
      log,
    });
    const { code } = (await call(app, `/v1/rooms/${roomId}`)).body;
    for (const name of [roomId, String(code)]) {
      const target = `/v1/operator/rooms/${name}`;
      expect((await call(app, target, { token: tokenOf(1) })).status).toBe(403);
      expect(await call(app, target, { token: OPERATOR })).toMatchObject({
        status: 200,
        body: {
          ...{ id: roomId, code, name: 'Kitchen', hereCount: 2, isClosed: false },
          members: [
            { id: userId(1), name: 'User 1', role: 'host', isHere: true },
            { id: userId(2), name: 'User 2', role: 'listener', isHere: true },
            { id: userId(3), name: 'User 3', role: 'dj', isHere: false },
          ],
        },
      });
    }
    expect(log.lines).toContainEqual({
      level: 'info',
      message: 'an operator looked at who is in a room',
      fields: { by: userId(99), roomId },
    });
    for (const none of [userId(5), 'ABCD2345', 'nope'])
      expect((await call(app, `/v1/operator/rooms/${none}`, { token: OPERATOR })).status).toBe(404);
    for (const { hub } of [east, west, south]) await hub.stop();
  });

  it('finds who has just come, before the log has them', async () => {
    const world = new OperatorWorld();
    const [host, other] = [await world.world.connect(1), await world.world.connect(2)];
    const { roomId } = await host.ask('room.create', { name: 'Kitchen' });
    await other.ask('room.join', { roomId: String(roomId) });
    const { body } = await world.call('GET', `/v1/operator/rooms/${String(roomId)}`);
    expect(idsIn({ body } as Answer, 'members')).toEqual([userId(1), userId(2)]);
  });

  it.each([
    {},
    { tokenId: '' },
    { tokenId: 'x'.repeat(257) },
    { tokenId: 7 },
    { userId: 'auth0|1' },
    { userId: ANA, tokenId: 'both' },
    { tokenId: 'x', ban: true },
    { userId: ANA, expiresAt: 1 },
    { userId: ANA, expiresAt: 'soon' },
    { userId: ANA, reason: 'x'.repeat(201) },
  ])('cannot revoke %j', async (json) => {
    const world = new OperatorWorld();
    expect((await world.revoke(json)).status).toBe(400);
    expect((await world.call('GET', PATH)).body).toEqual({ revocations: [] });
  });
});
