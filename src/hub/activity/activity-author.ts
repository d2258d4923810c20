// Somebody of this node who listens: what they listen to and where, which of it is to be shown, and what the feed is to say of it.
// Knows neither feed nor stores.
import type { HubMs, UserId } from '../../../protocol/ids.ts';
import type { JsonObject } from '../../../protocol/merge-patch.ts';
import type { FeedSubscription } from '../../ports/feed.ts';
import type { Random } from '../../ports/random.ts';
import { ActivityEndings } from './activity-endings.ts';
import type { AuthorPolicy } from './author-policies.ts';
import {
  isWithheld,
  liveItem,
  readLive,
  soloSeed,
  withheldIn,
  withheldItem,
  type Activity,
  type ActivityUser,
  type WithheldSolo,
} from '../listening/live-activity.ts';
import { Withheld } from './withheld.ts';

/** Where somebody listens: a room's id, or alone. */
export type Source = string;
export const ALONE: Source = 'solo';

export interface Candidate {
  readonly activity: Activity;
  /** Of whatever began later it is higher. */
  readonly order: number;
  /** Undefined while nobody could be asked: until then it counts as private. */
  isPrivate: boolean | undefined;
  /** Whether the history was told of it as public. */
  wasPublic: boolean;
  /** When it is over at the latest, by what was first said of it. */
  readonly overAt: HubMs;
}

export interface Author {
  readonly id: UserId;
  user: ActivityUser;
  readonly candidates: Map<Source, Candidate>;
  /** What is over, and waits for an answer about their policy before that is told. */
  readonly endings: ActivityEndings<Candidate>;
  /** What is known of a private session; undefined until it was asked. */
  policy: AuthorPolicy | undefined;
  /** The newest version that was told of. */
  toldVersion: number;
  /** Whether something began or ended since the policy was last asked for: it is not told before the answer, or before there can be none. */
  isAsking: boolean;
  /** Whether it was not answered since: whether an end was private is then not known. */
  isUnanswered: boolean;
  /** Whether words of a changed policy may have been lost since: without an answer nothing new is told. */
  isInDoubt: boolean;
  /** Whether the feed's word about them was read: until then nothing is shown, as they may have taken it back on another node. */
  isRead: boolean;
  readonly subscription: FeedSubscription;
  readonly withheld: Withheld;
  /** Of what is shown. */
  reactions: { readonly activityId: string; readonly counts: Record<string, number> } | undefined;
  /** What the feed was last asked to say, to say the same only once. */
  said: string | undefined;
  /** Whether it is to be asked again all the same: the feed may not say it any more, or by an older policy. */
  isDue: boolean;
  /** The activity that it was last asked to say as live. */
  saidLive: string | undefined;
  /** The newest head. */
  heard: { readonly seq: number; readonly isOwn: boolean; readonly item: JsonObject | undefined };
}

export function newAuthor(user: ActivityUser, subscription: FeedSubscription): Author {
  return {
    id: user.id,
    user,
    candidates: new Map(),
    endings: new ActivityEndings(),
    policy: undefined,
    toldVersion: 0,
    isAsking: false,
    isUnanswered: false,
    isInDoubt: false,
    isRead: false,
    subscription,
    withheld: new Withheld(),
    reactions: undefined,
    said: undefined,
    isDue: false,
    saidLive: undefined,
    heard: { seq: 0, isOwn: false, item: undefined },
  };
}

/**
 * Also of what began before a private session that has ended since: a part of it was heard there (FE8).
 * @returns undefined while nobody could be asked
 */
export function isPrivate(author: Author, activity: Activity): boolean | undefined {
  const { policy, isRead, withheld } = author;
  if (activity.isHidden || withheld.has(activity.activityId)) return true;
  if (policy !== undefined && (policy.privateUntil ?? 0) > activity.at) return true;
  // Another node may have said that it is withheld, or that they began with it sooner.
  return policy === undefined || !isRead ? undefined : false;
}

/** Whether what begins or ends is not to be told yet. */
export function isWaiting({ isAsking, isInDoubt, isRead }: Author): boolean {
  return isAsking || isInDoubt || !isRead;
}

/** What plays comes before what is paused, and of two the one that began later. */
export function shownOf({ candidates, withheld }: Author): Activity | undefined {
  let best: Candidate | undefined;
  for (const candidate of candidates.values()) {
    if (candidate.isPrivate === true || withheld.has(candidate.activity.activityId)) continue;
    if (best === undefined || isBefore(candidate, best)) best = candidate;
  }
  return best?.activity;
}

/**
 * What the feed is to say: what is live, and what is withheld. Whoever missed the word of that would go on showing it, or take it for what has
 * just ended.
 * @param saidSeq the number of the last word of this node that the feed has taken
 */
export function wordOf(
  author: Author,
  live: Activity | undefined,
  saidSeq: number,
  random: Pick<Random, 'activityId'>,
): JsonObject | undefined {
  if (live === undefined && isSaidElsewhere(author, saidSeq)) return undefined;
  const { user, reactions, withheld } = author;
  const counts = reactions?.activityId === live?.activityId ? (reactions?.counts ?? {}) : {};
  const item = live === undefined ? undefined : liveItem(live, user, counts);
  return withheldItem(item, withheld.ids, soloOf(author, random));
}

/** Whether another node says what is live, or is where they listen now and says all that is withheld here. */
function isSaidElsewhere({ said, heard, withheld, candidates }: Author, saidSeq: number): boolean {
  // A word of this node's own may be heard before it is answered, and again with every change of the policy.
  const isTheirs = !heard.isOwn && (said === undefined || heard.seq > saidSeq);
  if (heard.item === undefined || !isTheirs) return false;
  const live = readLive(heard.item);
  if (live !== undefined) return !withheld.has(live.activityId);
  const theirs = withheldIn(heard.item);
  const { removed, hidden } = withheld.ids;
  return candidates.size === 0 && [...removed, ...hidden].every((id) => isWithheld(theirs, id));
}

function soloOf(
  { id, candidates, withheld }: Author,
  random: Pick<Random, 'activityId'>,
): WithheldSolo | undefined {
  const solo = candidates.get(ALONE);
  if (solo === undefined || !withheld.has(solo.activity.activityId)) return undefined;
  const { activityId, at, track } = solo.activity;
  const mark = random.activityId(soloSeed(id, track));
  return { activityId, at, mark, until: solo.overAt };
}

export function isPlayed({ candidates }: Author, activityId: string): boolean {
  for (const { activity } of candidates.values())
    if (activity.activityId === activityId) return true;
  return false;
}

function isBefore(a: Candidate, b: Candidate): boolean {
  const [playsA, playsB] = [a.activity.state === 'playing', b.activity.state === 'playing'];
  return playsA === playsB ? a.order > b.order : playsA;
}
