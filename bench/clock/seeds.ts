// Owns which seeds a run uses: the range that was tuned on, and fresh ones that nobody has seen.

import { SeededRandom } from '../../test/clock/support/seeded-random.ts';

/** The range on which the estimator and its schedule were tuned, and nothing else was. */
export const tunedSeeds = { from: 1, to: 48 } as const;
/** Fresh seeds come from above this. */
const freshAbove = 1_000_000;

export interface SeedChoice {
  readonly name: string;
  readonly seeds: readonly number[];
}

export function tuned(count: number): SeedChoice {
  return {
    name: `tuned ${tunedSeeds.from}–${tunedSeeds.from + count - 1}`,
    seeds: Array.from({ length: count }, (_, index) => tunedSeeds.from + index),
  };
}

/** Seeds drawn from one number, which repeats them. */
export function fresh(from: number, count: number): SeedChoice {
  const random = new SeededRandom(from);
  const seeds = Array.from(
    { length: count },
    () => freshAbove + Math.floor(random.next() * (2 ** 32 - freshAbove)),
  );
  return { name: `fresh --fresh=${from}`, seeds };
}
