// Owns how a simulated hub lies: stamps that cannot be, and ones that could; knows not what they do to a clock.

import type { SeededRandom } from './seeded-random.ts';
import type { Span } from './sim-clock.ts';
import { isWithin } from './sim-hub.ts';
import type { SimReply } from './sim-scenario.ts';

export type Tamper = (reply: SimReply, random: SeededRandom, trueMs: number) => SimReply;

const poisons = [NaN, Infinity, -Infinity, 1e300, -1e300, 2 ** 60] as const;
const largestLieMs = 3_000;
/** What a forger does not know is which id comes next: any other will do. */
const forgedTimeline = 77;

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

/** One reply in `every` from a time on is told otherwise. */
function loneReply(
  every: number,
  fromMs: number,
  lie: (reply: SimReply, random: SeededRandom) => SimReply,
): Tamper {
  let count = 0;
  return (reply, random, trueMs) => {
    if (trueMs < fromMs) return reply;
    count += 1;
    return count % every === 0 ? lie(reply, random) : reply;
  };
}

/** Single replies whose two stamps agree with each other and not with hub time, by so many ms to either side. */
export function loneLie(
  every: number,
  fromMs: number,
  byMs: { least: number; most: number },
): Tamper {
  return loneReply(every, fromMs, (reply, random) => {
    const sign = random.chance(0.5) ? 1 : -1;
    return moved(reply, sign * random.uniform(byMs.least, byMs.most));
  });
}

/** Single replies that claim to have been held, by up to 60 ms: every second one on one side, the others on both. */
export function loneHold(every: number, fromMs: number): Tamper {
  return loneReply(every, fromMs, (reply, random) => {
    if (random.chance(0.5)) return { ...reply, t2: reply.t2 + random.uniform(0, 60) };
    const earlyMs = random.uniform(0, 20);
    return { ...reply, t1: reply.t1 - earlyMs, t2: reply.t2 + random.uniform(0, 20) };
  });
}

/** Single replies of another timeline: every second one with the hub's own stamps, the others up to 3 s off. */
export function loneTimeline(every: number, fromMs: number): Tamper {
  return loneReply(every, fromMs, (reply, random) => {
    const byMs = random.chance(0.5) ? 0 : random.uniform(-largestLieMs, largestLieMs);
    return { ...moved(reply, byMs), timelineId: forgedTimeline };
  });
}

/** Every so many seconds from a time on, hub time is said to be elsewhere by up to 3 s and on another timeline, and all replies agree on it. */
export function feignedLeaps(everyMs: number, fromMs: number): Tamper {
  let index = 0;
  let byMs = 0;
  return (reply, random, trueMs) => {
    if (trueMs < fromMs) return reply;
    const now = 1 + Math.floor((trueMs - fromMs) / everyMs);
    if (now !== index) byMs = random.uniform(-largestLieMs, largestLieMs);
    index = now;
    return { ...moved(reply, byMs), timelineId: forgedTimeline + now };
  };
}

function moved(reply: SimReply, byMs: number): SimReply {
  return { ...reply, t1: reply.t1 + byMs, t2: reply.t2 + byMs };
}
