// Every metric that the service has: each part that has some is made once, over stores that nobody asks.
import { Registry, collectDefaultMetrics } from 'prom-client';
import { PostgresActivityOutbox } from '../../src/adapters/postgres/postgres-activity-outbox.ts';
import { PostgresArchiver } from '../../src/adapters/postgres/postgres-archiver.ts';
import { RedisIdleRooms } from '../../src/adapters/redis/redis-idle-rooms.ts';
import { RedisSharedRates } from '../../src/adapters/redis/redis-shared-rates.ts';
import { RedisOutbox } from '../../src/adapters/redis/redis-outbox.ts';
import { OtlpTracer } from '../../src/adapters/system/otlp-tracer.ts';
import { createPromMetrics } from '../../src/adapters/system/prom-metrics.ts';
import { tellLiveHeap } from '../../src/adapters/system/live-heap.ts';
import { tellTimers } from '../../src/adapters/system/system-timers.ts';
import { keepFor } from '../../src/hub/activity/activity-retention.ts';
import type { Metrics } from '../../src/ports/metrics.ts';
import { Backups } from '../../src/backups.ts';
import { tellRelease } from '../../src/release.ts';
import { StoreWatch } from '../../src/store-watch.ts';
import { appOver } from './http-calls.ts';
import { ListeningWorld } from './listening-world.ts';

export interface MetricRow {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
  /** Values of its one label that are there from the start: a counter that was never added to is told for each. */
  readonly values: readonly string[];
}

/** Those of the service itself, by name. */
export async function ownMetrics(): Promise<readonly MetricRow[]> {
  const rows: MetricRow[] = [];
  const add = (
    kind: MetricRow['kind'],
    { name, help, labels = [] }: { name: string; help: string; labels?: readonly string[] },
    values: readonly string[] = [],
  ): void => {
    rows.push({ name, kind, labels, help, values });
  };
  const metrics: Metrics = {
    counter: (options) => {
      const values: string[] = [];
      add('counter', options, values);
      return { add: (_amount, labels) => void values.push(...Object.values<string>(labels)) };
    },
    gauge: (options) => add('gauge', options),
    gauges: (options) => add('gauge', options),
    total: (options) => add('counter', options),
    histogram: (options) => {
      add('histogram', options);
      return { observe: () => undefined };
    },
    exposition: () => Promise.reject(new Error('nobody asks')),
  };
  const world = new ListeningWorld({}, { metrics });
  const { clock, timers, log } = world.ports;
  // Only what keeps its options until it is started.
  const options = { metrics, clock, timers, log, now: () => 0 } as never;
  appOver(world, { metrics });
  tellRelease(metrics, '0.1.0');
  tellTimers(metrics);
  tellLiveHeap(metrics)();
  new RedisOutbox(options);
  new RedisIdleRooms(options);
  new RedisSharedRates(options);
  new Backups({ ...(options as object), everyMs: 1 } as never);
  new PostgresArchiver(options);
  new PostgresActivityOutbox(options);
  new StoreWatch({ stores: [], metrics, timers, log, now: () => 0 }).stop();
  const traced = { url: 'http://nowhere', headers: {}, ratio: 0, resource: {} };
  await new OtlpTracer({ ...traced, timers, metrics, log, now: () => 0, random: () => 0 }).stop();
  const { activityLog } = world.stores;
  await keepFor({ activityLog, lifeMs: 1, clock, timers, metrics, log })();
  await world.hub.stop();
  return rows.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Those of Node and of the process, which prom-client makes. */
export async function nodeMetrics(): Promise<readonly MetricRow[]> {
  const { body } = await createPromMetrics().exposition();
  const kinds = new Map(
    [...body.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name = '', kind = '']) => [name, kind]),
  );
  const labels = labelsOfNode();
  return [...body.matchAll(/^# HELP (\w+) (.*)$/gm)]
    .map(([, name = '', help = '']) => ({
      name,
      kind: kinds.get(name) as MetricRow['kind'],
      labels: labels.get(name) ?? [],
      help,
      values: [],
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** By the metrics themselves: in an exposition are only those that something was counted of, as no garbage collection may have been. */
function labelsOfNode(): ReadonlyMap<string, readonly string[]> {
  const register = new Registry();
  collectDefaultMetrics({ register });
  // What every metric of prom-client has, and its types leave out.
  const metrics = register.getMetricsAsArray() as unknown as {
    readonly name: string;
    readonly labelNames: readonly string[];
  }[];
  return new Map(metrics.map(({ name, labelNames }) => [name, labelNames]));
}

/** What a value of it is counted in, by the end of its name. */
export function unitOf({ name, kind }: MetricRow): string {
  const [, unit] = /_(seconds|bytes|entries|ms)(?:_total)?$/.exec(name) ?? [];
  return unit ?? (kind === 'counter' ? 'times' : 'number');
}
