// The rooms' chat in Postgres: numbered here, committed in groups. Knows nothing of who may write.
import type { HubMs, RoomId, UserId } from '../../../protocol/ids.ts';
import type { ChatItem } from '../../../protocol/schemas/pushes.ts';
import type { ChatDraft, ChatLog, ChatRange } from '../../ports/chat-log.ts';
import { GroupCommit } from './group-commit.ts';
import { forgetInChat } from './postgres-traces.ts';
import { isUniqueViolation, toIntColumn, type Sql } from './sql.ts';

const KEY_LIFE_MS = 600_000;
const MAX_ITEMS_PER_COMMIT = 500;
/** Another writer took the same numbers so many times in a row: then the appends are tried one by one. */
const MAX_ATTEMPTS = 3;

interface Said {
  readonly roomId: RoomId;
  readonly draft: ChatDraft;
  readonly at: HubMs;
  readonly key: string | undefined;
}

interface Appended {
  readonly item: ChatItem;
  readonly repeated: boolean;
}

interface Row {
  readonly room_id: RoomId;
  readonly seq: number;
  readonly at: number;
  readonly kind: 'message' | 'deletion';
  readonly user_id: UserId;
  readonly name: string | null;
  readonly text: string | null;
  readonly deleted: boolean;
  readonly target: number | null;
  readonly key: string | null;
}

const COLUMNS = 'room_id, seq, at, kind, user_id, name, text, deleted, target, key';

const INSERT = `with input as (select value as doc from (values (?::jsonb)) v(value)),
erased as (
  update chat_item c set text = '', deleted = true
  from input, jsonb_to_recordset(doc->'targets') as t(room_id uuid, seq int)
  where c.room_id = t.room_id and c.seq = t.seq and c.kind = 'message')
insert into chat_item (${COLUMNS})
select ${COLUMNS} from input, jsonb_to_recordset(doc->'rows') as r(
  room_id uuid, seq int, at float8, kind text, user_id uuid, name text, text text, deleted boolean, target int, key text)`;

function itemOf(row: Row): ChatItem {
  const { seq, at } = row;
  if (row.kind === 'deletion') {
    return { kind: 'deletion', seq, at, by: row.user_id, target: row.target ?? 0 };
  }
  return {
    kind: 'message',
    seq,
    at,
    userId: row.user_id,
    name: row.name ?? '',
    text: row.text ?? '',
    ...(row.deleted ? { deleted: true } : {}),
  };
}

function rowOf({ roomId, draft, at, key }: Said, seq: number): Row {
  const isMessage = draft.kind === 'message';
  return {
    room_id: roomId,
    seq,
    at,
    kind: draft.kind,
    user_id: isMessage ? draft.userId : draft.by,
    name: isMessage ? draft.name : null,
    text: isMessage ? draft.text : null,
    deleted: false,
    target: isMessage ? null : draft.target,
    key: key ?? null,
  };
}

export class PostgresChatLog implements ChatLog {
  readonly #sql: Sql;
  readonly #commits: GroupCommit<Said, Appended>;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#commits = new GroupCommit({
      commit: (said) => this.#commit(said),
      maxItems: MAX_ITEMS_PER_COMMIT,
    });
  }

  append(
    roomId: RoomId,
    draft: ChatDraft,
    at: HubMs,
    key?: string,
  ): Promise<{ readonly item: ChatItem; readonly repeated: boolean }> {
    return this.#commits.add({ roomId, draft, at, key });
  }

  after(roomId: RoomId, seq: number, limit: number): Promise<ChatRange> {
    return this.#range(roomId, 'seq > ?', toIntColumn(seq), limit);
  }

  before(roomId: RoomId, seq: number, limit: number): Promise<ChatRange> {
    return this.#range(roomId, 'seq < ?', toIntColumn(seq), limit);
  }

  async find(roomId: RoomId, seq: number): Promise<ChatItem | undefined> {
    const [row] = await this.#sql.rows<Row>(
      `select ${COLUMNS} from chat_item where room_id = ? and seq = ?`,
      [roomId, toIntColumn(seq)],
    );
    return row === undefined ? undefined : itemOf(row);
  }

  async newest(roomIds: readonly RoomId[]): Promise<readonly (ChatItem | undefined)[]> {
    const rows = await this.#sql.rows<Row>(
      `select c.* from unnest(?::uuid[]) as r(room_id), lateral (
         select ${COLUMNS} from chat_item i where i.room_id = r.room_id order by i.seq desc limit 1) c`,
      [[...new Set(roomIds)]],
    );
    const byRoom = new Map(rows.map((row) => [row.room_id, itemOf(row)]));
    return roomIds.map((roomId) => byRoom.get(roomId));
  }

  /** It loses nothing. */
  restore(): Promise<void> {
    return Promise.resolve();
  }

  /** One process writes here, so there is nobody else to tell of. */
  subscribe(): () => void {
    return () => undefined;
  }

  async #range(roomId: RoomId, where: string, seq: number, limit: number): Promise<ChatRange> {
    // One statement: a message said between two would give a newest number that the items do not reach.
    const [found] = await this.#sql.rows<{ readonly items: Row[]; readonly last_seq: number }>(
      `select coalesce((select max(seq) from chat_item where room_id = ?), 0) as last_seq, coalesce((
         select jsonb_agg(i order by i.seq) from (
           select ${COLUMNS} from chat_item where room_id = ? and ${where} order by seq desc limit ?) i), '[]') as items`,
      [roomId, roomId, seq, limit],
    );
    return { items: (found?.items ?? []).map(itemOf), lastSeq: found?.last_seq ?? 0 };
  }

  async #commit(said: readonly Said[]): Promise<readonly Appended[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#tryCommit(said);
      } catch (error) {
        if (attempt === MAX_ATTEMPTS || !isUniqueViolation(error)) throw error;
      }
    }
  }

  async #tryCommit(said: readonly Said[]): Promise<readonly Appended[]> {
    const lastSeqs = await this.#lastSeqs(said.map(({ roomId }) => roomId));
    const keyed = await this.#keyed(said);
    const rows: Row[] = [];
    const targets: { room_id: RoomId; seq: number }[] = [];
    const appended = said.map((one): Appended => {
      const { roomId, draft, at, key } = one;
      const first = key === undefined ? undefined : keyed.get(`${roomId} ${key}`);
      if (first !== undefined && at - first.at < KEY_LIFE_MS) {
        return { item: itemOf(first), repeated: true };
      }
      const seq = (lastSeqs.get(roomId) ?? 0) + 1;
      lastSeqs.set(roomId, seq);
      const row = rowOf(one, seq);
      rows.push(row);
      if (key !== undefined) keyed.set(`${roomId} ${key}`, row);
      if (draft.kind === 'deletion') targets.push({ room_id: roomId, seq: draft.target });
      return { item: itemOf(row), repeated: false };
    });
    // A target of this very commit is not in the table yet, where the update would find it.
    const isErased = ({ room_id, seq, kind }: Row): boolean =>
      kind === 'message' && targets.some((t) => t.room_id === room_id && t.seq === seq);
    const written = rows.map((row) => (isErased(row) ? { ...row, text: '', deleted: true } : row));
    if (written.length > 0) {
      await this.#sql.rows(INSERT, [JSON.stringify({ rows: written, targets })]);
    }
    return appended;
  }

  forget(roomId: RoomId, userId: UserId, as: UserId): Promise<void> {
    return this.#sql.transaction((rows) => forgetInChat(rows, roomId, userId, as));
  }

  async #lastSeqs(roomIds: readonly RoomId[]): Promise<Map<RoomId, number>> {
    const rows = await this.#sql.rows<{ readonly room_id: RoomId; readonly seq: number }>(
      `select r.room_id, coalesce((select max(seq) from chat_item c where c.room_id = r.room_id), 0) as seq
       from unnest(?::uuid[]) as r(room_id)`,
      [[...new Set(roomIds)]],
    );
    return new Map(rows.map(({ room_id, seq }) => [room_id, seq]));
  }

  /** The newest item of each key that is asked for, by room and key. */
  async #keyed(said: readonly Said[]): Promise<Map<string, Row>> {
    const withKey = said.filter(({ key }) => key !== undefined);
    if (withKey.length === 0) return new Map();
    const rows = await this.#sql.rows<Row>(
      `select ${COLUMNS} from chat_item where (room_id, key) in (
         select * from unnest(?::uuid[], ?::text[])) order by seq`,
      [withKey.map(({ roomId }) => roomId), withKey.map(({ key }) => key)],
    );
    return new Map(rows.map((row) => [`${row.room_id} ${row.key ?? ''}`, row]));
  }
}
