// Metrics by prom-client, in a registry of their own; of a worker among others, those of all of them.
import { readdir, stat } from 'node:fs/promises';
import {
  AggregatorRegistry,
  Counter,
  Gauge,
  Histogram,
  Registry,
  collectDefaultMetrics,
} from 'prom-client';
import type { Metrics } from '../../ports/metrics.ts';

/** The figures of one process, as JSON. */
export type MetricsSnapshot = readonly object[];

/** The other processes that serve the same port: whoever is asked for metrics answers for all of them. */
export interface MetricsOfWorkers {
  /** Which of them this process is, from 1: the label `worker`. */
  readonly worker: number;
  /** The figures of all of them that answer, this one's included. */
  gather(): Promise<readonly MetricsSnapshot[]>;
  /** Calls `snapshot` when another one gathers. */
  answerWith(snapshot: () => Promise<MetricsSnapshot>): void;
}

export function createPromMetrics(workers?: MetricsOfWorkers): Metrics {
  const registry = new Registry();
  if (workers !== undefined) {
    // Not summed: a sum of counters would fall when one process dies, and look like a restart of all.
    registry.setDefaultLabels({ worker: String(workers.worker) });
    workers.answerWith(() => registry.getMetricsAsJSON());
  }
  collectDefaultMetrics({ register: registry });
  countOpenFiles(registry);
  return {
    counter({ name, help, labels = [] }) {
      const counter = new Counter({ name, help, labelNames: [...labels], registers: [registry] });
      return { add: (by, values) => counter.inc(values, by) };
    },
    gauge({ name, help }, read) {
      new Gauge({
        name,
        help,
        registers: [registry],
        collect() {
          this.set(read());
        },
      });
    },
    gauges({ name, help, labels: [label] }, read) {
      new Gauge({
        name,
        help,
        labelNames: [label],
        registers: [registry],
        collect() {
          this.reset();
          for (const [value, figure] of Object.entries(read()))
            this.set({ [label]: value } as Partial<Record<typeof label, string>>, figure);
        },
      });
    },
    total({ name, help }, read) {
      new Counter({
        name,
        help,
        registers: [registry],
        collect() {
          this.reset();
          this.inc(read());
        },
      });
    },
    histogram({ name, help, labels = [], buckets }) {
      const histogram = new Histogram({
        name,
        help,
        labelNames: [...labels],
        buckets: [...buckets],
        registers: [registry],
      });
      return { observe: (value, values) => histogram.observe(values, value) };
    },
    exposition: async () => {
      const whole = workers === undefined ? registry : joined(await workers.gather());
      return { contentType: registry.contentType, body: await whole.metrics() };
    },
  };
}

/**
 * In place of prom-client's own, which reads the whole list while nothing else can be done: with ten thousand connections that held up
 * everybody for 25 ms at each look.
 */
function countOpenFiles(registry: Registry): void {
  const name = 'process_open_fds';
  if (registry.getSingleMetric(name) === undefined) return;
  registry.removeSingleMetric(name);
  new Gauge({
    name,
    help: 'Number of open file descriptors.',
    registers: [registry],
    async collect() {
      // Where they cannot be counted, as when none is left, all the other figures are told nevertheless.
      const open = await openFiles().catch(() => undefined);
      if (open !== undefined) this.set(open);
    },
  });
}

const OPEN_FILES = '/proc/self/fd';

/** Linux tells their number as the size of the folder since 6.2; before, its size is 0. */
async function openFiles(): Promise<number> {
  const { size } = await stat(OPEN_FILES);
  if (size > 0) return size;
  // One of them is the look itself.
  return (await readdir(OPEN_FILES)).length - 1;
}

/** One registry of all figures: the label `worker` keeps them apart, so nothing is added up. */
function joined(snapshots: readonly MetricsSnapshot[]): Registry {
  const kept = snapshots.map((metrics) =>
    // Some of prom-client's own are left out of a cluster, or averaged.
    metrics.map((metric) => ({ ...metric, aggregator: 'sum' })),
  );
  return AggregatorRegistry.aggregate(kept);
}
