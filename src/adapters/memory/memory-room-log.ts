// The rooms' log in memory, for tests and for trying things out: everything is gone with the process.
import type { EventId, HubMs, RoomCode, RoomId, UserId } from '../../../protocol/ids.ts';
import type { JsonObject } from '../../../protocol/merge-patch.ts';
import { erasedFrom } from '../../domain/evolve-members.ts';
import { withoutPerson } from '../../domain/forget-person.ts';
import { publicEvent } from '../../domain/public-event.ts';
import type { RoomEvent } from '../../domain/room-event.ts';
import type { RoomState } from '../../domain/room-state.ts';
import {
  NO_ROOM,
  StoreUnavailable,
  isSameHead,
  type AppendResult,
  type Head,
  type IdempotencyRecord,
  type InhabitedRoom,
  type LoadedRoom,
  type ReadResult,
  type RoomLog,
} from '../../ports/room-log.ts';
import type { RoomTrace } from '../../ports/traces.ts';
import type { MemoryArchive } from './memory-archive.ts';

const KEY_LIFE_MS = 600_000;

interface Room {
  readonly head: Head;
  readonly events: readonly RoomEvent[];
  readonly state: RoomState;
  readonly keys: ReadonlyMap<string, { readonly reply: JsonObject; readonly expiresAt: HubMs }>;
}

const NOBODY = '' as UserId;

function isKeyOf(room: Room, userId: UserId): boolean {
  return [...room.keys.keys()].some((key) => key.includes(userId));
}

const EMPTY: Omit<Room, 'state'> = { head: NO_ROOM, events: [], keys: new Map() };

export class MemoryRoomLog implements RoomLog {
  readonly #archive: MemoryArchive;
  readonly #rooms = new Map<RoomId, Room>();
  readonly #codes = new Map<RoomCode, RoomId>();
  /** The newest hub time that this log was told of: a log has no clock of its own. */
  #now: HubMs = 0;
  #beatAt: HubMs = -Infinity;

  constructor(archive: MemoryArchive) {
    this.#archive = archive;
  }

  load(roomId: RoomId): Promise<LoadedRoom | undefined> {
    const room = this.#rooms.get(roomId);
    return Promise.resolve(room && { head: room.head, state: room.state });
  }

  append(
    roomId: RoomId,
    expected: Head,
    events: readonly RoomEvent[],
    after: RoomState,
    keys: readonly IdempotencyRecord[],
  ): Promise<AppendResult> {
    const room = this.#rooms.get(roomId) ?? EMPTY;
    const [first] = events;
    const last = events.at(-1);
    if (first === undefined || last === undefined) {
      return Promise.reject(new RangeError('an append has at least one event'));
    }
    const used = keys.find(({ key }) => (room.keys.get(key)?.expiresAt ?? -Infinity) > first.at);
    const remembered = used && room.keys.get(used.key);
    if (used !== undefined && remembered !== undefined) {
      return Promise.resolve({ kind: 'duplicate', key: used.key, reply: remembered.reply });
    }
    const isNew = room === EMPTY;
    const isWrongStart = isNew && (first.type !== 'RoomCreated' || this.#codes.has(first.code));
    if (!isSameHead(room.head, expected) || isWrongStart) {
      return Promise.resolve({ kind: 'conflict', head: room.head });
    }
    const head = {
      epoch: expected.epoch,
      revision: expected.revision + events.length,
      eventId: last.id,
    };
    const kept = new Map(room.keys);
    for (const { key, reply } of keys.toReversed()) {
      kept.set(key, { reply, expiresAt: first.at + KEY_LIFE_MS });
    }
    this.#rooms.set(roomId, {
      head,
      events: [...room.events, ...events],
      state: after,
      keys: kept,
    });
    this.#codes.set(after.public.code, roomId);
    this.#now = Math.max(this.#now, after.lastAt);
    this.#archive.record(roomId, events, after);
    return Promise.resolve({ kind: 'committed', head });
  }

  read(
    roomId: RoomId,
    after: { readonly epoch: number; readonly revision: number; readonly eventId?: EventId | '' },
  ): Promise<ReadResult> {
    const room = this.#rooms.get(roomId);
    const { epoch, revision, eventId } = after;
    if (
      room?.head.epoch !== epoch ||
      revision < 0 ||
      revision > room.head.revision ||
      (eventId ?? room.events[revision - 1]?.id ?? '') !== (room.events[revision - 1]?.id ?? '')
    ) {
      return Promise.resolve({ kind: 'gone' });
    }
    const events = room.events.slice(after.revision);
    return Promise.resolve({ kind: 'events', head: room.head, events });
  }

  roomsOf(userId: UserId): RoomId[] {
    return [...this.#rooms].flatMap(([roomId, room]) =>
      withoutPerson(room, userId, NOBODY) === room && !isKeyOf(room, userId) ? [] : [roomId],
    );
  }

  /** Room by room, in each the oldest first. */
  actsOf(userId: UserId): RoomTrace[] {
    return [...this.#rooms].flatMap(([roomId, { events }]) =>
      events
        .filter((event) => 'by' in event && event.by === userId)
        .map((event) => ({ kind: 'act' as const, roomId, event: publicEvent(event) })),
    );
  }

  forget(roomId: RoomId, userId: UserId, as: UserId): Promise<void> {
    const room = this.#rooms.get(roomId);
    if (room !== undefined) {
      const { head, events, state, keys } = room;
      this.#rooms.set(roomId, {
        head: { ...head, epoch: head.epoch + 1 },
        events: withoutPerson(events, userId, as),
        state: erasedFrom(state, userId, as),
        keys: new Map([...keys].filter(([key]) => !key.includes(userId))),
      });
    }
    return Promise.resolve();
  }

  /** It loses nothing. */
  async restore(roomId: RoomId): Promise<LoadedRoom> {
    const room = await this.load(roomId);
    if (room === undefined) throw new StoreUnavailable(`the log of room ${roomId}`);
    return room;
  }

  heads(roomIds: readonly RoomId[]): Promise<readonly Head[]> {
    return Promise.resolve(roomIds.map((roomId) => this.#rooms.get(roomId)?.head ?? NO_ROOM));
  }

  recall(roomId: RoomId, key: string): Promise<JsonObject | undefined> {
    const remembered = this.#rooms.get(roomId)?.keys.get(key);
    const isAlive = remembered !== undefined && remembered.expiresAt > this.#now;
    return Promise.resolve(isAlive ? remembered.reply : undefined);
  }

  findByCode(code: RoomCode): Promise<RoomId | undefined> {
    return Promise.resolve(this.#codes.get(code));
  }

  inhabited(): Promise<readonly InhabitedRoom[]> {
    return Promise.resolve(
      [...this.#rooms]
        .filter(([, { state }]) => state.public.hereCount > 0)
        .map(([roomId, { state }]) => ({
          roomId,
          aliveAt: Math.max(this.#beatAt, state.lastAt),
        })),
    );
  }

  heartbeat(at: HubMs): Promise<void> {
    this.#beatAt = at;
    this.#now = Math.max(this.#now, at);
    return Promise.resolve();
  }

  /** There is only this process. */
  subscribe(): () => void {
    return () => undefined;
  }
}
