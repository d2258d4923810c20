// Lets rooms that nobody needs leave Redis once the archive has all of them. Knows not how they come back, nor what keeps the archive.
import { isDeepStrictEqual } from 'node:util';
import type { RoomId } from '../../../protocol/ids.ts';
import type { ChatLog, ChatRange } from '../../ports/chat-log.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import {
  NO_ROOM,
  StoreUnavailable,
  isSameHead,
  type Head,
  type LoadedRoom,
  type RoomLog,
} from '../../ports/room-log.ts';
import { endsWithin, type Timers } from '../../ports/timers.ts';
import { IDLE, LEAVE } from './idle-room-scripts.ts';
import { runScript, type RedisCommands } from './redis-commands.ts';
import type { RedisKeys } from './redis-keys.ts';

const SWEEP_EVERY_MS = 60_000;
/** One process at a time looks into a partition; it need not be the same one each time. */
const LEASE_MS = 55_000;
/** Whoever was in a closed room reads on in it for a while. Longer than any request is remembered. */
const CLOSED_FOR_MS = 3_600_000;
const ROOMS_AT_ONCE = 100;
/** As many as Redis keeps of a room. */
const CHAT_ITEMS = 1_000;
/** An archive that does not answer must not hold up the end: a room leaves in one step of Redis, or not at all. */
const STOP_PATIENCE_MS = 500;

interface Logs {
  readonly roomLog: Pick<RoomLog, 'load'>;
  readonly chatLog: Pick<ChatLog, 'after'>;
}

export interface RedisIdleRoomsOptions {
  readonly redis: RedisCommands;
  readonly keys: RedisKeys;
  readonly nodeId: string;
  /** How long nothing has changed in a room that leaves, ms; in a closed one an hour is enough. */
  readonly idleMs: number;
  /** The logs in Redis, without an archive behind them. */
  readonly live: Logs;
  /** Those that have what the archive has taken. */
  readonly archive: Logs;
  readonly timers: Timers;
  readonly metrics: Metrics;
  readonly log: Log;
}

type Idle =
  | readonly [rooms: number]
  | readonly [rooms: number, reign: string, seen: number, empty: readonly string[]];

interface Candidate {
  readonly roomId: RoomId;
  /** As Redis has it. */
  readonly changedAt: string;
  readonly reign: string;
}

export class RedisIdleRooms {
  readonly #options: RedisIdleRoomsOptions;
  readonly #roomsHere: number[] = [];
  /** Rooms whose difference from the archive was told. */
  readonly #told = new Set<RoomId>();
  #left = 0;
  #cancel: (() => void) | undefined;
  #sweeping: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: RedisIdleRoomsOptions) {
    this.#options = options;
    const { metrics } = options;
    metrics.gauge(
      { name: 'earshot_redis_rooms', help: 'Rooms that Redis keeps, with or without people.' },
      () => this.#roomsHere.reduce((sum, rooms) => sum + rooms, 0),
    );
    metrics.total(
      {
        name: 'earshot_redis_rooms_left_total',
        help: 'Idle rooms that this process has let leave Redis for the archive.',
      },
      () => this.#left,
    );
  }

  /** Never throws: what is away is looked at again a minute later. */
  start(): void {
    this.#cancel = this.#options.timers.every(SWEEP_EVERY_MS, () => {
      this.#sweeping ??= this.sweep()
        .catch((error: unknown) => {
          const level = error instanceof StoreUnavailable ? 'debug' : 'error';
          this.#options.log[level]({ err: error }, 'idle rooms could not be looked for');
        })
        .finally(() => (this.#sweeping = undefined));
    });
  }

  /** Ends with the room that is being looked at, if that ends within a moment. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel?.();
    await endsWithin(this.#options.timers, STOP_PATIENCE_MS, Promise.resolve(this.#sweeping));
  }

  /** Lets all leave that may. Rejects with the first of what kept it from some, such as `StoreUnavailable`. */
  async sweep(): Promise<void> {
    const { partitions } = this.#options.keys;
    const errors: unknown[] = [];
    for (let partition = 0; partition < partitions && !this.#isStopped; partition += 1) {
      // Of a cluster one server may be away: the rooms of the others must not wait for it.
      await this.#sweepPartition(partition).catch((error: unknown) => errors.push(error));
    }
    if (errors.length > 0) throw errors[0];
  }

  async #sweepPartition(partition: number): Promise<void> {
    const { redis, keys, nodeId, idleMs } = this.#options;
    const names = [
      keys.idleLease(partition),
      keys.changed(partition),
      keys.rejected(partition),
      keys.inhabited(partition),
    ];
    const times = [LEASE_MS, idleMs, Math.min(idleMs, CLOSED_FOR_MS)].map(String);
    for (let stayed = 0; ;) {
      const args = [nodeId, ...times, String(stayed), String(ROOMS_AT_ONCE)];
      const reply = (await runScript(redis, IDLE, names, args)) as Idle;
      this.#roomsHere[partition] = reply[0];
      if (reply.length === 1) return;
      const [, reign, seen, empty] = reply;
      if (seen === 0) return;
      stayed += seen;
      for (let i = 0; i + 1 < empty.length; i += 2) {
        if (this.#isStopped) return;
        const [roomId, changedAt = ''] = [(empty[i] ?? '') as RoomId, empty[i + 1]];
        if (await this.#leavesOrTells(partition, { roomId, changedAt, reign })) stayed -= 1;
      }
    }
  }

  async #leavesOrTells(partition: number, candidate: Candidate): Promise<boolean> {
    try {
      return await this.#leaves(partition, candidate);
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error;
      // One room that cannot be read must not keep the others here.
      const { roomId } = candidate;
      this.#options.log.error({ roomId, err: error }, 'an idle room could not be looked at');
      return false;
    }
  }

  /** Whether the room is gone from Redis. */
  async #leaves(partition: number, candidate: Candidate): Promise<boolean> {
    const { redis, keys, live, archive } = this.#options;
    const { roomId, changedAt, reign } = candidate;
    const [room, chat, keptRoom, keptChat] = await Promise.all([
      live.roomLog.load(roomId),
      live.chatLog.after(roomId, 0, CHAT_ITEMS),
      archive.roomLog.load(roomId),
      archive.chatLog.after(roomId, 0, CHAT_ITEMS),
    ]);
    const isKept = isSameRoom(room, keptRoom) && hasAll(keptChat, chat);
    if (!isKept) {
      this.#tell(roomId, room?.head, keptRoom?.head);
      return false;
    }
    const { revision, eventId } = room?.head ?? NO_ROOM;
    const left = await runScript(
      redis,
      LEAVE,
      [
        keys.room(roomId),
        keys.events(roomId),
        keys.chat(roomId),
        keys.inhabited(partition),
        keys.outbox(partition),
        keys.rejected(partition),
        keys.changed(partition),
        keys.left(partition),
      ],
      [
        roomId,
        reign,
        changedAt,
        room === undefined ? '' : String(room.head.epoch),
        String(revision),
        eventId,
        String(chat.lastSeq),
      ],
    );
    if (left === 0) return false;
    this.#left += 1;
    this.#told.delete(roomId);
    return true;
  }

  /** Once: it stays so until somebody comes. */
  #tell(roomId: RoomId, live: Head | undefined, archived: Head | undefined): void {
    if (this.#told.has(roomId)) return;
    this.#told.add(roomId);
    this.#options.log.warn(
      { roomId, live, archived },
      'an idle room stays in Redis: the archive has something else of it',
    );
  }
}

function isSameRoom(live: LoadedRoom | undefined, kept: LoadedRoom | undefined): boolean {
  // Of a room that is not here there may be chat alone, which somebody had put back.
  if (live === undefined) return kept !== undefined;
  if (kept === undefined || !isSameHead(live.head, kept.head)) return false;
  return isDeepStrictEqual(asJson(live.state), asJson(kept.state));
}

/** Without what JSON does not tell, as a member that is undefined. */
function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function hasAll(kept: ChatRange, live: ChatRange): boolean {
  // A room may have come back without anybody asking for its chat.
  if (live.lastSeq === 0) return true;
  if (kept.lastSeq !== live.lastSeq) return false;
  const bySeq = new Map(kept.items.map((item) => [item.seq, item]));
  return live.items.every((item) => isDeepStrictEqual(bySeq.get(item.seq), item));
}
