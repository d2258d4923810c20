// People who befriend, block, hide and listen at random over several nodes: each client holds exactly what the model says it may, and
// never held what it may not. `EARSHOT_FEED_SEEDS` and `EARSHOT_FEED_STEPS` make it longer.
import { afterAll, describe, expect, it } from 'vitest';
import { FeedModel } from '../support/feed-model.ts';
import { FeedTown } from '../support/feed-town.ts';

const SEEDS = Number(process.env['EARSHOT_FEED_SEEDS'] ?? 60);
const STEPS = Number(process.env['EARSHOT_FEED_STEPS'] ?? 150);
/** With faults, all is whole again after so many. */
const STEPS_OF_FAULTS = 25;
const LAST_ACTS = 30;

function seeds(from: number): number[] {
  return Array.from({ length: SEEDS }, (_, i) => from + i);
}

async function told(town: FeedTown, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const acts = town.acts.slice(-LAST_ACTS).join('\n  ');
    throw new Error(`${(error as Error).message}\nafter:\n  ${acts}`, { cause: error });
  }
}

describe('the model of the feed', () => {
  it('leaves open which was last where one was heard again: it began before the other, and ended after it (seed 131)', () => {
    let now = 0;
    const model = new FeedModel(
      2,
      () => now,
      () => false,
    );
    model.befriend(1, 2);
    const hear = (activityId: string): void => {
      const fresh = { wasPublic: false, isPrivate: false, isRemoved: false };
      model.begin(1, { activityId, title: activityId, begunAt: now, ...fresh });
      now += 10_000;
      model.end(1);
    };
    hear('room');
    hear('alone');
    expect(model.mayHold(1, 2).mustHold).toBe('alone');
    hear('room');
    expect(model.mayHold(1, 2)).toMatchObject({
      ended: new Set(['room', 'alone']),
      mustHold: undefined,
    });
    hear('later');
    expect(model.mayHold(1, 2).mustHold).toBe('later');
  });
});

describe('the feed, beside a model of it', () => {
  let shown = 0;
  afterAll(() => {
    expect(shown, 'items that reached viewers').toBeGreaterThan(10 * SEEDS);
  });

  it.each(seeds(1))('shows each viewer what it may, and nothing else: seed %i', async (seed) => {
    const town = new FeedTown({ people: 7, nodes: 3, seed, hasFaults: false });
    await town.start();
    await told(town, async () => {
      for (let n = 0; n < STEPS; n += 1) await town.step();
    });
    shown += town.shown;
  });

  it.each(seeds(1_001))(
    'never shows what it may not while things break, and settles afterwards: seed %i',
    async (seed) => {
      const town = new FeedTown({ people: 6, nodes: 3, seed, hasFaults: true });
      await town.start();
      await told(town, async () => {
        for (let n = 0; n < STEPS; n += 1) {
          await town.step();
          if (n % STEPS_OF_FAULTS === STEPS_OF_FAULTS - 1) await town.heal();
        }
      });
    },
  );
});
