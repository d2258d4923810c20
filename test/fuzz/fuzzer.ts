// Runs a target on ever new inputs: what brings an outcome that was not seen before is kept, and built upon.
import { Random } from '../../loadtest/random.ts';
import { mutate } from './mutate.ts';

export interface Target {
  readonly name: string;
  /** Inputs that mean something, to begin with. */
  seeds(): readonly Uint8Array[];
  /**
   * Performs one input. Throws or rejects where something that must hold does not.
   * @returns what came of it, in few words: inputs of one outcome count as the same
   */
  run(input: Uint8Array): string | Promise<string>;
}

export interface Finding {
  readonly input: Uint8Array;
  readonly error: unknown;
}

export interface Fuzzed {
  readonly executions: number;
  /** One input for each outcome, the shortest that was met, in the order in which the outcomes were found. */
  readonly corpus: readonly Uint8Array[];
  readonly findings: readonly Finding[];
}

const MOST_FINDINGS = 5;

/**
 * @param corpus of earlier runs; the target's own seeds come first
 * @param goesOn asked before each new input, with how many there were
 */
export async function fuzz(
  target: Target,
  corpus: readonly Uint8Array[],
  seed: number,
  goesOn: (executions: number) => boolean,
): Promise<Fuzzed> {
  const random = new Random(seed);
  const kept: Uint8Array[] = [];
  /** Where the input of an outcome is. */
  const places = new Map<string, number>();
  const findings: Finding[] = [];
  const perform = async (input: Uint8Array): Promise<void> => {
    try {
      const outcome = await target.run(input);
      const place = places.get(outcome) ?? kept.length;
      places.set(outcome, place);
      const before = kept[place];
      if (before === undefined || input.length < before.length) kept[place] = input;
    } catch (error) {
      findings.push({ input, error });
    }
  };
  for (const input of [...target.seeds(), ...corpus]) await perform(input);
  let executions = 0;
  while (findings.length < MOST_FINDINGS && goesOn(executions)) {
    executions += 1;
    const nothing = new Uint8Array();
    await perform(mutate(random.pick(kept) ?? nothing, random.pick(kept) ?? nothing, random));
  }
  return { executions, corpus: kept, findings };
}
