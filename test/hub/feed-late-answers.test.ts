// Viewers whose stores answer late, or not at first: nothing leaves by a policy that is known to be old, and nothing is missing for good.
import { describe, expect, it } from 'vitest';
import type { FeedItem } from '../../protocol/schemas/feed.ts';
import { StoreUnavailable } from '../../src/ports/room-log.ts';
import { FeedViewer } from '../support/feed-viewer.ts';
import { userId, type Message, type TestClient } from '../support/hub-world.ts';
import { ListeningWorld } from '../support/listening-world.ts';

/** Makes the answers of a store wait: each is made when it is asked for, and given when `release` is called. */
function holding<A extends unknown[], R>(ask: (...args: A) => Promise<R>) {
  let waiting: (() => void)[] = [];
  let isHolding = false;
  return {
    ask: async (...args: A): Promise<R> => {
      const answer = await ask(...args);
      if (isHolding) await new Promise<void>((resolve) => waiting.push(resolve));
      return answer;
    },
    hold: () => {
      isHolding = true;
    },
    /** Those that wait; the next ones wait again unless `forGood`. */
    release: (forGood = true) => {
      isHolding = !forGood;
      const all = waiting;
      waiting = [];
      for (const resolve of all) resolve();
    },
  };
}

/** Ada, who listens, and her friends Ben and Cleo. */
async function friends() {
  const world = new ListeningWorld();
  const { friends: store, activityLog, feeds } = world.stores;
  await world.hub.start();
  const ada = await world.person(1);
  for (const n of [2, 3]) await world.person(n);
  await world.befriend(1, 2);
  await world.befriend(1, 3);
  const grantsOf = holding(store.grantsOf.bind(store));
  // A person's own grants are asked for with nobody.
  const own = store.grantsOf.bind(store);
  store.grantsOf = (author, viewers) =>
    viewers.length === 0 ? own(author, viewers) : grantsOf.ask(author, viewers);
  const latest = holding(activityLog.latest.bind(activityLog));
  activityLog.latest = latest.ask;
  const play = async (n: number): Promise<void> => {
    const track = { trackId: `track${n}` };
    await ada.ask('activity.set', { track, positionMs: 0, state: 'playing' });
    await world.time.advance(6_000);
  };
  const stop = async (): Promise<void> => {
    const track = { trackId: 'track1' };
    await ada.ask('activity.set', { track, positionMs: 0, state: 'stopped' });
    await world.time.advance(2_000);
  };
  const setAudience = (change: Parameters<typeof store.setAudience>[1]) =>
    store.setAudience(userId(1), change);
  const tell = async (change: Awaited<ReturnType<typeof setAudience>>): Promise<void> => {
    world.hub.feed?.desk.tell(change);
    await world.time.settle();
  };
  const look = async (n: number): Promise<FeedViewer> => {
    const viewer = new FeedViewer(await world.connect(n));
    await viewer.subscribe();
    return viewer;
  };
  return { world, feeds, activityLog, grantsOf, latest, play, stop, setAudience, tell, look };
}

/** Asks, and does not wait. */
function asks(client: TestClient): () => Message | undefined {
  const id = client.send('feed.subscribe', {});
  return () => {
    client.take('');
    return client.inbox.find((message) => message.id === id);
  };
}

function titles(reply: Message | undefined): string[] | undefined {
  return (reply?.['items'] as FeedItem[] | undefined)?.map(({ track }) => track.title);
}

describe('while it is asked who may see somebody', () => {
  it('a reply waits for the answer, and has nothing of whom one may not see any more', async () => {
    const { world, grantsOf, play, setAudience, tell, look } = await friends();
    const ben = await look(2);
    await play(1);
    expect(ben.holds()).toEqual({ 'User 1': 'Title 1' });
    grantsOf.hold();
    await tell(await setAudience({ audience: 'nobody' }));
    const reply = asks(await world.connect(2));
    await world.time.settle();
    expect(titles(reply()) ?? []).toEqual([]);
    grantsOf.release();
    await world.time.settle();
    expect(titles(reply())).toEqual([]);
    expect(ben.holds()).toEqual({});
  });

  it('a snapshot waits as well', async () => {
    const { world, grantsOf, play, setAudience, tell, look } = await friends();
    const ben = await look(2);
    await play(1);
    ben.holds();
    // It does not read, falls behind with the next frame, and is owed a snapshot.
    const { socket } = ben.client;
    socket.isStalled = true;
    socket.bufferedBytes = world.options.softBufferBytes;
    await play(2);
    await play(3);
    grantsOf.hold();
    await tell(await setAudience({ audience: 'nobody' }));
    socket.isStalled = false;
    socket.bufferedBytes = 0;
    world.hub.drained(socket);
    await world.time.settle();
    expect(ben.holds()).not.toEqual({ 'User 1': 'Title 3' });
    grantsOf.release();
    await world.time.settle();
    expect(ben.holds()).toEqual({});
    expect(ben.shown.map(({ track }) => track.title)).not.toContain('Title 3');
  });

  it('an answer that is older than what was told lets nobody in', async () => {
    const { world, grantsOf, play, stop, setAudience, tell, look } = await friends();
    await setAudience({ audience: 'chosen', chosen: [userId(2)] });
    const [ben, cleo] = [await look(2), await look(3)];
    await play(1);
    // What is over is the same item after every word about the policy.
    await stop();
    expect([ben.holds(), cleo.holds()]).toEqual([{ 'User 1': 'Title 1 (over)' }, {}]);
    grantsOf.hold();
    await tell(await setAudience({ audience: 'friends' }));
    await tell(await setAudience({ audience: 'chosen', chosen: [userId(2)] }));
    grantsOf.release(false);
    await world.time.settle();
    expect(cleo.holds()).toEqual({});
    grantsOf.release();
    await world.time.settle();
    expect(cleo.holds()).toEqual({});
    expect(cleo.shown).toEqual([]);
    expect(ben.holds()).toEqual({ 'User 1': 'Title 1 (over)' });
    // And who is let in by the last word is.
    await tell(await setAudience({ audience: 'friends' }));
    expect(cleo.holds()).toEqual({ 'User 1': 'Title 1 (over)' });
  });

  it('who was let in by an old answer and by the next one is shown it then', async () => {
    const { world, grantsOf, play, stop, setAudience, tell, look } = await friends();
    await setAudience({ audience: 'nobody' });
    const cleo = await look(3);
    await play(1);
    await stop();
    grantsOf.hold();
    await tell(await setAudience({ audience: 'chosen', chosen: [userId(3)] }));
    await tell(await setAudience({ audience: 'friends' }));
    grantsOf.release(false);
    await world.time.settle();
    expect(cleo.holds()).toEqual({});
    grantsOf.release();
    await world.time.settle();
    expect(cleo.holds()).toEqual({ 'User 1': 'Title 1 (over)' });
  });
});

describe('while nobody can say who may see somebody', () => {
  it('it is asked once a second, however much is told meanwhile, and not once nobody looks', async () => {
    const { world, feeds, play, look, grantsOf } = await friends();
    const { friends: store } = world.stores;
    const ben = await look(2);
    await play(1);
    let asks = 0;
    store.grantsOf = (author, viewers) => {
      if (viewers.length === 0) return grantsOf.ask(author, viewers);
      asks += 1;
      return Promise.reject(new StoreUnavailable('Postgres'));
    };
    const teller = feeds.join('other');
    const tellEachSecond = async (): Promise<void> => {
      for (let n = 0; n < 20; n += 1) {
        version += 1;
        await teller.tellPolicy(userId(1), version);
        await world.time.advance(1_017);
      }
    };
    let version = 1_000;
    await tellEachSecond();
    expect(ben.holds()).toEqual({});
    expect(asks).toBeGreaterThan(10);
    expect(asks).toBeLessThanOrEqual(22);
    await ben.client.ask('feed.unsubscribe', {});
    asks = 0;
    await tellEachSecond();
    expect(asks).toBe(0);
  });
});

describe('what was listened to last', () => {
  it('comes as soon as the history answers, where it was away at the first look', async () => {
    const { world, activityLog, latest, play, stop, look } = await friends();
    await play(1);
    await stop();
    activityLog.latest = () => Promise.reject(new StoreUnavailable('the history'));
    const ben = await look(2);
    expect(ben.holds()).toEqual({});
    await world.time.advance(3_000);
    activityLog.latest = latest.ask;
    await world.time.advance(2_000);
    expect(ben.holds()).toEqual({ 'User 1': 'Title 1 (over)' });
  });

  it('comes also of whom the feed could not be read at the first look', async () => {
    const { world, play, stop, look } = await friends();
    await world.befriend(2, 3);
    await play(1);
    await stop();
    const { feed } = world;
    const heads = feed.heads.bind(feed);
    // What keeps Ada is away.
    feed.heads = async (authors) => {
      const all = await heads(authors);
      return all.map((head, i) => (authors[i] === userId(1) ? undefined : head)) as typeof all;
    };
    const ben = await look(2);
    expect(ben.holds()).toEqual({});
    feed.heads = heads;
    await world.time.advance(6_000);
    expect(ben.holds()).toEqual({ 'User 1': 'Title 1 (over)' });
  });

  it('is in the reply to whoever comes while it is read for another', async () => {
    const { world, latest, play, stop } = await friends();
    await play(1);
    await stop();
    latest.hold();
    const first = asks(await world.connect(2));
    await world.time.settle();
    const second = asks(await world.connect(3));
    await world.time.settle();
    latest.release();
    await world.time.settle();
    expect([titles(first()), titles(second())]).toEqual([['Title 1'], ['Title 1']]);
  });
});
