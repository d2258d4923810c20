// The feed of several nodes in one process, with the test deciding what is delayed, lost and away. Knows nothing of who may see what.
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
import { StoreUnavailable } from '../../ports/room-log.ts';

/** Numbers in one millisecond: what begins anew at a later time is past all that was told before. */
const SEQS_A_MS = 1_000;

export interface MemoryFeedsOptions {
  /** Hub time. */
  now(): HubMs;
  /** Hands a message on, at once by default; a test may delay or lose it. */
  readonly deliver?: (to: NodeId, message: () => void) => void;
}

export class MemoryFeeds {
  readonly #options: MemoryFeedsOptions;
  readonly #heads = new Map<UserId, FeedHead>();
  readonly #nodes = new Map<NodeId, MemoryFeed>();
  /** The highest number that was ever given. */
  #highest = 0;
  /** While true every call fails. */
  isAway = false;

  constructor(options: MemoryFeedsOptions) {
    this.#options = options;
  }

  join(nodeId: NodeId): MemoryFeed {
    const feed = new MemoryFeed(nodeId, this);
    this.#nodes.set(nodeId, feed);
    return feed;
  }

  /** Forgets everything, as a store that came back empty. */
  empty(): void {
    this.#heads.clear();
  }

  /** How many nodes listen to an author. */
  listening(author: UserId): number {
    return [...this.#nodes.values()].filter((node) => node.isListening(author)).length;
  }

  head(author: UserId): FeedHead {
    this.reach();
    return this.#heads.get(author) ?? NO_FEED_HEAD;
  }

  change(author: UserId, changed: (head: FeedHead) => Omit<FeedHead, 'seq'> | undefined): number {
    const before = this.head(author);
    const after = changed(before);
    if (after === undefined) return before.seq;
    const floor = Math.max(Math.floor(this.#options.now()) * SEQS_A_MS, this.#highest + 2);
    const head = { seq: before.seq === 0 ? floor : before.seq + 1, ...after };
    this.#highest = Math.max(this.#highest, head.seq);
    this.#heads.set(author, head);
    const deliver = this.#options.deliver ?? atOnce;
    for (const [nodeId, node] of this.#nodes) {
      if (node.isListening(author)) deliver(nodeId, () => node.hear(author, head));
    }
    return head.seq;
  }

  forget(author: UserId): void {
    if (this.head(author).seq === 0) return;
    this.change(author, ({ policyVersion }) => ({ live: undefined, policyVersion }));
    this.#heads.delete(author);
  }

  signal(userId: UserId, signal: JsonObject): void {
    this.reach();
    const deliver = this.#options.deliver ?? atOnce;
    for (const [nodeId, node] of this.#nodes) {
      if (node.isListening(userId)) deliver(nodeId, () => node.hearSignal(userId, signal));
    }
  }

  reach(): void {
    if (this.isAway) throw new StoreUnavailable('the feed');
  }
}

interface Listening {
  readonly hear: FeedListener;
  readonly onSignal: SignalListener | undefined;
}

export class MemoryFeed implements Feed {
  readonly nodeId: NodeId;
  readonly #feeds: MemoryFeeds;
  readonly #listeners = new Map<UserId, Set<Listening>>();
  readonly #doubtListeners = new Set<() => void>();

  constructor(nodeId: NodeId, feeds: MemoryFeeds) {
    this.nodeId = nodeId;
    this.#feeds = feeds;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what cannot be is a rejection
  async publish(author: UserId, item: JsonObject | undefined, policyVersion = 0): Promise<number> {
    if (item === undefined) return this.#change(author, policyVersion, this.nodeId);
    checkedPolicyVersion(policyVersion);
    return this.#feeds.change(author, (head) => ({
      live: { node: this.nodeId, item: structuredClone(item) },
      policyVersion: Math.max(head.policyVersion, policyVersion),
    }));
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what cannot be is a rejection
  async tellPolicy(author: UserId, version: number): Promise<number> {
    return this.#change(author, version, undefined);
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a store that is away is a rejection
  async clear(author: UserId, node: NodeId): Promise<number> {
    return this.#change(author, 0, node);
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a store that is away is a rejection
  async forget(author: UserId): Promise<void> {
    this.#feeds.forget(author);
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a store that is away is a rejection
  async heads(authors: readonly UserId[]): Promise<readonly FeedHead[]> {
    return authors.map((author) => this.#feeds.head(author));
  }

  subscribe(author: UserId, listener: FeedListener, onSignal?: SignalListener): FeedSubscription {
    const entry: Listening = { hear: listener, onSignal };
    const listeners = this.#listeners.get(author) ?? new Set();
    this.#listeners.set(author, listeners);
    listeners.add(entry);
    return {
      ready: Promise.resolve(),
      stop: () => {
        listeners.delete(entry);
        if (listeners.size === 0 && this.#listeners.get(author) === listeners) {
          this.#listeners.delete(author);
        }
      },
    };
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a store that is away is a rejection
  async signal(userId: UserId, signal: JsonObject): Promise<void> {
    this.#feeds.signal(userId, structuredClone(signal));
  }

  onDoubt(listener: () => void): () => void {
    this.#doubtListeners.add(listener);
    return () => this.#doubtListeners.delete(listener);
  }

  /** Messages may have been lost. */
  doubt(): void {
    for (const listener of this.#doubtListeners) listener();
  }

  isListening(author: UserId): boolean {
    return this.#listeners.has(author);
  }

  hear(author: UserId, head: FeedHead): void {
    for (const { hear } of [...(this.#listeners.get(author) ?? [])]) hear(head);
  }

  hearSignal(userId: UserId, signal: JsonObject): void {
    for (const { onSignal } of [...(this.#listeners.get(userId) ?? [])]) onSignal?.(signal);
  }

  /** @param goneFrom the node whose item goes; undefined where none does */
  #change(author: UserId, policyVersion: number, goneFrom: NodeId | undefined): number {
    checkedPolicyVersion(policyVersion);
    return this.#feeds.change(author, (head) => {
      if (goneFrom !== undefined && head.seq === 0) return undefined;
      const isGone = head.live !== undefined && head.live.node === goneFrom;
      if (!isGone && policyVersion <= head.policyVersion) return undefined;
      return {
        live: isGone ? undefined : head.live,
        policyVersion: Math.max(head.policyVersion, policyVersion),
      };
    });
  }
}

function atOnce(_to: NodeId, message: () => void): void {
  message();
}
