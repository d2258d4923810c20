// The figures of two ways of running a node, round by round, and their ratio. Measures nothing.
import { median } from './append-child.ts';

/** CPU of the hub's process. */
export interface Cost {
  /** For each frame that the hub sent; of all that it did meanwhile. */
  readonly usPerFrame: number;
  readonly framesPerSecond: number;
  /** Of one core. */
  readonly share: number;
}

export interface PairLoad {
  readonly rooms: number;
  readonly people: number;
  readonly messagesPerSecond: number;
  readonly windowSeconds: number;
}

export interface Paired {
  readonly names: readonly [string, string];
  readonly load: PairLoad;
  readonly rounds: readonly (readonly [Cost, Cost])[];
  /** What a frame costs the second way, to the first one, each round by itself. */
  readonly frame: Ratio;
}

export interface Ratio {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function pairedOf(
  names: readonly [string, string],
  load: PairLoad,
  rounds: readonly (readonly [Cost, Cost])[],
): Paired {
  const ratio = (of: (cost: Cost) => number): Ratio => {
    const ratios = rounds.map(([first, second]) => of(second) / of(first));
    return { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) };
  };
  return {
    ...{ names, load, rounds },
    frame: ratio(({ usPerFrame }) => usPerFrame),
  };
}
