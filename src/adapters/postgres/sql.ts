// One way to run SQL: on MikroORM's connections, with failures of the connection told apart from faults of the statement.
import type { EntityManager, Knex } from '@mikro-orm/postgresql';
import { StoreUnavailable } from '../../ports/room-log.ts';
import type { Orm } from './orm.ts';

/** Answers of Postgres that say that it is not there, or not for us now, as one that only reads; by SQLSTATE class or code. */
const AWAY_STATES = /^(08|25006|53|57P0|58)/;
const AWAY_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
const AWAY_MESSAGES =
  /Connection terminated|Connection ended|timeout expired|Timeout acquiring a connection|Unable to acquire a connection|Client has encountered a connection error|not queryable|read timeout|aborted/i;
/** Written by two at once: the statement did nothing, and may be tried again. */
const RACED_STATES = new Set(['40001', '40P01']);

const FIRST_BACK_OFF_MS = 100;
const LAST_BACK_OFF_MS = 5_000;

function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

/** Whether the error is about reaching the database rather than about what was asked of it. */
export function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = codeOf(error);
  return AWAY_STATES.test(code) || AWAY_CODES.has(code) || AWAY_MESSAGES.test(error.message);
}

export function isRaced(error: unknown): boolean {
  return RACED_STATES.has(codeOf(error));
}

/** By SQLSTATE. */
export function isState(error: unknown, state: string): boolean {
  return codeOf(error) === state;
}

/** A value that is none to the function it is given to, as a time zone that this server does not know. */
function isNoValue(error: unknown): boolean {
  return isState(error, '22023');
}

export function isUniqueViolation(error: unknown): boolean {
  return isState(error, '23505');
}

/** A number that a client asked for may be larger than any that the column holds; compared with one, it means the same at its end. */
export function toIntColumn(asked: number): number {
  return Math.max(-1, Math.min(asked, 2 ** 31 - 1));
}

/** Runs one statement with `?` for each binding and answers its rows. */
export type Rows = <Row extends object>(
  text: string,
  bindings?: readonly unknown[],
) => Promise<Row[]>;

/**
 * Statements on the pool. After a failure to connect the next ones fail at once until a back-off has passed, so that a database that
 * is away is not hammered; any statement after that tries again.
 */
export class Sql {
  readonly #orm: Orm;
  #awayUntilMs = 0;
  #backOffMs = 0;
  #cause: unknown;

  constructor(orm: Orm) {
    this.#orm = orm;
  }

  /**
   * Runs one statement with `?` for each binding and answers its rows.
   * Rejects with `StoreUnavailable` where the database cannot be reached; with a `RangeError` for a value that the database does not
   * know, as the name of a time zone; with the driver's error for another fault of the statement.
   */
  async rows<Row extends object>(text: string, bindings: readonly unknown[] = []): Promise<Row[]> {
    return this.#guard(async () => {
      const result: unknown = await this.#orm.em
        .getConnection()
        .getKnex()
        .raw(text, bindings as (string | number)[]);
      return (result as { rows: Row[] }).rows;
    });
  }

  /** Runs `work` with an entity manager of its own, its failures told apart as by `rows`. */
  async managed<T>(work: (em: EntityManager) => Promise<T>): Promise<T> {
    return this.#guard(() => work(this.#orm.em.fork()));
  }

  /**
   * Runs `work`, whose statements are one transaction. Its failures are told apart as by `rows`.
   * @param work may run again only after it has failed; whatever it throws, nothing stays of its statements
   */
  async transaction<T>(work: (rows: Rows) => Promise<T>): Promise<T> {
    // Of the connection, not of an entity manager: that works by an AsyncLocalStorage, which makes each promise of the process dearer for good.
    const begun = (transaction: Knex.Transaction): Promise<T> =>
      work(async <Row extends object>(text: string, bindings: readonly unknown[] = []) => {
        const result: unknown = await transaction.raw(text, bindings as (string | number)[]);
        return (result as { rows: Row[] }).rows;
      });
    return this.#guard(() => this.#orm.em.getConnection().transactional(begun));
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    if (performance.now() < this.#awayUntilMs) {
      throw new StoreUnavailable('Postgres', { cause: this.#cause });
    }
    const awayUntilMs = this.#awayUntilMs;
    try {
      const result = await work();
      this.#backOffMs = 0;
      return result;
    } catch (error) {
      if (isNoValue(error)) throw new RangeError('Postgres knows no such value', { cause: error });
      if (!isAway(error)) throw error;
      this.#cause = error;
      // All that is under way fails with the connections: that is one failure, and no reason to wait longer.
      if (this.#awayUntilMs === awayUntilMs) {
        this.#backOffMs = Math.min(LAST_BACK_OFF_MS, this.#backOffMs * 2 || FIRST_BACK_OFF_MS);
        this.#awayUntilMs = performance.now() + this.#backOffMs;
      }
      throw new StoreUnavailable('Postgres', { cause: error });
    }
  }
}
