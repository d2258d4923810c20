// The rate of a person over nodes that settle it in the background, on manual time.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyedBuckets } from '../../src/domain/rate-limit.ts';
import { PersonRates } from '../../src/hub/person-rates.ts';
import { FakeSharedRates } from '../support/fake-shared-rates.ts';
import { userId } from '../support/hub-world.ts';
import { ManualTime } from '../support/manual-time.ts';

/** An eighth of a token a millisecond: every sum is exact. */
const LIMIT = { perSecond: 125, burst: 250 };
const ANA = userId(1);
const BEN = userId(2);

class World {
  readonly time = new ManualTime();
  readonly shared = new FakeSharedRates(() => this.time.now());

  node(): PersonRates {
    return this.#nodeOver(this.shared);
  }

  loneNode(): PersonRates {
    return this.#nodeOver(undefined);
  }

  /** Everybody takes whatever they can, every `everyMs` for `forMs`. @returns how much, in all */
  async flood(nodes: readonly PersonRates[], forMs: number, everyMs = 10): Promise<number> {
    let taken = 0;
    for (let passedMs = 0; passedMs < forMs; passedMs += everyMs) {
      for (const node of nodes) while (node.take(ANA, 1) === 0) taken += 1;
      await this.time.advance(everyMs);
    }
    return taken;
  }

  #nodeOver(shared: FakeSharedRates | undefined): PersonRates {
    const { time } = this;
    const common = { kind: 'person', limit: LIMIT };
    return new PersonRates({ ...common, shared, timers: time, now: () => time.now() });
  }
}

describe('the rate of a person', () => {
  it('is judged at once, and told to the others in one batch of all people', async () => {
    const world = new World();
    const node = world.node();
    for (const person of [ANA, BEN, ANA]) expect(node.take(person, 100)).toBe(0);
    expect(node.take(ANA, 100)).toBe(400);
    await world.time.advance(249);
    expect(world.shared.settled).toEqual([]);
    await world.time.advance(1);
    const told = new Map([
      [ANA, 200],
      [BEN, 100],
    ]);
    expect(world.shared.settled).toEqual([told]);
    // Nothing more is owed, and nothing waits.
    await world.time.advance(10_000);
    expect(world.shared.settled).toEqual([told]);
    expect(world.time.waiting).toBe(0);
  });

  it('costs nothing while people do what people do', async () => {
    const world = new World();
    const node = world.node();
    expect(node.take(ANA, 20)).toBe(0);
    for (let second = 0; second < 60; second += 1) {
      await world.time.advance(1_000);
      expect(node.take(ANA, 10)).toBe(0);
    }
    expect(world.shared.settled).toEqual([]);
    expect(world.time.waiting).toBe(0);
  });

  it('is on one node what it is without the others', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ afterMs: fc.integer({ max: 700, min: 0 }), cost: fc.nat({ max: 260 }) }),
          { maxLength: 60 },
        ),
        async (acts) => {
          const world = new World();
          const node = world.node();
          const alone = new KeyedBuckets(LIMIT);
          for (const { afterMs, cost } of acts) {
            await world.time.advance(afterMs);
            expect(node.take(ANA, cost)).toBe(alone.take(ANA, cost, world.time.now()));
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it('is hardly more over two nodes, and was twice as much', async () => {
    const world = new World();
    const seconds = 20;
    const one = LIMIT.burst + LIMIT.perSecond * seconds;
    const apart = await world.flood([world.loneNode(), world.loneNode()], seconds * 1_000);
    expect(apart).toBeGreaterThan(1.9 * one);
    const together = await world.flood([world.node(), world.node()], seconds * 1_000);
    // Two tenths are never told, a burst is given twice before it is, and so is what comes back in a window.
    expect(together).toBeLessThan(1.2 * one + LIMIT.burst);
    expect(together).toBeGreaterThan(one);
  });

  it('is refused on a node where it was used up on another, which tells a wait that it keeps', async () => {
    const world = new World();
    const [east, west] = [world.node(), world.node()];
    for (const node of [east, west]) expect(node.take(ANA, 250)).toBe(0);
    await world.time.advance(250);
    // What comes back in half a second is to spare.
    const debt = 250 - LIMIT.perSecond * 0.5;
    // West told last, and heard of what both took; east hears of it when it tells again.
    expect(west.take(ANA, 1)).toBe(((debt + 1) * 1_000) / LIMIT.perSecond);
    expect(west.take(BEN, 250)).toBe(0);
    await world.time.advance(((debt + 1) * 1_000) / LIMIT.perSecond - 1);
    expect(west.take(ANA, 1)).toBe(1);
    await world.time.advance(1);
    expect(west.take(ANA, 1)).toBe(0);
  });

  it('is each node’s own while the shared one is away, and nobody’s debt when it is back', async () => {
    const world = new World();
    const nodes = [world.node(), world.node()];
    world.shared.isAway = true;
    const apart = await world.flood(nodes, 10_000);
    expect(apart).toBeGreaterThan(1.9 * (LIMIT.burst + LIMIT.perSecond * 10));
    world.shared.isAway = false;
    await world.time.advance(2_000);
    for (const node of nodes) expect(node.take(ANA, 125)).toBe(0);
    await world.time.advance(250);
    for (const node of nodes) expect(node.take(ANA, 62)).toBe(0);
  });

  it('is settled once at a time, and what is taken meanwhile counts', async () => {
    const world = new World();
    const [east, west] = [world.node(), world.node()];
    expect(west.take(ANA, 250)).toBe(0);
    await world.time.advance(250);
    let answer = (): void => undefined;
    world.shared.delay = () => new Promise((resolve) => (answer = resolve));
    expect(east.take(ANA, 200)).toBe(0);
    await world.time.advance(250);
    expect(east.take(ANA, 50)).toBe(0);
    await world.time.advance(500);
    expect(world.shared.settled).toHaveLength(2);
    answer();
    await world.time.advance(0);
    // West had left 62.5, and 31.25 had come back when 200 were settled; since then 50 more were taken, and 62.5 came back.
    expect(east.take(ANA, 1)).toBe(758);
    await world.time.advance(250);
    expect(world.shared.settled.slice(2)).toEqual([new Map([[ANA, 50]])]);
    answer();
  });

  it('is told of a thousand people at once, and of the others next', async () => {
    const world = new World();
    const node = world.node();
    for (let n = 0; n < 1_200; n += 1) node.take(userId(n), 100);
    await world.time.advance(250);
    node.take(userId(1_199), 50);
    node.take(userId(0), 50);
    await world.time.advance(250);
    expect(world.shared.settled.map((told) => told.size)).toEqual([1_000, 201]);
    expect(world.shared.settled[1]?.get(userId(1_199))).toBe(150);
    expect(world.time.waiting).toBe(0);
  });

  it('leaves nothing behind where the hub stops', async () => {
    const world = new World();
    const node = world.node();
    node.take(ANA, 100);
    node.stop();
    expect(world.time.waiting).toBe(0);
    node.take(ANA, 100);
    await world.time.advance(1_000);
    expect(world.shared.settled).toEqual([]);
  });
});
