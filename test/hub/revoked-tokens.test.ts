// What an operator takes back is closed on every node, and opens nothing any more on any, whatever was away meanwhile.
import { describe, expect, it } from 'vitest';
import { MemoryActivityLog } from '../../src/adapters/memory/memory-activity-log.ts';
import { MemoryFeeds, type MemoryFeed } from '../../src/adapters/memory/memory-feed.ts';
import { MemoryFriends } from '../../src/adapters/memory/memory-friends.ts';
import { MemoryRevocations } from '../../src/adapters/memory/memory-revocations.ts';
import { RevokedTokens } from '../../src/hub/revoked-tokens.ts';
import type { RevocationDraft, Revocations } from '../../src/ports/revocations.ts';
import { StoreUnavailable } from '../../src/ports/room-log.ts';
import { RecordingLog, userId, type HubWorld } from '../support/hub-world.ts';
import { KeepingOutbox } from '../support/listening-world.ts';
import { NodesWorld } from '../support/nodes-world.ts';
import { termedAuthenticator, tokenOf } from '../support/termed-tokens.ts';

const ANA = userId(1);
const CLIENT = { client: { name: 'test', version: '1' } };
const OPERATOR = userId(99);
const CLOCK_TOLERANCE_MS = 5_000;

class City {
  readonly nodes = new NodesWorld();
  readonly store = new MemoryRevocations();
  readonly revoked = new Map<string, RevokedTokens>();
  readonly #feeds = new MemoryFeeds({ now: () => this.nodes.time.now() });
  /** Nodes that reach the revocations no more. */
  readonly cutOff = new Set<string>();
  /** Whether what nodes tell each other is lost. */
  isSilent = false;

  constructor() {
    const { nodes } = this;
    const friends = new MemoryFriends(nodes.users, nodes.archive);
    const activityLog = new MemoryActivityLog();
    nodes.portsOf = (nodeId) => {
      const feed = this.#feeds.join(nodeId);
      const authenticator = termedAuthenticator(() => nodes.time.now());
      const activityOutbox = new KeepingOutbox(activityLog);
      const revoked = this.#revokedOf(nodeId, feed);
      return { feed, friends, activityLog, activityOutbox, authenticator, revoked };
    };
  }

  async start(nodeId: string): Promise<HubWorld> {
    const world = await this.nodes.start(nodeId);
    await this.of(nodeId).start();
    return world;
  }

  of(nodeId: string): RevokedTokens {
    const revoked = this.revoked.get(nodeId);
    if (revoked === undefined) throw new Error('no such node');
    return revoked;
  }

  get now(): number {
    return this.nodes.time.now();
  }

  draft(subject: object, more: object = {}): RevocationDraft {
    const common = { at: this.now, endsAt: undefined, by: OPERATOR, reason: undefined };
    return { ...common, ...subject, ...more } as RevocationDraft;
  }

  token(tokenId: string): RevocationDraft {
    return this.draft({ kind: 'token', tokenId });
  }

  #revokedOf(nodeId: string, feed: MemoryFeed): RevokedTokens {
    const reached: Revocations = new Proxy(this.store, {
      get: (target, name) => (this.cutOff.has(nodeId) ? away : bound(target, name)),
    });
    const { time } = this.nodes;
    const revoked = new RevokedTokens({
      revocations: reached,
      feed: {
        subscribe: (...asked) => feed.subscribe(...asked),
        onDoubt: (listener) => feed.onDoubt(listener),
        signal: (...told) => (this.isSilent ? Promise.resolve() : feed.signal(...told)),
      },
      timers: time,
      log: new RecordingLog(),
      wallNow: () => time.now(),
      clockToleranceMs: CLOCK_TOLERANCE_MS,
    });
    this.revoked.set(nodeId, revoked);
    return revoked;
  }
}

const away = (): Promise<never> => Promise.reject(new StoreUnavailable('Postgres'));

function bound(target: object, name: string | symbol): unknown {
  const member: unknown = Reflect.get(target, name);
  return typeof member === 'function' ? (member.bind(target) as unknown) : member;
}

const CLOSED = { code: 4504 };

describe('a token that is revoked', () => {
  it('closes what is open by it on every node, and nothing else, and opens nothing (SE12)', async () => {
    const city = new City();
    const [a, b] = [await city.start('a'), await city.start('b')];
    const here = await a.connectBy(tokenOf(1, { tokenId: 'stolen' }));
    const there = await b.connectBy(tokenOf(1, { tokenId: 'stolen' }));
    const kept = await b.connectBy(tokenOf(1, { tokenId: 'good' }));
    const nameless = await b.connectBy(tokenOf(1));
    await city.of('a').revoke(city.token('stolen'));
    await city.nodes.time.advance(10);
    for (const { socket } of [here, there]) expect(socket.closedWith).toMatchObject(CLOSED);
    for (const { socket } of [kept, nameless]) expect(socket.isOpen).toBe(true);
    const again = b.open();
    const token = tokenOf(1, { tokenId: 'stolen' });
    expect(await again.ask('hello', { token, ...CLIENT })).toMatchObject({ code: 'unauthorised' });
    expect(again.socket.closedWith).toMatchObject({ code: 4501 });
    expect(await kept.ask('auth.refresh', { token })).toMatchObject({ code: 'unauthorised' });
    expect(kept.socket.isOpen).toBe(true);
  });

  it('is not the one that a connection has taken in its place', async () => {
    const city = new City();
    const a = await city.start('a');
    const client = await a.connectBy(tokenOf(1, { tokenId: 'old' }));
    const token = tokenOf(1, { tokenId: 'new' });
    expect(await client.ask('auth.refresh', { token })).toMatchObject({ type: 'ok' });
    await city.of('a').revoke(city.token('old'));
    await city.nodes.time.advance(10);
    expect(client.socket.isOpen).toBe(true);
    await city.of('a').revoke(city.token('new'));
    await city.nodes.time.advance(10);
    expect(client.socket.closedWith).toMatchObject(CLOSED);
  });

  it.each(['hello', 'auth.refresh'] as const)(
    'while a %s is under way is refused',
    async (type) => {
      const city = new City();
      const a = await city.start('a');
      const client =
        type === 'hello' ? a.open() : await a.connectBy(tokenOf(1, { tokenId: 'good' }));
      let arrive = (): void => undefined;
      const { users } = city.nodes;
      const find = users.find.bind(users);
      users.find = async (...asked) => {
        const found = await find(...asked);
        await new Promise<void>((resolve) => (arrive = resolve));
        return found;
      };
      const token = tokenOf(1, { tokenId: 'stolen' });
      client.send(type, type === 'hello' ? { token, ...CLIENT } : { token });
      await city.nodes.time.advance(1);
      await city.of('a').revoke(city.token('stolen'));
      await city.nodes.time.advance(1);
      arrive();
      await city.nodes.time.advance(10);
      expect(client.socket.messages().at(-1)).toMatchObject({ code: 'unauthorised' });
    },
  );
});

describe('a person whose tokens are revoked', () => {
  it('is closed everywhere, and comes by a token that was made later', async () => {
    const city = new City();
    const [a, b] = [await city.start('a'), await city.start('b')];
    const early = { issuedAtMs: city.now - 5_000 };
    const old = await b.connectBy(tokenOf(1, early));
    const undated = await b.connectBy(tokenOf(1));
    const other = await b.connectBy(tokenOf(2, early));
    await city.of('a').revoke(city.draft({ kind: 'user', userId: ANA }));
    await city.nodes.time.advance(1_000);
    for (const { socket } of [old, undated]) expect(socket.closedWith).toMatchObject(CLOSED);
    expect(other.socket.isOpen).toBe(true);
    for (const terms of [early, {}])
      await expect(a.connectBy(tokenOf(1, terms))).rejects.toThrow('unauthorised');
    await city.nodes.time.advance(CLOCK_TOLERANCE_MS);
    await a.connectBy(tokenOf(1, { issuedAtMs: city.now }));
  });

  it('does not stay, nor come, by one that a clock ahead of the hub’s says is made later', async () => {
    const city = new City();
    const [a, b] = [await city.start('a'), await city.start('b')];
    const ahead = (byMs: number): string => tokenOf(1, { issuedAtMs: city.now + byMs });
    const [stolen, later] = [ahead(CLOCK_TOLERANCE_MS), ahead(CLOCK_TOLERANCE_MS + 1)];
    const there = await b.connectBy(stolen);
    await city.of('a').revoke(city.draft({ kind: 'user', userId: ANA }));
    await city.nodes.time.advance(10);
    expect(there.socket.closedWith).toMatchObject(CLOSED);
    // However late it is by then: what counts is when it says that it was made.
    await city.nodes.time.advance(60_000);
    for (const node of [a, b]) await expect(node.connectBy(stolen)).rejects.toThrow('unauthorised');
    expect((await a.connectBy(later)).socket.isOpen).toBe(true);
  });

  it('comes by none while they are banned, and again once it is lifted or over', async () => {
    const city = new City();
    const [a, b] = [await city.start('a'), await city.start('b')];
    const fresh = (): string => tokenOf(1, { issuedAtMs: city.now });
    const { id } = await city.of('a').revoke(city.draft({ kind: 'ban', userId: ANA }));
    await city.nodes.time.advance(1_000);
    for (const node of [a, b])
      await expect(node.connectBy(fresh())).rejects.toThrow('may not come here');
    expect(await city.of('b').lift(id)).toMatchObject({ id });
    expect(await city.of('b').lift(id)).toBeUndefined();
    await city.nodes.time.advance(10);
    for (const node of [a, b]) expect((await node.connectBy(fresh())).socket.isOpen).toBe(true);

    const until = { endsAt: city.now + 60_000 };
    await city.of('a').revoke(city.draft({ kind: 'ban', userId: ANA }, until));
    await city.nodes.time.advance(59_000);
    await expect(b.connectBy(fresh())).rejects.toThrow('may not come here');
    await city.nodes.time.advance(2_000);
    await b.connectBy(fresh());
  });
});

describe('a revocation that was not heard', () => {
  it('is found within seconds', async () => {
    const city = new City();
    await city.start('a');
    const b = await city.start('b');
    const there = await b.connectBy(tokenOf(1, { tokenId: 'stolen' }));
    city.isSilent = true;
    await city.of('a').revoke(city.token('stolen'));
    await city.nodes.time.advance(1_000);
    expect(there.socket.isOpen).toBe(true);
    await city.nodes.time.advance(5_000);
    expect(there.socket.closedWith).toMatchObject(CLOSED);
  });

  it('is found once the store is back, and what was lifted meanwhile too', async () => {
    const city = new City();
    await city.start('a');
    const b = await city.start('b');
    const lifted = await city.of('a').revoke(city.draft({ kind: 'ban', userId: userId(2) }));
    const there = await b.connectBy(tokenOf(1, { tokenId: 'stolen' }));
    await city.nodes.time.advance(10);
    city.isSilent = true;
    city.cutOff.add('b');
    await city.of('a').revoke(city.token('stolen'));
    await city.of('a').lift(lifted.id);
    await city.nodes.time.advance(30_000);
    expect(there.socket.isOpen).toBe(true);
    await expect(b.connectBy(tokenOf(2)), 'what is known holds').rejects.toThrow('may not');
    city.cutOff.delete('b');
    await city.nodes.time.advance(6_000);
    expect(there.socket.closedWith).toMatchObject(CLOSED);
    await b.connectBy(tokenOf(2));
  });

  it('needs no store where it is heard', async () => {
    const city = new City();
    await city.start('a');
    const b = await city.start('b');
    const there = await b.connectBy(tokenOf(1, { tokenId: 'stolen' }));
    city.cutOff.add('b');
    await city.of('a').revoke(city.token('stolen'));
    await city.nodes.time.advance(10);
    expect(there.socket.closedWith).toMatchObject(CLOSED);
  });

  it('is known to a node that starts later, before it lets anybody in', async () => {
    const city = new City();
    await city.start('a');
    await city.of('a').revoke(city.token('stolen'));
    const c = await city.start('c');
    const token = tokenOf(1, { tokenId: 'stolen' });
    await expect(c.connectBy(token)).rejects.toThrow('unauthorised');
    city.cutOff.add('d');
    await city.nodes.start('d');
    await expect(city.of('d').start()).rejects.toBeInstanceOf(StoreUnavailable);
    city.cutOff.delete('d');
    await city.of('d').start();
    expect(city.of('d').refusal(ANA, { endsAtMs: 1, tokenId: 'stolen' })).toBeDefined();
  });
});
