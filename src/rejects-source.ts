// Where things lie that a store has refused for good, for the command that looks after them: each place tells of its own in one way.
import type { PostgresActivityRejects } from './adapters/postgres/postgres-activity-rejects.ts';
import type { RedisKeys } from './adapters/redis/redis-keys.ts';
import type { RedisRejects, RejectId } from './adapters/redis/redis-rejects.ts';
import type { ArchiveEntry } from './ports/archive-writer.ts';

export interface ToldReject {
  /** As a person writes it. */
  readonly id: string;
  readonly what: string;
  readonly reason: string;
}

export interface RejectsSource {
  /** What takes them when they are tried again. */
  readonly taker: string;
  /** Whether an id that a person wrote may be one of these. */
  has(id: string): boolean;
  all(): AsyncIterable<ToldReject>;
  /** @returns false where there is none */
  retry(id: string): Promise<boolean>;
  /** @returns all of it, as text; undefined where there is none */
  drop(id: string): Promise<string | undefined>;
}

/** Of the archive: `partition/id of the stream`. */
export function archiveRejects(rejects: RedisRejects, keys: RedisKeys): RejectsSource {
  const parsed = (text: string): RejectId | undefined => {
    const [, partition = '', id = ''] = /^(\d{1,4})\/(\d{1,15}-\d{1,9})$/.exec(text) ?? [];
    return id === '' || Number(partition) >= keys.partitions
      ? undefined
      : { partition: Number(partition), id };
  };
  return {
    taker: 'the archive',
    has: (id) => parsed(id) !== undefined,
    async *all() {
      for await (const { partition, id, reason, entry } of rejects.all())
        yield { id: `${partition}/${id}`, what: whatOf(entry), reason };
    },
    async retry(id) {
      const place = parsed(id);
      return place !== undefined && rejects.retry(place);
    },
    async drop(id) {
      const place = parsed(id);
      const dropped = place && (await rejects.drop(place));
      return dropped && JSON.stringify(dropped.fields);
    },
  };
}

const LISTENING = 'listening/';
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Of the listening history: `listening/id`. */
export function listeningRejects(rejects: PostgresActivityRejects): RejectsSource {
  const idOf = (text: string): string => text.slice(LISTENING.length);
  return {
    taker: 'the listening history',
    has: (id) => id.startsWith(LISTENING) && UUID.test(idOf(id)),
    async *all() {
      for await (const { id, reason, entry } of rejects.all())
        yield { id: LISTENING + id, what: kindOf(entry), reason };
    },
    retry: (id) => rejects.retry(idOf(id)),
    async drop(id) {
      const dropped = await rejects.drop(idOf(id));
      return dropped && JSON.stringify(dropped.entry);
    },
  };
}

function whatOf(entry: ArchiveEntry | undefined): string {
  if (entry === undefined) return 'unreadable';
  const room = `of room ${entry.roomId}`;
  if (entry.kind === 'chat') return `chat ${room}, item ${entry.item.seq}`;
  const { epoch, revision } = entry.head;
  return `${entry.kind} ${room}, to epoch ${epoch}, revision ${revision}`;
}

function kindOf(entry: unknown): string {
  const { kind, userId } = (entry ?? {}) as { readonly kind?: unknown; readonly userId?: unknown };
  return typeof kind === 'string' && typeof userId === 'string'
    ? `${kind} of person ${userId}`
    : 'unreadable';
}
