// A room as one node over a real store holds it, by itself: the hub's runner without a hub, deaf to the others when the test wants it.
import type { EntryId, EventId, RoomId, UserId } from '../../protocol/ids.ts';
import { createPromMetrics } from '../../src/adapters/system/prom-metrics.ts';
import { systemTimers } from '../../src/adapters/system/system-timers.ts';
import { DEFAULT_DOMAIN_LIMITS } from '../../src/domain/command.ts';
import type { RoomEvent } from '../../src/domain/room-event.ts';
import type { CommandOutcome } from '../../src/hub/room/decide-batch.ts';
import { HubMetrics } from '../../src/hub/hub-metrics.ts';
import { RoomRunner } from '../../src/hub/room/room-runner.ts';
import type { RoomLog } from '../../src/ports/room-log.ts';
import type { RedisCommands } from '../../src/adapters/redis/redis-commands.ts';
import type { RedisKeys } from '../../src/adapters/redis/redis-keys.ts';
import { SILENT } from './postgres-stores.ts';
import { someEventId, someSessionId } from './room-fixtures.ts';

/** An event under the number that it was shown or logged with. */
export interface Numbered {
  readonly epoch: number;
  readonly revision: number;
  readonly eventId: EventId;
}

export interface HoldingNode {
  readonly redis: RedisCommands;
  readonly keys: RedisKeys;
  readonly roomLog: RoomLog;
}

export class RoomHolder {
  readonly node: HoldingNode;
  readonly roomId: RoomId;
  readonly runner: RoomRunner;
  /** All that this node would have shown to its people. */
  readonly shown: Numbered[] = [];
  /** Hears nothing of what others append. */
  isDeaf = false;

  private constructor(
    node: HoldingNode,
    runner: (holder: RoomHolder) => RoomRunner,
    roomId: RoomId,
  ) {
    this.node = node;
    this.roomId = roomId;
    this.runner = runner(this);
  }

  static async open(node: HoldingNode, roomId: RoomId): Promise<RoomHolder> {
    const { roomLog } = node;
    const loaded = await roomLog.load(roomId);
    if (loaded === undefined) throw new Error('there is no such room');
    const none = {
      ...{ connections: () => 0, rooms: () => 1 },
      ...{ isReady: () => true, hellosWaiting: () => 0 },
    };
    const runnerOf = (holder: RoomHolder): RoomRunner =>
      new RoomRunner(roomId, loaded, {
        roomLog,
        timers: systemTimers,
        log: SILENT,
        metrics: new HubMetrics(createPromMetrics(), none),
        now: () => 0,
        maxBatch: 256,
        maxWaitingCommands: 1_000,
        mayLose: true,
        context: (by) => ({
          ...(by === undefined ? {} : { by }),
          at: performance.timeOrigin + performance.now(),
          presentCount: 1,
          isPresent: () => true,
          readyCount: () => 0,
          leadMs: 150,
          limits: DEFAULT_DOMAIN_LIMITS,
          newEventId: someEventId,
          newEntryId: () => someEventId() as string as EntryId,
          newSessionId: someSessionId,
          random: () => 0.5,
        }),
        takeArrivals: () => undefined,
        arrivalsDone: () => undefined,
        failed: () => undefined,
        committed: (steps) => {
          const { epoch } = holder.runner.head;
          for (const { revision, event } of steps)
            holder.shown.push({ epoch, revision, eventId: event.id });
        },
        replaced: () => undefined,
      });
    const holder = new RoomHolder(node, runnerOf, roomId);
    roomLog.subscribe((told, append) => {
      if (told === roomId && !holder.isDeaf) holder.runner.hear(append);
    });
    return holder;
  }

  get name(): string {
    return this.runner.state.public.name;
  }

  /** @param key by default the name: the same name again is the same request again */
  rename(name: string, key = name): Promise<CommandOutcome> {
    const by: UserId = this.runner.state.public.ownerId;
    const replyOf = (): { readonly renamed: string } => ({ renamed: name });
    return this.runner.submit({ type: 'UpdateRoom', name }, { by, key, replyOf });
  }

  /** As a client does it: the same request again until it is answered with more than that the log is away. */
  async renameSurely(name: string): Promise<CommandOutcome> {
    const deadline = performance.now() + 20_000;
    for (;;) {
      const outcome = await this.rename(name);
      const isAway = outcome.kind === 'refused' && outcome.refusal.code === 'unavailable';
      if (!isAway || performance.now() > deadline) return outcome;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** All events of a room that Redis keeps, in order. */
export async function streamOf(
  { redis, keys }: HoldingNode,
  roomId: RoomId,
): Promise<readonly (Numbered & { readonly event: RoomEvent })[]> {
  const reply = await redis.eval("return redis.call('XRANGE', KEYS[1], '-', '+')", {
    keys: [keys.events(roomId)],
    arguments: [],
  });
  return (reply as readonly (readonly [string, readonly [string, string]])[]).map(
    ([id, [, json]]) => {
      const [epoch = 0, revision = 0] = id.split('-').map(Number);
      const event = JSON.parse(json) as RoomEvent;
      return { epoch, revision, eventId: event.id, event };
    },
  );
}
