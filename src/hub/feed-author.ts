// Somebody whom viewers of this node look at: what there is to see of them, and who may. Knows neither feed nor stores.
import type { HubMs, UserId } from '../../protocol/ids.ts';
import type { FeedItem } from '../../protocol/schemas/feed.ts';
import type { PastActivity } from '../ports/activity-log.ts';
import type { Watch } from './feed-view.ts';
import { isWithheld, type WithheldIds } from './live-activity.ts';
import { mayBePrivate } from './past-item.ts';

export interface Author<V> {
  readonly id: UserId;
  readonly watch: Watch;
  /** Whether each viewer of this node is in the audience, by the policy of `version`. */
  readonly viewers: Map<V, boolean>;
  /** Those of them who are; undefined until it is asked for after a change. */
  audience: readonly V[] | undefined;
  version: number;
  /** The newest version that was told of: while it is newer than `version` nothing leaves. */
  toldVersion: number;
  privateUntil: HubMs | undefined;
  cancelPrivate: (() => void) | undefined;
  seq: number;
  /** What there is to see, whoever may; undefined for nothing. */
  item: FeedItem | undefined;
  /** What was withheld by the last head that withheld anything. */
  withheld: WithheldIds;
  /** Whether what was over last is to be read from the history, while nothing is live. */
  isLatestDue: boolean;
  /** Whether it is over since the policy was last known for certain: a part of it may have been private. */
  hasJustEnded: boolean;
  /** Whether the history does not know when it ended: that may have been in whatever private session there is since. */
  isEndUnknown: boolean;
  /** The last activity of which a part was private: the history may know no better for ever. */
  privateId: string | undefined;
  /** What the viewers in the audience hold; undefined for nothing. */
  shown: FeedItem | undefined;
  /** The first reading of the head, of the history, and the question about the policy: whoever comes meanwhile waits for them. */
  entering: Promise<void> | undefined;
  reading: Promise<void> | undefined;
  asking: Promise<void> | undefined;
  /** Cancels the next question, where the last one was not answered. */
  cancelAsk: (() => void) | undefined;
  /** Whether the policy must be asked for, although its version is not known to be newer. */
  isInDoubt: boolean;
}

export function newAuthor<V>(
  id: UserId,
  watch: Watch,
  { version, privateUntil }: Pick<Author<V>, 'version' | 'privateUntil'>,
): Author<V> {
  return {
    id,
    watch,
    viewers: new Map(),
    audience: undefined,
    version,
    toldVersion: version,
    privateUntil,
    cancelPrivate: undefined,
    seq: 0,
    item: undefined,
    withheld: { removed: [], hidden: [] },
    isLatestDue: true,
    hasJustEnded: false,
    isEndUnknown: false,
    privateId: undefined,
    shown: undefined,
    entering: undefined,
    reading: undefined,
    asking: undefined,
    cancelAsk: undefined,
    isInDoubt: false,
  };
}

/** Whether what is known of the author's policy is what it is. */
export function isCertain<V>({ toldVersion, version, isInDoubt }: Author<V>): boolean {
  return toldVersion <= version && !isInDoubt;
}

/** What those in the audience are to hold now. */
export function visibleOf<V>(
  { item, privateUntil = 0 }: Author<V>,
  now: HubMs,
): FeedItem | undefined {
  if (privateUntil > now) return undefined;
  // Of what goes on since before the end of a private session a part was heard in it, also where its node has not learnt of that (FE8).
  return item !== undefined && item.state !== 'ended' && item.at < privateUntil ? undefined : item;
}

export function audienceOf<V>(author: Author<V>): readonly V[] {
  author.audience ??= [...author.viewers].flatMap(([viewer, may]) => (may ? [viewer] : []));
  return author.audience;
}

/** Whether nobody is to be shown what the history has as the last activity. */
export function isKeptBack<V>(author: Author<V>, past: PastActivity): boolean {
  const { withheld, privateId, privateUntil } = author;
  const { activityId } = past;
  return (
    isWithheld(withheld, activityId) || privateId === activityId || mayBePrivate(past, privateUntil)
  );
}
