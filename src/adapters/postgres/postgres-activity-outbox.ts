// What was listened to, kept in Postgres until a store elsewhere has taken it: durable when told, bounded, worked off by any node.
import type { UserId } from '../../../protocol/ids.ts';
import { takesBack, type ActivityEntry, type ActivityLog } from '../../ports/activity-log.ts';
import { ActivityOutboxFull, type ActivityOutbox } from '../../ports/activity-outbox.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import { endsWithin, type Timers } from '../../ports/timers.ts';
import type { Rows, Sql } from './sql.ts';

export interface PostgresActivityOutboxOptions {
  readonly sql: Sql;
  /** Where it goes. */
  readonly activityLog: Pick<ActivityLog, 'append'>;
  /** How many entries may wait, not counted those that take something back. */
  readonly maxEntries: number;
  /** Any clock, ms: how long the oldest has waited. */
  readonly now: () => number;
  readonly timers: Timers;
  readonly metrics: Metrics;
  readonly log: Log;
}

const TAKEN_AT_ONCE = 500;
const IDLE_MS = 500;
const FIRST_BACK_OFF_MS = 500;
const LAST_BACK_OFF_MS = 5_000;
const MEASURE_EVERY_MS = 5_000;
/** A store that does not answer must not hold up the end: what it does not take stays here, for others or the next start. */
const STOP_PATIENCE_MS = 1_500;

const TAKES_BACK = `(entry->>'kind' = 'remove' or coalesce(entry->>'takesBack', '') = 'true')`;

interface Row {
  readonly id: string;
  readonly entry: ActivityEntry;
}

export class PostgresActivityOutbox implements ActivityOutbox {
  readonly #options: PostgresActivityOutboxOptions;
  readonly #stops: (() => void)[] = [];
  #cancelNext: (() => void) | undefined;
  #pass: Promise<void> = Promise.resolve();
  #isStopped = false;
  #backOffMs = 0;
  #waiting = 0;
  #lagMs = 0;
  #setAside = 0;
  #failures = 0;

  constructor(options: PostgresActivityOutboxOptions) {
    this.#options = options;
    const { metrics } = options;
    const gauge = (name: string, help: string, read: () => number): void =>
      metrics.gauge({ name: `earshot_activity_outbox_${name}`, help }, read);
    gauge('entries', 'Entries of the listening history that wait for its store.', () => {
      return this.#waiting;
    });
    gauge(
      'lag_seconds',
      'Age of the oldest entry of the listening history that waits for its store.',
      () => this.#lagMs / 1_000,
    );
    gauge(
      'set_aside_entries',
      'Entries of the listening history that its store will never take.',
      () => this.#setAside,
    );
    metrics.total(
      {
        name: 'earshot_activity_outbox_batches_failed_total',
        help: 'Batches that the store of the listening history did not take, and that are tried again.',
      },
      () => this.#failures,
    );
  }

  async add(entries: readonly ActivityEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const { sql, maxEntries, now } = this.#options;
    // What takes something back is always taken in: that must not stay to be seen because too much else waits.
    const counted = entries.filter((entry) => !takesBack(entry)).length;
    const added = await sql.rows<{ readonly id: string }>(
      `insert into activity_outbox (user_id, at, entry)
       select (e->>'userId')::uuid, ?::float8, e from jsonb_array_elements(?::jsonb) e
       where ?::int = 0 or ?::int + (select count(*) from (
         select from activity_outbox where rejected is null and not ${TAKES_BACK} limit ?) held) <= ?
       returning id`,
      [now(), JSON.stringify(entries), counted, counted, maxEntries + 1, maxEntries],
    );
    if (added.length === 0) throw new ActivityOutboxFull();
    if (this.#backOffMs === 0) this.#next(0);
  }

  /** What waits about a person is not told any more. */
  async forget(userId: UserId): Promise<void> {
    await this.#options.sql.rows('delete from activity_outbox where user_id = ?', [userId]);
  }

  /** Works it off until `stop`, however long either store is away. Never throws. */
  start(): void {
    const { timers } = this.#options;
    this.#stops.push(timers.every(MEASURE_EVERY_MS, () => void this.#measure()));
    void this.#measure();
    this.#next(0);
  }

  /** Hands on once what is there, as of a time in which it had another store to go to. Rejects with `StoreUnavailable` */
  async drain(): Promise<void> {
    while ((await this.#work(TAKEN_AT_ONCE)) > 0 && !this.#isStopped);
  }

  /** Ends what is under way, if it ends within a moment; what is left is worked off by others, or after the next start. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelNext?.();
    for (const stop of this.#stops.splice(0)) stop();
    await endsWithin(this.#options.timers, STOP_PATIENCE_MS, this.#pass);
  }

  #next(delayMs: number): void {
    if (this.#isStopped) return;
    this.#cancelNext?.();
    this.#cancelNext = this.#options.timers.after(delayMs, () => {
      // One at a time: what comes meanwhile is seen by the next.
      this.#pass = this.#pass.then(() => this.#runPass());
    });
  }

  async #runPass(): Promise<void> {
    if (this.#isStopped) return;
    try {
      const taken = await this.#work(TAKEN_AT_ONCE);
      if (this.#backOffMs > 0) this.#options.log.info({}, 'the listening history goes on');
      this.#backOffMs = 0;
      this.#next(taken === TAKEN_AT_ONCE ? 0 : IDLE_MS);
    } catch (error) {
      this.#failed(error);
      this.#next(this.#backOffMs);
    }
  }

  /** @returns how many entries are done with */
  #work(limit: number): Promise<number> {
    return this.#options.sql.transaction(async (rows) => {
      // Those that another node is at are its own.
      const taken = await rows<Row>(
        // What nobody is to see is told before all else: a mark, or a higher version, keeps out what is told after it.
        `select id, entry from activity_outbox where rejected is null
         order by (entry->>'kind' = 'remove' or coalesce(entry->>'isPrivate', '') = 'true') desc, at, id limit ? for update skip locked`,
        [limit],
      );
      if (taken.length > 0) await this.#tell(rows, taken);
      return taken.length;
    });
  }

  /** Of a batch with a fault in it, the others must not stay out for it. */
  async #tell(rows: Rows, taken: readonly Row[]): Promise<void> {
    try {
      await this.#options.activityLog.append(taken.map(({ entry }) => entry));
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error;
      if (taken.length > 1) {
        const half = Math.ceil(taken.length / 2);
        await this.#tell(rows, taken.slice(0, half));
        await this.#tell(rows, taken.slice(half));
        return;
      }
      await this.#setApart(rows, taken, error);
      return;
    }
    await rows('delete from activity_outbox where id = any(?::uuid[])', [
      taken.map(({ id }) => id),
    ]);
  }

  async #setApart(rows: Rows, taken: readonly Row[], error: unknown): Promise<void> {
    const why = error instanceof Error ? error.message : String(error);
    const ids = taken.map(({ id }) => id);
    this.#options.log.error(
      { err: error, ids },
      'an entry of the listening history cannot be taken by its store, and is set aside',
    );
    await rows('update activity_outbox set rejected = ? where id = any(?::uuid[])', [why, ids]);
  }

  #failed(error: unknown): void {
    this.#failures += 1;
    const { log } = this.#options;
    if (!(error instanceof StoreUnavailable))
      log.error({ err: error }, 'the listening history could not be handed on, and is tried again');
    else if (this.#backOffMs === 0) log.warn({ err: error }, 'the listening history waits');
    this.#backOffMs = Math.min(LAST_BACK_OFF_MS, this.#backOffMs * 2 || FIRST_BACK_OFF_MS);
  }

  async #measure(): Promise<void> {
    try {
      const [row] = await this.#options.sql.rows<{
        readonly waiting: number;
        readonly oldest: number | null;
        readonly rejected: number;
      }>(
        `select count(*) filter (where rejected is null)::int as waiting,
           min(at) filter (where rejected is null) as oldest,
           count(*) filter (where rejected is not null)::int as rejected from activity_outbox`,
      );
      if (row === undefined) return;
      this.#waiting = row.waiting;
      this.#setAside = row.rejected;
      this.#lagMs = row.oldest === null ? 0 : Math.max(0, this.#options.now() - row.oldest);
    } catch (error) {
      // What was measured last stays: whoever adds or works it off tells that Postgres is away.
      if (error instanceof StoreUnavailable) return;
      this.#options.log.error({ err: error }, 'the outbox of listening cannot be measured');
    }
  }
}
