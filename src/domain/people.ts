// The rules between people: who may ask whom and how often, what a profile and a label may say. Knows no store.
import type { HubMs, UserId } from '../../protocol/ids.ts';
import { MAX_PRIVATE_MS } from '../../protocol/schemas/feed.ts';
import { CODE_ALPHABET, NameSchema } from '../../protocol/schemas/primitives.ts';

/** Names, not values: a page shows each in its own light and dark. */
export const COLOURS = [
  'rose',
  'coral',
  'amber',
  'lime',
  'green',
  'teal',
  'sky',
  'blue',
  'indigo',
  'violet',
  'plum',
  'slate',
] as const;
export type Colour = (typeof COLOURS)[number];

export const AUDIENCES = ['friends', 'chosen', 'nobody'] as const;
export type AudienceKind = (typeof AUDIENCES)[number];

export const FRIEND_CODE_LENGTH = 10;
export const MAX_PICTURE_LENGTH = 512;
export const MAX_CHOSEN = 500;
export const DECLINED_REST_MS = 7 * 86_400_000;
const DAY_MS = 86_400_000;

export interface FriendLimits {
  readonly friends: number;
  /** Requests of one person that wait for an answer. */
  readonly openRequests: number;
  readonly requestsPerDay: number;
  readonly blocked: number;
  /** How many of the requests to one person, the newest, an overview names. */
  readonly shownRequests: number;
}

export const FRIEND_LIMITS: FriendLimits = {
  friends: 1_000,
  openRequests: 50,
  requestsPerDay: 20,
  blocked: 5_000,
  shownRequests: 200,
};

/** A request as it is kept. Whoever sent it sees no difference between one that waits and one that was declined. */
export interface Ask {
  readonly sentAt: HubMs;
  readonly declinedAt?: HubMs;
  /** Taken back after it had been declined, or ended by a block: kept so that neither is a way around the rest. */
  readonly isWithdrawn: boolean;
}

export interface RequestFacts {
  /** By either. */
  readonly isBlocked: boolean;
  readonly areFriends: boolean;
  readonly asked: Ask | undefined;
  readonly askedBack: Ask | undefined;
  /** How many friends whoever asks has, and whoever is asked. */
  readonly friendCounts: readonly [number, number];
  /** Of whoever asks, those taken back not counted. */
  readonly openRequests: number;
  /** When whoever asks has sent a request, at least those of the last day. */
  readonly requestTimes: readonly HubMs[];
}

export type RequestDecision =
  | { readonly outcome: 'friends' | 'already' | 'refused' | 'too_many' }
  /** Without `ask`, all stays as it is. */
  | { readonly outcome: 'sent'; readonly ask?: Ask; readonly requestTimes?: readonly HubMs[] };

/** What becomes of one person's asking another at `at`. */
export function decideRequest(
  facts: RequestFacts,
  at: HubMs,
  limits: FriendLimits,
): RequestDecision {
  const { asked, askedBack, friendCounts, requestTimes } = facts;
  if (facts.isBlocked) return { outcome: 'refused' };
  if (facts.areFriends) return { outcome: 'already' };
  if (askedBack?.isWithdrawn === false) {
    const isFull = friendCounts.some((count) => count >= limits.friends);
    return { outcome: isFull ? 'too_many' : 'friends' };
  }
  const isResting = asked?.declinedAt !== undefined && at - asked.declinedAt < DECLINED_REST_MS;
  if (asked?.isWithdrawn === false) {
    // Bounded by the rest, and by no count: at its limit the answer would tell a declined request from one that waits.
    if (asked.declinedAt === undefined || isResting) return { outcome: 'sent' };
    return { outcome: 'sent', ask: { sentAt: at, isWithdrawn: false } };
  }
  const today = requestTimes.filter((time) => time > at - DAY_MS);
  if (
    friendCounts[0] >= limits.friends ||
    facts.openRequests >= limits.openRequests ||
    today.length >= limits.requestsPerDay
  ) {
    return { outcome: 'too_many' };
  }
  return {
    outcome: 'sent',
    ask: {
      sentAt: at,
      isWithdrawn: false,
      ...(isResting ? { declinedAt: asked.declinedAt } : {}),
    },
    requestTimes: [...today, at],
  };
}

/** The colour of somebody who has chosen none: always the same one. */
export function colourOf(userId: UserId): Colour {
  const digits = Number.parseInt(userId.slice(0, 8), 16) || 0;
  return COLOURS[digits % COLOURS.length] ?? COLOURS[0];
}

export function isColour(value: unknown): value is Colour {
  return COLOURS.some((colour) => colour === value);
}

export interface ProfileChange {
  readonly name?: string;
  readonly colour?: Colour;
  /** An https URL; null for none. */
  readonly picture?: string | null;
}

/** The change with its name as it is kept. Throws a `RangeError` that says what is wrong. */
export function checkedProfile(change: ProfileChange): ProfileChange {
  const { name, colour, picture } = change;
  if (colour !== undefined && !isColour(colour)) {
    throw new RangeError(`a colour is one of ${COLOURS.join(', ')}`);
  }
  if (picture !== undefined && picture !== null && !isPicture(picture)) {
    throw new RangeError(
      `a picture is an https URL of at most ${MAX_PICTURE_LENGTH} characters, without a name or password`,
    );
  }
  return name === undefined ? change : { ...change, name: checkedName(name) };
}

/** The label of a device as it is kept. Throws a `RangeError` that says what is wrong. */
export function checkedName(name: string): string {
  const parsed = NameSchema.safeParse(name);
  if (parsed.success) return parsed.data;
  throw new RangeError(parsed.error.issues[0]?.message ?? 'not a name');
}

export interface AudienceChange {
  readonly audience?: AudienceKind;
  readonly chosen?: readonly UserId[];
  /** The end of a private session; null ends it. */
  readonly privateUntil?: HubMs | null;
}

/** The end of a private session as somebody asks for it at `now`. Throws a `RangeError` that says what is wrong. */
export function checkPrivateUntil(privateUntil: HubMs | null | undefined, now: HubMs): void {
  if (typeof privateUntil !== 'number') return;
  if (!(privateUntil >= 0 && privateUntil <= now + MAX_PRIVATE_MS))
    throw new RangeError('privateUntil: a hub time at most a year from now');
}

/** Throws a `RangeError` that says what is wrong. */
export function checkAudience({ audience, chosen, privateUntil }: AudienceChange): void {
  if (audience !== undefined && !AUDIENCES.includes(audience)) {
    throw new RangeError(`an audience is one of ${AUDIENCES.join(', ')}`);
  }
  if (chosen !== undefined && new Set(chosen).size > MAX_CHOSEN) {
    throw new RangeError(`at most ${MAX_CHOSEN} people are chosen`);
  }
  if (privateUntil !== undefined && privateUntil !== null && !Number.isFinite(privateUntil)) {
    throw new RangeError('a private session ends at a time');
  }
}

/** Whether it can be the code of a person's link: as it was made, in upper case. */
export function isFriendCode(code: string): boolean {
  return (
    code.length === FRIEND_CODE_LENGTH &&
    Array.from(code).every((letter) => CODE_ALPHABET.includes(letter))
  );
}

/** Whether somebody of this name is meant by what was typed: part of it, whatever the case and the accents. */
export function isNamed(name: string, typed: string): boolean {
  return folded(name).includes(folded(typed.trim()));
}

function folded(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/\p{Mn}/gu, '')
    .toLowerCase();
}

function isPicture(picture: string): boolean {
  if (picture.length > MAX_PICTURE_LENGTH || !/^https:\/\/[^\s/@\\]+(?:[/?#]|$)/u.test(picture)) {
    return false;
  }
  return URL.canParse(picture) && !/[\s\p{C}\\"'<>]/u.test(picture);
}
