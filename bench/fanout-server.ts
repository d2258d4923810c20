// A server process of the benches: one subject, its publishing clock, and its own CPU and memory.
import { setTimeout as pause } from 'node:timers/promises';
import { obeyOrders } from './append-child.ts';
import { paced } from './pace.ts';
import type { Subject, SubjectName, SubjectOptions } from './subject.ts';
import { startSubject } from './subjects.ts';
import { ownUsage, ownUsageCollected, rise, type Usage, type UsageReport } from './usage.ts';

export type ServerOrder =
  | { readonly kind: 'start'; readonly subject: SubjectName; readonly options: SubjectOptions }
  /** Publishes to all rooms in turn, `publishesPerSecond` in all, for `seconds`. */
  | { readonly kind: 'run'; readonly publishesPerSecond: number; readonly seconds: number }
  | { readonly kind: 'usage' }
  /** The same with the garbage collected first. */
  | { readonly kind: 'memory' };

export type ServerReport =
  | { readonly kind: 'started'; readonly port: number; readonly rooms: readonly string[] }
  | ({ readonly kind: 'ran'; readonly published: number } & Usage)
  | UsageReport;

/** So fine that no room has several messages at once, unless there are few. */
const TICK_MS = 1;
/** The last sends leave at the end of the tick. */
const DRAIN_MS = 50;
let subject: Subject | undefined;

async function run(publishesPerSecond: number, seconds: number): Promise<ServerReport> {
  const rooms = subject?.rooms.length ?? 0;
  const before = ownUsage();
  const publish = (n: number): void => subject?.publish(n % rooms);
  const published = await paced(publishesPerSecond, seconds, publish, TICK_MS);
  await pause(DRAIN_MS);
  return { kind: 'ran', published, ...rise(before, ownUsage()) };
}

obeyOrders(async (order: ServerOrder): Promise<ServerReport> => {
  switch (order.kind) {
    case 'start': {
      subject = await startSubject(order.subject, order.options);
      const { port, rooms } = subject;
      return { kind: 'started', port, rooms };
    }
    case 'run':
      return run(order.publishesPerSecond, order.seconds);
    case 'usage':
      return { kind: 'usage', ...ownUsage() };
    case 'memory':
      return { kind: 'memory', ...(await ownUsageCollected()) };
  }
});
