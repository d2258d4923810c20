// Writes what the rooms' live log has done into the tables of Postgres, as often as it is told. Knows not how it is told.
import type { RoomId } from '../../../protocol/ids.ts';
import { NOTHING_HEARD_IN_ROOM, type HeardRoom } from '../../domain/session-record.ts';
import type { RoomState } from '../../domain/room-state.ts';
import type { ArchiveEntry, ArchiveWriter } from '../../ports/archive-writer.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import { StoreUnavailable, type LoadedRoom, type RoomLog } from '../../ports/room-log.ts';
import { addAdoption, moveEvents, reconcileRecord, setLostApart } from './adoption-writes.ts';
import { appendStatement, emptyWrites, type Statement } from './append-statement.ts';
import { addWrites } from './append-writes.ts';
import {
  Unbridgeable,
  planRoom,
  type RoomEntry,
  type RoomPlan,
  type Step,
} from './archive-plan.ts';
import { chatStatements } from './archived-chat.ts';
import { isRaced, type Rows, type Sql } from './sql.ts';

/** Rooms whose state is kept, so that it need not be loaded for each batch. */
const CACHED_ROOMS = 1_000;
/** One of which nothing has come for so long is let go with the next batch: with all that was played there a room may be 300 KB. */
const CACHED_MS = 600_000;
/** Rooms that are looked up at the same time: others wait for the database's connections too. */
const CONCURRENT_PLANS = 4;
/** Another archiver may be at the same rooms for a moment, as when this one was taken for dead. */
const MAX_ATTEMPTS = 4;

export interface PostgresArchiverOptions {
  readonly sql: Sql;
  /** What has been archived. */
  readonly archive: Pick<RoomLog, 'load'>;
  /** Where the entries come from: asked for what is missing between them. */
  readonly live: Pick<RoomLog, 'load' | 'read'>;
  readonly metrics: Metrics;
  readonly log: Log;
  /** A monotonic clock, ms; by itself that of the process. */
  readonly now?: () => number;
}

/** The archive does not end any more where it was found to end. Nothing was written. */
class Moved extends Error {
  readonly roomIds: readonly RoomId[];

  constructor(roomIds: readonly RoomId[]) {
    super(`the archive has moved under rooms ${roomIds.join(', ')}`);
    this.roomIds = roomIds;
  }
}

export class PostgresArchiver implements ArchiveWriter {
  readonly #options: PostgresArchiverOptions;
  /** Least recently used first. */
  readonly #rooms = new Map<RoomId, { readonly room: LoadedRoom; readonly usedAt: number }>();
  readonly #now: () => number;
  #holes = 0;

  constructor(options: PostgresArchiverOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    options.metrics.total(
      {
        name: 'earshot_archive_holes_total',
        help: 'Times the archive lacked what came before an entry, and took it from the rooms’ log.',
      },
      () => this.#holes,
    );
  }

  async apply(entries: readonly ArchiveEntry[]): Promise<readonly (Error | undefined)[]> {
    if (entries.length === 0) return [];
    try {
      await this.#applyAll(entries);
      return entries.map(() => undefined);
    } catch (error) {
      for (const { roomId } of entries) this.#rooms.delete(roomId);
      if (!isOfEntries(error)) throw error;
      if (entries.length === 1) return [error];
    }
    // One of them is at fault, and which one the error does not say: its neighbours must not stay out for it.
    const half = Math.ceil(entries.length / 2);
    const first = await this.apply(entries.slice(0, half));
    return [...first, ...(await this.apply(entries.slice(half)))];
  }

  async #applyAll(entries: readonly ArchiveEntry[]): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const plans = await this.#planned(entries);
        await this.#options.sql.transaction((rows) => write(rows, plans, entries));
        for (const [roomId, { after }] of plans) this.#keep(roomId, after);
        return;
      } catch (error) {
        const isMoved = error instanceof Moved;
        if (attempt === MAX_ATTEMPTS || (!isMoved && !isRaced(error))) throw error;
        const roomIds = isMoved ? error.roomIds : entries.map(({ roomId }) => roomId);
        for (const roomId of roomIds) this.#rooms.delete(roomId);
      }
    }
  }

  async #planned(entries: readonly ArchiveEntry[]): Promise<ReadonlyMap<RoomId, RoomPlan>> {
    const byRoom = new Map<RoomId, RoomEntry[]>();
    for (const entry of entries) {
      if (entry.kind === 'chat') continue;
      const ofRoom = byRoom.get(entry.roomId);
      if (ofRoom === undefined) byRoom.set(entry.roomId, [entry]);
      else ofRoom.push(entry);
    }
    const plans = new Map<RoomId, RoomPlan>();
    const left = byRoom.entries();
    const planner = async (): Promise<void> => {
      for (const [roomId, ofRoom] of left) plans.set(roomId, await this.#plan(roomId, ofRoom));
    };
    await Promise.all(Array.from({ length: CONCURRENT_PLANS }, planner));
    return plans;
  }

  async #plan(roomId: RoomId, entries: readonly RoomEntry[]): Promise<RoomPlan> {
    const { archive, live, log } = this.#options;
    const archived = this.#rooms.get(roomId)?.room ?? (await archive.load(roomId));
    const plan = await planRoom(archived, entries, live);
    for (const hole of plan.holes) {
      this.#holes += 1;
      log.error({ roomId, ...hole }, 'the archive lacked what came before an entry');
    }
    return plan;
  }

  #keep(roomId: RoomId, room: LoadedRoom | undefined): void {
    const now = this.#now();
    this.#rooms.delete(roomId);
    if (room !== undefined) this.#rooms.set(roomId, { room, usedAt: now });
    for (const [oldest, { usedAt }] of this.#rooms) {
      if (this.#rooms.size <= CACHED_ROOMS && usedAt > now - CACHED_MS) return;
      this.#rooms.delete(oldest);
    }
  }
}

/**
 * Whether it is the entries that cannot be written, now or ever, rather than anything: only then may they be set aside. By SQLSTATE class:
 * data that no column holds, constraints, limits of the program. A table that is missing or read-only will be mended.
 */
function isOfEntries(error: unknown): error is Error {
  if (!(error instanceof Error) || error instanceof StoreUnavailable) return false;
  if (error instanceof Unbridgeable || error instanceof Moved) return true;
  if (error instanceof TypeError || error instanceof RangeError) return true;
  return 'code' in error && typeof error.code === 'string' && /^(22|23|54)/.test(error.code);
}

async function write(
  rows: Rows,
  plans: ReadonlyMap<RoomId, RoomPlan>,
  entries: readonly ArchiveEntry[],
): Promise<void> {
  const rounds = Math.max(0, ...[...plans.values()].map(({ steps }) => steps.length));
  for (let round = 0; round < rounds; round += 1) {
    const steps = [...plans.values()].flatMap(({ steps: all }) => all[round] ?? []);
    await writeRound(rows, steps);
  }
  const chat = entries.filter((entry) => entry.kind === 'chat');
  for (const statement of chatStatements(chat)) await run(rows, statement);
}

/** @param steps at most one for each room */
async function writeRound(rows: Rows, steps: readonly Step[]): Promise<void> {
  const heard = await heardBefore(rows, steps.map(roomOf));
  const writes = emptyWrites();
  for (const step of steps) {
    const before = heard.get(roomOf(step)) ?? NOTHING_HEARD_IN_ROOM;
    if (step.kind === 'append') {
      addWrites(writes, step.append, withTitles(before, step.before));
    } else {
      const { roomId, events } = step.adoption;
      const known = await knownEvents(
        rows,
        roomId,
        events.map(({ event }) => event.id),
      );
      await run(rows, moveEvents(roomId, events));
      for (const statement of setLostApart(step.adoption)) await run(rows, statement);
      addAdoption(writes, step.adoption, (eventId) => known.has(eventId), before);
    }
  }
  const done = await run(rows, appendStatement(writes, { isReplay: true }));
  const written = new Set(done.map(({ id }) => id));
  const missed = steps.map(roomOf).filter((roomId) => !written.has(roomId));
  if (missed.length > 0) throw new Moved(missed);
  for (const step of steps) {
    if (step.kind === 'adopt') await run(rows, reconcileRecord(step.adoption));
  }
}

function roomOf(step: Step): RoomId {
  return step.kind === 'append' ? step.append.roomId : step.adoption.roomId;
}

function run(rows: Rows, { text, bindings }: Statement): Promise<{ readonly id: string }[]> {
  return rows(text, bindings);
}

/** An entry that was queued before a batch may be played and removed within it: then its title is in the state before alone. */
function withTitles(heard: HeardRoom, before: RoomState | undefined): HeardRoom {
  const titles = Object.entries(before?.public.queue ?? {}).map(
    ([id, { title, artist }]) => [id, { title, artist }] as const,
  );
  return { ...heard, titles: { ...Object.fromEntries(titles), ...heard.titles } };
}

async function heardBefore(
  rows: Rows,
  roomIds: readonly RoomId[],
): Promise<ReadonlyMap<string, HeardRoom>> {
  const found = await rows<{ readonly id: string; readonly heard: HeardRoom | null }>(
    'select id, heard from room where id = any(?::uuid[])',
    [roomIds],
  );
  return new Map(found.map(({ id, heard }) => [id, heard ?? NOTHING_HEARD_IN_ROOM]));
}

async function knownEvents(
  rows: Rows,
  roomId: RoomId,
  eventIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const found = await rows<{ readonly event_id: string }>(
    'select event_id from room_event where room_id = ? and event_id = any(?::text[])',
    [roomId, eventIds],
  );
  return new Set(found.map(({ event_id }) => event_id));
}
