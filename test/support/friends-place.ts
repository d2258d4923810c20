// Ada, who listens over one node, and her friends Ben and Cleo, who look over that and over another one; and what befalls their stores.
import { MemoryFriends } from '../../src/adapters/memory/memory-friends.ts';
import type { Change } from '../../src/ports/friends.ts';
import { FeedViewer } from './feed-viewer.ts';
import { userId, type HubWorld, type TestClient } from './hub-world.ts';
import { UNHURRIED } from './kitchen.ts';
import { listeningStores } from './listening-world.ts';
import { NodesWorld } from './nodes-world.ts';

const LONG_MS = 3_600_000;
const READ_AT_ONCE = 100;

export type FriendsPlace = Awaited<ReturnType<typeof friendsPlace>>;

export async function friendsPlace() {
  const nodes = new NodesWorld(UNHURRIED);
  const { time, users, archive } = nodes;
  const stores = { ...listeningStores(time), users, archive };
  const friends = new MemoryFriends(users, archive);
  const joined: { doubt(): void }[] = [];
  nodes.portsOf = (nodeId) => {
    const feed = stores.feeds.join(nodeId);
    joined.push(feed);
    const { activityLog, outbox: activityOutbox } = stores;
    return { feed, friends, activityLog, activityOutbox };
  };
  const [a, b] = [await nodes.start('a'), await nodes.start('b')];
  for (const [n, name] of ['Ada', 'Ben', 'Cleo'].entries())
    await users.save({ id: userId(n + 1), name, guest: true });
  for (const friend of [2, 3]) {
    await friends.request(userId(1), userId(friend), 0);
    await friends.accept(userId(friend), userId(1), 0);
  }
  const ada = await a.connect(1);
  const [ben, cleo] = [new FeedViewer(await a.connect(2)), new FeedViewer(await b.connect(3))];
  await ben.subscribe();
  await cleo.subscribe();
  return {
    ...{ nodes, a, b, ada, ben, cleo, time, friends, feeds: stores.feeds },
    ...{ outbox: stores.outbox, activityLog: stores.activityLog },
    away() {
      stores.feeds.isAway = true;
    },
    async back() {
      stores.feeds.isAway = false;
      for (const feed of joined) feed.doubt();
      await time.advance(3_000);
    },
    /** The node is gone, with all that it had not told. */
    async kill(nodeId: string) {
      nodes.kill(nodeId);
      nodes.bury(nodeId);
      await time.settle();
    },
    /** Ada goes private over a node, for so long. */
    async private(node: HubWorld, ms: number) {
      await node.hub.feed?.desk.setAudience(userId(1), { privateUntil: time.now() + ms });
      await time.settle();
    },
    async tell(node: HubWorld, change: Promise<Change<string>>) {
      node.hub.feed?.desk.tell(await change);
      await time.settle();
    },
    /** What Cleo reads over REST of all and of Ada: titles. */
    async reads(): Promise<string[]> {
      const query = { limit: READ_AT_ONCE };
      const recent = await b.hub.feed?.history.recent(userId(3), query);
      const past = await b.hub.feed?.history.historyOf(userId(3), userId(1), query);
      return [
        ...(recent ?? []).flatMap(({ item }) => item?.track.title ?? []),
        ...(past ?? []).flatMap(({ activity }) => activity?.track.title ?? []),
      ];
    },
  };
}

/** Says every fifteen seconds that it plays, for `ms`. @returns the activity's id */
export async function say(
  ada: TestClient,
  title: string,
  fromMs: number,
  ms: number,
): Promise<string> {
  const track = { title, artist: 'A', durationMs: LONG_MS };
  let id = '';
  for (let passed = 0; passed < ms; passed += 15_000) {
    const word = { track, positionMs: fromMs + passed, state: 'playing' as const };
    id = (await ada.ask('activity.set', word))['activityId'] as string;
    await ada.world.time.advance(Math.min(15_000, ms - passed));
  }
  return id;
}

export async function stop(ada: TestClient): Promise<void> {
  const track = { title: 'Any', artist: 'A', durationMs: LONG_MS };
  await ada.ask('activity.set', { track, positionMs: 0, state: 'stopped' });
  await ada.world.time.advance(500);
}

/** The titles that a viewer was shown, from its `from`th on. */
export function shownOf({ shown }: FeedViewer, from: number): string[] {
  return shown.slice(from).map(({ track }) => track.title);
}
