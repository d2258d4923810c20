// A device that is revoked, and a person who is erased, are closed on every node, and nobody else is.
import { describe, expect, it } from 'vitest';
import { MemoryAccounts } from '../../src/adapters/memory/memory-accounts.ts';
import { MemoryActivityLog } from '../../src/adapters/memory/memory-activity-log.ts';
import { MemoryFeeds } from '../../src/adapters/memory/memory-feed.ts';
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
  nodes.portsOf = (nodeId) => {
    const feed = feeds.join(nodeId);
    if (signal !== undefined) feed.signal = signal;
    return { feed, friends, activityLog, activityOutbox: new KeepingOutbox(activityLog) };
  };
  const [a, b] = [await nodes.start('a'), await nodes.start('b')];
  await users.save({ id: ANA, name: 'Ana', guest: true });
  const phone = (await accounts.createToken(ANA, 'phone', 1))?.token.id ?? '';
  const laptop = (await accounts.createToken(ANA, 'laptop', 1))?.token.id ?? '';
  const by = (deviceId: string): string => `${ANA}|Ana|3600000|${deviceId}`;
  return { nodes, accounts, a, b, phone, laptop, by };
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
