// Loaded into the hub's process before the hub itself: says what the process has used, collects its garbage, and watches it by the profiler of V8.
import { writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';
import { getHeapCodeStatistics } from 'node:v8';
import { obeyOrders, type Spread } from './append-child.ts';
import { busiest, type BusyFunction } from './append-profile.ts';
import { stamp, stamped } from './append-stamps.ts';
import { ownUsage, ownUsageCollected, type UsageReport } from './usage.ts';

export type HubOrder =
  | { readonly kind: 'usage' }
  /** The same with the garbage collected first. */
  | { readonly kind: 'memory' }
  /** One full collection, and what of the heap is code afterwards. */
  | { readonly kind: 'collect' }
  /** Begins to note how long each command takes until all is sent. */
  | { readonly kind: 'stamp' }
  | { readonly kind: 'stamped' }
  | { readonly kind: 'watch' }
  /** @param file where the whole profile goes, for the tools that show one */
  | { readonly kind: 'watched'; readonly file: string };

export type HubReport =
  | UsageReport
  /** Bytecode with its constants and source positions, and machine code with what undoes it; not what else V8 keeps for functions. */
  | { readonly kind: 'collect'; readonly codeBytes: number }
  | { readonly kind: 'stamp' }
  | { readonly kind: 'stamped'; readonly inside: Spread; readonly frames: number }
  | { readonly kind: 'watch' }
  | { readonly kind: 'watched'; readonly busiest: readonly BusyFunction[] };

const SAMPLE_US = 500;
/** Those of V8 itself, which it counts as machine code, though they are no part of the heap: there is hardly any other yet. */
const BUILT_IN_BYTES = getHeapCodeStatistics().code_and_metadata_size;
let session: Session | undefined;

obeyOrders(async (order: HubOrder): Promise<HubReport> => {
  switch (order.kind) {
    case 'usage':
      return { kind: 'usage', ...ownUsage() };
    case 'memory':
      return { kind: 'memory', ...(await ownUsageCollected()) };
    case 'collect':
      globalThis.gc?.();
      return { kind: 'collect', codeBytes: codeBytes() };
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

function codeBytes(): number {
  const { code_and_metadata_size: machine, bytecode_and_metadata_size: bytecode } =
    getHeapCodeStatistics();
  return machine - BUILT_IN_BYTES + bytecode;
}
