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

export type Delays = Pick<SyncReport, 'rttMs' | 'outputLatencyMs'>;

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
/** Delays that moved by less make no other lead worth a word. */
const delayStepMs = 15;

export class PlayerReports {
  readonly #options: ReportsOptions;
  /** Entry → the occasion at which it was told to be ready. */
  #told = new Map<EntryId, string>();
  #retryAt = -Infinity;
  #reportedAt = -Infinity;
  #reportedState: SyncState | undefined;
  #toldDelays: { readonly needMs: number; readonly occasion: string } | undefined;

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
    this.#toldDelays = undefined;
    this.#send(report);
  }

  /**
   * To be called often while nothing plays: the next start is planned by what is told here. Told once an occasion, and anew when it has
   * changed by more than a little.
   */
  delays({ rttMs, outputLatencyMs }: Delays, occasion: string, nowMs: number): void {
    if (!Number.isFinite(rttMs)) return;
    const needMs = rttMs / 2 + outputLatencyMs;
    const told = this.#toldDelays;
    const isNews = told?.occasion !== occasion || Math.abs(told.needMs - needMs) >= delayStepMs;
    const leastMs = told?.occasion === occasion ? everyMs : changeAfterMs;
    if (!isNews || nowMs - this.#reportedAt < leastMs) return;
    this.#reportedAt = nowMs;
    this.#reportedState = 'idle';
    this.#toldDelays = { needMs, occasion };
    this.#send({ errorMs: 0, maxErrorMs: 0, rttMs, outputLatencyMs, state: 'idle' });
  }

  #send(report: SyncReport): void {
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
