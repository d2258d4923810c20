// Viewers of a hub: what each is told, what is taken away, and what never leaves.
import { describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../src/ports/room-log.ts';
import { FeedViewer } from '../support/feed-viewer.ts';
import { userId, type TestClient } from '../support/hub-world.ts';
import { ListeningWorld } from '../support/listening-world.ts';

const MIN = 60_000;

async function play(client: TestClient, n: number, ms = 6_000): Promise<string> {
  const reply = await client.ask('activity.set', {
    track: { trackId: `track${n}` },
    positionMs: 0,
    state: 'playing',
  });
  await client.world.time.advance(ms);
  return reply['activityId'] as string;
}

async function world(...friendships: readonly (readonly [number, number])[]) {
  const hub = new ListeningWorld();
  await hub.hub.start();
  const people = new Map<number, TestClient>();
  for (const n of new Set(friendships.flat())) people.set(n, await hub.person(n));
  for (const [a, b] of friendships) await hub.befriend(a, b);
  const client = (n: number): TestClient => {
    const found = people.get(n);
    if (found === undefined) throw new Error(`nobody is ${n}`);
    return found;
  };
  const viewer = async (n: number): Promise<FeedViewer> => {
    const looking = new FeedViewer(client(n));
    await looking.subscribe();
    return looking;
  };
  return { hub, client, viewer, friends: hub.stores.friends, now: () => hub.time.now() };
}

describe('a viewer', () => {
  it('is told what friends listen to, when they go on, and when it is over', async () => {
    const { hub, client, viewer } = await world([1, 2]);
    const ben = await viewer(2);
    expect(ben.holds()).toEqual({});
    await play(client(1), 3, 2_000);
    expect(ben.holds()).toEqual({});
    await hub.time.advance(4_000);
    expect(ben.holds()).toEqual({ 'User 1': 'Title 3' });
    await client(1).ask('activity.set', {
      track: { trackId: 'track3' },
      positionMs: 6_000,
      state: 'stopped',
    });
    await hub.time.advance(10_000);
    expect(ben.holds()).toEqual({ 'User 1': 'Title 3 (over)' });
  });

  it('is given what is live, and what was listened to last, when they come', async () => {
    const { hub, client, viewer } = await world([1, 2], [2, 3]);
    await play(client(1), 3);
    await play(client(3), 4);
    await client(3).ask('activity.set', {
      track: { trackId: 'track4' },
      positionMs: 6_000,
      state: 'stopped',
    });
    await hub.time.advance(3_000);
    const ben = await viewer(2);
    expect(ben.holds()).toEqual({ 'User 1': 'Title 3', 'User 3': 'Title 4 (over)' });
    const items = [...ben.items.values()];
    expect(items[0]).toMatchObject({ state: 'playing', join: 'solo', user: { id: userId(1) } });
    expect(items[1]).not.toHaveProperty('join');
  });

  it('sees nobody who is no friend, and nothing after unsubscribing', async () => {
    const { client, viewer } = await world([1, 2], [3, 4]);
    const ben = await viewer(2);
    await play(client(3), 1);
    await play(client(1), 2);
    expect(ben.holds()).toEqual({ 'User 1': 'Title 2' });
    await client(2).ask('feed.unsubscribe', {});
    await play(client(1), 5);
    expect(ben.holds()).toEqual({ 'User 1': 'Title 2' });
  });

  it('sees a new friend at once, and an old one no more, also after coming back', async () => {
    const { hub, client, viewer, friends } = await world([1, 2], [3, 4]);
    const ben = await viewer(2);
    await play(client(1), 1);
    await play(client(3), 3);
    await friends.request(userId(3), userId(2), hub.time.now());
    hub.hub.feed?.desk.tell(await friends.accept(userId(2), userId(3), hub.time.now()));
    await hub.time.settle();
    expect(ben.holds()).toEqual({ 'User 1': 'Title 1', 'User 3': 'Title 3' });
    hub.hub.feed?.desk.tell(await friends.remove(userId(1), userId(2)));
    await hub.time.settle();
    expect(ben.holds()).toEqual({ 'User 3': 'Title 3' });
    await ben.subscribe();
    expect(ben.holds()).toEqual({ 'User 3': 'Title 3' });
  });

  it('sees at once what a new friend plays whom others here look at already', async () => {
    const { hub, client, viewer, friends, now } = await world([1, 2], [3, 4]);
    const [ben, cleo] = [await viewer(2), await viewer(3)];
    await play(client(1), 3);
    expect(ben.holds()).toEqual({ 'User 1': 'Title 3' });
    await friends.request(userId(3), userId(1), now());
    hub.hub.feed?.desk.tell(await friends.accept(userId(1), userId(3), now()));
    await hub.time.advance(1_000);
    expect(cleo.holds()).toEqual({ 'User 1': 'Title 3' });
    expect(ben.holds()).toEqual({ 'User 1': 'Title 3' });
  });

  it('loses sight of who blocks them, without a word that names it', async () => {
    const { hub, client, viewer, friends } = await world([1, 2]);
    const ben = await viewer(2);
    await play(client(1), 1);
    ben.client.take('friends.changed');
    hub.hub.feed?.desk.tell(await friends.block(userId(1), userId(2), hub.time.now()));
    await hub.time.settle();
    expect(ben.holds()).toEqual({});
  });

  it('is told nothing of those who chose others, and of nobody in a private session until it ends', async () => {
    const { hub, client, viewer, now } = await world([1, 2], [1, 3]);
    const [ben, cem] = [await viewer(2), await viewer(3)];
    await play(client(1), 1);
    await client(1).ask('audience.set', { audience: 'chosen', userIds: [userId(3)] });
    expect(ben.holds()).toEqual({});
    expect(cem.holds()).toEqual({ 'User 1': 'Title 1' });
    await client(1).ask('audience.set', { audience: 'friends', privateUntil: now() + 20_000 });
    expect(cem.holds()).toEqual({});
    const late = await viewer(2);
    expect(late.holds()).toEqual({});
    await hub.time.advance(10_000);
    expect(cem.holds()).toEqual({});
    await hub.time.advance(11_000);
    for (const viewing of [late, cem]) expect(viewing.holds()).toEqual({});
    await play(client(1), 2);
    for (const viewing of [late, cem]) expect(viewing.holds()).toEqual({ 'User 1': 'Title 2' });
  });

  it('is told of a private session that is ended before its time', async () => {
    const { client, viewer, hub, now } = await world([1, 2]);
    const ben = await viewer(2);
    await client(1).ask('audience.set', { privateUntil: now() + 60 * MIN });
    await play(client(1), 1);
    expect(ben.holds()).toEqual({});
    const reply = await client(1).ask('audience.set', { privateUntil: null });
    expect(reply['audience']).toEqual({ audience: 'friends', chosen: [] });
    await hub.time.advance(2_000);
    // What began in it is not shown, also where it goes on.
    expect(ben.holds()).toEqual({});
    await play(client(1), 2);
    expect(ben.holds()).toEqual({ 'User 1': 'Title 2' });
  });

  it('is kept from nobody for good by a private session whose end is a mistake', async () => {
    const { client, now } = await world([1, 2]);
    for (const privateUntil of [-1, now() + 367 * 24 * 60 * MIN, 1e300])
      expect(await client(1).ask('audience.set', { privateUntil })).toMatchObject({
        type: 'error',
        code: 'bad_request',
      });
    const year = now() + 366 * 24 * 60 * MIN;
    const set = await client(1).ask('audience.set', { privateUntil: year });
    expect(set).toMatchObject({ audience: { privateUntil: year } });
  });

  it('has what the author takes back no more', async () => {
    const { client, viewer, hub } = await world([1, 2]);
    const ben = await viewer(2);
    const activityId = await play(client(1), 1);
    await client(1).ask('activity.remove', { activityId });
    await hub.time.advance(2_000);
    expect(ben.holds()).toEqual({});
    await ben.subscribe();
    expect(ben.holds()).toEqual({});
  });
});

describe('where the word of a changed policy was lost', () => {
  it('what begins goes out by the policy that is kept, and what was private is not even over', async () => {
    const { client, viewer, friends, now } = await world([1, 2], [1, 3]);
    const [ben, cleo] = [await viewer(2), await viewer(3)];
    await play(client(1), 1);
    expect(ben.holds()).toEqual({ 'User 1': 'Title 1' });
    // Its node died before it told anybody.
    await friends.setAudience(userId(1), { audience: 'chosen', chosen: [userId(3)] });
    await play(client(1), 2);
    expect(ben.holds()).toEqual({});
    expect(cleo.holds()).toEqual({ 'User 1': 'Title 2' });
    await friends.setAudience(userId(1), { privateUntil: now() + MIN });
    await play(client(1), 3);
    expect(cleo.holds()).toEqual({});
  });
});

describe('where the store of friends is away', () => {
  it('shows nothing of whom the policy has changed, and all again when it is back', async () => {
    const { client, viewer, hub, friends } = await world([1, 2]);
    const ben = await viewer(2);
    await play(client(1), 1);
    expect(ben.holds()).toEqual({ 'User 1': 'Title 1' });
    const change = await friends.setAudience(userId(1), { audience: 'nobody' });
    const grantsOf = friends.grantsOf.bind(friends);
    friends.grantsOf = () => Promise.reject(new StoreUnavailable('Postgres'));
    hub.hub.feed?.desk.tell(change);
    await hub.time.settle();
    expect(ben.holds()).toEqual({});
    const back = await friends.setAudience(userId(1), { audience: 'friends' });
    friends.grantsOf = grantsOf;
    hub.hub.feed?.desk.tell(back);
    await hub.time.advance(3_000);
    expect(ben.holds()).toEqual({ 'User 1': 'Title 1' });
  });

  it('answers `unavailable` to who comes, and holds nothing of them', async () => {
    const { client, hub, friends } = await world([1, 2]);
    friends.grantsFor = () => Promise.reject(new StoreUnavailable('Postgres'));
    const reply = await client(2).ask('feed.subscribe', {});
    expect(reply).toMatchObject({ type: 'error', code: 'unavailable', retryable: true });
    expect(hub.stores.feeds.listening(userId(2))).toBe(0);
  });
});

describe('many', () => {
  it('one question and one encoding serve all viewers of an author', async () => {
    const pairs = Array.from({ length: 300 }, (_, i) => [1, i + 2] as const);
    const { client, viewer, hub, friends } = await world(...pairs);
    const viewers = [];
    for (const [, n] of pairs) viewers.push(await viewer(n));
    let asked = 0;
    const grantsOf = friends.grantsOf.bind(friends);
    friends.grantsOf = (author, all) => {
      if (all.length > 0) asked += 1;
      return grantsOf(author, all);
    };
    await play(client(1), 1);
    await client(1).ask('audience.set', {
      audience: 'chosen',
      userIds: [userId(2), userId(3)],
    });
    expect(asked).toBe(1);
    const seeing = viewers.filter((each) => 'User 1' in each.holds());
    expect(seeing).toHaveLength(2);
    expect(hub.stores.feeds.listening(userId(1))).toBe(1);
  });

  it('the last one who leaves ends the subscriptions, and who comes next sees all', async () => {
    const { client, viewer, hub } = await world([1, 2]);
    const ben = await viewer(2);
    await play(client(1), 1);
    ben.client.close();
    await hub.time.settle();
    expect(hub.stores.feeds.listening(userId(2))).toBe(0);
    const again = new FeedViewer(await hub.connect(2));
    await again.subscribe();
    expect(again.holds()).toEqual({ 'User 1': 'Title 1' });
  });
});

describe('words for one person', () => {
  it('reach all who look at the feed as them: friends, reactions, a joined listening', async () => {
    const { client, viewer, hub, friends } = await world([1, 2]);
    await viewer(1);
    const activityId = await play(client(1), 1);
    await viewer(2);
    hub.hub.feed?.desk.tell(await friends.request(userId(2), userId(1), hub.time.now()));
    const reacted = await client(2).ask('activity.react', {
      activityId,
      userId: userId(1),
      emoji: '🔥',
    });
    expect(reacted['type']).toBe('ok');
    await hub.time.settle();
    expect(client(1).take('activity.reacted')).toMatchObject([
      { activityId, user: { id: userId(2), name: 'User 2' }, emoji: '🔥' },
    ]);
    const joined = await client(2).ask('activity.join', { activityId, userId: userId(1) });
    expect(joined['type']).toBe('ok');
    expect(client(1).take('activity.joined')).toMatchObject([
      { activityId, roomId: joined['roomId'], user: { id: userId(2) } },
    ]);
  });

  it('a stranger cannot tell what is hidden from what is not there', async () => {
    const { client, hub } = await world([1, 2], [3, 4]);
    const activityId = await play(client(1), 1);
    const unknown = '00000000-0000-4000-9000-0000000000ff';
    for (const [by, to] of [
      [3, userId(1)],
      [3, unknown],
    ] as const) {
      const refusal = { type: 'error', code: 'not_found', message: 'no such activity' };
      const body = { activityId, userId: to };
      expect(await client(by).ask('activity.join', body)).toMatchObject(refusal);
      expect(await client(by).ask('activity.react', { ...body, emoji: '🔥' })).toMatchObject(
        refusal,
      );
    }
    expect(client(1).take('activity.joined')).toEqual([]);
    expect(hub.hub.feed).toBeDefined();
  });
});
