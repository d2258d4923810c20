// The form of a curve: subjects, each measured at some places, the median of rounds that take the subjects in turn. Knows nothing of what is measured.
import { loadavg } from 'node:os';
import { aside } from './append-child.ts';
import { inTurn, medianOf } from './rounds.ts';

export type FiguresOf<T> = { readonly [K in keyof T]: number };

export interface Point<T> {
  readonly x: number;
  /** The medians, each by itself. */
  readonly figures: T;
  readonly runs: readonly T[];
}

export interface Series<T> {
  readonly subject: string;
  readonly points: readonly Point<T>[];
}

export interface Curves<T> {
  readonly at: string;
  readonly loadBefore: readonly number[];
  readonly loadAfter: readonly number[];
  readonly tookSeconds: number;
  /** At each place, at least. */
  readonly rounds: number;
  readonly series: readonly Series<T>[];
  /** Who is not among them, and why. */
  readonly leftOut: readonly string[];
}

export interface Named {
  readonly name: string;
}

/**
 * @param places the x of all points
 * @param measure answers with the figures at each place that it was asked for, in order
 */
async function collect<Subject extends Named, T extends FiguresOf<T>>(
  subjects: readonly Subject[],
  groups: readonly { readonly places: readonly number[]; readonly rounds: number }[],
  measure: (subject: Subject, places: readonly number[]) => Promise<readonly T[]>,
): Promise<Curves<T>> {
  const at = new Date().toISOString();
  const loadBefore = loadavg();
  const startedAt = performance.now();
  const points = new Map(subjects.map(({ name }): [string, Point<T>[]] => [name, []]));
  const leftOut = new Set<string>();
  for (const { places, rounds } of groups) {
    const turns = await inTurn(
      subjects,
      rounds,
      ({ name }) => name,
      (subject) => measure(subject, places),
    );
    for (const line of turns.leftOut) leftOut.add(line);
    for (const [{ name }, ofSubject] of turns.runs)
      for (const [i, x] of places.entries()) {
        const runs = ofSubject.flatMap((run) => run[i] ?? []);
        points.get(name)?.push({ x, figures: medianOf(runs), runs });
      }
    aside(`measured at ${places.join(', ')}; load ${loadavg()[0]?.toFixed(1) ?? ''}`);
  }
  const rounds = Math.min(...groups.map((group) => group.rounds));
  const series = [...points].map(([subject, ofSubject]) => ({ subject, points: ofSubject }));
  const tookSeconds = Math.round((performance.now() - startedAt) / 1_000);
  return {
    ...{ at, loadBefore, loadAfter: loadavg(), tookSeconds, rounds, leftOut: [...leftOut] },
    series: series.filter((each) => each.points.length > 0),
  };
}

/** Each place is measured by itself: all subjects at the first one, then all at the next. */
export function curves<Subject extends Named, T extends FiguresOf<T>>(
  subjects: readonly Subject[],
  roundsAt: (x: number) => number,
  places: readonly number[],
  measure: (subject: Subject, x: number) => Promise<T>,
): Promise<Curves<T>> {
  const groups = places.map((x) => ({ places: [x], rounds: roundsAt(x) }));
  return collect(subjects, groups, async (subject, [x = 0]) => [await measure(subject, x)]);
}

/** One run goes through all places. */
export function sweeps<Subject extends Named, T extends FiguresOf<T>>(
  subjects: readonly Subject[],
  rounds: number,
  places: readonly number[],
  measure: (subject: Subject) => Promise<readonly T[]>,
): Promise<Curves<T>> {
  return collect(subjects, [{ places, rounds }], measure);
}

/** The places that were measured anew take the place of what was there of them; the others stay. It is told as begun when the first began. */
export function renewed<T>(before: Curves<T> | undefined, anew: Curves<T>): Curves<T> {
  if (before === undefined) return anew;
  const subjects = new Set([...before.series, ...anew.series].map(({ subject }) => subject));
  const places = new Set(placesOf(anew));
  const of = (curves: Curves<T>, subject: string): readonly Point<T>[] =>
    curves.series.find((each) => each.subject === subject)?.points ?? [];
  const series = [...subjects].map((subject) => {
    const kept = of(before, subject).filter(({ x }) => !places.has(x));
    return { subject, points: [...kept, ...of(anew, subject)].sort((a, b) => a.x - b.x) };
  });
  return {
    ...{ at: before.at, loadBefore: before.loadBefore, loadAfter: anew.loadAfter, series },
    tookSeconds: before.tookSeconds + anew.tookSeconds,
    rounds: Math.min(before.rounds, anew.rounds),
    leftOut: [...new Set([...before.leftOut, ...anew.leftOut])],
  };
}

export function figuresAt<T>(
  { series }: Pick<Curves<T>, 'series'>,
  subject: string,
  x: number,
): T | undefined {
  return series.find((each) => each.subject === subject)?.points.find((point) => point.x === x)
    ?.figures;
}

/** Every x that somebody was measured at, in order. */
export function placesOf<T>({ series }: Pick<Curves<T>, 'series'>): number[] {
  const all = new Set(series.flatMap(({ points }) => points.map(({ x }) => x)));
  return [...all].sort((a, b) => a - b);
}
