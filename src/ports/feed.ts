// The port to what people are listening to right now: one head an author, told to the nodes with viewers. Knows nothing of who may see it.
import type { UserId } from '../../protocol/ids.ts';
import type { JsonObject } from '../../protocol/merge-patch.ts';
import type { NodeId } from './bus.ts';

export interface LiveItem {
  /** Who published it; when that node is dead it counts as gone. */
  readonly node: NodeId;
  readonly item: JsonObject;
}

/** All that is known of an author. A later one takes the place of an earlier one whole, so no message needs another one. */
export interface FeedHead {
  /**
   * 0 where nothing was ever told, or so long ago that it is forgotten. Grows by one with each change, and leaps, never back, where
   * changes before it may be lost: no number ever has two meanings, also after the store came back empty.
   */
  readonly seq: number;
  /** Undefined while there is nothing to see. */
  readonly live: LiveItem | undefined;
  /** The newest version of the author's policy that was told; 0 where none is known, as after the store came back empty. */
  readonly policyVersion: number;
}

export const NO_FEED_HEAD: FeedHead = { seq: 0, live: undefined, policyVersion: 0 };

export type FeedListener = (head: FeedHead) => void;

/** A word to a person, not kept: whoever is not connected does not get it. */
export type SignalListener = (signal: JsonObject) => void;

export interface FeedSubscription {
  /**
   * Resolves when all that is told from now on arrives: a head that is read after it misses nothing. Rejects with `StoreUnavailable`
   * where the store is away; the subscription is then still tried, and `onDoubt` tells when it may stand. It need not be awaited.
   */
  readonly ready: Promise<void>;
  /** Idempotent. */
  stop(): void;
}

/**
 * Every change is atomic over the head and its message. Messages of an author arrive in order of their numbers, at most once, or not at
 * all; where the connection was made anew, one may come again. Whoever listens merges by number (src/hub/feed/feed-view.ts).
 * After a doubt, a node compares the heads of those whose last word is its own: where one's number is lower than the one that it was
 * answered, the store has lost it, and it is published again.
 */
export interface Feed {
  /** Under which this node publishes. */
  readonly nodeId: NodeId;
  /**
   * Makes `item` what the author's viewers see; or, where it is undefined, takes away what they see if this node published it. Where there is
   * no head, taking away makes none: a node that ends what it had said after its author was forgotten leaves nothing of them.
   * @param policyVersion the newest version of the author's policy that the caller knows; an older one than the head's changes nothing
   * @returns the head's number after it. Rejects with `StoreUnavailable`; whether it took effect is then unknown
   */
  publish(author: UserId, item: JsonObject | undefined, policyVersion?: number): Promise<number>;
  /**
   * Tells that the author's policy has changed. A version that is not newer changes nothing.
   * @returns the head's number after it. Rejects with `StoreUnavailable`
   */
  tellPolicy(author: UserId, version: number): Promise<number>;
  /** Takes away what `node`, which is dead, has published of the author, if it is still there. Rejects with `StoreUnavailable` */
  clear(author: UserId, node: NodeId): Promise<number>;
  /** Takes all of the author away, whoever published it: viewers see nothing, and no head is kept. Rejects with `StoreUnavailable` */
  forget(author: UserId): Promise<void>;
  /**
   * The heads of many authors at once, in their order; undefined where only what keeps that author is away.
   * Rejects with `StoreUnavailable` where all of it is.
   */
  heads(authors: readonly UserId[]): Promise<readonly (FeedHead | undefined)[]>;
  /** Also tells what this node itself publishes. Any number may listen to an author: the store knows of the first and the last only. */
  subscribe(author: UserId, listener: FeedListener, onSignal?: SignalListener): FeedSubscription;
  /** Tells whoever listens to this person, on all nodes, once or not at all. Rejects with `StoreUnavailable` */
  signal(userId: UserId, signal: JsonObject): Promise<void>;
  /** Calls `listener` when messages may have been lost: heads are to be read again. Returns the remover. */
  onDoubt(listener: () => void): () => void;
}

/** Throws a `RangeError` for what cannot be a version of a policy. */
export function checkedPolicyVersion(version: number): number {
  if (!Number.isSafeInteger(version) || version < 0) {
    throw new RangeError('the version of a policy is a whole number from 0');
  }
  return version;
}
