// The rooms' log in Redis, which any number of nodes share: one script per append, told to the others on the partition's channel.
import type { EventId, HubMs, RoomCode, RoomId, UserId } from '../../../protocol/ids.ts';
import type { JsonObject } from '../../../protocol/merge-patch.ts';
import { erasedFrom } from '../../domain/evolve-members.ts';
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
  type HeldRoom,
  type IdempotencyRecord,
  type InhabitedRoom,
  type LoadedRoom,
  type ReadResult,
  type RoomLog,
  type ToldAppend,
} from '../../ports/room-log.ts';
import type { RedisChannels } from './redis-channels.ts';
import { askEach, byPartition, orAway, runScript, type RedisCommands } from './redis-commands.ts';
import type { RedisKeys } from './redis-keys.ts';
import { BehindArchive, heldEvents, keysOf, restoreRoom, rewriteRoom } from './redis-restore.ts';
import type { ReplicaBarrier } from './replica-barrier.ts';
import {
  APPEND,
  HEADS,
  KEY_LIFE_MS,
  LOAD,
  READ,
  RECALL,
  RELEASE_CODE,
} from './room-log-scripts.ts';

/** The port promises 1,000; Redis trims by whole blocks and keeps somewhat more. */
const KEPT_EVENTS = 1_000;
/** So many of the newest come with a room: a fail-over of seconds loses no more. */
const RECENT_EVENTS = 100;
/** A snapshot costs its size on the wire, replaying costs a load its time: one in so many events. */
const SNAPSHOT_EVERY = 50;

export interface RedisRoomLogOptions {
  readonly redis: RedisCommands;
  readonly channels: RedisChannels;
  readonly keys: RedisKeys;
  /** Tells this process's appends from those of others. */
  readonly nodeId: string;
  /** How many appends of a partition may wait for the archive before further ones are refused. */
  readonly maxOutboxEntries: number;
  /** Given where an append must have reached replicas before it is acknowledged. */
  readonly barrier: ReplicaBarrier | undefined;
  readonly log: Log;
}

/** What is published, and what the archive takes from the outbox. */
export interface AppendMessage extends ToldAppend {
  readonly node: string;
  readonly roomId: RoomId;
}

type Listener = Parameters<RoomLog['subscribe']>[0];

export class RedisRoomLog implements RoomLog {
  readonly #options: RedisRoomLogOptions;
  /** The newest hub time that this log was told of: idempotency is by hub time, as everything is. */
  #now: HubMs = 0;
  /** With what a room was to be put back that is behind where it left for the archive. */
  readonly #refused = new Map<RoomId, Head>();

  constructor(options: RedisRoomLogOptions) {
    this.#options = options;
  }

  async load(roomId: RoomId): Promise<LoadedRoom | undefined> {
    const { redis, keys } = this.#options;
    const names = [keys.room(roomId), keys.events(roomId)];
    const reply = await runScript(redis, LOAD, names, [String(RECENT_EVENTS)]);
    const found = reply as LoadReply | readonly [];
    if (found.length === 0) return undefined;
    const [epoch, revision, eventId, snapshot, events, newest, moved] = found;
    const state = JSON.parse(snapshot) as RoomState;
    return {
      ...(moved === '' ? {} : { isMoved: true }),
      head: headOf(epoch, revision, eventId),
      state: parsed(events).reduce<RoomState>(evolve, state),
      recent: heldEvents(newest.toReversed()),
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
    after: { readonly epoch: number; readonly revision: number; readonly eventId?: EventId | '' },
  ): Promise<ReadResult> {
    const { redis, keys } = this.#options;
    const reply = await runScript(
      redis,
      READ,
      [keys.room(roomId), keys.events(roomId)],
      [String(after.epoch), String(after.revision), String(KEPT_EVENTS)],
    );
    const found = reply as ReadReply | readonly [];
    if (found.length === 0) return { kind: 'gone' };
    const [epoch, revision, eventId, events, knownId, event, requests] = found;
    if (after.eventId !== undefined) {
      const atId = event === '' ? knownId : (JSON.parse(event) as RoomEvent).id;
      if (atId !== after.eventId) return { kind: 'gone' };
    }
    const head = headOf(epoch, revision, eventId);
    const all = { kind: 'events', head, events: parsed(events) } as const;
    return requests.length === 0 ? all : { ...all, keys: requests.flatMap(keysOf) };
  }

  async restore(roomId: RoomId, held: HeldRoom): Promise<LoadedRoom> {
    const { code } = held.state.public;
    if (!(await this.#claim(code, roomId))) {
      this.#options.log.error({ roomId, code }, 'the code of a room is another room’s by now');
    }
    const { room, reign } = await this.#restore(roomId, held);
    await this.#options.barrier?.passed(this.#options.keys.partitionOf(roomId), reign);
    this.#now = Math.max(this.#now, room.state.lastAt);
    return room;
  }

  async forget(roomId: RoomId, userId: UserId, as: UserId): Promise<void> {
    const { barrier, keys } = this.#options;
    const reign = await rewriteRoom(this.#options, roomId, userId, (state) =>
      erasedFrom(state, userId, as),
    );
    if (reign !== undefined) await barrier?.passed(keys.partitionOf(roomId), reign);
  }

  async heads(roomIds: readonly RoomId[]): Promise<readonly (Head | undefined)[]> {
    const { redis, keys } = this.#options;
    const heads = roomIds.map((): Head | undefined => undefined);
    const ask = async (places: readonly number[]): Promise<void> => {
      const names = places.map((place) => keys.room(roomIds[place] ?? ('' as RoomId)));
      const found = (await runScript(redis, HEADS, names, [])) as readonly string[];
      for (const [i, place] of places.entries()) {
        const [epoch, revision, eventId] = (found[i] ?? '').split('|');
        const isKnown = epoch !== undefined && revision !== undefined && eventId !== undefined;
        heads[place] = isKnown ? headOf(epoch, revision, eventId) : NO_ROOM;
      }
    };
    await askEach(
      byPartition(roomIds, (roomId) => keys.partitionOf(roomId)),
      ask,
    );
    return heads;
  }

  async recall(roomId: RoomId, key: string): Promise<JsonObject | undefined> {
    const { redis, keys, barrier } = this.#options;
    const reply = await runScript(redis, RECALL, [keys.idempotency(roomId, key)], []);
    const [remembered, reign] = reply as readonly [string, string];
    const bar = remembered.indexOf('|');
    if (Number(remembered.slice(0, bar)) <= this.#now) return undefined;
    // Its first attempt may have ended while it waited for the replicas.
    await barrier?.passed(keys.partitionOf(roomId), reign);
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
    const { channels, nodeId } = this.#options;
    return channels.on('a', (node, roomId, rest) => {
      if (node !== nodeId) listener(roomId, JSON.parse(rest) as AppendMessage);
    });
  }

  /** An archive that gives the same again, anew each time, has no more: it was itself set back. */
  async #restore(roomId: RoomId, held: HeldRoom): ReturnType<typeof restoreRoom> {
    const refused = this.#refused.get(roomId);
    const isSurelyNewest = refused !== undefined && isSameHead(refused, held.head);
    try {
      const restored = await restoreRoom(this.#options, roomId, held, isSurelyNewest);
      this.#refused.delete(roomId);
      return restored;
    } catch (error) {
      if (error instanceof BehindArchive) this.#refused.set(roomId, held.head);
      throw error;
    }
  }

  async #append(
    roomId: RoomId,
    expected: Head,
    events: readonly RoomEvent[],
    after: RoomState,
    records: readonly IdempotencyRecord[],
  ): Promise<AppendResult> {
    const { redis, channels, keys, nodeId, maxOutboxEntries, barrier } = this.#options;
    const partition = keys.partitionOf(roomId);
    const [first, last] = [events[0], events.at(-1)];
    if (first === undefined || last === undefined) throw new RangeError('no events');
    const { epoch } = expected;
    const head: Head = { epoch, revision: expected.revision + events.length, eventId: last.id };
    const isStart = isSameHead(expected, NO_ROOM) && first.type === 'RoomCreated';
    const needsSnapshot =
      isStart ||
      Math.floor(head.revision / SNAPSHOT_EVERY) > Math.floor(expected.revision / SNAPSHOT_EVERY);
    const message: AppendMessage = {
      node: nodeId,
      roomId,
      from: expected,
      head,
      events,
      keys: records,
    };
    const reply = (await runScript(
      redis,
      APPEND,
      [
        keys.room(roomId),
        keys.events(roomId),
        keys.inhabited(partition),
        keys.outbox(partition),
        keys.channel(partition),
        keys.told(partition),
        keys.changed(partition),
        keys.left(partition),
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
        channels.messageOf('a', roomId, ''),
        last.id,
        String(events.length),
        after.public.closed === undefined ? '' : '-',
        records.length === 0 ? '' : JSON.stringify(records),
        ...events.map((event) => JSON.stringify(event)),
        ...records.map(({ reply: remembered }) => JSON.stringify(remembered)),
      ],
    )) as AppendReply;
    switch (reply[0]) {
      case 'committed':
        await barrier?.passed(partition, reply[1]);
        this.#now = Math.max(this.#now, after.lastAt);
        return { kind: 'committed', head };
      case 'conflict': {
        const found = headOf(reply[1], reply[2], reply[3]);
        if (!isSameHead(found, head)) return { kind: 'conflict', head: found };
        // The client sends a command again that was under way when the master went: then the log ends with these very events.
        await barrier?.passed(partition, reply[4]);
        return { kind: 'committed', head };
      }
      case 'moved':
        return { kind: 'moved' };
      case 'duplicate':
        await barrier?.passed(partition, reply[3]);
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
}

type AppendReply =
  | readonly ['committed', string]
  | readonly ['moved']
  | readonly ['conflict', string, string, string, string]
  | readonly ['duplicate', number, string, string]
  | readonly ['full'];

/** The head, the events after, and the event at the revision asked for: its id or, where it is kept, itself. */
type LoadReply = readonly [
  epoch: string,
  revision: string,
  eventId: string,
  snapshot: string,
  events: readonly string[],
  newest: readonly string[],
  moved: string,
];

type ReadReply = readonly [
  epoch: string,
  revision: string,
  eventId: string,
  events: readonly string[],
  knownId: string,
  event: string,
  requests: readonly string[],
];

function headOf(epoch: string, revision: string, eventId: string): Head {
  return { epoch: Number(epoch), revision: Number(revision), eventId: eventId as EventId };
}

function parsed(events: readonly string[]): RoomEvent[] {
  return events.map((event) => JSON.parse(event) as RoomEvent);
}
