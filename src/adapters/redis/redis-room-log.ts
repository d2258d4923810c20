// The rooms' log in Redis, which any number of nodes share: one script per append, told to the others on the partition's channel.
import type { EventId, HubMs, RoomCode, RoomId } from '../../../protocol/ids.ts';
import type { JsonObject } from '../../../protocol/merge-patch.ts';
import { evolve } from '../../domain/evolve.ts';
import type { RoomEvent } from '../../domain/room-event.ts';
import type { RoomState } from '../../domain/room-state.ts';
import type { Log } from '../../ports/log.ts';
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
import { orAway, runScript, type RedisCommands } from './redis-commands.ts';
import type { RedisKeys } from './redis-keys.ts';
import { APPEND, LOAD, READ, RELEASE_CODE } from './room-log-scripts.ts';

const KEY_LIFE_MS = 600_000;
/** The port promises 1,000; Redis trims by whole blocks and keeps somewhat more. */
const KEPT_EVENTS = 1_000;
/** A snapshot costs its size on the wire, replaying costs a load its time: one in so many events. */
const SNAPSHOT_EVERY = 50;

export interface RedisRoomLogOptions {
  readonly redis: RedisCommands;
  /** A connection of its own: while it waits for messages, others must not wait for it. */
  readonly subscriber: RedisCommands;
  readonly keys: RedisKeys;
  /** Tells this process's appends from those of others. */
  readonly nodeId: string;
  /** How many appends of a partition may wait for the archive before further ones are refused. */
  readonly maxOutboxEntries: number;
  readonly log: Log;
}

/** What is published, and what the archive takes from the outbox. */
export interface AppendMessage {
  readonly node: string;
  readonly roomId: RoomId;
  readonly head: Head;
  readonly events: readonly RoomEvent[];
}

type Listener = (roomId: RoomId, head: Head, events: readonly RoomEvent[]) => void;

export class RedisRoomLog implements RoomLog {
  readonly #options: RedisRoomLogOptions;
  readonly #listeners = new Set<Listener>();
  /** The newest hub time that this log was told of: idempotency is by hub time, as everything is. */
  #now: HubMs = 0;

  private constructor(options: RedisRoomLogOptions) {
    this.#options = options;
  }

  /** Rejects with `StoreUnavailable` where Redis is away. */
  static async open(options: RedisRoomLogOptions): Promise<RedisRoomLog> {
    const roomLog = new RedisRoomLog(options);
    const { subscriber, keys } = options;
    for (let partition = 0; partition < keys.partitions; partition += 1) {
      await orAway(() =>
        subscriber.sSubscribe(keys.channel(partition), (message) => roomLog.#heard(message)),
      );
    }
    return roomLog;
  }

  async load(roomId: RoomId): Promise<LoadedRoom | undefined> {
    const { redis, keys } = this.#options;
    const reply = await runScript(redis, LOAD, [keys.room(roomId), keys.events(roomId)], []);
    const found = reply as readonly [string, string, string, string, string[]] | readonly [];
    if (found.length === 0) return undefined;
    const [epoch, revision, eventId, snapshot, events] = found;
    const state = JSON.parse(snapshot) as RoomState;
    return {
      head: headOf(epoch, revision, eventId),
      state: parsed(events).reduce<RoomState>(evolve, state),
    };
  }

  async append(
    roomId: RoomId,
    expected: Head,
    events: readonly RoomEvent[],
    after: RoomState,
    keys: readonly IdempotencyRecord[],
  ): Promise<AppendResult> {
    const [first] = events;
    if (first === undefined) throw new RangeError('an append has at least one event');
    if (first.type !== 'RoomCreated') return this.#append(roomId, expected, events, after, keys);
    if (!isSameHead(expected, NO_ROOM)) return this.#append(roomId, expected, events, after, keys);
    // The code is claimed first, as it lies in another partition: a claim without a room is found by nobody.
    if (!(await this.#claim(first.code, roomId))) return { kind: 'conflict', head: NO_ROOM };
    const result = await this.#append(roomId, expected, events, after, keys);
    if (result.kind !== 'committed') await this.#release(first.code, roomId);
    return result;
  }

  async read(
    roomId: RoomId,
    after: { readonly epoch: number; readonly revision: number },
  ): Promise<ReadResult> {
    const { redis, keys } = this.#options;
    const reply = await runScript(
      redis,
      READ,
      [keys.room(roomId), keys.events(roomId)],
      [String(after.epoch), String(after.revision), String(KEPT_EVENTS)],
    );
    const found = reply as readonly [string, string, string, string[]] | readonly [];
    if (found.length === 0) return { kind: 'gone' };
    const [epoch, revision, eventId, events] = found;
    return { kind: 'events', head: headOf(epoch, revision, eventId), events: parsed(events) };
  }

  async recall(roomId: RoomId, key: string): Promise<JsonObject | undefined> {
    const { redis, keys } = this.#options;
    const remembered = await orAway(() => redis.get(keys.idempotency(roomId, key)));
    if (remembered === null) return undefined;
    const bar = remembered.indexOf('|');
    if (Number(remembered.slice(0, bar)) <= this.#now) return undefined;
    return JSON.parse(remembered.slice(bar + 1)) as JsonObject;
  }

  async findByCode(code: RoomCode): Promise<RoomId | undefined> {
    const { redis, keys } = this.#options;
    const roomId = await orAway(() => redis.get(keys.code(code)));
    return roomId === null ? undefined : (roomId as RoomId);
  }

  async inhabited(): Promise<readonly InhabitedRoom[]> {
    const { redis, keys } = this.#options;
    const beat = await orAway(() => redis.get(keys.alive));
    const beatAt = beat === null ? -Infinity : Number(beat);
    const partitions = Array.from({ length: keys.partitions }, (_, partition) =>
      orAway(() => redis.hGetAll(keys.inhabited(partition))),
    );
    return (await Promise.all(partitions)).flatMap((rooms) =>
      Object.entries(rooms).map(([roomId, lastAt]) => ({
        roomId: roomId as RoomId,
        aliveAt: Math.max(beatAt, Number(lastAt)),
      })),
    );
  }

  async heartbeat(at: HubMs): Promise<void> {
    const { redis, keys } = this.#options;
    this.#now = Math.max(this.#now, at);
    await orAway(() => redis.set(keys.alive, String(at)));
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #append(
    roomId: RoomId,
    expected: Head,
    events: readonly RoomEvent[],
    after: RoomState,
    records: readonly IdempotencyRecord[],
  ): Promise<AppendResult> {
    const { redis, keys, nodeId, maxOutboxEntries } = this.#options;
    const partition = keys.partitionOf(roomId);
    const [first, last] = [events[0], events.at(-1)];
    if (first === undefined || last === undefined) throw new RangeError('no events');
    const { epoch } = expected;
    const head: Head = { epoch, revision: expected.revision + events.length, eventId: last.id };
    const isStart = isSameHead(expected, NO_ROOM) && first.type === 'RoomCreated';
    const needsSnapshot =
      isStart ||
      Math.floor(head.revision / SNAPSHOT_EVERY) > Math.floor(expected.revision / SNAPSHOT_EVERY);
    const message: AppendMessage = { node: nodeId, roomId, head, events };
    const reply = (await runScript(
      redis,
      APPEND,
      [
        keys.room(roomId),
        keys.events(roomId),
        keys.inhabited(partition),
        keys.outbox(partition),
        keys.channel(partition),
        ...records.map(({ key }) => keys.idempotency(roomId, key)),
      ],
      [
        String(epoch),
        String(expected.revision),
        expected.eventId,
        isStart ? '1' : '0',
        String(first.at),
        String(KEY_LIFE_MS),
        String(KEPT_EVENTS),
        String(maxOutboxEntries),
        String(after.public.hereCount),
        String(after.lastAt),
        roomId,
        needsSnapshot ? JSON.stringify(after) : '',
        JSON.stringify(message),
        last.id,
        String(events.length),
        ...events.map((event) => JSON.stringify(event)),
        ...records.map(({ reply: remembered }) => JSON.stringify(remembered)),
      ],
    )) as AppendReply;
    switch (reply[0]) {
      case 'committed':
        this.#now = Math.max(this.#now, after.lastAt);
        return { kind: 'committed', head };
      case 'conflict': {
        const found = headOf(reply[1], reply[2], reply[3]);
        // The client sends a command again that was under way when the master went: then the log ends with these very events.
        return isSameHead(found, head)
          ? { kind: 'committed', head }
          : { kind: 'conflict', head: found };
      }
      case 'duplicate':
        return {
          kind: 'duplicate',
          key: records[reply[1]]?.key ?? '',
          reply: JSON.parse(reply[2]) as JsonObject,
        };
      case 'full':
        throw new StoreUnavailable('the archive');
    }
  }

  async #claim(code: RoomCode, roomId: RoomId): Promise<boolean> {
    const { redis, keys } = this.#options;
    const key = keys.code(code);
    const claimed = await orAway(() => redis.set(key, roomId, { condition: 'NX' }));
    if (claimed !== null) return true;
    // An attempt whose answer was lost has claimed it for the same room.
    return (await orAway(() => redis.get(key))) === roomId;
  }

  async #release(code: RoomCode, roomId: RoomId): Promise<void> {
    const { redis, keys } = this.#options;
    const holder = await this.load(roomId);
    if (holder?.state.public.code === code) return;
    await runScript(redis, RELEASE_CODE, [keys.code(code)], [roomId]);
  }

  #heard(text: string): void {
    const message = JSON.parse(text) as AppendMessage;
    if (message.node === this.#options.nodeId) return;
    for (const listener of this.#listeners) {
      listener(message.roomId, message.head, message.events);
    }
  }
}

type AppendReply =
  | readonly ['committed']
  | readonly ['conflict', string, string, string]
  | readonly ['duplicate', number, string]
  | readonly ['full'];

function headOf(epoch: string, revision: string, eventId: string): Head {
  return { epoch: Number(epoch), revision: Number(revision), eventId: eventId as EventId };
}

function parsed(events: readonly string[]): RoomEvent[] {
  return events.map((event) => JSON.parse(event) as RoomEvent);
}
