// The sessions of a room over REST: their pages, the recap, and who may read them.
import { describe, expect, it } from 'vitest';
import type { EntryId, SessionId, UserId } from '../../protocol/ids.ts';
import type { Visibility } from '../../protocol/schemas/room.ts';
import { StoreUnavailable } from '../../src/ports/room-log.ts';
import { appOver, call, type Answer } from '../support/http-calls.ts';
import { HubWorld, userId } from '../support/hub-world.ts';
import { UNHURRIED } from '../support/kitchen.ts';
import {
  createdRoom,
  paused,
  playing,
  someSessionId,
  type RoomScript,
} from '../support/room-fixtures.ts';

const [ANA, BEN, EVE] = [1, 2, 3].map((n) => ({ userId: userId(n), name: `User ${n}` })) as [
  { userId: UserId; name: string },
  { userId: UserId; name: string },
  { userId: UserId; name: string },
];

interface Asker {
  (target: string, who: { userId: UserId; name: string } | undefined): Promise<Answer>;
}

/** Rooms are scripted into the log before the hub looks at them. */
function opened(): { world: HubWorld; ask: Asker } {
  const world = new HubWorld(UNHURRIED);
  const app = appOver(world);
  const ask: Asker = (target, who) =>
    call(app, target, who === undefined ? {} : { token: `${who.userId}|${who.name}` });
  return { world, ask };
}

async function gather(
  world: HubWorld,
  room: RoomScript,
  at: number,
  ...people: { userId: UserId; name: string }[]
): Promise<SessionId> {
  const sessionId = someSessionId();
  room.at = at;
  await room.append(world.ports.roomLog, [
    room.event('SessionStarted', { sessionId }),
    room.arrived(...people),
  ]);
  room.at += 500;
  await room.append(world.ports.roomLog, [
    room.departed(...people),
    room.event('SessionEnded', { sessionId }),
  ]);
  return sessionId;
}

async function roomOf(world: HubWorld, visibility: Visibility): Promise<RoomScript> {
  return createdRoom(world.ports.roomLog, { visibility });
}

const idsOf = ({ body }: Answer): string[] =>
  (body['sessions'] as { id: string }[]).map(({ id }) => id);

describe('the sessions of a room', () => {
  it('come the newest first, page after page, none twice while others begin', async () => {
    const { world, ask } = opened();
    const room = await roomOf(world, 'public');
    const ids: string[] = [];
    for (let n = 1; n <= 5; n += 1) ids.unshift(await gather(world, room, n * 1_000, ANA, BEN));
    const path = `/v1/rooms/${room.code}/sessions?limit=2`;
    const first = await ask(path, EVE);
    expect(first.body['sessions']).toMatchObject([
      { id: ids[0], roomId: room.roomId, startedAt: 5_000, endedAt: 5_500, peopleCount: 2 },
      { id: ids[1] },
    ]);
    const newest = await gather(world, room, 9_000, ANA);
    const second = await ask(`${path}&cursor=${String(first.body['next'])}`, EVE);
    expect(idsOf(second)).toEqual(ids.slice(2, 4));
    const third = await ask(`${path}&cursor=${String(second.body['next'])}`, EVE);
    expect(idsOf(third)).toEqual(ids.slice(4));
    expect(third.body).not.toHaveProperty('next');
    expect(idsOf(await ask(path, EVE))[0]).toBe(newest);
  });

  it.each([
    ['limit=0', 'limit'],
    ['limit=201', 'limit'],
    ['limit=many', 'limit'],
    ['cursor=nonsense', 'cursor'],
    [`cursor=${Buffer.from('["rooms",{"hereCount":1}]').toString('base64url')}`, 'cursor'],
    [
      `cursor=${Buffer.from('["sessions",{"startedAt":1,"sessionId":"x"}]').toString('base64url')}`,
      'cursor',
    ],
    [`cursor=${'x'.repeat(500)}`, 'cursor'],
  ])('refuse the page %s', async (query, field) => {
    const { world, ask } = opened();
    const room = await roomOf(world, 'public');
    const { status, body } = await ask(`/v1/rooms/${room.roomId}/sessions?${query}`, ANA);
    expect([status, body['code']]).toEqual([400, 'bad_request']);
    expect(body['detail']).toMatch(new RegExp(`^${field}: `));
  });

  it('need a token', async () => {
    const { world, ask } = opened();
    const room = await roomOf(world, 'public');
    const sessionId = await gather(world, room, 2_000, ANA);
    for (const path of [`/v1/rooms/${room.roomId}/sessions`, `/v1/sessions/${sessionId}`])
      expect((await ask(path, undefined)).status).toBe(401);
  });

  it('are those one took part in, all of them for who belongs, and nothing for others', async () => {
    const { world, ask } = opened();
    for (const visibility of ['unlisted', 'private'] as const) {
      const room = await roomOf(world, visibility);
      const withAna = await gather(world, room, 2_000, ANA, BEN);
      const withBen = await gather(world, room, 4_000, BEN);
      const host = { userId: room.hostId, name: 'Hana' };
      const path = `/v1/rooms/${room.roomId}/sessions`;
      expect(idsOf(await ask(path, ANA))).toEqual([withAna]);
      expect(idsOf(await ask(path, BEN))).toEqual([withBen, withAna]);
      expect(idsOf(await ask(path, host))).toEqual([withBen, withAna]);
      const unknown = await ask('/v1/rooms/00000000-0000-4000-8000-00000000dead/sessions', EVE);
      const hidden = await ask(path, EVE);
      expect([hidden.status, hidden.body]).toEqual([404, unknown.body]);
      // Nor does a cursor open what is closed.
      const { body } = await ask(`${path}?limit=1`, host);
      expect((await ask(`${path}?cursor=${String(body['next'])}`, EVE)).status).toBe(404);

      const nobodys = await ask(`/v1/sessions/${someSessionId()}`, EVE);
      const closed = await ask(`/v1/sessions/${withBen}`, EVE);
      expect([closed.status, closed.body]).toEqual([404, nobodys.body]);
      expect((await ask(`/v1/sessions/${withBen}`, ANA)).status).toBe(404);
      expect((await ask(`/v1/sessions/${withAna}`, ANA)).status).toBe(200);
      expect((await ask(`/v1/sessions/${withBen}`, host)).status).toBe(200);
    }
  });

  it('are open to those who were let in, though they were not there, and not to who is banned', async () => {
    const { world, ask } = opened();
    const room = await roomOf(world, 'private');
    const sessionId = await gather(world, room, 2_000, BEN);
    room.at = 3_000;
    const arrived = room.event('MembersArrived', {
      members: [{ ...ANA, admitted: true }],
      count: 1,
    });
    await room.append(world.ports.roomLog, [arrived, room.departed(ANA)]);
    expect((await ask(`/v1/sessions/${sessionId}`, ANA)).status).toBe(200);
    const banned = opened();
    const other = await roomOf(banned.world, 'public');
    const own = await gather(banned.world, other, 2_000, ANA);
    const theirs = await gather(banned.world, other, 3_000, BEN);
    await other.append(banned.world.ports.roomLog, [
      other.event('MemberBanned', { by: other.hostId, ...ANA }),
    ]);
    expect((await banned.ask(`/v1/sessions/${own}`, ANA)).status).toBe(200);
    expect((await banned.ask(`/v1/sessions/${theirs}`, ANA)).status).toBe(404);
    expect((await banned.ask(`/v1/sessions/${theirs}`, EVE)).status).toBe(200);
    expect(idsOf(await banned.ask(`/v1/rooms/${other.roomId}/sessions`, ANA))).toEqual([own]);
  });

  it('that were private stay so when the room becomes public', async () => {
    const { world, ask } = opened();
    const room = await roomOf(world, 'private');
    const before = await gather(world, room, 2_000, BEN);
    room.at = 3_000;
    await room.append(world.ports.roomLog, [
      room.event('RoomUpdated', { by: room.hostId, visibility: 'public' }),
    ]);
    const after = await gather(world, room, 4_000, BEN);
    expect(idsOf(await ask(`/v1/rooms/${room.roomId}/sessions`, EVE))).toEqual([after]);
    expect((await ask(`/v1/sessions/${before}`, EVE)).status).toBe(404);
    expect((await ask(`/v1/sessions/${after}`, EVE)).status).toBe(200);
  });
});

describe('the recap of a session', () => {
  it('tells who was there, what played, what was skipped and voted', async () => {
    const { world, ask } = opened();
    const room = await roomOf(world, 'unlisted');
    const log = world.ports.roomLog;
    const sessionId = someSessionId();
    const [a, b] = ['a', 'b'] as [EntryId, EntryId];
    await room.append(log, [
      room.event('SessionStarted', { sessionId }),
      room.arrived(ANA, BEN),
      room.queued({ a: 10_000, b: 20_000 }),
      room.moved(playing('a', 2_000, 10_000), playing('b', 12_000, 20_000)),
    ]);
    room.at = 4_000;
    await room.append(log, [
      room.event('EntryVoted', { by: BEN.userId, entryId: b, value: 1, score: 1 }),
      room.event('SkipVoted', { by: BEN.userId, entryId: a, skipVotes: 1, needed: 2 }),
      room.event('PlaybackMoved', {
        by: ANA.userId,
        cause: 'skip',
        timeline: [playing('a', 2_000, 10_000), playing('b', 4_300, 20_000)],
      }),
    ]);
    room.at = 8_000;
    await room.append(log, [room.departed(BEN)]);
    room.at = 9_000;
    await room.append(log, [
      room.departed(ANA),
      room.event('SessionEnded', { sessionId }),
      room.moved(paused('b', 9_000, 20_000, 4_700)),
    ]);
    const entry = (id: string) => ({
      entryId: id,
      trackId: `track-${id}`,
      title: id,
      artist: `Artist of ${id}`,
      addedBy: expect.any(String) as string,
    });
    const { status, body } = await ask(`/v1/sessions/${sessionId}`, BEN);
    expect(status).toBe(200);
    expect(body).toEqual({
      id: sessionId,
      room: { id: room.roomId, code: room.code, name: 'Kitchen' },
      startedAt: 1_000,
      endedAt: 9_000,
      people: [
        { ...ANA, stays: [{ arrivedAt: 1_000, departedAt: 9_000 }], presentMs: 8_000 },
        { ...BEN, stays: [{ arrivedAt: 1_000, departedAt: 8_000 }], presentMs: 7_000 },
      ],
      plays: [
        { ...entry('a'), startedAt: 2_000, endedAt: 4_300 },
        { ...entry('b'), startedAt: 4_300, endedAt: 9_000 },
      ],
      skips: [{ ...entry('a'), at: 4_000, how: 'hand', by: ANA, voters: [BEN] }],
      votes: [
        { ...entry('b'), up: 1, down: 0, toSkip: 0 },
        { ...entry('a'), up: 0, down: 0, toSkip: 1 },
      ],
      counts: {
        people: 2,
        peakPeople: 2,
        plays: 2,
        tracks: 2,
        playedMs: 7_000,
        added: 2,
        skips: 1,
        votes: 2,
      },
    });
  });

  it('is of a bounded size, however often somebody comes and goes', async () => {
    const { world, ask } = opened();
    const room = await roomOf(world, 'unlisted');
    const sessionId = someSessionId();
    const visits = Array.from({ length: 1_200 }, () => [room.arrived(BEN), room.departed(BEN)]);
    await room.append(world.ports.roomLog, [
      room.event('SessionStarted', { sessionId }),
      ...visits.flat(),
    ]);
    const { body } = await ask(`/v1/sessions/${sessionId}`, BEN);
    const [person] = body['people'] as { stays: unknown[] }[];
    expect(person?.stays).toHaveLength(1_000);
  });

  it('is not found by what is no session', async () => {
    const { ask } = opened();
    for (const id of ['nope', someSessionId()])
      expect((await ask(`/v1/sessions/${id}`, ANA)).body).toMatchObject({
        status: 404,
        code: 'not_found',
      });
  });

  it('is unavailable while the record is', async () => {
    const world = new HubWorld(UNHURRIED);
    const app = appOver(world, {
      archive: {
        ...world.ports.archive,
        session: () => Promise.reject(new StoreUnavailable('Postgres')),
      },
    });
    const { status, body } = await call(app, `/v1/sessions/${someSessionId()}`, {
      token: `${ANA.userId}|Ana`,
    });
    expect([status, body['code']]).toEqual([503, 'unavailable']);
    expect(body['retryAfterMs']).toBeGreaterThan(0);
  });
});

describe('the public rooms', () => {
  it('are told to strangers at a rate of their address, one by one too', async () => {
    const world = new HubWorld(UNHURRIED);
    const options = { ...world.options, userRate: { perSecond: 1, burst: 3 } };
    const app = appOver(world, { options });
    const room = await roomOf(world, 'public');
    const come = async (from: string, target: string): Promise<number> =>
      (await call(app, target, { from })).status;
    const targets = ['/v1/rooms', `/v1/rooms/${room.roomId}`, `/v1/rooms/${room.code}`];
    for (const target of targets) expect(await come('198.51.100.1', target)).toBe(200);
    for (const target of targets) expect(await come('198.51.100.1', target)).toBe(429);
    expect(await come('198.51.100.2', '/v1/rooms')).toBe(200);
  });

  it('come the fullest first, page after page', async () => {
    const { world, ask } = opened();
    const rooms: RoomScript[] = [];
    for (let n = 0; n < 5; n += 1) rooms.push(await roomOf(world, 'public'));
    await rooms[3]?.append(world.ports.roomLog, [rooms[3].arrived(ANA, BEN)]);
    const listed: string[] = [];
    let next = '';
    do {
      const { body } = await ask(`/v1/rooms?limit=2${next}`, undefined);
      listed.push(...(body['rooms'] as { id: string }[]).map(({ id }) => id));
      const cursor = body['next'] as string | undefined;
      next = cursor === undefined ? '' : `&cursor=${cursor}`;
    } while (next !== '');
    expect(listed).toHaveLength(5);
    expect(new Set(listed)).toEqual(new Set(rooms.map(({ roomId }) => roomId)));
    expect(listed[0]).toBe(rooms[3]?.roomId);
    expect((await ask('/v1/rooms?cursor=nonsense', undefined)).status).toBe(400);
    expect((await ask('/v1/rooms?limit=0', undefined)).status).toBe(400);
  });
});
