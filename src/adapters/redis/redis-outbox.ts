// Brings what waits in the partitions' outboxes to the archive, in order, and removes it once it is kept there. Knows not what keeps it.
import type { ArchiveEntry, ArchiveWriter } from '../../ports/archive-writer.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import { endsWithin, type Timers } from '../../ports/timers.ts';
import { entryOf } from './outbox-entry.ts';
import { HAS_UP_TO, OUTBOX_END, RENEW, SETTLE, TAKE, WAITING } from './outbox-scripts.ts';
import { runScript, type RedisCommands } from './redis-commands.ts';
import type { RedisKeys } from './redis-keys.ts';

/** One process at a time works on a partition, as a room's changes must be archived in order. Another takes over when it ends. */
const LEASE_MS = 10_000;
const RENEW_EVERY_MS = 3_000;
/** As one transaction. */
const MAX_ENTRIES = 500;
const IDLE_MS = 200;
const FIRST_BACK_OFF_MS = 100;
const LAST_BACK_OFF_MS = 5_000;
const MEASURE_EVERY_MS = 2_000;
/** Partitions at the same time: more would take connections to the database from those who ask for something. */
const CONCURRENCY = 3;
/** For whoever needs the archive to be up to now. */
const LOOK_EVERY_MS = 100;
const MAX_LOOKS = 50;
/** A database that does not answer must not hold up the end: what it does in the end is known by the next worker. */
const STOP_PATIENCE_MS = 2_500;
/** Set aside in each partition; beyond it the oldest go. */
const MAX_REJECTED = 10_000;

export interface RedisOutboxOptions {
  readonly redis: RedisCommands;
  readonly keys: RedisKeys;
  /** This run of this process. */
  readonly consumer: string;
  readonly writer: ArchiveWriter;
  readonly timers: Timers;
  readonly metrics: Metrics;
  readonly log: Log;
}

type Taken = readonly ['theirs'] | readonly ['taken', readonly RawEntry[]];
/** The id in the stream, and names and values in turn; null where the entry was removed by hand. */
type RawEntry = readonly [string, readonly string[]] | null;

interface Rejected {
  readonly id: string;
  readonly error: Error;
}

export class RedisOutbox {
  readonly #options: RedisOutboxOptions;
  /** Partitions whose entries are being written at the moment. */
  readonly #busy = new Set<number>();
  readonly #held = new Set<number>();
  readonly #stops: (() => void)[] = [];
  #cancelNext: (() => void) | undefined;
  #pass: Promise<void> | undefined;
  #isStopped = false;
  #stopped: Promise<void> | undefined;
  #backOffMs = 0;
  #waiting = 0;
  #lagMs = 0;
  #setAside = 0;
  #applied = 0;
  #rejected = 0;
  #failures = 0;

  constructor(options: RedisOutboxOptions) {
    this.#options = options;
    const { metrics } = options;
    metrics.gauge(
      {
        name: 'earshot_archive_waiting_entries',
        help: 'Entries of all outboxes that are not archived yet.',
      },
      () => this.#waiting,
    );
    metrics.gauge(
      {
        name: 'earshot_archive_lag_seconds',
        help: 'Age of the oldest entry that is not archived yet.',
      },
      () => this.#lagMs / 1_000,
    );
    metrics.gauge(
      {
        name: 'earshot_archive_set_aside_entries',
        help: 'Entries that can never be archived and wait in Redis for somebody to look at them.',
      },
      () => this.#setAside,
    );
    const total = (name: string, help: string, read: () => number): void => {
      metrics.total({ name: `earshot_archive_${name}_total`, help }, read);
    };
    total('applied', 'Entries that this process has archived.', () => this.#applied);
    total(
      'rejected',
      'Entries that can never be archived, set aside in Redis.',
      () => this.#rejected,
    );
    total(
      'failures',
      'Batches for the archive that failed and are tried again.',
      () => this.#failures,
    );
  }

  /** Entries of all outboxes that are not archived yet, and the age of the oldest, as last measured. */
  get waiting(): { readonly entries: number; readonly lagMs: number } {
    return { entries: this.#waiting, lagMs: this.#lagMs };
  }

  /** Never throws: whatever is away is tried again until it is there, or `stop`. */
  start(): void {
    const { timers } = this.#options;
    this.#stops.push(timers.every(MEASURE_EVERY_MS, () => void this.#measure()));
    this.#stops.push(timers.every(RENEW_EVERY_MS, () => void this.#renew()));
    void this.#measure();
    this.#next(0);
  }

  /** Ends what is under way, if it ends within some seconds, and leaves the partitions to others. Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Resolves when all that was appended before the call is archived, by whatever node. Rejects with `StoreUnavailable` where it takes long. */
  async caughtUp(): Promise<void> {
    const { redis, keys, timers } = this.#options;
    const partitions = Array.from({ length: keys.partitions }, (_, partition) => partition);
    const ends = await Promise.all(
      partitions.map(async (partition) => {
        const end = await runScript(redis, OUTBOX_END, [keys.outbox(partition)], []);
        return { partition, end: end as string };
      }),
    );
    let waiting = ends.filter(({ end }) => end !== '');
    for (let looks = 0; waiting.length > 0; looks += 1) {
      if (looks === MAX_LOOKS) throw new StoreUnavailable('the archive');
      await new Promise<void>((resolve) => timers.after(LOOK_EVERY_MS, resolve));
      const left = await Promise.all(
        waiting.map(({ partition, end }) =>
          runScript(redis, HAS_UP_TO, [keys.outbox(partition)], [end]),
        ),
      );
      waiting = waiting.filter((_, i) => left[i] === 1);
    }
  }

  async #stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelNext?.();
    for (const stop of this.#stops.splice(0)) stop();
    const { consumer, timers } = this.#options;
    await endsWithin(timers, STOP_PATIENCE_MS, Promise.resolve(this.#pass));
    const given = [...this.#held].map((partition) => this.#onLease(partition, [consumer, '0']));
    await Promise.allSettled(given);
  }

  #next(delayMs: number): void {
    if (this.#isStopped) return;
    this.#cancelNext = this.#options.timers.after(delayMs, () => {
      this.#pass = this.#runPass();
    });
  }

  async #runPass(): Promise<void> {
    const left = Array.from({ length: this.#options.keys.partitions }, (_, i) => i);
    let taken = 0;
    const errors: unknown[] = [];
    const worker = async (): Promise<void> => {
      for (let p = left.shift(); p !== undefined && !this.#isStopped; p = left.shift()) {
        try {
          taken += await this.#work(p);
        } catch (error) {
          // Of a cluster one server may be away: the partitions of the others must not wait for it.
          errors.push(error);
        }
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));
    if (errors.length > 0) {
      this.#failed(errors);
      this.#next(taken > 0 ? IDLE_MS : this.#backOffMs);
      return;
    }
    if (this.#backOffMs > 0) this.#options.log.info({}, 'the archive goes on');
    this.#backOffMs = 0;
    this.#next(taken > 0 ? 0 : IDLE_MS);
  }

  #failed(errors: readonly unknown[]): void {
    this.#failures += errors.length;
    if (this.#backOffMs === 0) {
      const { log } = this.#options;
      const fault = errors.find((error) => !(error instanceof StoreUnavailable));
      if (fault === undefined) log.warn({ err: errors[0] }, 'the archive waits');
      else log.error({ err: fault }, 'the archive has failed, and is tried again');
    }
    this.#backOffMs = Math.min(LAST_BACK_OFF_MS, this.#backOffMs * 2 || FIRST_BACK_OFF_MS);
  }

  /** @returns how many entries it took */
  async #work(partition: number): Promise<number> {
    const { redis, keys, consumer } = this.#options;
    const reply = (await runScript(
      redis,
      TAKE,
      [keys.outboxLease(partition), keys.outbox(partition)],
      [consumer, String(LEASE_MS), String(MAX_ENTRIES)],
    )) as Taken;
    if (reply[0] === 'theirs') {
      this.#held.delete(partition);
      return 0;
    }
    this.#held.add(partition);
    const entries = reply[1].filter((entry) => entry !== null);
    if (entries.length === 0) return 0;
    this.#busy.add(partition);
    try {
      await this.#archive(partition, entries);
    } finally {
      this.#busy.delete(partition);
    }
    return entries.length;
  }

  async #archive(partition: number, entries: readonly NonNullable<RawEntry>[]): Promise<void> {
    const rejected: Rejected[] = [];
    const readable: { readonly id: string; readonly entry: ArchiveEntry }[] = [];
    for (const [id, fields] of entries) {
      try {
        readable.push({ id, entry: entryOf(fields) });
      } catch (error) {
        rejected.push({ id, error: errorOf(error) });
      }
    }
    const results = await this.#options.writer.apply(readable.map(({ entry }) => entry));
    const archived: string[] = [];
    for (const [i, { id }] of readable.entries()) {
      const error = results[i];
      if (error === undefined) archived.push(id);
      else rejected.push({ id, error });
    }
    await this.#settle(partition, archived, rejected);
  }

  async #settle(
    partition: number,
    archived: readonly string[],
    rejected: readonly Rejected[],
  ): Promise<void> {
    const { redis, keys, log } = this.#options;
    const aside = keys.rejected(partition);
    await runScript(
      redis,
      SETTLE,
      [keys.outbox(partition), aside],
      [
        String(MAX_REJECTED),
        String(rejected.length),
        ...rejected.flatMap(({ id, error }) => [id, error.message]),
        ...archived,
      ],
    );
    this.#applied += archived.length;
    this.#rejected += rejected.length;
    for (const { id, error } of rejected) {
      log.error({ err: error, id, stream: aside }, 'a change cannot be archived, and is set aside');
    }
  }

  async #renew(): Promise<void> {
    const { consumer } = this.#options;
    const renewed = [...this.#busy].map((partition) =>
      this.#onLease(partition, [consumer, String(LEASE_MS)]),
    );
    // One that could not be renewed may end, and another process take over: both write the same then.
    await Promise.allSettled(renewed);
  }

  async #measure(): Promise<void> {
    const { redis, keys } = this.#options;
    try {
      const all = await Promise.all(
        Array.from({ length: keys.partitions }, (_, partition) =>
          runScript(redis, WAITING, [keys.outbox(partition), keys.rejected(partition)], []),
        ),
      );
      const measured = all as readonly (readonly [number, number, number])[];
      this.#waiting = measured.reduce((sum, [entries]) => sum + entries, 0);
      this.#lagMs = Math.max(0, ...measured.map(([, ageMs]) => ageMs));
      this.#setAside = measured.reduce((sum, [, , rejected]) => sum + rejected, 0);
    } catch (error) {
      // What was measured last stays: the passes tell that Redis is away.
      if (error instanceof StoreUnavailable) return;
      this.#options.log.error({ err: error }, 'the outboxes cannot be measured');
    }
  }

  #onLease(partition: number, args: string[]): Promise<unknown> {
    const { redis, keys } = this.#options;
    return runScript(redis, RENEW, [keys.outboxLease(partition)], args);
  }
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
