// Which authors' channels of Redis this node listens to, on a connection of their own: counted here, and proven every few seconds.
import type { UserId } from '../../../protocol/ids.ts';
import type { FeedSubscription } from '../../ports/feed.ts';
import type { Log } from '../../ports/log.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import type { Timers } from '../../ports/timers.ts';
import { PROBE_EVERY_MS, areLost } from './channel-proofs.ts';
import type { RedisConnection } from './connect-redis.ts';
import { TELL } from './feed-scripts.ts';
import { orAway, runScript, type RedisCommands } from './redis-commands.ts';
import type { RedisKeys } from './redis-keys.ts';

export interface RedisFeedChannelsOptions {
  /** Publishes. */
  readonly redis: RedisCommands;
  /** Makes the connection that listens. Called again where subscriptions do not come back. */
  readonly connect: () => Promise<RedisConnection>;
  readonly keys: RedisKeys;
  readonly nodeId: string;
  readonly timers: Timers;
  readonly log: Log;
  /** A monotonic clock, ms. */
  readonly localNow: () => number;
}

type TextListener = (text: string) => void;

interface Channel {
  readonly listeners: Set<{ readonly hear: TextListener }>;
  /** One for the life of the channel: given to the client twice, it is still called once. */
  readonly hear: TextListener;
  /** Whether Redis tells this node; undefined where an answer was lost. */
  isOn: boolean | undefined;
  /** The connection on which a change is under way; others wait for its end, so that none overtakes another. */
  changingOn: RedisConnection | undefined;
  waiting: ((error?: Error) => void)[];
}

interface Proof {
  at: number;
  lastProbe: number;
}

export class RedisFeedChannels {
  readonly #options: RedisFeedChannelsOptions;
  readonly #channels = new Map<UserId, Channel>();
  readonly #proofs: readonly Proof[];
  readonly #doubtListeners = new Set<() => void>();
  #subscriber: RedisConnection | undefined;
  #attempts = 0;
  #probes = 0;
  /** Doubt is raised when this probe has come through on every partition, and every one until then that shows a loss. */
  #doubtUntil = 1;
  readonly #unproven = new Set<number>();
  #isRepairing = false;
  /** When the subscriptions last were, local ms. */
  #madeAnewAt = -Infinity;
  #isDoubting = false;
  #isStopped = false;
  #cancel: (() => void) | undefined;
  #opened: (() => void) | undefined;

  private constructor(options: RedisFeedChannelsOptions) {
    this.#options = options;
    this.#proofs = Array.from({ length: options.keys.partitions }, () => ({
      at: options.localNow(),
      lastProbe: 0,
    }));
  }

  /** Resolves when every partition is proven. Rejects with `StoreUnavailable` where Redis is away. */
  static async open(options: RedisFeedChannelsOptions): Promise<RedisFeedChannels> {
    const channels = new RedisFeedChannels(options);
    try {
      await orAway(() => channels.#subscribe());
      const opened = new Promise<void>((resolve) => (channels.#opened = resolve));
      channels.#cameBack();
      // From here on probes are sent again: a cluster that has just formed may lose the first.
      channels.#cancel = options.timers.every(PROBE_EVERY_MS, () => channels.#tick());
      await orAway(() => opened);
    } catch (error) {
      await channels.stop();
      throw error;
    }
    return channels;
  }

  /** How many channels Redis is asked for. */
  get size(): number {
    return this.#channels.size;
  }

  listen(author: UserId, listener: TextListener): FeedSubscription {
    const channel = this.#channels.get(author) ?? this.#made(author);
    const entry = { hear: listener };
    channel.listeners.add(entry);
    const ready = new Promise<void>((resolve, reject) => {
      channel.waiting.push((error) => {
        if (error === undefined) resolve();
        else reject(error);
      });
    });
    // Whoever does not wait learns by a doubt.
    ready.catch(() => undefined);
    if (this.#subscriber === undefined || this.#isStopped)
      settle(channel, new StoreUnavailable('Redis'));
    else this.#reconcile(author, channel);
    return {
      ready,
      stop: () => {
        if (!channel.listeners.delete(entry) || channel.listeners.size > 0) return;
        // In the same turn somebody else may come, as when a person reloads the page.
        this.#options.timers.atEndOfTick(() => this.#reconcile(author, channel));
      },
    };
  }

  /** Calls `listener` when messages were missed, or may have been. Returns the remover. */
  onDoubt(listener: () => void): () => void {
    this.#doubtListeners.add(listener);
    return () => this.#doubtListeners.delete(listener);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel?.();
    await this.#subscriber?.stop();
    for (const channel of this.#channels.values()) settle(channel, new StoreUnavailable('Redis'));
  }

  #made(author: UserId): Channel {
    const listeners: Channel['listeners'] = new Set();
    const channel: Channel = {
      listeners,
      hear: (text) => {
        for (const { hear } of [...listeners]) this.#handed(author, hear, text);
      },
      isOn: false,
      changingOn: undefined,
      waiting: [],
    };
    this.#channels.set(author, channel);
    return channel;
  }

  #handed(author: UserId, hear: TextListener, text: string): void {
    try {
      hear(text);
    } catch (error) {
      this.#options.log.error(
        { err: error, author },
        'a message of the feed could not be taken in',
      );
    }
  }

  /** Brings a channel to what is wanted of it now, one change after the other. What fails is tried again at the next tick. */
  #reconcile(author: UserId, channel: Channel): void {
    const subscriber = this.#subscriber;
    if (this.#isStopped || subscriber === undefined || channel.changingOn === subscriber) return;
    const isWanted = channel.listeners.size > 0;
    if (channel.isOn === isWanted) {
      settle(channel);
      if (!isWanted && this.#channels.get(author) === channel) this.#channels.delete(author);
      return;
    }
    channel.changingOn = subscriber;
    const name = this.#options.keys.feedChannel(author);
    const changed = orAway(() =>
      isWanted
        ? subscriber.redis.sSubscribe(name, channel.hear)
        : subscriber.redis.sUnsubscribe(name),
    );
    const ended = (isOn: boolean | undefined, error?: Error): void => {
      // The connection is another one by now, on which the channel is brought about anew.
      if (channel.changingOn !== subscriber) return;
      channel.changingOn = undefined;
      const isFirstAfterFailing = isOn === true && channel.isOn === undefined;
      channel.isOn = isOn;
      if (error === undefined) {
        if (isFirstAfterFailing) this.#doubt();
        this.#reconcile(author, channel);
        return;
      }
      this.#options.log.debug({ err: error, author }, 'a channel of the feed is not changed yet');
      settle(channel, error);
    };
    changed.then(
      () => ended(isWanted),
      (error: unknown) =>
        ended(
          undefined,
          error instanceof StoreUnavailable
            ? error
            : new StoreUnavailable('Redis', { cause: error }),
        ),
    );
  }

  async #subscribe(): Promise<void> {
    const { connect, keys, nodeId } = this.#options;
    this.#attempts += 1;
    const attempt = this.#attempts;
    const subscriber = await connect();
    if (this.#isStopped || attempt !== this.#attempts) return subscriber.stop();
    this.#subscriber = subscriber;
    subscriber.onBack(() => {
      if (this.#subscriber === subscriber) this.#cameBack();
    });
    for (const [author, channel] of this.#channels) {
      channel.changingOn = undefined;
      // Not false: what was told meanwhile is lost, so that a doubt follows.
      channel.isOn = channel.listeners.size > 0 ? undefined : false;
      this.#reconcile(author, channel);
    }
    // Last, so that where a proof comes through the authors before it do too.
    const proving = this.#proofs.map((proof, partition) =>
      subscriber.redis.sSubscribe(keys.feedProof(partition, nodeId), (probe) => {
        if (this.#subscriber === subscriber) this.#proved(partition, proof, Number(probe));
      }),
    );
    await Promise.all(proving);
  }

  #tick(): void {
    const provenAt = this.#proofs.map(({ at }) => at);
    if (areLost(provenAt, this.#madeAnewAt, this.#options.localNow())) this.#repair();
    for (const [author, channel] of this.#channels) this.#reconcile(author, channel);
    this.#probe();
  }

  /** Makes the subscriptions anew: however they were lost, a new connection finds the servers as they are now. */
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
        this.#options.log.debug({ err: error }, 'the feed cannot be listened to yet');
      })
      .finally(() => (this.#isRepairing = false));
  }

  #cameBack(): void {
    if (this.#isStopped) return;
    this.#beginDoubt();
    this.#probe();
  }

  /**
   * A client that connects again by itself subscribes to the proofs first, to the authors after them. So what comes through now proves
   * nothing of them yet; what comes through after the next probe does.
   */
  #beginDoubt(): void {
    this.#doubtUntil = this.#probes + 2;
    for (const partition of this.#proofs.keys()) this.#unproven.add(partition);
  }

  #probe(): void {
    this.#probes += 1;
    const { redis, keys, nodeId, log } = this.#options;
    for (const partition of this.#proofs.keys()) {
      const channel = keys.feedProof(partition, nodeId);
      runScript(redis, TELL, [channel], [String(this.#probes)]).catch((error: unknown) => {
        log.debug({ err: error, partition }, 'the feed could not be probed');
      });
    }
  }

  #proved(partition: number, proof: Proof, probe: number): void {
    const isAfterLoss = proof.lastProbe > 0 && probe > proof.lastProbe + 1;
    proof.at = this.#options.localNow();
    proof.lastProbe = Math.max(proof.lastProbe, probe);
    if (isAfterLoss) {
      this.#doubt();
      this.#beginDoubt();
      return;
    }
    const isOpening = this.#opened !== undefined;
    if (probe < this.#doubtUntil && !isOpening) return;
    if (!this.#unproven.delete(partition) || this.#unproven.size > 0) return;
    this.#opened?.();
    this.#opened = undefined;
    if (!isOpening) this.#doubt();
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

function settle(channel: Channel, error?: Error): void {
  const waiting = channel.waiting;
  channel.waiting = [];
  for (const each of waiting) each(error);
}
