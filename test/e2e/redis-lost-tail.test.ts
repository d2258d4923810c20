// Redis forgets what it acknowledged, by a fail-over or a restart: the nodes that hold a room put it back, in whatever order they come.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RoomEvent } from '../../src/domain/room-event.ts';
import type { RedisTarget } from '../../src/adapters/redis/connect-redis.ts';
import { isSameHead, type Head } from '../../src/ports/room-log.ts';
import { openRedisNode, type RedisNode, type RedisNodeOptions } from '../support/redis-node.ts';
import { orSkipped } from '../support/redis-server.ts';
import { createdRoom } from '../support/room-fixtures.ts';
import { RoomHolder, streamOf, type Numbered } from '../support/room-holder.ts';
import { MASTER_NAME, RedisPair } from '../torture/redis-pair.ts';
import { RedisProcess } from '../torture/redis-process.ts';

const pair = await orSkipped('Redis with Sentinel', () => RedisPair.start());
const single = await orSkipped('Redis', async () => {
  const server = await RedisProcess.make();
  await server.start();
  return server;
});
const nodes: RedisNode[] = [];

afterAll(async () => {
  for (const node of nodes) await node.stop();
  await pair?.stop();
  await single?.stop();
});

async function open(
  target: RedisTarget,
  options: Partial<RedisNodeOptions> = {},
): Promise<RedisNode> {
  const nodeId = `node-${nodes.length}`;
  const node = await openRedisNode(target, { nodeId, partitions: 4, ...options });
  nodes.push(node);
  return node;
}

/** A room that two nodes hold, and what they were acknowledged. */
class Scene {
  readonly a: RoomHolder;
  readonly b: RoomHolder;
  readonly acknowledged: string[] = [];

  private constructor(a: RoomHolder, b: RoomHolder) {
    this.a = a;
    this.b = b;
  }

  static async open(a: RedisNode, b: RedisNode): Promise<Scene> {
    const { roomId } = await createdRoom(a.roomLog);
    const scene = new Scene(await RoomHolder.open(a, roomId), await RoomHolder.open(b, roomId));
    await scene.does(scene.a, 'before 1');
    await scene.does(scene.b, 'before 2');
    await scene.heard();
    return scene;
  }

  async does(holder: RoomHolder, ...names: readonly string[]): Promise<void> {
    for (const name of names) {
      expect(await holder.renameSurely(name)).toMatchObject({ kind: 'done', events: [{ name }] });
      this.acknowledged.push(name);
    }
  }

  /** Both hold the same. */
  async heard(): Promise<void> {
    const heads = (): readonly Head[] => [this.a.runner.head, this.b.runner.head];
    await expect
      .poll(heads, { timeout: 10_000 })
      .toSatisfy(([a, b]: readonly [Head, Head]) => isSameHead(a, b));
  }

  /** What Redis has, by the names that the room was given. */
  async names(): Promise<string[]> {
    return namesOf(await streamOf(this.a.node, this.a.roomId));
  }

  /** All that was acknowledged is there once, under numbers of one meaning, and both nodes and Redis say the same. */
  async expectWhole(): Promise<void> {
    for (const holder of [this.a, this.b]) {
      holder.isDeaf = false;
      holder.runner.catchUp();
    }
    await this.heard();
    const { a, b } = this;
    const stream = await streamOf(a.node, a.roomId);
    expect(namesOf(stream).toSorted()).toEqual(this.acknowledged.toSorted());
    expect(stream.map(({ revision }) => revision)).toEqual(stream.map((_, i) => i + 1));
    expectOneMeaning([...a.shown, ...b.shown, ...stream]);
    const { head, state } = a.runner;
    expect(await a.node.roomLog.load(a.roomId)).toMatchObject({ head, state });
    expect(b.runner.state).toEqual(state);
    // What a client sends again is known, whichever node it now asks.
    for (const name of this.acknowledged)
      expect(await b.rename(name)).toEqual({ kind: 'repeated', reply: { renamed: name } });
  }
}

function namesOf(stream: readonly { readonly event: RoomEvent }[]): string[] {
  return stream.flatMap(({ event }) =>
    event.type === 'RoomUpdated' && event.name !== undefined ? [event.name] : [],
  );
}

function expectOneMeaning(all: readonly Numbered[]): void {
  const meanings = new Map<string, string>();
  for (const { epoch, revision, eventId } of all) {
    const number = `${epoch}-${revision}`;
    expect([number, eventId]).toEqual([number, meanings.get(number) ?? eventId]);
    meanings.set(number, eventId);
  }
}

const TAIL = ['tail 1', 'tail 2', 'tail 3'] as const;

describe.skipIf(pair === undefined)('a tail that dies with the master', () => {
  if (pair === undefined) return;
  const target = { kind: 'sentinel', name: MASTER_NAME, urls: pair.sentinelUrls } as const;
  let a: RedisNode;
  let b: RedisNode;
  /** Is acknowledged only what a replica has. */
  let careful: RedisNode;

  beforeAll(async () => {
    a = await open(target);
    b = await open(target);
    careful = await open(target, { waitReplicas: 1 });
  });

  it('is put back by who holds it, whoever comes first', async () => {
    const first = await Scene.open(a, b);
    const last = await Scene.open(a, b);
    const both = await Scene.open(a, b);
    const turns = await Scene.open(a, b);
    // Its acknowledgement says that the replica has all that came before as well.
    await createdRoom(careful.roomLog);
    await pair.freezeReplication();
    for (const scene of [first, last]) {
      scene.b.isDeaf = true;
      await scene.does(scene.a, ...TAIL);
    }
    await both.does(both.a, ...TAIL);
    await both.heard();
    await turns.does(turns.a, 'tail 1');
    await turns.does(turns.b, 'tail 2');
    await turns.heard();
    turns.a.isDeaf = true;
    await turns.does(turns.b, 'tail 3');
    last.a.isDeaf = true;
    await pair.failOver();
    for (const scene of [first, last, both, turns])
      await expect
        .poll(() => scene.names().catch((error: unknown) => String(error)), { timeout: 30_000 })
        .toEqual(['before 1', 'before 2']);

    await first.does(first.a, 'then a');
    await first.does(first.b, 'then b');
    expect(await first.names()).toEqual([...first.acknowledged]);
    await first.expectWhole();

    // The promoted server goes on without the tail, before the one who holds it comes.
    await last.does(last.b, 'b went on', 'and on');
    expect(await last.names()).toEqual(['before 1', 'before 2', 'b went on', 'and on']);
    await last.does(last.a, 'then a');
    expect((await last.names()).slice(2)).toEqual(['b went on', 'and on', ...TAIL, 'then a']);
    await last.does(last.b, 'then b');
    await last.expectWhole();

    await Promise.all([both.does(both.a, 'a at once'), both.does(both.b, 'b at once')]);
    expect((await both.names()).slice(0, 5)).toEqual(['before 1', 'before 2', ...TAIL]);
    await both.expectWhole();

    await turns.does(turns.a, 'then a');
    await turns.does(turns.b, 'then b');
    await turns.expectWhole();
  });

  it('is never acknowledged where a replica is waited for, and nothing is lost without any holder', async () => {
    // The master that was is a replica again in its own time, and until then nothing is acknowledged.
    const room = await vi.waitFor(() => createdRoom(careful.roomLog), {
      timeout: 30_000,
      interval: 100,
    });
    const held = await RoomHolder.open(careful, room.roomId);
    const left = await RoomHolder.open(careful, (await createdRoom(careful.roomLog)).roomId);
    for (const holder of [held, left])
      expect((await holder.renameSurely('sure')).kind).toBe('done');
    await pair.freezeReplication();
    const refused = { kind: 'refused', refusal: { code: 'unavailable' } };
    const unsure = await Promise.all([held.rename('unsure'), left.rename('unsure')]);
    expect(unsure).toMatchObject([refused, refused]);
    // The master remembers the request by now, which says nothing about the replica.
    expect(await held.rename('unsure')).toMatchObject(refused);
    expect(namesOf(await streamOf(a, held.roomId))).toEqual(['sure', 'unsure']);
    await pair.failOver();
    expect((await held.renameSurely('unsure')).kind).not.toBe('refused');
    expect((await held.renameSurely('later')).kind).toBe('done');
    expect(namesOf(await streamOf(a, held.roomId))).toEqual(['sure', 'unsure', 'later']);
    // As if all who held this one had died with the master: what they were refused may be gone, what was acknowledged is not.
    const heir = await RoomHolder.open(careful, left.roomId);
    expect(heir.name).toBe('sure');
    expect((await heir.renameSurely('later')).kind).toBe('done');
    expect(namesOf(await streamOf(a, left.roomId))).toEqual(['sure', 'later']);
  });
});

describe.skipIf(single === undefined)('a Redis that restarts', () => {
  if (single === undefined) return;
  let a: RedisNode;
  let b: RedisNode;

  beforeAll(async () => {
    a = await open({ kind: 'single', url: single.url });
    b = await open({ kind: 'single', url: single.url });
  });

  async function restarted(meanwhile: () => Promise<void>): Promise<void> {
    await single!.kill();
    await meanwhile();
    await single!.start();
    // Each node comes back in its own time.
    for (const { redis } of [a, b])
      await expect
        .poll(
          () =>
            redis.get('any').then(
              () => true,
              () => false,
            ),
          { timeout: 20_000 },
        )
        .toBe(true);
  }

  it('empty, is given the rooms whole, and a tail that only one knew', async () => {
    const known = await Scene.open(a, b);
    const last = await Scene.open(a, b);
    await known.does(known.a, ...TAIL);
    await known.heard();
    last.b.isDeaf = true;
    await last.does(last.a, ...TAIL);
    last.a.isDeaf = true;
    await restarted(() => single.wipe());
    await Promise.all([known.does(known.a, 'a at once'), known.does(known.b, 'b at once')]);
    await known.expectWhole();
    await last.does(last.b, 'b went on');
    await last.does(last.a, 'then a');
    expect((await last.names()).slice(2)).toEqual(['b went on', ...TAIL, 'then a']);
    await last.expectWhole();
  });

  it('with its data set back, is given the end again', async () => {
    const known = await Scene.open(a, b);
    const last = await Scene.open(a, b);
    await single.remember();
    await known.does(known.a, ...TAIL);
    await known.heard();
    last.b.isDeaf = true;
    await last.does(last.a, ...TAIL);
    last.a.isDeaf = true;
    await restarted(() => single.setBack());
    await known.does(known.b, 'then b');
    expect(await known.names()).toEqual(known.acknowledged);
    await known.expectWhole();
    await last.does(last.b, 'b went on');
    await last.does(last.a, 'then a');
    await last.expectWhole();
  });

  it('with all its data, goes on under a new epoch and lacks nothing', async () => {
    const scene = await Scene.open(a, b);
    await scene.does(scene.a, ...TAIL);
    const before = scene.a.runner.head;
    await restarted(() => Promise.resolve());
    await scene.does(scene.b, 'then b');
    expect(scene.b.runner.head.epoch).toBeGreaterThan(before.epoch);
    expect(await scene.names()).toEqual(scene.acknowledged);
    await scene.expectWhole();
  });
});
