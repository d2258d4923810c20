// Loaded into the hub's process before the hub itself: says what the process has used, and watches it by the profiler of V8.
import { writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';
import { obeyOrders, type Spread } from './append-child.ts';
import { busiest, type BusyFunction } from './append-profile.ts';
import { stamp, stamped } from './append-stamps.ts';

export type HubOrder =
  | { readonly kind: 'usage' }
  /** The same with the garbage collected first. */
  | { readonly kind: 'memory' }
  /** Begins to note how long each command takes until all is sent. */
  | { readonly kind: 'stamp' }
  | { readonly kind: 'stamped' }
  | { readonly kind: 'watch' }
  /** @param file where the whole profile goes, for the tools that show one */
  | { readonly kind: 'watched'; readonly file: string };

export type HubReport =
  | {
      readonly kind: 'usage' | 'memory';
      readonly userUs: number;
      readonly systemUs: number;
      readonly rssBytes: number;
      readonly heapBytes: number;
    }
  | { readonly kind: 'stamp' }
  | { readonly kind: 'stamped'; readonly inside: Spread; readonly frames: number }
  | { readonly kind: 'watch' }
  | { readonly kind: 'watched'; readonly busiest: readonly BusyFunction[] };

const SAMPLE_US = 500;
let session: Session | undefined;

function usage(kind: 'usage' | 'memory'): HubReport {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return { kind, userUs: user, systemUs: system, rssBytes: rss, heapBytes: heapUsed };
}

obeyOrders(async (order: HubOrder): Promise<HubReport> => {
  switch (order.kind) {
    case 'usage':
      return usage('usage');
    case 'memory':
      for (let i = 0; i < 3; i += 1) {
        globalThis.gc?.();
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      return usage('memory');
    case 'stamp':
      await stamp();
      return { kind: 'stamp' };
    case 'stamped':
      return { kind: 'stamped', ...stamped() };
    case 'watch':
      session = new Session();
      session.connect();
      await session.post('Profiler.enable');
      await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_US });
      await session.post('Profiler.start');
      return { kind: 'watch' };
    case 'watched': {
      if (session === undefined) throw new Error('nobody watches');
      const { profile } = await session.post('Profiler.stop');
      session.disconnect();
      session = undefined;
      await writeFile(order.file, JSON.stringify(profile));
      return { kind: 'watched', busiest: busiest(profile) };
    }
  }
});
