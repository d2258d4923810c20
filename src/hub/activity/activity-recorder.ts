// What was listened to, on its way to the history: gathered, handed on in batches, kept for a while when it cannot be.
// Knows an outbox; knows neither rooms nor people.
import type { UserId } from '../../../protocol/ids.ts';
import { newer } from '../../domain/entry-batches.ts';
import {
  takesBack,
  type ActivityEntry,
  type HeardEntry,
  type PlayedEntry,
} from '../../ports/activity-log.ts';
import type { ActivityOutbox } from '../../ports/activity-outbox.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import { endsWithin, type Timers } from '../../ports/timers.ts';

export interface ActivityRecorderDeps {
  readonly outbox: ActivityOutbox;
  readonly timers: Timers;
  readonly log: Log;
  readonly metrics: Metrics;
  /** How many entries wait here at most; what comes after them is lost, and counted, unless it takes something back. */
  readonly mostWaiting?: number;
}

/** A track's end in a large room ends it for all: they are told together. */
const BATCH_MS = 250;
const MOST_AT_ONCE = 1_000;
const MOST_WAITING = 20_000;
const RETRY_MS = 1_000;
const MOST_RETRY_MS = 15_000;

export class ActivityRecorder {
  readonly #deps: ActivityRecorderDeps;
  readonly #mostWaiting: number;
  /** By what they are about, oldest first: a later word about the same takes the place of the one that waits, or adds to it. */
  readonly #waiting = new Map<string, ActivityEntry>();
  #cancel: (() => void) | undefined;
  #sending: Promise<void> | undefined;
  #stopping: Promise<number> | undefined;
  /** All that could be handed on was: what comes after it is lost. */
  #isOver = false;
  /** Whether something that takes back waits since the last batch was made up. */
  #isUrgent = false;
  #retryMs = RETRY_MS;
  #isAway = false;
  #lost = 0;
  #failures = 0;
  #isLossTold = false;

  constructor(deps: ActivityRecorderDeps) {
    this.#deps = deps;
    this.#mostWaiting = deps.mostWaiting ?? MOST_WAITING;
    const { metrics } = deps;
    metrics.gauge(
      {
        name: 'earshot_activity_entries_waiting',
        help: 'Entries of the listening history that wait in memory for the outbox.',
      },
      () => this.#waiting.size,
    );
    metrics.total(
      {
        name: 'earshot_activity_entries_lost_total',
        help: 'Entries of the listening history lost: too many waited for an outbox that was full or away, or it was so when the node stopped.',
      },
      () => this.#lost,
    );
    metrics.total(
      {
        name: 'earshot_activity_outbox_failures_total',
        help: 'Times the outbox of the listening history took nothing.',
      },
      () => this.#failures,
    );
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get lost(): number {
    return this.#lost;
  }

  /** Takes an entry, to be told within a quarter of a second. @returns false where it is lost */
  record(entry: ActivityEntry): boolean {
    const key = keyOf(entry);
    const before = this.#waiting.get(key);
    const isUrgent = takesBack(entry);
    const isFull = before === undefined && this.#waiting.size >= this.#mostWaiting;
    if (this.#isOver || (isFull && !isUrgent)) {
      this.#lose(1);
      return false;
    }
    this.#waiting.set(key, before === undefined ? entry : joined(before, entry));
    if (isUrgent && !this.#isUrgent) {
      this.#isUrgent = true;
      // An outbox that is full takes it all the same: it does not wait until that may have place again.
      if (this.#isAway) this.#cancelNext();
    }
    this.#sendIn(this.#delayMs());
    return true;
  }

  /** Tells it now, and resolves when it is durable. Rejects where it is not. */
  async recordNow(entry: ActivityEntry): Promise<void> {
    this.forget(entry.userId, idOf(entry));
    await this.#deps.outbox.add([entry]);
  }

  /** What waits about an activity of this person is not told any more. */
  forget(userId: UserId, activityId: string): void {
    for (const key of [`activity:${activityId}`, `heard:${activityId}`]) {
      if (this.#waiting.get(key)?.userId === userId) this.#waiting.delete(key);
    }
  }

  /** The person is erased. */
  forgetPerson(userId: UserId): void {
    for (const [key, entry] of this.#waiting) {
      if (entry.userId === userId) this.#waiting.delete(key);
    }
  }

  /**
   * Resolves when all that waits was handed on, what comes in meanwhile too. Where the outbox takes no more, or does not answer for
   * `patienceMs` in all, the rest is lost, and counted; of a batch that was not answered it may have been taken. Idempotent.
   * @returns how many entries were lost by it
   */
  stop(patienceMs: number): Promise<number> {
    this.#cancelNext();
    this.#stopping ??= this.#end(patienceMs);
    return this.#stopping;
  }

  async #end(patienceMs: number): Promise<number> {
    await endsWithin(this.#deps.timers, patienceMs, this.#sendAll());
    this.#isOver = true;
    const lost = this.#waiting.size;
    this.#waiting.clear();
    if (lost === 0) return 0;
    this.#lost += lost;
    // Whatever was told before: nobody reads the figure of a process that is over.
    this.#isLossTold = true;
    this.#deps.log.error(
      { entries: lost },
      'listening history is lost: its outbox did not take it before the end of the process',
    );
    return lost;
  }

  async #sendAll(): Promise<void> {
    await this.#sending;
    while (!this.#isOver && this.#waiting.size > 0 && (await this.#send()));
  }

  #cancelNext(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #sendIn(delayMs: number): void {
    if (this.#sending !== undefined || this.#stopping !== undefined) return;
    this.#cancel ??= this.#deps.timers.after(delayMs, () => {
      this.#cancel = undefined;
      this.#sending = this.#sendWaiting();
    });
  }

  async #sendWaiting(): Promise<void> {
    await this.#send();
    this.#sending = undefined;
    if (this.#waiting.size === 0) return;
    this.#sendIn(this.#waiting.size >= MOST_AT_ONCE && !this.#isAway ? 0 : this.#delayMs());
  }

  #delayMs(): number {
    return this.#isAway && !this.#isUrgent ? this.#retryMs : BATCH_MS;
  }

  /** Hands on one batch: what takes something back first, and by itself, as with anything else a full outbox would not take it. Never rejects. */
  async #send(): Promise<boolean> {
    const all = [...this.#waiting];
    const urgent = all.filter(([, entry]) => takesBack(entry));
    const batch = (urgent.length > 0 ? urgent : all).slice(0, MOST_AT_ONCE);
    this.#isUrgent = urgent.length > batch.length;
    if (batch.length === 0) return true;
    try {
      await this.#deps.outbox.add(batch.map(([, entry]) => entry));
      // What was joined with later words meanwhile goes on waiting: whoever unites spans takes them twice.
      for (const [key, entry] of batch) {
        if (this.#waiting.get(key) === entry) this.#waiting.delete(key);
      }
      // Of a full outbox it says nothing that this was taken.
      if (urgent.length === 0) this.#arrived();
      return true;
    } catch (error) {
      this.#failed(error);
      return false;
    }
  }

  #arrived(): void {
    if (this.#isAway) this.#deps.log.info({}, 'the listening history is taken in again');
    this.#isAway = false;
    this.#isLossTold = false;
    this.#retryMs = RETRY_MS;
  }

  #failed(error: unknown): void {
    this.#failures += 1;
    const { log } = this.#deps;
    // A fault is told each time: it does not go by waiting.
    if (!(error instanceof StoreUnavailable) || !this.#isAway) {
      log.warn(
        { err: error, entries: this.#waiting.size },
        'the listening history cannot be told for the moment; it waits in memory',
      );
    }
    if (this.#isAway) this.#retryMs = Math.min(MOST_RETRY_MS, this.#retryMs * 2);
    this.#isAway = true;
  }

  #lose(count: number): void {
    this.#lost += count;
    if (this.#isLossTold) return;
    this.#isLossTold = true;
    this.#deps.log.error(
      { mostWaiting: this.#mostWaiting, entries: this.#lost },
      'listening history is being lost: its outbox has taken nothing for too long',
    );
  }
}

function idOf(entry: ActivityEntry): string {
  return entry.kind === 'heard' ? entry.listenId : entry.activityId;
}

function keyOf(entry: ActivityEntry): string {
  return `${entry.kind}:${idOf(entry)}`;
}

function joined(before: ActivityEntry, after: ActivityEntry): PlayedEntry | ActivityEntry {
  if (before.kind === 'activity' && after.kind === 'activity') return newer(before, after);
  if (before.kind !== 'heard' || after.kind !== 'heard') return after;
  return { ...after, spans: withSpans(before, after) };
}

/** Spans that only a report parts are one: a long absence of the outbox must not make a list without end. */
function withSpans(before: HeardEntry, after: HeardEntry): HeardEntry['spans'] {
  const spans = [...before.spans];
  for (const span of after.spans) {
    const last = spans.at(-1);
    if (last?.[1] === span[0]) spans[spans.length - 1] = [last[0], span[1]];
    else spans.push(span);
  }
  return spans;
}
