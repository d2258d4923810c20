// Owns how long things took: one HDR histogram a name, in whole microseconds, in a form that threads and machines can send each other.
import * as hdr from 'hdr-histogram-js';

/** A histogram that can be sent and added: HdrHistogram's own V2 encoding, compressed, as base64. */
export type Recorded = string;

export interface LatencySummary {
  readonly count: number;
  readonly minMs: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

/** Three digits, up to an hour. */
const SHAPE = {
  lowestDiscernibleValue: 1,
  highestTrackableValue: 3_600_000_000,
  numberOfSignificantValueDigits: 3,
  useWebAssembly: false,
} as const;

export class Latency {
  readonly #histogram = hdr.build(SHAPE);

  /** What is below zero is the clock's grain, and counts as zero; beyond an hour as an hour. */
  record(ms: number, count = 1): void {
    const us = Math.round(ms * 1_000);
    const value = Math.max(0, Math.min(SHAPE.highestTrackableValue, us));
    this.#histogram.recordValueWithCount(value, count);
  }

  add(recorded: Recorded): void {
    this.#histogram.add(hdr.decodeFromCompressedBase64(recorded));
  }

  merge(other: Latency): void {
    this.#histogram.add(other.#histogram);
  }

  get count(): number {
    return this.#histogram.totalCount;
  }

  /** @param percent 0 to 100 */
  percentileMs(percent: number): number {
    return this.count === 0 ? NaN : this.#histogram.getValueAtPercentile(percent) / 1_000;
  }

  summary(): LatencySummary {
    const at = (percent: number): number => this.percentileMs(percent);
    const isEmpty = this.count === 0;
    return {
      count: this.count,
      minMs: at(0),
      meanMs: isEmpty ? NaN : this.#histogram.mean / 1_000,
      ...{ p50Ms: at(50), p90Ms: at(90), p95Ms: at(95), p99Ms: at(99), p999Ms: at(99.9) },
      maxMs: isEmpty ? NaN : this.#histogram.maxValue / 1_000,
    };
  }

  recorded(): Recorded {
    return hdr.encodeIntoCompressedBase64(this.#histogram);
  }

  clear(): void {
    this.#histogram.reset();
  }
}

/** Latencies by name. */
export class Latencies {
  readonly #byName = new Map<string, Latency>();

  record(name: string, ms: number): void {
    this.of(name).record(ms);
  }

  known(name: string): Latency | undefined {
    return this.#byName.get(name);
  }

  of(name: string): Latency {
    let latency = this.#byName.get(name);
    if (latency === undefined) {
      latency = new Latency();
      this.#byName.set(name, latency);
    }
    return latency;
  }

  addAll(recorded: Readonly<Record<string, Recorded>>): void {
    for (const [name, values] of Object.entries(recorded)) this.of(name).add(values);
  }

  /** Adds all that another one holds, or what is named of it. */
  merge(other: Latencies, names?: readonly string[]): void {
    for (const [name, latency] of other.#byName) {
      if (names?.includes(name) !== false) this.of(name).merge(latency);
    }
  }

  summaries(): Record<string, LatencySummary> {
    return Object.fromEntries(
      [...this.#byName].map(([name, latency]) => [name, latency.summary()]),
    );
  }

  /** All that was recorded since the last time, which is forgotten here. */
  take(): Record<string, Recorded> {
    const entries = [...this.#byName].filter(([, latency]) => latency.count > 0);
    const recorded = Object.fromEntries(
      entries.map(([name, latency]) => [name, latency.recorded()]),
    );
    for (const [, latency] of entries) latency.clear();
    return recorded;
  }
}
