// Owns what is seen of the hubs during a run: their processes where they are on this machine, and what they tell at /metrics.
import { readFile } from 'node:fs/promises';
import type { HubRest } from './hub-rest.ts';
import type { HubSecond } from './report/report.ts';

const EVERY_MS = 1_000;
/** Linux counts CPU in hundredths of a second, on every platform that Node runs on. */
const TICK_MS = 10;
const PAGE_BYTES = 4_096;
const LAG = 'nodejs_eventloop_lag_p99_seconds';
/** Of all that a hub tells, what says how it is. */
const SHOWN = [
  'earshot_connections',
  'earshot_rooms',
  'earshot_frames_sent_total',
  'earshot_frames_buffered_total',
  'earshot_frames_withheld_total',
  'earshot_sockets_behind_total',
  'earshot_sockets_too_slow_total',
  'earshot_gaps_repaired_total',
  'earshot_append_conflicts_total',
  'earshot_append_failures_total',
  'earshot_requests_failed_total',
  LAG,
  'process_resident_memory_bytes',
  'process_cpu_seconds_total',
];

export interface HubWatchOptions {
  /** Processes of hubs on this machine. */
  readonly pids: readonly number[];
  readonly hubs: readonly HubRest[];
}

export class HubWatch {
  readonly #options: HubWatchOptions;
  readonly #seconds: HubSecond[] = [];
  #startedMs = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #cpuMs: number | undefined;
  #atMs = 0;
  #isLooking = false;

  constructor(options: HubWatchOptions) {
    this.#options = options;
  }

  get seconds(): readonly HubSecond[] {
    return this.#seconds;
  }

  /** Seconds count from here. */
  start(): void {
    this.#startedMs = performance.now();
    this.#timer = setInterval(() => void this.#look(), EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A hub that is busy or gone is not waited for. */
  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const { pids, hubs } = this.#options;
      const processes = await Promise.all(pids.map(processOf));
      const texts = await Promise.all(hubs.map((hub) => hub.metrics().catch(() => undefined)));
      const nowMs = performance.now();
      const known = processes.filter((each) => each !== undefined);
      const cpuMs = known.reduce((sum, each) => sum + each.cpuMs, 0);
      const hasCpu = known.length > 0 && known.length === pids.length;
      const elapsedMs = nowMs - this.#atMs;
      this.#seconds.push({
        atSeconds: (nowMs - this.#startedMs) / 1_000,
        ...(hasCpu && this.#cpuMs !== undefined
          ? { cpuShare: Math.max(0, cpuMs - this.#cpuMs) / elapsedMs }
          : {}),
        ...(hasCpu ? { rssBytes: known.reduce((sum, each) => sum + each.rssBytes, 0) } : {}),
        metrics: togetherOf(texts.map((text) => (text === undefined ? {} : shownOf(text)))),
      });
      this.#cpuMs = hasCpu ? cpuMs : undefined;
      this.#atMs = nowMs;
    } finally {
      this.#isLooking = false;
    }
  }
}

/** Undefined where there is no such process, or no /proc. */
async function processOf(
  pid: number,
): Promise<{ readonly cpuMs: number; readonly rssBytes: number } | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The second field is the name in brackets, which may hold anything.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields === undefined) return undefined;
  const [user, system, pages] = [fields[11], fields[12], fields[21]].map(Number);
  return {
    cpuMs: ((user ?? 0) + (system ?? 0)) * TICK_MS,
    rssBytes: (pages ?? 0) * PAGE_BYTES,
  };
}

/** The figures of interest in the text format of Prometheus; labels are summed over. */
export function shownOf(text: string): Record<string, number> {
  const shown: Record<string, number> = {};
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) continue;
    const match = /^([a-zA-Z_:][\w:]*)(?:\{.*\})? (\S+)/.exec(line);
    const name = match?.[1];
    if (name === undefined || !SHOWN.includes(name)) continue;
    shown[name] = (shown[name] ?? 0) + Number(match?.[2]);
  }
  return shown;
}

/** Of all hubs together. A percentile is no sum: the slowest hub tells. */
export function togetherOf(all: readonly Record<string, number>[]): Record<string, number> {
  const together: Record<string, number> = {};
  for (const each of all) {
    for (const [name, value] of Object.entries(each)) {
      const held = together[name] ?? 0;
      together[name] = name === LAG ? Math.max(held, value) : held + value;
    }
  }
  return together;
}
