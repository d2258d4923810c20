// What an operator has taken back, in Postgres.
import type { UserId } from '../../../protocol/ids.ts';
import {
  subjectOf,
  type Revocation,
  type RevocationChange,
  type RevocationDraft,
  type RevocationSubject,
  type Revocations,
} from '../../ports/revocations.ts';
import type { Sql } from './sql.ts';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Those that have ended are kept as long, so that every node hears of it. */
const KEPT_AFTER_MS = 86_400_000;
const COLUMNS = 'id, kind, subject, at, ends_at, "by", reason, changed_at';
/** One clock for all nodes. */
const NOW = 'extract(epoch from clock_timestamp()) * 1000';

interface Row {
  readonly id: string;
  readonly kind: RevocationSubject['kind'];
  readonly subject: string;
  readonly at: number;
  readonly ends_at: number | null;
  readonly by: UserId;
  readonly reason: string | null;
  readonly changed_at: number;
}

export class PostgresRevocations implements Revocations {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  async add(draft: RevocationDraft): Promise<Revocation> {
    const { kind, at, endsAt, by, reason } = draft;
    await this.#sql.rows('delete from revocation where ends_at < ?', [at - KEPT_AFTER_MS]);
    const [row] = await this.#sql.rows<Row>(
      `insert into revocation (kind, subject, at, ends_at, "by", reason, changed_at)
       values (?, ?, ?, ?, ?, ?, ${NOW})
       on conflict (kind, subject) do update set at = excluded.at, ends_at = excluded.ends_at, "by" = excluded."by",
         reason = excluded.reason, changed_at = excluded.changed_at
       returning ${COLUMNS}`,
      [kind, subjectOf(draft), at, endsAt ?? null, by, reason ?? null],
    );
    if (row === undefined) throw new Error('an inserted row was not answered');
    return revocationOf(row);
  }

  async lift(id: string, at: number): Promise<Revocation | undefined> {
    if (!UUID.test(id)) return undefined;
    const [row] = await this.#sql.rows<Row>(
      `update revocation set ends_at = ?, changed_at = ${NOW}
       where id = ? and (ends_at is null or ends_at > ?) returning ${COLUMNS}`,
      [at, id, at],
    );
    return row && revocationOf(row);
  }

  async changes(since: number | undefined, at: number): Promise<readonly RevocationChange[]> {
    const rows = await this.#sql.rows<Row>(
      `select ${COLUMNS} from revocation
       where ${since === undefined ? 'ends_at is null or ends_at > ?' : 'changed_at >= ?'}`,
      [since ?? at],
    );
    return rows.map((row) => ({ revocation: revocationOf(row), changedAt: row.changed_at }));
  }

  async page(at: number, limit: number, after?: string): Promise<readonly Revocation[]> {
    const rows = await this.#sql.rows<Row>(
      `select ${COLUMNS} from revocation where (ends_at is null or ends_at > ?)
       ${after === undefined ? '' : 'and id > ?'} order by id limit ?`,
      [at, ...(after === undefined ? [] : [after]), limit],
    );
    return rows.map((row) => revocationOf(row));
  }
}

function revocationOf({ id, kind, subject, at, ends_at: endsAt, by, reason }: Row): Revocation {
  const rest = { id, at, endsAt: endsAt ?? undefined, by, reason: reason ?? undefined };
  return kind === 'token'
    ? { ...rest, kind, tokenId: subject }
    : { ...rest, kind, userId: subject as UserId };
}
