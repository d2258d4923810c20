// The feed in Redis: a head an author, and a shard channel an author. Knows nothing of who may see what.
import type { HubMs, UserId } from '../../../protocol/ids.ts';
import type { JsonObject } from '../../../protocol/merge-patch.ts';
import type { NodeId } from '../../ports/bus.ts';
import {
  NO_FEED_HEAD,
  checkedPolicyVersion,
  type Feed,
  type FeedHead,
  type FeedListener,
  type FeedSubscription,
  type SignalListener,
} from '../../ports/feed.ts';
import { CHANGE_HEAD, FEED_HEADS, TELL } from './feed-scripts.ts';
import { askEach, byPartition, runScript, type RedisCommands } from './redis-commands.ts';
import type { RedisFeedChannels } from './redis-feed-channels.ts';
import type { RedisKeys } from './redis-keys.ts';

/** After it a head goes that nobody has changed; numbers go on past it all the same. */
const KEPT_MS = 7 * 24 * 3_600_000;
/** What a message begins with that is no head: those begin with a number. */
const SIGNAL = 'signal\n';
/** Numbers in one millisecond, a few for the time that one change takes: what begins later is past all that were given before. */
const SEQS_A_MS = 1_000;

export interface RedisFeedOptions {
  readonly redis: RedisCommands;
  readonly channels: RedisFeedChannels;
  readonly keys: RedisKeys;
  readonly nodeId: NodeId;
  /** Hub time. */
  readonly now: () => HubMs;
}

interface HeadChange {
  readonly kind: 'item' | 'gone' | 'policy' | 'forget';
  readonly node: NodeId;
  /** JSON. */
  readonly item: string;
  readonly policyVersion: number;
}

export class RedisFeed implements Feed {
  readonly #options: RedisFeedOptions;

  constructor(options: RedisFeedOptions) {
    this.#options = options;
  }

  get nodeId(): NodeId {
    return this.#options.nodeId;
  }

  publish(author: UserId, item: JsonObject | undefined, policyVersion = 0): Promise<number> {
    const node = this.#options.nodeId;
    const change: HeadChange =
      item === undefined
        ? { kind: 'gone', node, item: '', policyVersion }
        : { kind: 'item', node, item: JSON.stringify(item), policyVersion };
    return this.#change(author, change);
  }

  tellPolicy(author: UserId, version: number): Promise<number> {
    return this.#change(author, { kind: 'policy', node: '', item: '', policyVersion: version });
  }

  clear(author: UserId, node: NodeId): Promise<number> {
    return this.#change(author, { kind: 'gone', node, item: '', policyVersion: 0 });
  }

  async forget(author: UserId): Promise<void> {
    await this.#change(author, { kind: 'forget', node: '', item: '', policyVersion: 0 });
  }

  async heads(authors: readonly UserId[]): Promise<readonly (FeedHead | undefined)[]> {
    const { redis, keys } = this.#options;
    const heads = authors.map((): FeedHead | undefined => undefined);
    const ask = async (places: readonly number[]): Promise<void> => {
      const names = places.map((place) => keys.feedHead(authors[place] ?? ('' as UserId)));
      const found = (await runScript(redis, FEED_HEADS, names, [])) as readonly string[];
      for (const [i, place] of places.entries()) heads[place] = headOf(found[i] ?? '');
    };
    await askEach(
      byPartition(authors, (author) => keys.feedPartitionOf(author)),
      ask,
    );
    return heads;
  }

  subscribe(author: UserId, listener: FeedListener, onSignal?: SignalListener): FeedSubscription {
    return this.#options.channels.listen(author, (text) => {
      if (text.startsWith(SIGNAL)) onSignal?.(JSON.parse(text.slice(SIGNAL.length)) as JsonObject);
      // What begins otherwise is said by a newer version, and for others.
      else if (/^\d/.test(text)) listener(headOf(text));
    });
  }

  async signal(userId: UserId, signal: JsonObject): Promise<void> {
    const { redis, keys } = this.#options;
    await runScript(redis, TELL, [keys.feedChannel(userId)], [SIGNAL + JSON.stringify(signal)]);
  }

  onDoubt(listener: () => void): () => void {
    return this.#options.channels.onDoubt(listener);
  }

  async #change(author: UserId, { kind, node, item, policyVersion }: HeadChange): Promise<number> {
    checkedPolicyVersion(policyVersion);
    const { redis, keys, now } = this.#options;
    const seq = await runScript(
      redis,
      CHANGE_HEAD,
      [keys.feedHead(author), keys.feedChannel(author)],
      [
        kind,
        node,
        item,
        String(policyVersion),
        String(Math.floor(now() * SEQS_A_MS)),
        String(KEPT_MS),
      ],
    );
    return Number(seq);
  }
}

/** @param text as the scripts write it; '' for none */
function headOf(text: string): FeedHead {
  if (text === '') return NO_FEED_HEAD;
  const [seq = '', policy = '', node = '', item = ''] = text.split('\n');
  return {
    seq: Number(seq),
    live: item === '' ? undefined : { node, item: JSON.parse(item) as JsonObject },
    policyVersion: Number(policy),
  };
}
