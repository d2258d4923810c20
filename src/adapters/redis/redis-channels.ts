// What the nodes tell each other through Redis: one channel a partition for everything, proven again every few seconds.
import type { RoomId } from '../../../protocol/ids.ts';
import type { Log } from '../../ports/log.ts';
import type { Timers } from '../../ports/timers.ts';
import { PROBE_EVERY_MS, areLost } from './channel-proofs.ts';
import { TELL } from './channel-scripts.ts';
import type { RedisConnection } from './connect-redis.ts';
import { orAway, runScript, type RedisCommands } from './redis-commands.ts';
import type { RedisKeys } from './redis-keys.ts';

/** Three probes have been missed. */
const FAULT_AFTER_MS = 6_000;

/** What a message is about: an append, chat, presence, the bus. */
export type ToldKind = 'a' | 'c' | 'p' | 'b';

/** @param rest of the message, not parsed yet */
export type ToldHandler = (node: string, roomId: RoomId, rest: string) => void;

export interface RedisChannelsOptions {
  /** Publishes. */
  readonly redis: RedisCommands;
  /** Makes the connection that listens: while it does, it can do nothing else. Called again where subscriptions do not come back. */
  readonly connect: () => Promise<RedisConnection>;
  readonly keys: RedisKeys;
  readonly nodeId: string;
  readonly timers: Timers;
  readonly log: Log;
  /** A monotonic clock, ms, such as `performance.now`. */
  readonly localNow: () => number;
}

interface Partition {
  /** When a probe of this node last came through, local ms. */
  provenAt: number;
  /** Number of the last message; undefined before the first. */
  lastNumber: number | undefined;
}

export class RedisChannels {
  readonly #options: RedisChannelsOptions;
  readonly #partitions: readonly Partition[];
  readonly #handlers = new Map<string, Set<ToldHandler>>();
  readonly #doubtListeners = new Set<() => void>();
  #subscriber: RedisConnection | undefined;
  /** How often it was begun to subscribe: an attempt that took too long must not come in the way of the next. */
  #attempts = 0;
  /** Partitions that have not been proven since the subscription last came back. */
  readonly #unproven = new Set<number>();
  #probes = 0;
  /** The first probe that counts as proof. */
  #provesFrom = 0;
  #isRepairing = false;
  /** When the subscription last was, local ms. */
  #madeAnewAt = -Infinity;
  #isDoubting = false;
  #isStopped = false;
  #cancel: (() => void) | undefined;
  #proven: (() => void) | undefined;

  private constructor(options: RedisChannelsOptions) {
    this.#options = options;
    this.#partitions = Array.from({ length: options.keys.partitions }, () => ({
      provenAt: options.localNow(),
      lastNumber: undefined,
    }));
  }

  /** Resolves when every channel is proven. Rejects with `StoreUnavailable` where Redis is away. */
  static async open(options: RedisChannelsOptions): Promise<RedisChannels> {
    const channels = new RedisChannels(options);
    try {
      await orAway(() => channels.#subscribe());
      const proven = new Promise<void>((resolve) => (channels.#proven = resolve));
      channels.#cameBack();
      // From here on probes are sent again: a cluster that has just formed may lose the first.
      channels.#cancel = options.timers.every(PROBE_EVERY_MS, () => channels.#tick());
      await orAway(() => proven);
    } catch (error) {
      await channels.stop();
      throw error;
    }
    return channels;
  }

  /** Why messages may not arrive here, for people; undefined while every channel is proven. */
  get fault(): string | undefined {
    const since = this.#options.localNow() - FAULT_AFTER_MS;
    const missing = this.#partitions.filter(({ provenAt }) => provenAt < since).length;
    if (missing === 0) return undefined;
    return missing === this.#partitions.length
      ? 'nothing arrives through the channels of Redis'
      : `nothing arrives through ${missing} of ${this.#partitions.length} channels of Redis`;
  }

  /** Calls `handler` for each message of this kind, also for this node's own. Returns the remover. */
  on(kind: ToldKind, handler: ToldHandler): () => void {
    const handlers = this.#handlers.get(kind) ?? new Set();
    this.#handlers.set(kind, handlers);
    handlers.add(handler);
    return () => handlers.delete(handler);
  }

  /** Calls `listener` when messages were missed, or may have been. Returns the remover. */
  onDoubt(listener: () => void): () => void {
    this.#doubtListeners.add(listener);
    return () => this.#doubtListeners.delete(listener);
  }

  /** Tells all nodes. Rejects with `StoreUnavailable`. */
  async publish(kind: ToldKind, roomId: RoomId, rest: string): Promise<void> {
    const { keys } = this.#options;
    await this.#tell(keys.partitionOf(roomId), this.messageOf(kind, roomId, rest));
  }

  /** A message as scripts tell it. */
  messageOf(kind: ToldKind, roomId: RoomId, rest: string): string {
    return `${kind}\n${this.#options.nodeId}\n${roomId}\n${rest}`;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel?.();
    await this.#subscriber?.stop();
  }

  async #tell(partition: number, message: string): Promise<void> {
    const { redis, keys } = this.#options;
    await runScript(redis, TELL, [keys.channel(partition), keys.told(partition)], [message]);
  }

  async #subscribe(): Promise<void> {
    const { connect, keys } = this.#options;
    this.#attempts += 1;
    const attempt = this.#attempts;
    const subscriber = await connect();
    if (this.#isStopped || attempt !== this.#attempts) return subscriber.stop();
    this.#subscriber = subscriber;
    subscriber.onBack(() => {
      if (this.#subscriber === subscriber) this.#cameBack();
    });
    const subscribed = this.#partitions.map((_, partition) =>
      subscriber.redis.sSubscribe(keys.channel(partition), (message) => {
        if (this.#subscriber === subscriber) this.#heard(partition, message);
      }),
    );
    await Promise.all(subscribed);
  }

  #tick(): void {
    const provenAt = this.#partitions.map((partition) => partition.provenAt);
    if (areLost(provenAt, this.#madeAnewAt, this.#options.localNow())) this.#repair();
    this.#probe();
  }

  /** Makes the subscription anew: however it was lost, a new connection finds the servers as they are now. */
  #repair(): void {
    if (this.#isRepairing) return;
    this.#isRepairing = true;
    const before = this.#subscriber;
    this.#subscriber = undefined;
    const repaired = async (): Promise<void> => {
      await before?.stop();
      await orAway(() => this.#subscribe());
      this.#madeAnewAt = this.#options.localNow();
      this.#cameBack();
    };
    repaired()
      .catch((error: unknown) => {
        this.#options.log.debug({ err: error }, 'the channels of Redis cannot be listened to yet');
      })
      .finally(() => (this.#isRepairing = false));
  }

  /** From here on messages are heard again. What was missed is known to be over when a probe comes through. */
  #cameBack(): void {
    if (this.#isStopped) return;
    this.#provesFrom = this.#probes + 1;
    for (const partition of this.#partitions.keys()) this.#unproven.add(partition);
    this.#probe();
  }

  #probe(): void {
    this.#probes += 1;
    const message = `?\n${this.#options.nodeId}\n\n${this.#probes}`;
    for (const partition of this.#partitions.keys()) {
      this.#tell(partition, message).catch((error: unknown) => {
        this.#options.log.debug({ err: error, partition }, 'a channel could not be probed');
      });
    }
  }

  #heard(partition: number, text: string): void {
    const ends = lineEnds(text);
    const state = this.#partitions[partition];
    if (ends === undefined || state === undefined) return;
    const [afterNumber, afterKind, afterNode, afterRoom] = ends;
    const number = Number(text.slice(0, afterNumber));
    // Also where it runs backward: another server has taken over, which did not know of the last ones.
    if (state.lastNumber !== undefined && number !== state.lastNumber + 1) this.#doubt();
    state.lastNumber = number;
    const kind = text.slice(afterNumber + 1, afterKind);
    const node = text.slice(afterKind + 1, afterNode);
    const rest = text.slice(afterRoom + 1);
    if (kind === '?') {
      if (node === this.#options.nodeId) this.#proved(partition, state, Number(rest));
      return;
    }
    const roomId = text.slice(afterNode + 1, afterRoom) as RoomId;
    for (const handler of this.#handlers.get(kind) ?? []) {
      try {
        handler(node, roomId, rest);
      } catch (error) {
        this.#options.log.error({ err: error, roomId, kind }, 'a message could not be taken in');
      }
    }
  }

  #proved(partition: number, state: Partition, probe: number): void {
    const now = this.#options.localNow();
    if (now - state.provenAt > FAULT_AFTER_MS) this.#doubt();
    state.provenAt = now;
    if (probe < this.#provesFrom || !this.#unproven.delete(partition)) return;
    if (this.#unproven.size > 0) return;
    this.#proven?.();
    this.#proven = undefined;
    this.#doubt();
  }

  /** Once for all that is found out in one tick. */
  #doubt(): void {
    if (this.#isDoubting) return;
    this.#isDoubting = true;
    this.#options.timers.atEndOfTick(() => {
      this.#isDoubting = false;
      if (this.#isStopped) return;
      for (const listener of this.#doubtListeners) listener();
    });
  }
}

/** Where the first four lines end; undefined where there are fewer. */
function lineEnds(text: string): readonly [number, number, number, number] | undefined {
  const first = text.indexOf('\n');
  const second = text.indexOf('\n', first + 1);
  const third = text.indexOf('\n', second + 1);
  const fourth = text.indexOf('\n', third + 1);
  return first < 0 || second < 0 || third < 0 || fourth < 0
    ? undefined
    : [first, second, third, fourth];
}
