// Owns how well this thread keeps up with itself: how late its timers are, and how much of the time it is busy. What is late here would
// be taken for the hub's.
import { performance, monitorEventLoopDelay, type EventLoopUtilization } from 'node:perf_hooks';

export interface LoopReport {
  /** Of the time, 0 to 1. */
  readonly busyShare: number;
  /** How late the loop came to what was due, ms. */
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
}

const RESOLUTION_MS = 2;

export class LoopWatch {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #before: EventLoopUtilization = performance.eventLoopUtilization();

  constructor() {
    this.#delay.enable();
  }

  /** Since the last time. */
  take(): LoopReport {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#before);
    this.#before = now;
    // The histogram holds whole intervals; what is above the resolution is lateness.
    const late = (ns: number): number => Math.max(0, ns / 1e6 - RESOLUTION_MS);
    const report = {
      busyShare: utilization,
      delayP99Ms: late(this.#delay.percentile(99)),
      delayMaxMs: late(this.#delay.max),
    };
    this.#delay.reset();
    return report;
  }

  stop(): void {
    this.#delay.disable();
  }
}
