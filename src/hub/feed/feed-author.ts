// Somebody whom viewers of this node look at: what there is to see of them, and who may. Knows neither feed nor stores.
import type { HubMs, UserId } from '../../../protocol/ids.ts';
import type { FeedItem, Person } from '../../../protocol/schemas/feed.ts';
import type { PastActivity } from '../../ports/activity-log.ts';
import type { SeenHead, Watch } from './feed-view.ts';
import { isWithheld, readLive, withheldIn, type WithheldIds } from '../listening/live-activity.ts';
import { ended, mayBePrivate, pastItem } from '../listening/past-item.ts';

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

/** Takes in what the feed says of the author now. */
export function takeHead<V>(author: Author<V>, head: SeenHead, now: HubMs): void {
  const before = author.item;
  author.seq = head.seq;
  author.toldVersion = Math.max(author.toldVersion, head.policyVersion);
  const said = head.live?.item;
  const live = readLive(said);
  const withheld = withheldIn(said);
  if (withheld.removed.length + withheld.hidden.length > 0) author.withheld = withheld;
  if (live !== undefined) {
    author.item = { ...live, seq: head.seq };
    author.isLatestDue = author.hasJustEnded = author.isEndUnknown = false;
  } else if (
    head.isAfterHole ||
    (before !== undefined && isWithheld(withheld, before.activityId))
  ) {
    // What was withheld in a hole is not known: the history has what is left.
    author.item = undefined;
    author.hasJustEnded = author.isEndUnknown = false;
    author.isLatestDue = true;
  } else if (before !== undefined) {
    author.hasJustEnded ||= before.state !== 'ended';
    author.item = ended(before, head.seq, now);
  }
}

/** Takes in what the history has as the last activity, if it has one. @returns whether there is something to see by it */
export function takeLatest<V>(
  author: Author<V>,
  past: PastActivity | undefined,
  user: Person,
): boolean {
  // Where the history has not heard yet that it was taken back, or heard in private, the next word asks it again.
  author.isLatestDue = past !== undefined && isKeptBack(author, past);
  if (past === undefined || author.isLatestDue) return false;
  author.item = pastItem(past, user, author.seq);
  author.isEndUnknown = past.endedAt === undefined;
  return true;
}

/**
 * Of what is over a part may have been heard in private, also where its node has not learnt of that, or could not say so (FE8).
 * @returns whether it is dropped for that: the history is then to be asked
 */
export function dropPrivate<V>(author: Author<V>): boolean {
  const { item, hasJustEnded, isEndUnknown } = author;
  author.hasJustEnded = false;
  if (item === undefined || !(hasJustEnded || isEndUnknown)) return false;
  if (item.at >= (author.privateUntil ?? 0)) return false;
  author.privateId = item.activityId;
  author.item = undefined;
  author.isEndUnknown = false;
  author.isLatestDue = true;
  return true;
}

/**
 * Brings in who of those who were asked about may see the author.
 * @returns those who may no more, and those who may from now on
 */
export function regroup<V extends { readonly id: UserId }>(
  author: Author<V>,
  asked: readonly V[],
  may: ReadonlySet<UserId>,
): { readonly lost: readonly V[]; readonly gained: readonly V[] } {
  const lost: V[] = [];
  const gained: V[] = [];
  const isKnown = isCertain(author);
  for (const viewer of asked) {
    const before = author.viewers.get(viewer);
    // Gone meanwhile.
    if (before === undefined) continue;
    const now = may.has(viewer.id);
    author.viewers.set(viewer, now);
    if (before && !now) lost.push(viewer);
    if (before || !now) continue;
    // An answer that is old already lets nobody in: they are asked about again.
    if (isKnown) gained.push(viewer);
    else author.viewers.set(viewer, false);
  }
  author.audience = undefined;
  return { lost, gained };
}

/** Whether nobody is to be shown what the history has as the last activity. */
function isKeptBack<V>(author: Author<V>, past: PastActivity): boolean {
  const { withheld, privateId, privateUntil } = author;
  const { activityId } = past;
  return (
    isWithheld(withheld, activityId) || privateId === activityId || mayBePrivate(past, privateUntil)
  );
}
