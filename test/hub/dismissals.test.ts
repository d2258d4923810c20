// A device that is revoked, and a person who is erased, are closed on every node, and nobody else is.
import { describe, expect, it } from 'vitest';
import { MemoryAccounts } from '../../src/adapters/memory/memory-accounts.ts';
import { MemoryActivityLog } from '../../src/adapters/memory/memory-activity-log.ts';
import { MemoryFeeds, type MemoryFeed } from '../../src/adapters/memory/memory-feed.ts';
import { MemoryFriends } from '../../src/adapters/memory/memory-friends.ts';
import { StoreUnavailable } from '../../src/ports/room-log.ts';
import { userId, type HubWorld } from '../support/hub-world.ts';
import { KeepingOutbox } from '../support/listening-world.ts';
import { NodesWorld } from '../support/nodes-world.ts';

const ANA = userId(1);

async function city(signal?: () => Promise<void>) {
  const nodes = new NodesWorld();
  const { users } = nodes;
  const accounts = new MemoryAccounts(users);
  const feeds = new MemoryFeeds({ now: () => nodes.time.now() });
  const friends = new MemoryFriends(users, nodes.archive);
  const activityLog = new MemoryActivityLog();
  const feedOf = new Map<string, MemoryFeed>();
  nodes.portsOf = (nodeId) => {
    const feed = feeds.join(nodeId);
    feedOf.set(nodeId, feed);
    if (signal !== undefined) feed.signal = signal;
    return { feed, friends, activityLog, activityOutbox: new KeepingOutbox(activityLog) };
  };
  const [a, b] = [await nodes.start('a'), await nodes.start('b')];
  await users.save({ id: ANA, name: 'Ana', guest: true });
  const phone = (await accounts.createToken(ANA, 'phone', 1))?.token.id ?? '';
  const laptop = (await accounts.createToken(ANA, 'laptop', 1))?.token.id ?? '';
  const by = (deviceId: string): string => `${ANA}|Ana|3600000|${deviceId}`;
  return { nodes, users, accounts, friends, activityLog, feeds, feedOf, a, b, phone, laptop, by };
}

function dismissalsOf({ hub }: HubWorld) {
  const dismissals = hub.feed?.dismissals;
  if (dismissals === undefined) throw new Error('the hub has no feed');
  return dismissals;
}

describe('a device that is revoked', () => {
  it('is closed on every node, whether it looks at the feed or not, and cannot come back', async () => {
    const { nodes, accounts, a, b, phone, laptop, by } = await city();
    const lost = await b.connectBy(by(phone));
    const kept = await b.connectBy(by(laptop));
    const early = await a.connectBy(by(phone));
    const other = await b.connect(2);
    await accounts.revoke(ANA, phone);
    await dismissalsOf(a).device(ANA, phone);
    await nodes.time.advance(10);
    for (const { socket } of [lost, early])
      expect(socket.closedWith).toMatchObject({
        code: 4504,
        reason: expect.stringMatching('device') as string,
      });
    for (const { socket } of [kept, other]) expect(socket.isOpen).toBe(true);

    const again = b.open();
    const reply = await again.ask('hello', {
      token: by(phone),
      client: { name: 'test', version: '1' },
    });
    expect(reply).toMatchObject({ type: 'error', code: 'unauthorised' });
    await nodes.time.advance(10);
    expect(again.socket.closedWith).toMatchObject({ code: 4501 });
    expect(await kept.ask('auth.refresh', { token: by(phone) })).toMatchObject({
      code: 'unauthorised',
    });
    expect(await kept.ask('auth.refresh', { token: by(laptop) })).toMatchObject({ type: 'ok' });
  });

  it('is closed where it was revoked also when the others cannot be told', async () => {
    const { nodes, accounts, a, phone, by } = await city(() =>
      Promise.reject(new StoreUnavailable('the feed')),
    );
    const lost = await a.connectBy(by(phone));
    await accounts.revoke(ANA, phone);
    await dismissalsOf(a).device(ANA, phone);
    await nodes.time.advance(10);
    expect(lost.socket.closedWith).toMatchObject({ code: 4504 });
    expect(a.log.lines.map(({ level }) => level)).toContain('warn');
  });

  it('is the device of the token that a connection was refreshed with', async () => {
    const { nodes, accounts, a, phone, laptop, by } = await city();
    const moved = await a.connectBy(by(phone));
    await moved.ask('auth.refresh', { token: by(laptop) });
    await accounts.revoke(ANA, laptop);
    await dismissalsOf(a).device(ANA, laptop);
    await nodes.time.advance(10);
    expect(moved.socket.closedWith).toMatchObject({ code: 4504 });
  });
});

describe('a person who is erased', () => {
  it('is closed on every node, whether they look at the feed or not', async () => {
    const { nodes, a, b, phone, laptop, by } = await city();
    const gone = [await a.connectBy(by(phone)), await b.connectBy(by(laptop))];
    const other = await b.connect(2);
    await dismissalsOf(a).person(ANA);
    await nodes.time.advance(10);
    for (const { socket } of gone) expect(socket.closedWith).toMatchObject({ code: 4504 });
    expect(other.socket.isOpen).toBe(true);
  });
});

describe('a dismissal that nobody hears', () => {
  const lost = (): Promise<void> => Promise.resolve();
  const CLOSED = { code: 4504 };

  it('is told again until it is told', async () => {
    const { nodes, accounts, feedOf, a, b, phone, laptop, by } = await city();
    const feed = feedOf.get('a');
    if (feed === undefined) expect.unreachable('a feed');
    const signal = feed.signal.bind(feed);
    feed.signal = () => Promise.reject(new StoreUnavailable('the feed'));
    const stolen = await b.connectBy(by(phone));
    const kept = await b.connectBy(by(laptop));
    await accounts.revoke(ANA, phone);
    await dismissalsOf(a).device(ANA, phone);
    await nodes.time.advance(5_000);
    expect(stolen.socket.isOpen).toBe(true);
    feed.signal = signal;
    await nodes.time.advance(1_100);
    expect(stolen.socket.closedWith).toMatchObject(CLOSED);
    expect(kept.socket.isOpen).toBe(true);
  });

  it('lets nobody go who has come back by the time it is told', async () => {
    const { nodes, users, feedOf, a, b } = await city();
    const feed = feedOf.get('a');
    if (feed === undefined) expect.unreachable('a feed');
    const signal = feed.signal.bind(feed);
    feed.signal = () => Promise.reject(new StoreUnavailable('the feed'));
    const person = userId(5);
    users.remove(person);
    await dismissalsOf(a).person(person);
    const back = await b.connect(5);
    feed.signal = signal;
    await nodes.time.advance(2_000);
    expect(back.socket.isOpen).toBe(true);
  });

  it('is made good within a minute, and touches nobody whom only their operator knows', async () => {
    const { nodes, users, accounts, b, phone, laptop, by } = await city(lost);
    const cem = { id: userId(3), name: 'Cem', guest: true };
    await users.save(cem);
    const erased = await b.connectBy(`${cem.id}|Cem|3600000`);
    const stolen = await b.connectBy(by(phone));
    const kept = [await b.connectBy(by(laptop)), await b.connect(2)];
    const find = users.find.bind(users);
    users.find = () => Promise.reject(new StoreUnavailable('Postgres'));
    kept.push(await b.connect(4));
    users.find = find;
    await accounts.revoke(ANA, phone);
    users.remove(cem.id);
    await nodes.time.advance(61_000);
    for (const { socket } of [erased, stolen]) expect(socket.closedWith).toMatchObject(CLOSED);
    for (const { socket } of kept) expect(socket.isOpen).toBe(true);
  });

  it.each(['is there', 'is away at first'] as const)(
    'leaves nothing of what a person who was erased listened to meanwhile, where the store of it %s',
    async (where) => {
      const { nodes, friends, activityLog, feeds, a, b } = await city(lost);
      const here = await b.connectBy(`${ANA}|Ana|3600000`);
      const says = async (title: string): Promise<void> => {
        const track = { title, artist: 'A', durationMs: 600_000 };
        await here.ask('activity.set', { track, positionMs: 0, state: 'playing' });
        await nodes.time.advance(10_000);
      };
      const kept = async (): Promise<string[]> => {
        const all: string[] = [];
        for await (const { track } of activityLog.export(ANA)) all.push(track.title);
        return all;
      };
      await says('Before');
      await dismissalsOf(a).person(ANA);
      await feeds.join('a').forget(ANA);
      await activityLog.erase(ANA, nodes.time.now());
      await friends.erase(ANA);
      await says('After');
      await says('Later');
      expect(await kept()).toContain('Later');
      const erase = activityLog.erase.bind(activityLog);
      if (where === 'is away at first')
        activityLog.erase = () => Promise.reject(new StoreUnavailable('MongoDB'));
      await nodes.time.advance(61_000);
      expect(here.socket.closedWith).toMatchObject(CLOSED);
      activityLog.erase = erase;
      await nodes.time.advance(10_000);
      expect(await kept()).toEqual([]);
      expect(feeds.head(ANA)).toEqual({ seq: 0, live: undefined, policyVersion: 0 });
    },
  );

  it('is made good at once where the feed is in doubt, or the minute after its store is back', async () => {
    const { nodes, users, accounts, feedOf, b, phone, laptop, by } = await city(lost);
    const stolen = await b.connectBy(by(phone));
    const other = await b.connectBy(by(laptop));
    await accounts.revoke(ANA, phone);
    feedOf.get('b')?.doubt();
    await nodes.time.advance(10);
    expect(stolen.socket.closedWith).toMatchObject(CLOSED);

    await accounts.revoke(ANA, laptop);
    const standings = users.standings.bind(users);
    users.standings = () => Promise.reject(new StoreUnavailable('Postgres'));
    await nodes.time.advance(61_000);
    expect(other.socket.isOpen).toBe(true);
    users.standings = standings;
    await nodes.time.advance(60_000);
    expect(other.socket.closedWith).toMatchObject(CLOSED);
  });

  it('is made good in bites, each one look', async () => {
    const { nodes, users, accounts, b, phone, by } = await city(lost);
    for (let n = 100; n < 700; n += 1) await b.connect(n);
    const stolen = await b.connectBy(by(phone));
    await accounts.revoke(ANA, phone);
    const sizes: number[] = [];
    const standings = users.standings.bind(users);
    users.standings = (people) => {
      sizes.push(people.length);
      return standings(people);
    };
    await nodes.time.advance(60_500);
    expect(sizes).toEqual([500, 101]);
    expect(stolen.socket.closedWith).toMatchObject(CLOSED);
  });

  it('is made good when the connection is refreshed', async () => {
    const { nodes, accounts, b, phone, by } = await city(lost);
    const stolen = await b.connectBy(by(phone));
    await accounts.revoke(ANA, phone);
    expect(await stolen.ask('auth.refresh', { token: by(phone) })).toMatchObject({
      code: 'unauthorised',
    });
    await nodes.time.advance(10);
    expect(stolen.socket.closedWith).toMatchObject(CLOSED);
  });
});

describe('a dismissal while somebody is let in', () => {
  it.each(['hello', 'auth.refresh'] as const)('is heard by a %s under way', async (type) => {
    const { nodes, users, accounts, a, b, phone, laptop, by } = await city();
    const client = type === 'hello' ? b.open() : await b.connectBy(by(laptop));
    // The store has answered, and its answer is on its way.
    let arrive = (): void => undefined;
    const find = users.find.bind(users);
    users.find = async (...asked) => {
      const found = await find(...asked);
      await new Promise<void>((resolve) => (arrive = resolve));
      return found;
    };
    const hello = { token: by(phone), client: { name: 'test', version: '1' } };
    client.send(type, type === 'hello' ? hello : { token: by(phone) });
    await nodes.time.advance(1);
    await accounts.revoke(ANA, phone);
    await dismissalsOf(a).device(ANA, phone);
    await nodes.time.advance(10);
    arrive();
    await nodes.time.advance(10);
    expect(client.socket.messages().at(-1)).toMatchObject({ code: 'unauthorised' });
    expect(client.socket.isOpen).toBe(type === 'auth.refresh');
  });
});
