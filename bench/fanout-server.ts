// The server process of the fan-out bench: one subject, its publishing clock, and its own CPU and memory.
import { startSubject } from './subjects.ts';
import { SUBJECTS, type Subject, type SubjectName } from './subject.ts';

export type ServerOrder =
  | { readonly kind: 'start'; readonly subject: SubjectName; readonly rooms: number }
  /** Publishes to all rooms in turn, `publishesPerSecond` in all, for `seconds`. */
  | { readonly kind: 'run'; readonly publishesPerSecond: number; readonly seconds: number }
  | { readonly kind: 'memory' };

export type ServerReport =
  | { readonly kind: 'started'; readonly port: number; readonly rooms: readonly string[] }
  | {
      readonly kind: 'ran';
      readonly published: number;
      readonly userUs: number;
      readonly systemUs: number;
      readonly wallMs: number;
    }
  | { readonly kind: 'memory'; readonly rssBytes: number };

const TICK_MS = 5;
let subject: Subject | undefined;

function report(message: ServerReport): void {
  process.send?.(message);
}

async function run(publishesPerSecond: number, seconds: number): Promise<void> {
  const rooms = subject?.rooms.length ?? 0;
  const total = Math.round(publishesPerSecond * seconds);
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  let published = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      // What is due by now, so that a late timer does not lower the rate.
      const due = Math.min(
        total,
        Math.round(((performance.now() - startedAt) / 1_000) * publishesPerSecond),
      );
      while (published < due) {
        subject?.publish(published % rooms);
        published += 1;
      }
      if (published < total) return;
      clearInterval(timer);
      resolve();
    }, TICK_MS);
  });
  // The last sends leave at the end of the tick.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const { user, system } = process.cpuUsage(cpuBefore);
  report({
    kind: 'ran',
    published,
    userUs: user,
    systemUs: system,
    wallMs: performance.now() - startedAt,
  });
}

async function obey(order: ServerOrder): Promise<void> {
  switch (order.kind) {
    case 'start':
      if (!SUBJECTS.includes(order.subject)) throw new Error(`unknown subject ${order.subject}`);
      subject = await startSubject(order.subject, order.rooms);
      report({ kind: 'started', port: subject.port, rooms: subject.rooms });
      return;
    case 'run':
      await run(order.publishesPerSecond, order.seconds);
      return;
    case 'memory':
      for (let i = 0; i < 3; i += 1) {
        globalThis.gc?.();
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      report({ kind: 'memory', rssBytes: process.memoryUsage().rss });
  }
}

process.on('message', (order: ServerOrder) => {
  obey(order).catch((error: unknown) => {
    process.stderr.write(
      `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exit(1);
  });
});
