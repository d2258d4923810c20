// What V8's heap really holds: looked at right after each full collection, when next to no garbage is in it.
import { PerformanceObserver, constants, type PerformanceEntry } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { Metrics } from '../../ports/metrics.ts';

/**
 * The heap in use rises and falls with garbage, so that a leak is seen in it only once it is large; what is left after a full collection shows it
 * early. Until the first one it is what is in use.
 * @returns ends it
 */
export function tellLiveHeap(metrics: Pick<Metrics, 'gauge'>): () => void {
  let liveBytes: number | undefined;
  const observer = new PerformanceObserver((list) => {
    if (list.getEntries().some(isFull)) liveBytes = usedBytes();
  });
  observer.observe({ entryTypes: ['gc'] });
  const help = 'Heap in use right after the last full garbage collection: what is held.';
  metrics.gauge({ name: 'earshot_live_heap_bytes', help }, () => liveBytes ?? usedBytes());
  return () => observer.disconnect();
}

const MAJOR = constants.NODE_PERFORMANCE_GC_MAJOR;

/** A collection's entry has its kind in `detail`, which the types of Node lack. */
interface Collection extends PerformanceEntry {
  readonly detail?: { readonly kind?: number };
}

function isFull(entry: Collection): boolean {
  return entry.detail?.kind === MAJOR;
}

function usedBytes(): number {
  return getHeapStatistics().used_heap_size;
}
