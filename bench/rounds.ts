// Rounds that take the subjects in turn: what the machine does meanwhile meets all of them. And the median of each figure over the rounds.
import { aside, median } from './append-child.ts';

/** The median of each figure by itself. */
export function medianOf<T extends { readonly [K in keyof T]: number }>(runs: readonly T[]): T {
  const [first] = runs;
  if (first === undefined) throw new Error('there were no runs');
  const names = Object.keys(first) as (keyof T)[];
  return Object.fromEntries(
    names.map((name) => [name, median(runs.map((run) => run[name]))]),
  ) as unknown as T;
}

export interface Turns<Subject, Run> {
  /** Of those that did not fail, in the order in which they were given. */
  readonly runs: ReadonlyMap<Subject, readonly Run[]>;
  /** Why others are not among them, a line each. */
  readonly leftOut: readonly string[];
}

/** Measures each subject `rounds` times, in turn. One that fails is left out from there on. */
export async function inTurn<Subject, Run>(
  subjects: readonly Subject[],
  rounds: number,
  nameOf: (subject: Subject) => string,
  measure: (subject: Subject) => Promise<Run>,
): Promise<Turns<Subject, Run>> {
  const runs = new Map(subjects.map((subject): [Subject, Run[]] => [subject, []]));
  const leftOut: string[] = [];
  for (let round = 0; round < rounds; round += 1)
    for (const [subject, ofSubject] of [...runs]) {
      try {
        ofSubject.push(await measure(subject));
      } catch (error) {
        runs.delete(subject);
        const reason = error instanceof Error ? error.message : String(error);
        leftOut.push(`left out: ${nameOf(subject)}: ${reason.split('\n')[0] ?? ''}`);
        aside(leftOut.at(-1) ?? '');
      }
    }
  return { runs, leftOut };
}
