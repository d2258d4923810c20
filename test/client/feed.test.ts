// The client's view of the feed: what it merges, what it drops, and what it says again after a connection was lost.
import { describe, expect, it } from 'vitest';
import type { EarshotClient, FeedSignal } from '../../src/client/client.ts';
import { ANA, BEN, FakeHub, failure, reconnect } from './fake-hub.ts';

const AUDIENCE = { audience: 'friends', chosen: [] };
const CLEO = '00000000-0000-4000-9000-000000000003';
const ROOM = '00000000-0000-4000-8000-000000000001';

function item(userId: string, seq: number, title: string, at = seq) {
  return {
    activityId: `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`,
    user: { id: userId, name: 'Somebody', colour: 'teal' },
    seq,
    at,
    state: 'playing',
    track: { title, artist: 'A', durationMs: 60_000, hasCover: false },
    positionMs: 0,
    positionAt: at,
  };
}

async function following(hub: FakeHub, items: object[] = []): Promise<EarshotClient> {
  const client = await hub.connected();
  const reading = client.feed.subscribe();
  expect(client.feed.view.value.phase).toBe('loading');
  hub.peer.ok(hub.peer.take('feed.subscribe'), { items, audience: AUDIENCE });
  await reading;
  return client;
}

const titles = (client: EarshotClient): string[] =>
  client.feed.view.value.items.map(({ track }) => track.title);

describe('the feed of a client', () => {
  it('is what the hub answers, and then what it pushes: the newest first, one of each friend', async () => {
    const hub = new FakeHub();
    const client = await following(hub, [item(BEN, 5, 'B')]);
    expect(client.feed.view.value).toMatchObject({ phase: 'ready', audience: AUDIENCE });
    hub.peer.text({ type: 'feed.items', upsert: [item(CLEO, 9, 'C')], remove: [] });
    expect(titles(client)).toEqual(['C', 'B']);
    hub.peer.text({ type: 'feed.items', upsert: [item(BEN, 10, 'B2')], remove: [] });
    expect(titles(client)).toEqual(['B2', 'C']);
    // Not newer than what is held: it was overtaken.
    hub.peer.text({ type: 'feed.items', upsert: [item(BEN, 7, 'B1')], remove: [] });
    expect(titles(client)).toEqual(['B2', 'C']);
    hub.peer.text({ type: 'feed.items', upsert: [], remove: [{ userId: CLEO }] });
    expect(titles(client)).toEqual(['B2']);
  });

  it('takes away one activity by its id, and removes before it adds', async () => {
    const hub = new FakeHub();
    const client = await following(hub, [item(BEN, 5, 'B')]);
    const { activityId } = item(BEN, 5, 'B');
    const other = { userId: BEN, activityId: item(BEN, 1, 'other').activityId };
    hub.peer.text({ type: 'feed.items', upsert: [], remove: [other] });
    expect(titles(client)).toEqual(['B']);
    const remove = [{ userId: BEN, activityId }];
    hub.peer.text({ type: 'feed.items', upsert: [item(BEN, 3, 'again')], remove });
    expect(titles(client)).toEqual(['again']);
  });

  it('forgets all that it held for a snapshot', async () => {
    const hub = new FakeHub();
    const client = await following(hub, [item(BEN, 5, 'B')]);
    const snapshot = { items: [item(CLEO, 1, 'C')], audience: { audience: 'nobody', chosen: [] } };
    hub.peer.text({ type: 'feed.snapshot', ...snapshot, reason: 'behind' });
    expect(titles(client)).toEqual(['C']);
    expect(client.feed.view.value.audience?.audience).toBe('nobody');
  });

  it('is shown on while the connection is away, and read anew when it is back', async () => {
    const hub = new FakeHub();
    const client = await following(hub, [item(BEN, 5, 'B')]);
    await reconnect(hub);
    expect(client.feed.view.value.phase).toBe('away');
    expect(titles(client)).toEqual(['B']);
    // What comes before the answer is of a subscription that has ended.
    hub.peer.text({ type: 'feed.items', upsert: [item(CLEO, 2, 'C')], remove: [] });
    hub.peer.ok(hub.peer.take('feed.subscribe'), { items: [], audience: AUDIENCE });
    expect(client.feed.view.value).toMatchObject({ phase: 'ready', items: [] });
  });

  it('is asked for again where the hub cannot answer now, and given up where it never will', async () => {
    const hub = new FakeHub();
    const client = await hub.connected();
    const reading = client.feed.subscribe();
    hub.peer.refuse(hub.peer.take('feed.subscribe'), 'unavailable', { retryable: true });
    await hub.time.advance(2_000);
    hub.peer.ok(hub.peer.take('feed.subscribe'), { items: [], audience: AUDIENCE });
    await reading;

    const other = new FakeHub();
    const without = await other.connected();
    const refused = failure(without.feed.subscribe());
    other.peer.refuse(other.peer.take('feed.subscribe'), 'not_found');
    expect((await refused).code).toBe('not_found');
    expect(without.feed.view.value).toEqual({ phase: 'off', items: [] });
  });

  it('followed before there is a connection, is read with the first', async () => {
    const hub = new FakeHub();
    const client = hub.client();
    const reading = client.feed.subscribe();
    const connected = client.connect();
    await hub.time.settle();
    hub.peer.greet();
    await connected;
    hub.peer.ok(hub.peer.take('feed.subscribe'), { items: [], audience: AUDIENCE });
    await reading;
    client.feed.unsubscribe();
    expect(hub.peer.has('feed.unsubscribe')).toBe(true);
    expect(client.feed.view.value).toEqual({ phase: 'off', items: [] });
    hub.peer.text({ type: 'feed.items', upsert: [item(BEN, 1, 'B')], remove: [] });
    expect(titles(client)).toEqual([]);
  });

  it('tells the words that are for this person alone', async () => {
    const hub = new FakeHub();
    const client = await following(hub);
    const signals: FeedSignal[] = [];
    const stop = client.feed.onSignal((signal) => signals.push(signal));
    const user = { id: BEN, name: 'Ben' };
    const activityId = item(ANA, 1, 'mine').activityId;
    hub.peer.text({ type: 'friends.changed' });
    hub.peer.text({ type: 'activity.reacted', activityId, user, emoji: '❤️' });
    hub.peer.text({ type: 'activity.joined', activityId, user, roomId: ROOM });
    stop();
    hub.peer.text({ type: 'friends.changed' });
    expect(signals).toEqual([
      { kind: 'friends' },
      { kind: 'reacted', activityId, user, emoji: '❤️' },
      { kind: 'joined', activityId, user, roomId: ROOM },
    ]);
    hub.peer.text({ type: 'audience.changed', audience: { audience: 'nobody', chosen: [] } });
    expect(client.feed.view.value.audience?.audience).toBe('nobody');
  });

  it('asks for a room of what a friend listens to, and sets who sees what', async () => {
    const hub = new FakeHub();
    const client = await following(hub);
    const { activityId } = item(BEN, 1, 'B');
    const joining = client.feed.join(activityId, BEN);
    const request = hub.peer.take('activity.join');
    expect(request).toMatchObject({ activityId, userId: BEN });
    hub.peer.ok(request, { roomId: ROOM });
    expect(await joining).toBe(ROOM);
    const setting = client.feed.setAudience({ privateUntil: 9 });
    const audience = { ...AUDIENCE, privateUntil: 9 };
    hub.peer.ok(hub.peer.take('audience.set'), { audience });
    expect(await setting).toEqual(audience);
    expect(client.feed.view.value.audience).toEqual(audience);
  });
});

describe('listening alone', () => {
  const track = { title: 'T', artist: 'A', durationMs: 60_000 };

  it('is said at once, again while it plays, and after a connection was lost', async () => {
    const hub = new FakeHub();
    const client = await hub.connected();
    client.feed.listen({ track, positionMs: 1_000, state: 'playing' });
    expect(hub.peer.take('activity.set')).toMatchObject({ track, positionMs: 1_000 });
    await hub.time.advance(20_000);
    expect(hub.peer.take('activity.set')).toMatchObject({ positionMs: 21_000, state: 'playing' });
    await reconnect(hub);
    expect(hub.peer.take('activity.set')).toMatchObject({ track, state: 'playing' });
    client.feed.listen({ track, positionMs: 5_000, state: 'paused' });
    expect(hub.peer.take('activity.set')).toMatchObject({ positionMs: 5_000, state: 'paused' });
    await hub.time.advance(20_000);
    expect(hub.peer.take('activity.set')).toMatchObject({ positionMs: 5_000, state: 'paused' });
    client.feed.listen(undefined);
    expect(hub.peer.take('activity.set')).toMatchObject({ track, state: 'stopped' });
    await hub.time.advance(60_000);
    expect(hub.peer.has('activity.set')).toBe(false);
  });

  it('waits for a connection', async () => {
    const hub = new FakeHub();
    const client = hub.client();
    client.feed.listen({ track, positionMs: 0, state: 'playing', joinable: false });
    const connected = client.connect();
    await hub.time.settle();
    hub.peer.greet();
    await connected;
    expect(hub.peer.take('activity.set')).toMatchObject({ joinable: false });
    client.close();
    await hub.time.advance(60_000);
    expect(hub.time.waiting).toBe(0);
  });
});
