// The feed, histories, listens and counts over REST, as people made them by listening.
import { describe, expect, it } from 'vitest';
import { EarshotApi } from '../../src/client/rest.ts';
import { DEFAULT_HUB_OPTIONS, type HubOptions } from '../../src/hub/hub-options.ts';
import { call } from '../support/http-calls.ts';
import { trackId, userId } from '../support/hub-world.ts';
import { listen, playingRoom } from '../support/listening-world.ts';
import { SocialWorld } from '../support/social-world.ts';

const UNKNOWN = '00000000-0000-4000-8000-00000000dead';

/** One and two are friends; one listens to a track in a room for `ms`. */
async function listened(ms: number): Promise<SocialWorld> {
  const social = new SocialWorld();
  const [ana] = await social.connected(1, 2, 3);
  await social.befriend(1, 2);
  if (ana === undefined) throw new Error('nobody is connected');
  const roomId = await playingRoom(ana, ['track1', 'track2']);
  await listen([ana], roomId, ms);
  return social;
}

const titles = (list: unknown): string[] =>
  (list as { track: { title: string } }[]).map(({ track }) => track.title);

describe('the feed over REST', () => {
  it('shows friends what is live, then what is over, and nothing to others', async () => {
    const social = await listened(90_000);
    const { body } = await social.as(2, '/v1/feed');
    expect(titles(body['items'])).toEqual(['Title 2', 'Title 1']);
    expect(body['items']).toMatchObject([
      { user: { id: userId(1) }, state: 'playing', join: 'room' },
      { user: { id: userId(1) }, state: 'ended', room: { name: 'Kitchen' } },
    ]);
    expect((await social.as(3, '/v1/feed')).body).toEqual({ items: [] });
    // One’s own is no friend’s.
    expect((await social.as(1, '/v1/feed')).body).toEqual({ items: [] });
    expect((await call(social.app, '/v1/feed')).status).toBe(401);
  });

  it('comes page by page, nothing twice and nothing left out while people listen on', async () => {
    const social = await listened(90_000);
    const first = await social.as(2, '/v1/feed?limit=1');
    expect(titles(first.body['items'])).toEqual(['Title 2']);
    const { activityLog } = social.world.stores;
    await activityLog.append([
      {
        kind: 'activity',
        activityId: '00000000-0000-4000-8000-0000000000aa',
        userId: userId(1),
        version: 1,
        at: social.world.time.now(),
        track: { title: 'Later', artist: 'A', durationMs: 1_000, hasCover: false },
        isPrivate: false,
      },
    ]);
    const second = await social.as(2, `/v1/feed?limit=1&cursor=${String(first.body['next'])}`);
    expect(titles(second.body['items'])).toEqual(['Title 1']);
    expect(second.body).not.toHaveProperty('next');
  });

  it.each([
    ['nobody', { audience: 'nobody' }],
    ['others', { audience: 'chosen', userIds: [] }],
    ['a private session', { privateUntil: 10 ** 10 }],
  ])('has nothing of who lets only %s see', async (_, json) => {
    const social = await listened(30_000);
    expect((await social.as(2, '/v1/feed')).body['items']).toHaveLength(1);
    await social.as(1, '/v1/me/audience', { method: 'PUT', json });
    expect((await social.as(2, '/v1/feed')).body).toEqual({ items: [] });
    const hidden = await social.as(2, `/v1/users/${userId(1)}/history`);
    const unknown = await social.as(2, `/v1/users/${UNKNOWN}/history`);
    expect([hidden.status, hidden.body]).toEqual([404, unknown.body]);
  });

  it('never shows what was heard in a private session, though it has ended', async () => {
    const social = new SocialWorld();
    const [ana] = await social.connected(1, 2);
    await social.befriend(1, 2);
    if (ana === undefined) throw new Error('nobody is connected');
    const privateUntil = social.world.time.now() + 60_000;
    await social.as(1, '/v1/me/audience', { method: 'PUT', json: { privateUntil } });
    const roomId = await playingRoom(ana, ['track1', 'track2']);
    await listen([ana], roomId, 130_000);
    expect(titles((await social.as(2, '/v1/feed')).body['items'])).not.toContain('Title 1');
    const theirs = await social.as(2, `/v1/users/${userId(1)}/history`);
    expect(titles(theirs.body['items'])).not.toContain('Title 1');
    const own = await social.as(1, `/v1/users/${userId(1)}/history`);
    expect(own.body['items']).toMatchObject([{}, { track: { title: 'Title 1' }, isPrivate: true }]);
  });

  it.each([
    '/v1/feed?limit=0',
    '/v1/feed?limit=9999',
    '/v1/feed?cursor=nonsense',
    `/v1/feed?cursor=${Buffer.from('["history",{"at":1,"id":"00000000-0000-4000-8000-0000000000aa"}]').toString('base64url')}`,
    `/v1/feed?cursor=${Buffer.from('["feed",{"at":{"$gt":0},"id":{"$ne":null}}]').toString('base64url')}`,
    `/v1/users/${userId(1)}/history?cursor=${Buffer.from('["feed",{"at":1,"id":"x"}]').toString('base64url')}`,
    '/v1/me/listens?cursor=nonsense',
    '/v1/me/listens/counts',
    '/v1/me/listens/counts?by=colour',
    '/v1/me/listens/counts?by[$ne]=day',
    '/v1/me/listens/counts?by=day&timeZone=Mars/Olympus',
    '/v1/me/listens/counts?by=day&timeZone=%2B05:30',
    '/v1/me/listens/counts?by=day&timeZone=-05:30',
    '/v1/me/listens/counts?by=day&timeZone=%2B0530',
    '/v1/me/listens/counts?by=day&from=-1',
    '/v1/me/listens/counts?by=day&limit=100000',
    '/v1/me/together?from=yesterday',
  ])('refuses %s', async (target) => {
    const social = await listened(10_000);
    const { status, body } = await social.as(1, target);
    expect([status, body['code']]).toEqual([400, 'bad_request']);
  });

  it.each(['x', '%24gt', '..%2f..', '__proto__'])('knows nobody called %s', async (id) => {
    const social = await listened(10_000);
    const unknown = await social.as(2, `/v1/users/${UNKNOWN}/history`);
    const odd = await social.as(2, `/v1/users/${id}/history`);
    expect([odd.status, odd.body]).toEqual([404, unknown.body]);
  });

  it('what was taken back is gone for everybody; another’s cannot be', async () => {
    const social = await listened(90_000);
    const { body } = await social.as(2, `/v1/users/${userId(1)}/history`);
    const [, past] = body['items'] as { activityId: string }[];
    const path = `/v1/me/activities/${String(past?.activityId)}`;
    await social.as(2, path, { method: 'DELETE' });
    expect(titles((await social.as(2, '/v1/feed')).body['items'])).toContain('Title 1');
    expect((await social.as(1, path, { method: 'DELETE' })).status).toBe(204);
    await social.world.time.advance(1_000);
    expect(titles((await social.as(2, '/v1/feed')).body['items'])).toEqual(['Title 2']);
    expect(titles((await social.as(1, '/v1/me/listens')).body['listens'])).not.toContain('Title 1');
    expect((await social.as(1, '/v1/me/activities/x', { method: 'DELETE' })).status).toBe(404);
  });

  it('takes something back however full the history is, on the socket and over REST', async () => {
    const social = await listened(90_000);
    const { body } = await social.as(2, `/v1/users/${userId(1)}/history`);
    const [{ activityId } = { activityId: '' }] = body['items'] as { activityId: string }[];
    social.world.outbox.isFull = true;
    const removed = await social.as(1, `/v1/me/activities/${activityId}`, { method: 'DELETE' });
    expect(removed.status).toBe(204);
    const again = await social.world.connect(1);
    expect(await again.ask('activity.remove', { activityId })).toMatchObject({ type: 'ok' });
    const after = await social.as(2, `/v1/users/${userId(1)}/history`);
    expect(JSON.stringify(after.body)).not.toContain(activityId);
  });
});

describe('my listens', () => {
  it('are those that count, with the gathering that they were heard in', async () => {
    const social = await listened(130_000);
    const { body } = await social.as(1, '/v1/me/listens');
    expect(body['listens']).toMatchObject([
      { track: { title: 'Title 2', trackId: trackId(2) } },
      {
        track: { title: 'Title 1', durationMs: 60_000 },
        session: { peopleCount: 1 },
      },
    ]);
    expect((await social.as(2, '/v1/me/listens')).body).toEqual({ listens: [] });
  });

  it('are counted by track, artist and day', async () => {
    const social = await listened(130_000);
    const by = async (what: string) =>
      (await social.as(1, `/v1/me/listens/counts?by=${what}`)).body['counts'];
    expect(await by('track')).toHaveLength(2);
    expect(await by('artist')).toMatchObject([
      { key: expect.stringMatching(/^Artist/) as string, listens: 1 },
      { listens: 1 },
    ]);
    expect(await by('day')).toMatchObject([{ key: '1970-01-01', listens: 2 }]);
    const from = social.world.time.now() + 1;
    const none = await social.as(1, `/v1/me/listens/counts?by=day&from=${from}`);
    expect(none.body).toEqual({ counts: [] });
  });

  it('may be looked at over each stretch of time in a row, at the usual rates, by who plays on', async () => {
    const { connectionRate, userRate } = DEFAULT_HUB_OPTIONS;
    const social = new SocialWorld({}, { connectionRate, userRate });
    const [ana] = await social.connected(1);
    const sums = ['day', 'track', 'artist'].map((by) => `/v1/me/listens/counts?by=${by}`);
    const view = [...sums, '/v1/me/together'];
    for (let n = 0; n < 4; n += 1)
      for (const sum of view) expect((await social.as(1, sum)).status).toBe(200);
    expect((await social.as(1, '/v1/me/together')).status).toBe(429);
    for (let n = 0; n < 50; n += 1)
      expect(await ana?.ask('feed.unsubscribe', {})).toMatchObject({ type: 'ok' });
  });

  it('were together with those who heard the same; whoever is blocked is not named', async () => {
    const social = new SocialWorld();
    const [ana, ben] = await social.connected(1, 2);
    if (ana === undefined || ben === undefined) throw new Error('nobody is connected');
    const roomId = await playingRoom(ana, ['track1']);
    await ben.ask('room.join', { roomId });
    await listen([ana, ben], roomId, 70_000);
    await social.world.time.advance(30_000);
    const { body } = await social.as(1, '/v1/me/together');
    expect(body['people']).toMatchObject([{ person: { id: userId(2) }, plays: 1 }]);
    const [{ heardMs }] = body['people'] as [{ heardMs: number }];
    expect(heardMs).toBeGreaterThan(40_000);
    expect(heardMs).toBeLessThanOrEqual(60_000);
    await social.as(2, `/v1/blocks/${userId(1)}`, { method: 'PUT' });
    expect((await social.as(1, '/v1/me/together')).body).toEqual({ people: [] });
  });
});

describe('the recap of a session', () => {
  it('names to who was there all but the blocked, and nobody to who passes by', async () => {
    const social = new SocialWorld();
    const [ana, ben] = await social.connected(1, 2, 3);
    if (ana === undefined || ben === undefined) throw new Error('nobody is connected');
    const roomId = await playingRoom(ana, ['track1'], 'public');
    await ben.ask('room.join', { roomId });
    await social.world.time.advance(1_000);
    const listed = await social.as(1, `/v1/rooms/${roomId}/sessions`);
    const [{ id }] = listed.body['sessions'] as [{ id: string }];
    const named = async (n: number): Promise<[string[], unknown]> => {
      const { body } = await social.as(n, `/v1/sessions/${id}`);
      const people = body['people'] as { name: string }[];
      return [people.map(({ name }) => name), (body['counts'] as { people: number }).people];
    };
    expect(await named(1)).toEqual([['User 1', 'User 2'], 2]);
    expect(await named(3)).toEqual([[], 2]);
    await social.as(2, `/v1/blocks/${userId(1)}`, { method: 'PUT' });
    expect(await named(1)).toEqual([['User 1'], 2]);
    expect(await named(2)).toEqual([['User 2'], 2]);
  });
});

const importOf = (count: number, start = 1_100_000_000) => ({
  listen_type: 'import',
  payload: Array.from({ length: count }, (_, n) => ({
    listened_at: start + n * 300,
    track_metadata: {
      artist_name: `Artist ${n % 7}`,
      track_name: `Song ${n}`,
      release_name: 'An album',
      additional_info: { duration_ms: 180_000, music_service: 'example.org' },
    },
  })),
});

describe('what is kept of me', () => {
  /** Beyond the last listen of an import. */
  const NOW = 1_200_000_000_000;

  async function later(options?: Partial<HubOptions>): Promise<SocialWorld> {
    const clock = { now: (): number => NOW + social.world.time.now(), timelineId: 1 };
    const social: SocialWorld = new SocialWorld({ clock }, options);
    await social.people(1, 2);
    return social;
  }

  it('goes in and out as ListenBrainz has it, each listen once', async () => {
    const social = await later();
    const json = importOf(1_000);
    const first = await social.as(1, '/v1/me/listenbrainz', { json });
    const none = { skipped: 0, problems: [] };
    const all = { received: 1_000, added: 1_000, ...none };
    expect([first.status, first.body]).toEqual([200, all]);
    await social.world.time.advance(2_000);
    const again = await social.as(1, '/v1/me/listenbrainz', { json });
    expect(again.body).toEqual({ received: 1_000, added: 0, ...none });

    const out = await social.as(1, '/v1/me/listenbrainz');
    const listens = out.body as unknown as (typeof json)['payload'];
    expect(listens).toHaveLength(1_000);
    expect(listens[0]).toEqual({
      listened_at: 1_100_000_000,
      track_metadata: {
        artist_name: 'Artist 0',
        track_name: 'Song 0',
        release_name: 'An album',
        additional_info: { duration_ms: 180_000, earshot_listen_id: expect.any(String) as string },
      },
    });
    // What came out goes in elsewhere, and is the same again.
    await social.world.time.advance(2_000);
    const payload = { listen_type: 'import', payload: listens };
    expect((await social.as(1, '/v1/me/listenbrainz', { json: payload })).body).toEqual({
      received: 1_000,
      added: 0,
      ...none,
    });
    expect((await social.as(2, '/v1/me/listenbrainz')).body).toEqual([]);
  });

  it.each([
    ['too many', importOf(1_001)],
    ['none', importOf(0)],
    ['what plays now', { ...importOf(1), listen_type: 'playing_now' }],
    ['a payload that is none', { listen_type: 'import', payload: { $ne: [] } }],
  ])('takes in nothing of %s, and says where', async (_, json) => {
    const social = await later();
    const { status, body } = await social.as(1, '/v1/me/listenbrainz', { json });
    expect([status, body['code']]).toEqual([400, 'bad_request']);
    expect(body['detail']).toMatch(/^(payload|listen_type)/);
    expect((await social.as(1, '/v1/me/listenbrainz')).body).toEqual([]);
  });

  const titled = (artist_name: unknown, track_name: unknown) => ({
    listened_at: 1_100_000_000,
    track_metadata: { artist_name, track_name },
  });

  it.each([
    ['one that is yet to come', importOf(1, NOW / 1_000 + 10_000).payload[0], 'listened_at'],
    ['one before there was any', importOf(1, 1_000).payload[0], 'listened_at'],
    ['a time that is none', { listened_at: { $gt: 0 } }, 'listened_at'],
    ['a title that turns the text around', titled('A', 'a\u202eb'), 'track_metadata.track_name'],
    ['an artist that is an operator', titled({ $ne: '' }, 'A'), 'track_metadata.artist_name'],
    ['nothing', null, ''],
    ['a text', 'listened_at', ''],
  ])('leaves out %s alone, and says where', async (_, bad, field) => {
    const social = await later();
    const [first, second] = importOf(2).payload;
    const json = { listen_type: 'import', payload: [first, bad, second] };
    const { status, body } = await social.as(1, '/v1/me/listenbrainz', { json });
    expect([status, body]).toMatchObject([200, { received: 3, added: 2, skipped: 1 }]);
    const [problem] = body['problems'] as [{ index: number; why: string }];
    expect(problem.index).toBe(1);
    expect(problem.why.startsWith(field)).toBe(true);
    const kept = (await social.as(1, '/v1/me/listenbrainz')).body as unknown as unknown[];
    expect(kept).toHaveLength(2);
  });

  it('comes in by thousands at the usual rates, and keeps nobody’s sockets waiting', async () => {
    const { connectionRate, userRate } = DEFAULT_HUB_OPTIONS;
    const social = await later({ connectionRate, userRate });
    const { time } = social.world;
    const socket = await social.world.connect(1);
    const api = new EarshotApi({
      url: 'http://hub.example',
      token: () => `${userId(1)}|User 1`,
      fetch: async (...args) => social.app(new Request(...args), { remoteAddress: '192.0.2.1' }),
      wait: (ms) => time.advance(ms),
    });
    const { payload } = importOf(5_000);
    const sent = [...payload.slice(0, 700), { listened_at: 'soon' }, ...payload.slice(700)];
    const steps: number[] = [];
    const asking: Promise<unknown>[] = [];
    const began = time.now();
    const done = await api.listening.importListens(JSON.stringify(sent), ({ done: some, of }) => {
      expect(of).toBe(5_001);
      steps.push(some);
      // As many as a busy player asks, and one at once.
      for (let n = 0; n < 5; n += 1) asking.push(socket.ask('feed.unsubscribe', {}));
    });
    expect(done).toMatchObject({ received: 5_001, added: 5_000, skipped: 1 });
    expect(done.problems).toMatchObject([{ index: 700 }]);
    expect(steps).toEqual([...Array.from({ length: 10 }, (_, n) => (n + 1) * 500), 5_001]);
    for (const answer of await Promise.all(asking)) expect(answer).toMatchObject({ type: 'ok' });
    const tookMs = time.now() - began;
    expect(tookMs).toBeGreaterThan(5_000);
    // What was brought already is soon brought again: after a cut, say.
    const again = await api.listening.importListens(JSON.stringify(sent));
    expect(again).toMatchObject({ received: 5_001, added: 0, skipped: 1 });
    expect(time.now() - began - tookMs).toBeLessThan(tookMs / 3);
    const out = (await social.as(1, '/v1/me/listenbrainz')).body as unknown as unknown[];
    expect(out).toHaveLength(5_000);
  });

  it('of one person are no more than so many a second', async () => {
    const social = await later();
    const bring = (n: number, start: number) =>
      social.as(n, '/v1/me/listenbrainz', { json: importOf(1_000, start) });
    expect((await bring(1, 1_100_000_000)).status).toBe(200);
    const refused = await bring(1, 1_050_000_000);
    expect([refused.status, refused.body]).toMatchObject([
      429,
      { code: 'rate_limited', retryAfterMs: 2_000 },
    ]);
    expect((await bring(2, 1_050_000_000)).status).toBe(200);
    await social.world.time.advance(2_000);
    expect((await bring(1, 1_050_000_000)).status).toBe(200);
  });

  it('is given out whole, and only to its owner', async () => {
    const social = await listened(90_000);
    await social.as(1, '/v1/blocks/' + userId(3), { method: 'PUT' });
    await social.accounts.createToken(userId(1), 'My phone', 1);
    const mine = await social.as(1, '/v1/me/data');
    expect(mine.headers.get('content-disposition')).toMatch(/^attachment/);
    expect(mine.body).toMatchObject({
      format: 'earshot-export',
      profile: { userId: userId(1), name: 'User 1' },
      audience: { audience: 'friends' },
      friends: [{ userId: userId(2) }],
      blocked: [{ userId: userId(3) }],
      devices: [{ label: 'My phone' }],
    });
    const rooms = mine.body['rooms'] as { kind: string; event?: { type: string } }[];
    expect(rooms[0]).toMatchObject({ kind: 'stay' });
    const did = rooms.flatMap(({ event }) => event?.type ?? []);
    expect(did).toEqual(expect.arrayContaining(['RoomCreated', 'QueueAdded', 'PlaybackMoved']));
    expect(mine.body).toMatchObject({ incomingRequests: [], outgoingRequests: [] });
    const kinds = (mine.body['listening'] as { kind: string }[]).map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set(['activity', 'listen']));
    const other = JSON.stringify((await social.as(3, '/v1/me/data')).body);
    expect(other).not.toContain(userId(1));
    expect(other).not.toContain('Title');
  });
});
