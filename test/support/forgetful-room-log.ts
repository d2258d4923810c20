// A rooms' log that can lose its end, as a store does whose replica took over: the contract's `moved` and `restore`, in memory.
import type { EventId, RoomCode, RoomId } from '../../protocol/ids.ts';
import type { JsonObject } from '../../protocol/merge-patch.ts';
import { planRestore, type Lineage } from '../../src/adapters/redis/restore-plan.ts';
import type { RoomEvent } from '../../src/domain/room-event.ts';
import type { RoomState } from '../../src/domain/room-state.ts';
import {
  NO_ROOM,
  isSameHead,
  type AppendResult,
  type Head,
  type HeldEvent,
  type HeldRoom,
  type IdempotencyRecord,
  type InhabitedRoom,
  type LoadedRoom,
  type ReadResult,
  type RoomLog,
} from '../../src/ports/room-log.ts';

interface Room {
  readonly head: Head;
  readonly events: readonly HeldEvent[];
  readonly state: RoomState;
  readonly keys: ReadonlyMap<string, JsonObject>;
  readonly lineage: Lineage;
  /** The server's life in which the head was written. */
  readonly run: number;
}

function baseOf({ head, lineage }: Room): number {
  return lineage.find(([epoch]) => epoch === head.epoch)?.[1] ?? 0;
}

function loadedOf({ head, state, events }: Pick<Room, 'head' | 'state' | 'events'>): LoadedRoom {
  return { head, state, recent: events };
}

export class ForgetfulRoomLog implements RoomLog {
  readonly #rooms = new Map<RoomId, Room>();
  /** Each room as every write left it. */
  readonly #past = new Map<RoomId, Room[]>();
  #run = 1;
  readonly #codes = new Map<RoomCode, RoomId>();

  /** Another server takes over, to which the newest writes of each room have not come; the first one has. */
  failOver(lostWrites: number): void {
    this.#run += 1;
    for (const [roomId, past] of this.#past) {
      past.splice(Math.max(1, past.length - lostWrites));
      const last = past.at(-1);
      if (last !== undefined) this.#rooms.set(roomId, last);
    }
  }

  #write(roomId: RoomId, room: Room): void {
    this.#rooms.set(roomId, room);
    const past = this.#past.get(roomId) ?? [];
    past.push(room);
    this.#past.set(roomId, past);
  }

  /** All that the log has, in order. */
  events(roomId: RoomId): readonly RoomEvent[] {
    return (this.#rooms.get(roomId)?.events ?? []).map(({ event }) => event);
  }

  forget(): Promise<void> {
    return Promise.reject(new Error('nobody is erased here'));
  }

  load(roomId: RoomId): Promise<LoadedRoom | undefined> {
    const room = this.#rooms.get(roomId);
    return Promise.resolve(room && loadedOf(room));
  }

  append(
    roomId: RoomId,
    expected: Head,
    events: readonly RoomEvent[],
    after: RoomState,
    keys: readonly IdempotencyRecord[],
  ): Promise<AppendResult> {
    const room = this.#rooms.get(roomId);
    const used = keys.find(({ key }) => room?.keys.has(key) === true);
    const remembered = used && room?.keys.get(used.key);
    if (used !== undefined && remembered !== undefined)
      return Promise.resolve({ kind: 'duplicate', key: used.key, reply: remembered });
    if (!isSameHead(room?.head ?? NO_ROOM, expected))
      return Promise.resolve({ kind: 'conflict', head: room?.head ?? NO_ROOM });
    if (room !== undefined && room.run !== this.#run) return Promise.resolve({ kind: 'moved' });
    const head = {
      epoch: expected.epoch,
      revision: expected.revision + events.length,
      eventId: events.at(-1)?.id ?? ('' as EventId),
    };
    const placed = events.map((event, i) => ({
      epoch: head.epoch,
      revision: expected.revision + 1 + i,
      event,
    }));
    this.#write(roomId, {
      head,
      events: [...(room?.events ?? []), ...placed],
      state: after,
      keys: new Map([
        ...(room?.keys ?? []),
        ...keys.map(({ key, reply }) => [key, reply] as const),
      ]),
      lineage: room?.lineage ?? [],
      run: this.#run,
    });
    this.#codes.set(after.public.code, roomId);
    return Promise.resolve({ kind: 'committed', head });
  }

  read(
    roomId: RoomId,
    after: { readonly epoch: number; readonly revision: number; readonly eventId?: EventId | '' },
  ): Promise<ReadResult> {
    const room = this.#rooms.get(roomId);
    const { epoch, revision, eventId } = after;
    if (room?.head.epoch !== epoch || revision < baseOf(room) || revision > room.head.revision)
      return Promise.resolve({ kind: 'gone' });
    const at = room.events.findLastIndex(
      (placed) => placed.epoch < epoch || placed.revision <= revision,
    );
    if (eventId !== undefined && (room.events[at]?.event.id ?? '') !== eventId)
      return Promise.resolve({ kind: 'gone' });
    const events = room.events.slice(at + 1).map(({ event }) => event);
    return Promise.resolve({ kind: 'events', head: room.head, events });
  }

  restore(roomId: RoomId, held: HeldRoom): Promise<LoadedRoom> {
    const room = this.#rooms.get(roomId);
    const plan = planRestore(
      room && { ...room, isCurrent: room.run === this.#run },
      held,
      // Each reign has a step of its own.
      this.#run,
    );
    if (plan !== undefined) {
      const { epoch, base, tail, state, lineage } = plan;
      const placed = tail.map((each, i) => ({ ...each, epoch, revision: base + 1 + i }));
      this.#write(roomId, {
        head: {
          epoch,
          revision: base + tail.length,
          eventId: tail.at(-1)?.event.id ?? plan.baseEventId,
        },
        state,
        events: [...(room?.events ?? []), ...placed],
        keys: new Map([
          ...held.keys.map(({ key, reply }) => [key, reply] as const),
          ...(room?.keys ?? []),
        ]),
        lineage,
        run: this.#run,
      });
    }
    return this.load(roomId) as Promise<LoadedRoom>;
  }

  heads(roomIds: readonly RoomId[]): Promise<readonly Head[]> {
    return Promise.resolve(roomIds.map((roomId) => this.#rooms.get(roomId)?.head ?? NO_ROOM));
  }

  recall(roomId: RoomId, key: string): Promise<JsonObject | undefined> {
    return Promise.resolve(this.#rooms.get(roomId)?.keys.get(key));
  }

  findByCode(code: RoomCode): Promise<RoomId | undefined> {
    return Promise.resolve(this.#codes.get(code));
  }

  inhabited(): Promise<readonly InhabitedRoom[]> {
    return Promise.resolve(
      [...this.#rooms]
        .filter(([, { state }]) => state.public.hereCount > 0)
        .map(([roomId, { state }]) => ({ roomId, aliveAt: state.lastAt })),
    );
  }

  heartbeat(): Promise<void> {
    return Promise.resolve();
  }

  subscribe(): () => void {
    return () => undefined;
  }
}
