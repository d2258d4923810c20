// Owns what may happen to a clock, each with the limit that its recovery is held to; runs nothing.

import type { LinkName } from './sim-links.ts';
import { percentile } from './link-report.ts';
import { impossible, loneHold, loneLie, loneTimeline } from './sim-lies.ts';
import type { SimEvents, SimRun, SimSample } from './sim-scenario.ts';

/** One happening in one run. */
export interface EventPlan {
  readonly events: SimEvents & { readonly skewPpm?: number };
  readonly durationMs: number;
  /** True times of what happens; the first is what recovery counts from. */
  readonly atMs: readonly number[];
  /** Hub time or the local clock leaps, so an announced step is due. */
  readonly stepDue: boolean;
}

export interface SimEvent {
  readonly title: string;
  readonly limit: { readonly value: number; readonly unit: 's' | 'ms' };
  plan(link: LinkName, phaseMs: number): EventPlan;
  /** In the limit's unit. */
  measure(run: SimRun, plan: EventPlan, link: LinkName): number;
}

/** An error that counts as mended: above what the link gives at its worst in quiet times, and below what is heard. */
const mendedMs = 3;
const steadyFromMs = 90_000;
const tailMs = 60_000;

/** Least delays of `sim-links.ts`, which a change of route starts from. */
const baseMs: Record<LinkName, { readonly upMs: number; readonly downMs: number }> = {
  lan: { upMs: 0.12, downMs: 0.12 },
  wifi: { upMs: 1, downMs: 0.8 },
  busy: { upMs: 1, downMs: 0.8 },
  lte: { upMs: 22, downMs: 16 },
  atlantic: { upMs: 41, downMs: 39 },
  bloat: { upMs: 14, downMs: 9 },
};

/** How long after each happening the error was last beyond the limit; the worst of them. */
function repairSeconds(run: SimRun, { atMs }: EventPlan): number {
  return Math.max(...atMs.map((at) => lastBadAfter(run, at, at + tailMs) / 1_000));
}

function lastBadAfter(run: SimRun, fromMs: number, toMs: number): number {
  const bad = run.samples.findLast(
    ({ trueMs, excessMs }) => trueMs >= fromMs && trueMs < toMs && Math.abs(excessMs) > mendedMs,
  );
  return bad === undefined ? 0 : bad.trueMs - fromMs;
}

/** From the first reply after it, which is when it can first be known. */
function repairAfterReplySeconds(run: SimRun, plan: EventPlan): number {
  const at = plan.atMs[0] ?? 0;
  const reply = run.repliedAtMs.find((each) => each > at) ?? Infinity;
  return Math.max(0, lastBadAfter(run, at, at + tailMs) - (reply - at)) / 1_000;
}

function errorWithin(
  samples: readonly SimSample[],
  fromMs: number,
  toMs: number,
  errorOf: (sample: SimSample) => number,
): number {
  const errors = samples
    .filter(({ trueMs }) => trueMs >= fromMs && trueMs < toMs)
    .map((sample) => Math.abs(errorOf(sample)));
  return percentile(Float64Array.from(errors).sort(), 0.95);
}

/** How much the 95th percentile of the error grows, from the half minute before to the two minutes after. */
function addedMs(run: SimRun, { atMs }: EventPlan): number {
  const at = atMs[0] ?? 0;
  const before = errorWithin(run.samples, at - 30_000, at, ({ excessMs }) => excessMs);
  const after = errorWithin(run.samples, at, at + 2 * tailMs, ({ excessMs }) => excessMs);
  return after - before;
}

function step(byMs: number, announced = false): SimEvent {
  return {
    title: announced ? 'a new timeline' : `a step of ${byMs > 0 ? '+' : '−'}${Math.abs(byMs)} ms`,
    limit: { value: 5, unit: 's' },
    plan: (_link, phaseMs) => ({
      events: { steps: [{ atMs: steadyFromMs + phaseMs, byMs, announced }] },
      durationMs: steadyFromMs + phaseMs + tailMs + 15_000,
      atMs: [steadyFromMs + phaseMs],
      stepDue: true,
    }),
    measure: repairSeconds,
  };
}

/** Something that must not matter. */
function disturbance(title: string, eventsAt: (atMs: number) => SimEvents): SimEvent {
  return {
    title,
    limit: { value: 0.5, unit: 'ms' },
    plan: (_link, phaseMs) => ({
      events: eventsAt(steadyFromMs + phaseMs),
      durationMs: steadyFromMs + phaseMs + 3 * tailMs,
      atMs: [steadyFromMs + phaseMs],
      stepDue: false,
    }),
    measure: addedMs,
  };
}

function route(title: string, addedUpMs: number): SimEvent {
  return {
    ...disturbance(title, () => ({})),
    plan: (link, phaseMs) => {
      const { upMs, downMs } = baseMs[link];
      const atMs = steadyFromMs + phaseMs;
      return {
        events: { routes: [{ atMs, upMs: Math.max(0.05, upMs + addedUpMs), downMs }] },
        durationMs: atMs + 5 * tailMs,
        atMs: [atMs],
        stepDue: false,
      };
    },
    // Beyond what either path's asymmetry explains: between the two, nothing can tell which holds.
    measure: (run, plan, link) => {
      const at = plan.atMs[0] ?? 0;
      const { upMs, downMs } = baseMs[link];
      const newUpMs = plan.events.routes?.[0]?.upMs ?? upMs;
      const both = [(upMs - downMs) / 2, (newUpMs - downMs) / 2];
      const beyond = ({ errorMs }: SimSample): number =>
        Math.max(Math.min(...both) - errorMs, errorMs - Math.max(...both), 0);
      const before = errorWithin(run.samples, at - 30_000, at, ({ excessMs }) => excessMs);
      return errorWithin(run.samples, at, at + 4 * tailMs, beyond) - before;
    },
  };
}

function drift(skewPpm: number): SimEvent {
  return {
    title: `a crystal off by ${skewPpm > 0 ? '+' : '−'}${Math.abs(skewPpm)} ppm`,
    limit: { value: 0.7, unit: 'ms' },
    plan: () => ({ events: { skewPpm }, durationMs: 6 * tailMs, atMs: [0], stepDue: false }),
    measure: (run) => errorWithin(run.samples, tailMs, Infinity, ({ excessMs }) => excessMs),
  };
}

const hiddenForMs = 600_000;

export const simEvents = {
  stepUp: step(30),
  stepDown: step(-30),
  stepFar: step(120),
  timeline: step(-5_000, true),
  suspend: {
    title: 'asleep for 20 s',
    limit: { value: 1, unit: 's' },
    plan: (_link, phaseMs) => ({
      events: { suspends: [{ atMs: steadyFromMs + phaseMs, forMs: 20_000 }] },
      durationMs: steadyFromMs + phaseMs + tailMs + 30_000,
      atMs: [steadyFromMs + phaseMs + 20_000],
      stepDue: true,
    }),
    measure: repairAfterReplySeconds,
  },
  jumps: {
    title: 'a local clock that leaps, +250 and −400 ms, and a wall clock that is set',
    limit: { value: 5, unit: 's' },
    plan: (_link, phaseMs) => ({
      events: {
        localJumps: [
          { atMs: 660_000 + phaseMs, byMs: 250 },
          { atMs: 1_320_000 + phaseMs, byMs: -400 },
        ],
        wallJumps: [{ atMs: 300_000 + phaseMs, byMs: 7_000 }],
      },
      durationMs: 1_320_000 + phaseMs + tailMs + 15_000,
      atMs: [660_000 + phaseMs, 1_320_000 + phaseMs],
      stepDue: true,
    }),
    measure: repairSeconds,
  },
  reconnect: {
    title: 'a reconnect to a node that is 0.4 ms off',
    // A clock that never noticed would be worse by all of the 0.4 ms.
    limit: { value: 0.3, unit: 'ms' },
    plan: (_link, phaseMs) => ({
      events: {
        reconnects: [{ atMs: steadyFromMs + phaseMs, forMs: 1_500, nodeOffsetMs: 0.4 }],
      },
      durationMs: steadyFromMs + phaseMs + 2 * tailMs,
      atMs: [steadyFromMs + phaseMs],
      stepDue: true,
    }),
    measure: addedMs,
  },
  longer: route('a path longer by 20 ms one way', 20),
  shorter: route('a path shorter by 6 ms one way', -6),
  hidden: {
    title: 'hidden for ten minutes, a timer a minute',
    limit: { value: 2, unit: 'ms' },
    plan: (_link, phaseMs) => ({
      events: { hidden: [{ atMs: steadyFromMs + phaseMs, forMs: hiddenForMs }] },
      durationMs: steadyFromMs + phaseMs + hiddenForMs + 2 * tailMs,
      atMs: [steadyFromMs + phaseMs],
      stepDue: false,
    }),
    measure: (run, plan) =>
      errorWithin(run.samples, plan.atMs[0] ?? 0, Infinity, ({ excessMs }) => excessMs),
  },
  stall: disturbance('a main thread that stands for 2 s', (atMs) => ({
    stalls: [{ atMs, forMs: 2_000 }],
  })),
  lateHub: disturbance('a hub whose loop is up to 20 ms late for 30 s', (atMs) => ({
    lateLoops: [{ atMs, forMs: 30_000, byMs: 20 }],
  })),
  heldUp: disturbance('all that goes up held back by 80 ms for a minute', (atMs) => ({
    detours: [{ atMs, forMs: 60_000, upMs: 80 }],
  })),
  heldDown: disturbance('all that comes down held back by 80 ms for a minute', (atMs) => ({
    detours: [{ atMs, forMs: 60_000, downMs: 80 }],
  })),
  duplicates: disturbance('every third reply comes twice', () => ({ duplicates: 0.33 })),
  impossible: disturbance('every third reply of a minute with stamps that cannot be', (atMs) => ({
    tamper: impossible(1 / 3, { atMs, forMs: 60_000 }),
  })),
  lies: disturbance('one reply in thirteen that lies by up to 3 s', (atMs) => ({
    tamper: loneLie(13, atMs, { least: 500, most: 3_000 }),
  })),
  smallLies: disturbance('one reply in thirteen that lies by 1 to 60 ms', (atMs) => ({
    tamper: loneLie(13, atMs, { least: 1, most: 60 }),
  })),
  holds: disturbance('one reply in thirteen that claims to have been held', (atMs) => ({
    tamper: loneHold(13, atMs),
  })),
  timelines: disturbance('one reply in thirteen of another timeline', (atMs) => ({
    tamper: loneTimeline(13, atMs),
  })),
  fast: drift(100),
  slow: drift(-100),
} as const satisfies Record<string, SimEvent>;
export type EventName = keyof typeof simEvents;
export const eventNames = Object.keys(simEvents) as EventName[];
