// Erasing a person over REST: nothing of them is left, and what others had stays.
import { describe, expect, it } from 'vitest';
import type { UserId } from '../../protocol/ids.ts';
import { call } from '../support/http-calls.ts';
import { userId, type TestClient } from '../support/hub-world.ts';
import { listen, playingRoom } from '../support/listening-world.ts';
import { SocialWorld } from '../support/social-world.ts';

const ANA = userId(1);
const confirm = `/v1/me/data?confirm=${ANA}`;
const TRACES = [ANA, 'User 1', 'a secret of mine'];

/** Everything that a store in memory holds, as text, but for what says whom it has erased. */
async function kept(social: SocialWorld, roomId: string): Promise<string> {
  const { ports, stores } = social.world;
  const room = await ports.roomLog.load(roomId as never);
  const events = await ports.roomLog.read(roomId as never, {
    epoch: room?.head.epoch ?? 1,
    revision: 0,
  });
  const chat = await ports.chatLog.before(roomId as never, 1_000, 1_000);
  const sessions = await ports.archive.sessionsOf(roomId as never, { limit: 100 });
  const records = await Promise.all(
    sessions.map(({ sessionId }) => ports.archive.session(sessionId)),
  );
  const told: unknown[] = [];
  for (const { sessionId } of sessions)
    for await (const each of ports.archive.sessionEvents(sessionId)) told.push(each);
  const others = await Promise.all([
    stores.friends.overview(userId(2)),
    stores.friends.profiles([ANA]),
  ]);
  const listening: unknown[] = [];
  for await (const each of stores.activityLog.export(ANA)) listening.push(each);
  const head = stores.feeds.head(ANA);
  return JSON.stringify([room, events, chat, records, told, others, listening, head]);
}

async function gathered(): Promise<{ social: SocialWorld; roomId: string }> {
  const social = new SocialWorld();
  const [ana, ben] = await social.connected(1, 2);
  if (ana === undefined || ben === undefined) throw new Error('nobody is connected');
  await social.befriend(1, 2);
  const roomId = await playingRoom(ana, ['track1', 'track2']);
  await ben.ask('room.join', { roomId });
  await ana.ask('chat.send', { roomId, text: 'a secret of mine' });
  await ben.ask('chat.send', { roomId, text: 'what Ben says' });
  await listen([ana, ben], roomId, 100_000);
  return { social, roomId };
}

/** Time goes on while it is done: what happens to rooms happens at the end of a tick. */
async function erase(social: SocialWorld): Promise<number> {
  let status: number | undefined;
  const erasing = social.as(1, confirm, { method: 'DELETE' }).then((answer) => {
    ({ status } = answer);
  });
  for (let n = 0; status === undefined && n < 1_000; n += 1) await social.world.time.advance(1);
  await erasing;
  return status ?? 0;
}

describe('erasing oneself', () => {
  it('lets go of whoever came in while it went on', async () => {
    const { social } = await gathered();
    const { friends } = social.world.stores;
    const eraseFriends = friends.erase.bind(friends);
    let late: TestClient | undefined;
    friends.erase = async (userId) => {
      late = await social.world.connect(1);
      return eraseFriends(userId);
    };
    expect(await erase(social)).toBe(204);
    await social.world.time.advance(10);
    expect(late?.socket.closedWith).toMatchObject({ code: 4504 });
  });

  it('leaves no trace, and to the others what is theirs', async () => {
    const { social, roomId } = await gathered();
    const before = await kept(social, roomId);
    for (const trace of TRACES) expect(before).toContain(trace);

    expect(await erase(social)).toBe(204);
    await social.world.time.advance(5_000);
    const after = await kept(social, roomId);
    for (const trace of TRACES) expect(after).not.toContain(trace);
    expect(after).toContain('what Ben says');
    expect((await social.as(2, '/v1/me/listens')).body['listens']).toHaveLength(1);
    expect((await social.as(2, '/v1/me/together')).body).toEqual({ people: [] });
    expect((await social.as(2, '/v1/feed')).body).toEqual({ items: [] });
  });

  it('gives the room to who is there, who goes on in it and hears no more of them', async () => {
    const social = new SocialWorld();
    const [ana, ben] = await social.connected(1, 2);
    if (ana === undefined || ben === undefined) throw new Error('nobody is connected');
    const roomId = await playingRoom(ana, ['track1']);
    await ben.ask('room.join', { roomId });
    await ana.ask('chat.send', { roomId, text: 'a secret of mine' });
    await social.world.time.advance(1_000);
    expect(await erase(social)).toBe(204);
    await social.world.time.advance(2_000);

    const [snapshot] = ben.take('room.snapshot').slice(-1);
    const told = JSON.stringify(snapshot);
    expect(told).not.toContain(ANA);
    expect(told).not.toContain('User 1');
    expect(snapshot).toMatchObject({
      room: { ownerId: userId(2), hostId: userId(2), hereCount: 1 },
    });
    const page = await ben.ask('chat.history', { roomId, before: 100 });
    expect(JSON.stringify(page)).not.toContain('secret');
    expect(await ben.ask('playback.play', { roomId })).toMatchObject({ type: 'ok' });
    expect(await ben.ask('chat.send', { roomId, text: 'alone now' })).toMatchObject({ type: 'ok' });
  });

  it('closes their sockets for good, and their token works no more', async () => {
    const { social } = await gathered();
    const [again] = await social.connected(1);
    expect(again?.socket.isOpen).toBe(true);
    expect(await erase(social)).toBe(204);
    await social.world.time.advance(10);
    expect(again?.socket.closedWith).toMatchObject({ code: 4504 });
  });

  it('closes a room that nobody else could have', async () => {
    const social = new SocialWorld();
    const [ana] = await social.connected(1);
    if (ana === undefined) throw new Error('nobody is connected');
    const roomId = await playingRoom(ana, ['track1']);
    expect(await erase(social)).toBe(204);
    await social.people(2);
    const room = await social.world.hub.rooms.open(roomId);
    expect(room?.state.public.closed).toBeDefined();
    expect(JSON.stringify(room?.state)).not.toContain(ANA);
  });

  it('asks for one’s own id first, and does nothing without', async () => {
    const social = new SocialWorld();
    await social.people(1, 2);
    for (const target of [
      '/v1/me/data',
      '/v1/me/data?confirm=yes',
      `/v1/me/data?confirm=${userId(2)}`,
    ])
      expect((await social.as(1, target, { method: 'DELETE' })).status).toBe(400);
    expect((await social.as(1, '/v1/me')).body).toMatchObject({ name: 'User 1' });
  });

  it('a guest who was erased is let in no more, by REST or by socket', async () => {
    const social = new SocialWorld({ authenticator: guestsOnly });
    await social.people(1);
    expect((await social.as(1, '/v1/me')).status).toBe(200);
    expect(await erase(social)).toBe(204);
    const gone = await social.as(1, '/v1/me');
    expect([gone.status, gone.body['code']]).toEqual([401, 'unauthorised']);
    expect((await call(social.app, '/v1/me', { token: 'nonsense' })).status).toBe(401);
  });
});

const guestsOnly = {
  verify: (token: string) => {
    const [id, name] = token.split('|');
    return Promise.resolve(
      id === undefined || name === undefined
        ? { kind: 'invalid' as const, reason: 'no bar' }
        : {
            kind: 'ok' as const,
            user: { id: id as UserId, name, guest: true },
            expiresInMs: 1_000,
            terms: { endsAtMs: 1_000 },
          },
    );
  },
  issue: () => Promise.resolve({ token: '', expiresInMs: 0 }),
};
