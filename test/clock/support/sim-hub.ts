// Owns a simulated hub: its time with its leaps, and how late its loop comes to a probe; knows no link and no client.

import type { SeededRandom } from './seeded-random.ts';
import type { Leap, Span } from './sim-clock.ts';
import type { HubStep, LateLoop, Reconnect, SimEvents } from './sim-scenario.ts';

const originMs = 5_000_000;
/** Between the two stamps of a reply. */
const answeringMs = 0.005;

export interface HubAnswer {
  readonly t1: number;
  readonly t2: number;
  readonly timelineId: number;
  /** True time at which the reply leaves. */
  readonly sentAtMs: number;
}

export class SimHub {
  readonly #random: SeededRandom;
  readonly #leaps: readonly Leap[];
  readonly #announced: readonly HubStep[];
  readonly #lateLoops: readonly LateLoop[];
  #doneAt = 0;

  /** A node that is reached by a reconnect counts as a leap of hub time by what its clock differs. */
  constructor(random: SeededRandom, { steps = [], reconnects = [], lateLoops = [] }: SimEvents) {
    this.#random = random;
    this.#leaps = [...steps, ...reconnects.map(leapOf)];
    this.#announced = steps.filter((step) => step.announced === true);
    this.#lateLoops = lateLoops;
  }

  timeAt(trueMs: number): number {
    let hubMs = originMs + trueMs;
    for (const { atMs, byMs } of this.#leaps) if (trueMs >= atMs) hubMs += byMs;
    return hubMs;
  }

  /** Takes in a probe that arrives at a true time. Calls in order of time. */
  answer(arrivedMs: number): HubAnswer {
    const random = this.#random;
    const loopMs = random.exponential(0.03) + (random.chance(0.005) ? random.uniform(1, 10) : 0);
    const late = this.#lateLoops.find((span) => isWithin(arrivedMs, span));
    const lateMs = late === undefined ? 0 : random.uniform(0.5, 1) * late.byMs;
    const receivedAt = Math.max(this.#doneAt, arrivedMs + loopMs + lateMs);
    this.#doneAt = receivedAt + answeringMs;
    const t1 = this.timeAt(receivedAt);
    return {
      t1,
      t2: t1 + answeringMs,
      timelineId: 1 + this.#announced.filter(({ atMs }) => receivedAt >= atMs).length,
      sentAtMs: this.#doneAt,
    };
  }
}

function leapOf({ atMs, nodeOffsetMs = 0 }: Reconnect): Leap {
  return { atMs, byMs: nodeOffsetMs };
}

export function isWithin(trueMs: number, { atMs, forMs }: Span): boolean {
  return trueMs >= atMs && trueMs < atMs + forMs;
}
