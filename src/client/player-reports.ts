// Owns what the player tells the room and when: readiness of entries and how well it is in step; measures nothing itself.
import type { EntryId } from '../../protocol/ids.ts';
import type { SyncState } from '../../protocol/schemas/requests.ts';

export interface SyncReport {
  readonly errorMs: number;
  readonly maxErrorMs: number;
  readonly rttMs: number;
  readonly outputLatencyMs: number;
  readonly state: SyncState;
}

export interface ReportsOptions {
  readonly ready: (entryId: EntryId, bufferedMs: number) => Promise<unknown>;
  readonly reportSync: (report: SyncReport) => Promise<unknown>;
}

const everyMs = 5_000;
/** A change of state is worth telling sooner, but not as often as it may flicker. */
const changeAfterMs = 1_000;
const mostErrorMs = 600_000;
const mostLatencyMs = 10_000;
const retryMs = 1_000;

export class PlayerReports {
  readonly #options: ReportsOptions;
  /** Entry → the occasion at which it was told to be ready. */
  #told = new Map<EntryId, string>();
  #retryAt = -Infinity;
  #reportedAt = -Infinity;
  #reportedState: SyncState | undefined;

  constructor(options: ReportsOptions) {
    this.#options = options;
  }

  /**
   * Tells each entry once an occasion: a new connection, epoch or gate asks for it again.
   * @param occasion names the state of the room that readiness was told in
   */
  ready(
    entries: readonly { readonly entryId: EntryId; readonly bufferedMs: number }[],
    occasion: string,
    nowMs: number,
  ): void {
    const wanted = new Set(entries.map(({ entryId }) => entryId));
    for (const entryId of [...this.#told.keys()]) {
      if (!wanted.has(entryId)) this.#told.delete(entryId);
    }
    if (nowMs < this.#retryAt) return;
    for (const { entryId, bufferedMs } of entries) {
      if (this.#told.get(entryId) === occasion) continue;
      this.#told.set(entryId, occasion);
      this.#options.ready(entryId, Math.round(bufferedMs)).catch(() => {
        // The connection is away, or the entry is gone: a later tick tells again if it still matters.
        this.#told.delete(entryId);
        this.#retryAt = nowMs + retryMs;
      });
    }
  }

  /** To be called often while something plays; tells every 5 s, and soon after a change of state. */
  sync(report: SyncReport, nowMs: number): void {
    const sinceMs = nowMs - this.#reportedAt;
    const changed = report.state !== this.#reportedState;
    if (sinceMs < (changed ? changeAfterMs : everyMs)) return;
    this.#reportedAt = nowMs;
    this.#reportedState = report.state;
    const finite = {
      errorMs: clamp(report.errorMs, -mostErrorMs, mostErrorMs),
      maxErrorMs: clamp(report.maxErrorMs, 0, mostErrorMs),
      rttMs: clamp(report.rttMs, 0, mostErrorMs),
      outputLatencyMs: clamp(report.outputLatencyMs, 0, mostLatencyMs),
      state: report.state,
    };
    this.#options.reportSync(finite).catch(() => {
      // The next one says all that this one would have said.
    });
  }
}

/** The wire refuses what is not finite; an unknown bound is the largest that may be told. */
function clamp(value: number, least: number, most: number): number {
  return Number.isNaN(value) ? most : Math.max(least, Math.min(most, value));
}
