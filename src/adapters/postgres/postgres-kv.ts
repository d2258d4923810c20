// Small facts of the service that must outlive it: when it was last alive, the secret it signs with.
import type { JsonValue } from '../../../protocol/merge-patch.ts';
import type { Sql } from './sql.ts';

export class PostgresKv {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  async get(key: string): Promise<JsonValue | undefined> {
    const [row] = await this.#sql.rows<{ readonly value: JsonValue }>(
      'select value from kv where key = ?',
      [key],
    );
    return row?.value;
  }

  /** Durable when it resolves. */
  async set(key: string, value: JsonValue): Promise<void> {
    await this.#sql.rows(
      'insert into kv (key, value) values (?, ?::jsonb) on conflict (key) do update set value = excluded.value',
      [key, JSON.stringify(value)],
    );
  }

  /** Sets what is not set yet. @returns what it is now, by whoever came first */
  async setOnce(key: string, value: JsonValue): Promise<JsonValue> {
    await this.#sql.rows(
      'insert into kv (key, value) values (?, ?::jsonb) on conflict (key) do nothing',
      [key, JSON.stringify(value)],
    );
    return (await this.get(key)) ?? value;
  }
}
