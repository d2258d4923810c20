// Owns who is whose friend in a feed group: drawn by a seed, so that every thread finds the same. Pure.
import { Random, seedOf } from './random.ts';
import type { FeedGroup } from './scenario/scenario.ts';

export interface FeedGraph {
  /** By place: the places of the friends. */
  readonly friends: readonly ReadonlySet<number>[];
  /** Each friendship once: who asks, who accepts. Whoever has fewer friends asks, as hubs limit how many one may ask. */
  readonly pairs: readonly (readonly [asks: number, accepts: number])[];
}

/**
 * A graph whose degrees follow a power law: degrees are drawn (discrete Pareto by inversion, scaled to the mean), then ends are paired at
 * random and what pairs twice or with itself is left out (configuration model: Bollobás, 1980).
 */
export function feedGraph(group: FeedGroup, people: number, seed: number): FeedGraph {
  const random = new Random(seedOf(seed, people));
  const { exponent, meanFriends, mostFriends } = group;
  const drawn = Array.from({ length: people }, () => (1 - random.next()) ** (-1 / (exponent - 1)));
  const mean = drawn.reduce((sum, d) => sum + d, 0) / Math.max(1, people);
  const most = Math.min(mostFriends, people - 1);
  const ends = drawn.flatMap((d, person) => {
    const degree = Math.min(most, Math.round((d / mean) * meanFriends));
    return Array.from({ length: degree }, () => person);
  });
  for (let i = ends.length - 1; i > 0; i -= 1) {
    const j = random.int(i + 1);
    [ends[i], ends[j]] = [ends[j] ?? 0, ends[i] ?? 0];
  }
  const friends = Array.from({ length: people }, () => new Set<number>());
  const pairs: [number, number][] = [];
  for (let i = 0; i + 1 < ends.length; i += 2) {
    const [a, b] = [ends[i] ?? 0, ends[i + 1] ?? 0];
    if (a === b || friends[a]?.has(b) === true) continue;
    friends[a]?.add(b);
    friends[b]?.add(a);
    pairs.push([a, b]);
  }
  const degreeOf = (person: number): number => friends[person]?.size ?? 0;
  return {
    friends,
    pairs: pairs.map(([a, b]) => (degreeOf(a) <= degreeOf(b) ? [a, b] : [b, a])),
  };
}

/** Whether a person of the group listens in a private session; the same in every thread. */
export function isPrivate(group: FeedGroup, place: number, seed: number): boolean {
  return new Random(seedOf(seed, place, 7)).next() < group.privateShare;
}
