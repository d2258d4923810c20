// Owns the step from what the hub sent to something that may be acted upon. Loose on purpose: fields of a later version stay, and
// only what would break the client is refused. Knows no room.
import type { FeedSnapshot } from '../../protocol/schemas/feed.ts';
import type { Joined, Push, PushType, ReplyBodies } from '../../protocol/schemas/pushes.ts';

export type Inbound =
  | { readonly kind: 'ok'; readonly id: number; readonly body: Readonly<Record<string, unknown>> }
  | {
      readonly kind: 'error';
      /** Absent where the hub could not read the request's. */
      readonly id?: number;
      readonly refusal: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'push'; readonly push: Push }
  /** Well formed, of a type that this version does not know. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'malformed' };

type Fields = Readonly<Record<string, unknown>>;

const MALFORMED: Inbound = { kind: 'malformed' };

export function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isFinite(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isAnchor(value: unknown): boolean {
  return (
    isRecord(value) && isString(value.state) && isFinite(value.positionMs) && isFinite(value.at)
  );
}

function isPerson(value: unknown): boolean {
  return isRecord(value) && isString(value.name);
}

function isMapOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return isRecord(value) && Object.values(value).every(isItem);
}

function isOptional(value: unknown, check: (value: unknown) => boolean): boolean {
  return value === undefined || check(value);
}

/** Whether `room` has what the SDK and the player stand on; the hash proves the rest. */
export function isUsableRoom(room: unknown): boolean {
  if (!isRecord(room) || !isString(room.id)) return false;
  const { queue, playback, roles, settings } = room;
  return (
    isMapOf(queue, isRecord) &&
    isRecord(roles) &&
    isRecord(settings) &&
    isRecord(playback) &&
    isListOf(playback.timeline, isAnchor) &&
    (playback.timeline as unknown[]).length > 0
  );
}

function isSnapshot(value: unknown): boolean {
  return (
    isRecord(value) &&
    isCount(value.epoch) &&
    isCount(value.revision) &&
    isString(value.hash) &&
    isUsableRoom(value.room)
  );
}

function isPresence(value: unknown): boolean {
  return (
    isRecord(value) &&
    isCount(value.version) &&
    isCount(value.count) &&
    isMapOf(value.members, isPerson)
  );
}

function isYou(value: unknown): boolean {
  return (
    isRecord(value) &&
    isString(value.role) &&
    isRecord(value.votes) &&
    isListOf(value.skipVotes, isString) &&
    isOptional(value.waiting, isWaiting)
  );
}

function isWaiting(value: unknown): boolean {
  return isListOf(value, isNamed);
}

function isNamed(value: unknown): boolean {
  return isRecord(value) && isString(value.id) && isString(value.name);
}

function isFeedItem(value: unknown): boolean {
  return (
    isRecord(value) &&
    isString(value.activityId) &&
    isNamed(value.user) &&
    isCount(value.seq) &&
    isFinite(value.at) &&
    isString(value.state) &&
    isRecord(value.track) &&
    isString(value.track.title) &&
    isFinite(value.track.durationMs) &&
    isFinite(value.positionMs) &&
    isFinite(value.positionAt) &&
    isOptional(value.room, (room) => isRecord(room) && isString(room.roomId))
  );
}

function isFeedRemoval(value: unknown): boolean {
  return isRecord(value) && isString(value.userId) && isOptional(value.activityId, isString);
}

function isAudience(value: unknown): boolean {
  return isRecord(value) && isString(value.audience) && isListOf(value.chosen, isString);
}

/** Whether the reply to `feed.subscribe` can be shown. */
export function isFeed(value: unknown): value is FeedSnapshot {
  return isRecord(value) && isListOf(value.items, isFeedItem) && isAudience(value.audience);
}

function isRevision(value: unknown): boolean {
  return (
    isRecord(value) &&
    isCount(value.revision) &&
    isRecord(value.patch) &&
    isRecord(value.event) &&
    isString(value.event.type) &&
    isOptional(value.hash, isString)
  );
}

function isChatItem(value: unknown): boolean {
  return (
    isRecord(value) &&
    isCount(value.seq) &&
    (value.kind === 'message'
      ? isString(value.text)
      : value.kind !== 'deletion' || isCount(value.target))
  );
}

export function isChatPage(value: unknown): boolean {
  return isRecord(value) && isListOf(value.items, isChatItem) && isCount(value.lastSeq);
}

/** Whether the reply to `room.join` or `room.create` can be acted upon. */
export function isJoined(value: unknown): value is Joined {
  if (!isRecord(value) || !isString(value.roomId)) return false;
  const { snapshot, resumed } = value;
  const isResumed =
    isRecord(resumed) &&
    isCount(resumed.epoch) &&
    isCount(resumed.revision) &&
    isListOf(resumed.revisions, isRevision);
  return (
    (isSnapshot(snapshot) || isResumed) &&
    isPresence(value.presence) &&
    isYou(value.you) &&
    isChatPage(value.chat)
  );
}

/** Whether the reply to `hello` has what a connection stands on. */
export function isGreeting(value: unknown): value is ReplyBodies['hello'] {
  return (
    isRecord(value) &&
    isRecord(value.user) &&
    isString(value.user.id) &&
    isString(value.connectionId) &&
    isRecord(value.limits) &&
    isCount(value.limits.maxFrameBytes) &&
    isCount(value.heartbeatMs) &&
    value.heartbeatMs > 0 &&
    isListOf(value.features, isString)
  );
}

const PUSH_CHECKS: Readonly<Record<PushType, (push: Fields) => boolean>> = {
  'room.events': (push) => isCount(push.epoch) && isListOf(push.revisions, isRevision),
  'room.snapshot': (push) =>
    isSnapshot(push) && isPresence(push.presence) && isYou(push.you) && isCount(push.chatSeq),
  'room.presence': (push) =>
    isCount(push.version) &&
    isCount(push.count) &&
    isOptional(push.joined, (value) => isMapOf(value, isPerson)) &&
    isOptional(push.changed, (value) => isMapOf(value, isPerson)) &&
    isOptional(push.left, (value) => isListOf(value, isString)) &&
    isOptional(push.full, isPresence),
  'room.sync': (push) => isFinite(push.p50Ms) && isFinite(push.p95Ms) && isRecord(push.members),
  'room.chat': (push) => isListOf(push.items, isChatItem),
  'room.reactions': (push) => isMapOf(push.counts, isFinite) && isListOf(push.from, isString),
  'room.left': (push) => isString(push.reason),
  'room.knocked': (push) => isWaiting(push.waiting),
  'room.admitted': (push) => typeof push.accept === 'boolean',
  'session.expiring': (push) => isFinite(push.inMs),
  'feed.items': (push) => isListOf(push.upsert, isFeedItem) && isListOf(push.remove, isFeedRemoval),
  'feed.snapshot': (push) => isFeed(push),
  'audience.changed': (push) => isAudience(push.audience),
  'friends.changed': () => true,
  'activity.reacted': (push) =>
    isString(push.activityId) && isNamed(push.user) && isString(push.emoji),
  'activity.joined': (push) =>
    isString(push.activityId) && isString(push.roomId) && isNamed(push.user),
  'hub.draining': (push) => isCount(push.reconnectWithinMs),
};

/** Reads one text frame. Never throws, whatever the text. */
export function readFrame(text: string): Inbound {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return MALFORMED;
  }
  if (!isRecord(frame) || !isString(frame.type)) return MALFORMED;
  const { id, type } = frame;
  if (type === 'ok') return isCount(id) ? { kind: 'ok', id, body: frame } : MALFORMED;
  if (type === 'error') {
    return isCount(id) ? { kind: 'error', id, refusal: frame } : { kind: 'error', refusal: frame };
  }
  if (!Object.hasOwn(PUSH_CHECKS, type)) return { kind: 'unknown' };
  if (type.startsWith('room.') && !isString(frame.roomId)) return MALFORMED;
  if (!PUSH_CHECKS[type as PushType](frame)) return MALFORMED;
  return { kind: 'push', push: frame as unknown as Push };
}
