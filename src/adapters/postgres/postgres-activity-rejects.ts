// What the store of listening has refused for good, in the outbox before it: looked at, given to it again, or forgotten.
import type { Sql } from './sql.ts';

export interface ActivityReject {
  readonly id: string;
  /** Why the store refused it. */
  readonly reason: string;
  /** As it was told; nothing is known of its shape. */
  readonly entry: unknown;
}

const AT_ONCE = 500;

export class PostgresActivityRejects {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** All of them, by their ids. Rejects with `StoreUnavailable`. */
  async *all(): AsyncIterable<ActivityReject> {
    let after: string | null = null;
    for (;;) {
      const page: readonly ActivityReject[] = await this.#sql.rows<ActivityReject>(
        `select id, rejected as reason, entry from activity_outbox
         where rejected is not null and (?::uuid is null or id > ?::uuid) order by id limit ?`,
        [after, after, AT_ONCE],
      );
      yield* page;
      const last = page.at(-1);
      if (last === undefined || page.length < AT_ONCE) return;
      after = last.id;
    }
  }

  /**
   * Gives an entry to the store again, which whichever node works on the outbox then does.
   * @returns false where there is none. Rejects with `StoreUnavailable`
   */
  async retry(id: string): Promise<boolean> {
    const freed = await this.#sql.rows(
      'update activity_outbox set rejected = null where id = ?::uuid and rejected is not null returning 1',
      [id],
    );
    return freed.length > 0;
  }

  /** Forgets an entry. @returns undefined where there is none. Rejects with `StoreUnavailable` */
  async drop(id: string): Promise<ActivityReject | undefined> {
    const [dropped] = await this.#sql.rows<ActivityReject>(
      `delete from activity_outbox where id = ?::uuid and rejected is not null
       returning id, rejected as reason, entry`,
      [id],
    );
    return dropped;
  }
}
