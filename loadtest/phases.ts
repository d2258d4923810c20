// Owns what was measured in each phase of a run, gathered from all threads: figures, faults, and their course in time. Judges nothing.
import type { IntervalReport } from './crew-messages.ts';
import { Latencies, type LatencySummary } from './latency.ts';
import { Faults, type FaultCount } from './ledger/faults.ts';
import { noTally, type Tally } from './ledger/room-trace.ts';
import { Counts, addCounts, type CountsReport } from './listener/counts.ts';
import type { StepCounts } from './listener/in-step.ts';

/** One second of all threads together. */
export interface Second {
  /** Since the beginning of the run, s. */
  readonly atSeconds: number;
  readonly phase: number;
  readonly wanted: number;
  readonly connected: number;
  readonly joined: number;
  readonly framesPerSecond: number;
  readonly bytesPerSecond: number;
  readonly requestsPerSecond: number;
  /** p50, p99 and largest of the latencies of that second, ms. */
  readonly latencies: Readonly<
    Record<string, readonly [p50Ms: number, p99Ms: number, maxMs: number]>
  >;
  /** The busiest thread of the generator. */
  readonly busyShare: number;
  /** How late a thread of it read what came, at most. */
  readonly loopDelayMs: number;
  readonly loopDelayP99Ms: number;
  readonly rssBytes: number;
  readonly faults: number;
}

export interface PhaseFigures {
  readonly seconds: number;
  readonly frames: number;
  readonly bytes: number;
  readonly requests: number;
  readonly latencies: Readonly<Record<string, LatencySummary>>;
  /** Of the generator's threads, the worst interval. */
  readonly busyShareMost: number;
  readonly loopDelayP99MsMost: number;
}

/** What phases are judged by: their figures, and the seconds in which those came about. */
export interface Evidence {
  readonly latencies: Latencies;
  readonly seconds: readonly Second[];
}

/** Threads ask at different moments. */
const SAME_STALL_S = 2;
const OF_ARRIVAL = ['connect', 'join'];

class PhaseSums {
  readonly latencies = new Latencies();
  seconds = 0;
  frames = 0;
  bytes = 0;
  requests = 0;
  busyShareMost = 0;
  loopDelayP99MsMost = 0;
}

/** What grows over a run, of all threads. */
export interface Totals {
  readonly counts: CountsReport;
  readonly tally: Tally;
  readonly inStep: StepCounts;
  readonly faults: readonly FaultCount[];
  readonly stalls: readonly HubStall[];
}

/** The number of the phase that ran at a moment, of those that began at these; before the first it is the first. */
export function phaseAt(begunMs: readonly number[], ms: number): number {
  return Math.max(
    0,
    begunMs.findLastIndex((startMs) => startMs <= ms),
  );
}

/** A hub that stood still, as one thread or several found. */
export interface HubStall {
  readonly target: number;
  /** Since the beginning of the run. */
  readonly atSeconds: number;
  readonly lastedMs: number;
}

export class Phases {
  readonly #threads: number;
  readonly #phases = new Map<number, PhaseSums>();
  /** The last report of each thread. */
  readonly #last = new Map<number, IntervalReport>();
  readonly #seconds: Second[] = [];
  readonly #stalls: HubStall[] = [];
  /** The beginning by each thread's own clock. */
  readonly #startedMs = new Map<number, number>();
  #sinceTick = new Latencies();
  #tickPhase = 0;
  #tickLoop = { busyShare: 0, delayMs: 0, delayP99Ms: 0 };
  #ticked = { atSeconds: 0, frames: 0, bytes: 0, requests: 0 };
  #truthWidthMs = 0;

  constructor(threads: number) {
    this.#threads = threads;
  }

  get seconds(): readonly Second[] {
    return this.#seconds;
  }

  add(report: IntervalReport): void {
    const sums = this.#sumsOf(report.phase);
    const before = this.#last.get(report.thread);
    this.#last.set(report.thread, report);
    sums.latencies.addAll(report.latencies);
    for (const { phase, latencies } of report.earlier)
      this.#sumsOf(phase).latencies.addAll(latencies);
    sums.frames += report.counts.framesReceived - (before?.counts.framesReceived ?? 0);
    sums.bytes += report.counts.bytesReceived - (before?.counts.bytesReceived ?? 0);
    sums.requests += report.counts.requests - (before?.counts.requests ?? 0);
    sums.seconds += (report.toMs - report.fromMs) / 1_000 / this.#threads;
    sums.busyShareMost = Math.max(sums.busyShareMost, report.loop.busyShare);
    sums.loopDelayP99MsMost = Math.max(sums.loopDelayP99MsMost, report.loop.delayP99Ms);
    this.#truthWidthMs = Math.max(this.#truthWidthMs, report.inStep.truthWidthMs);
    this.#addStalls(report);
    this.#sinceTick.addAll(report.latencies);
    this.#tickPhase = report.phase;
    this.#tickLoop = {
      busyShare: Math.max(this.#tickLoop.busyShare, report.loop.busyShare),
      delayMs: Math.max(this.#tickLoop.delayMs, report.loop.delayMaxMs),
      delayP99Ms: Math.max(this.#tickLoop.delayP99Ms, report.loop.delayP99Ms),
    };
  }

  /** Of several threads that waited for the same hub, the longest tells. */
  #addStalls({ thread, fromMs, stalls }: IntervalReport): void {
    const startedMs = this.#startedMs.get(thread) ?? fromMs;
    this.#startedMs.set(thread, startedMs);
    for (const { target, atMs, lastedMs } of stalls) {
      const atSeconds = (atMs - startedMs) / 1_000;
      const same = this.#stalls.findIndex(
        (each) => each.target === target && Math.abs(each.atSeconds - atSeconds) < SAME_STALL_S,
      );
      const known = this.#stalls[same];
      if (known === undefined) this.#stalls.push({ target, atSeconds, lastedMs });
      else if (lastedMs > known.lastedMs) this.#stalls[same] = { target, atSeconds, lastedMs };
    }
  }

  /** What came in since the last time, as one point of the course of the run. To be called about once a second. */
  tick(atSeconds: number): Second {
    const sum = (of: (report: IntervalReport) => number): number => {
      let total = 0;
      for (const report of this.#last.values()) total += of(report);
      return total;
    };
    const frames = sum(({ counts }) => counts.framesReceived);
    const bytes = sum(({ counts }) => counts.bytesReceived);
    const requests = sum(({ counts }) => counts.requests);
    const before = this.#ticked;
    const elapsed = Math.max(0.001, atSeconds - before.atSeconds);
    const second: Second = {
      ...{ atSeconds, phase: this.#tickPhase },
      wanted: sum(({ wanted }) => wanted),
      connected: sum(({ connected }) => connected),
      joined: sum(({ joined }) => joined),
      framesPerSecond: (frames - before.frames) / elapsed,
      bytesPerSecond: (bytes - before.bytes) / elapsed,
      requestsPerSecond: (requests - before.requests) / elapsed,
      latencies: Object.fromEntries(
        Object.entries(this.#sinceTick.summaries()).map(([name, { p50Ms, p99Ms, maxMs }]) => [
          name,
          [p50Ms, p99Ms, maxMs] as const,
        ]),
      ),
      busyShare: this.#tickLoop.busyShare,
      loopDelayMs: this.#tickLoop.delayMs,
      loopDelayP99Ms: this.#tickLoop.delayP99Ms,
      rssBytes: Math.max(0, ...[...this.#last.values()].map(({ rssBytes }) => rssBytes)),
      faults: this.totals().faults.reduce((total, { count }) => total + count, 0),
    };
    this.#ticked = { atSeconds, frames, bytes, requests };
    this.#sinceTick = new Latencies();
    this.#tickLoop = { busyShare: 0, delayMs: 0, delayP99Ms: 0 };
    this.#seconds.push(second);
    return second;
  }

  /** A latency that no thread knows alone, as that of the last of all listeners. */
  record(phase: number, name: string, ms: number): void {
    this.#sumsOf(phase).latencies.record(name, ms);
  }

  figures(phase: number): PhaseFigures {
    const sums = this.#sumsOf(phase);
    const { seconds, frames, bytes, requests, busyShareMost, loopDelayP99MsMost } = sums;
    return {
      ...{ seconds, frames, bytes, requests, busyShareMost, loopDelayP99MsMost },
      latencies: sums.latencies.summaries(),
    };
  }

  /**
   * Of several phases together. People who come are measured whenever they come, and a ramp is where most do: of the phases `coming` it
   * counts as well, and with it how the generator did in them.
   */
  evidence(measured: readonly number[], coming: readonly number[]): Evidence {
    const latencies = new Latencies();
    const counted = new Set(measured);
    for (const [phase, sums] of this.#phases) {
      if (measured.includes(phase)) {
        latencies.merge(sums.latencies);
      } else if (coming.includes(phase)) {
        latencies.merge(sums.latencies, [...OF_ARRIVAL, 'generator.lateArrivals']);
        if (OF_ARRIVAL.some((name) => sums.latencies.known(name) !== undefined)) counted.add(phase);
      }
    }
    return { latencies, seconds: this.#seconds.filter(({ phase }) => counted.has(phase)) };
  }

  totals(): Totals {
    const counts = new Counts().report();
    const tally = noTally();
    const inStep = { samples: 0, elsewhere: 0, unready: 0, contradictions: 0 };
    const faults = new Faults();
    for (const report of this.#last.values()) {
      addCounts(counts, report.counts);
      for (const name of Object.keys(tally) as (keyof Tally)[]) tally[name] += report.tally[name];
      for (const name of ['samples', 'elsewhere', 'unready', 'contradictions'] as const) {
        inStep[name] += report.inStep[name];
      }
      faults.addCounts(report.faults);
    }
    return {
      ...{ counts, tally },
      inStep: { ...inStep, truthWidthMs: this.#truthWidthMs },
      ...{ faults: faults.list(), stalls: [...this.#stalls] },
    };
  }

  #sumsOf(phase: number): PhaseSums {
    let sums = this.#phases.get(phase);
    if (sums === undefined) {
      sums = new PhaseSums();
      this.#phases.set(phase, sums);
    }
    return sums;
  }
}
