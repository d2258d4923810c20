// Owns how a simulated hub lies: stamps that cannot be, and single ones that could; knows not what they do to a clock.

import type { SeededRandom } from './seeded-random.ts';
import type { Span } from './sim-clock.ts';
import { isWithin } from './sim-hub.ts';
import type { SimReply } from './sim-scenario.ts';

export type Tamper = (reply: SimReply, random: SeededRandom, trueMs: number) => SimReply;

const poisons = [NaN, Infinity, -Infinity, 1e300, -1e300, 2 ** 60] as const;
const smallestLieMs = 500;
const largestLieMs = 3_000;

/** Part of the replies within a span with stamps that no honest hub gives: not numbers, out of range, backwards, held for longer than they took. */
export function impossible(part: number, during: Span): Tamper {
  return (reply, random, trueMs) => {
    if (!isWithin(trueMs, during) || !random.chance(part)) return reply;
    const poison = poisons[Math.floor(random.next() * poisons.length)] ?? NaN;
    switch (Math.floor(random.next() * 4)) {
      case 0:
        return { ...reply, t1: poison };
      case 1:
        return { ...reply, t2: poison };
      case 2:
        return { ...reply, t2: reply.t1 - 1 - random.uniform(0, 1e6) };
      default:
        return { ...reply, t2: reply.t2 + random.uniform(600, 9_000) };
    }
  };
}

/** One reply in `every` from a time on whose two stamps agree with each other and not with hub time, to either side. */
export function loneLie(every: number, fromMs: number): Tamper {
  let count = 0;
  return (reply, random, trueMs) => {
    if (trueMs < fromMs) return reply;
    count += 1;
    if (count % every !== 0) return reply;
    const byMs = (random.chance(0.5) ? 1 : -1) * random.uniform(smallestLieMs, largestLieMs);
    return { ...reply, t1: reply.t1 + byMs, t2: reply.t2 + byMs };
  };
}
