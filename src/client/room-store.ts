// Owns the state of one joined room and how it changes with what the hub sends. Pure: knows no connection and asks for nothing.
import type { EntryId, UserId } from '../../protocol/ids.ts';
import { applyPatch } from '../../protocol/merge-patch.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import type { PublicEvent } from '../../protocol/schemas/events.ts';
import type {
  Joined,
  PresenceView,
  Push,
  Revision,
  RoomSnapshotPush,
  Snapshot,
  You,
} from '../../protocol/schemas/pushes.ts';
import type { SyncState } from '../../protocol/schemas/requests.ts';
import type { PublicRoom } from '../../protocol/schemas/room.ts';
import { stateHash } from '../../protocol/state-hash.ts';
import { NO_CHAT, mergeChat, type ChatView } from './chat-store.ts';
import { isUsableRoom } from './inbound.ts';

export interface RoomSync {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly members: Readonly<
    Record<UserId, { readonly errorMs: number; readonly state: Exclude<SyncState, 'idle'> }>
  >;
}

export type LeftReason = 'left' | 'kicked' | 'banned' | 'closed' | 'replaced' | ErrorCode;

/** What the hub told of a room. */
export interface RoomCopy {
  readonly room: PublicRoom;
  readonly epoch: number;
  readonly revision: number;
  readonly presence: PresenceView;
  /** The role follows the room, the votes follow the events: the hub tells them only once. */
  readonly you: You;
  readonly chat: ChatView;
  readonly sync?: RoomSync;
}

/** A room as its observers see it. */
export interface RoomView extends RoomCopy {
  readonly status: 'joined' | 'reconnecting' | 'left';
  /** Why it was left: by whom, or the code with which coming back was refused. */
  readonly leftReason?: LeftReason;
  /** The hub started over within the last seconds, as this client could not follow or the history was replaced. */
  readonly behind: boolean;
}

export type PresencePush = Extract<Push, { type: 'room.presence' }>;

/** `hole`: something before it is missing. `mismatch`: what is held is not what the hub has. Both with what was right so far. */
export interface RevisionsOutcome {
  readonly kind: 'applied' | 'hole' | 'mismatch';
  readonly copy: RoomCopy;
  readonly events: readonly PublicEvent[];
}

/** A whole room, from a join or when the hub starts over. */
export function copyOf(
  snapshot: Snapshot | RoomSnapshotPush,
  rest: Omit<RoomCopy, keyof Snapshot>,
): RoomCopy {
  const { room, epoch, revision } = snapshot;
  return { room, epoch, revision, ...rest };
}

/** Whether the snapshot is what the hub hashed. */
export function isProven(snapshot: Snapshot | RoomSnapshotPush): boolean {
  return stateHash(snapshot.room) === snapshot.hash;
}

/** The chat after a join: a sequence that is behind ours is another history. */
export function chatAfterJoin(
  before: ChatView,
  page: Joined['chat'],
  isNewEpoch: boolean,
): ChatView {
  const base = isNewEpoch || page.lastSeq < before.lastSeq ? NO_CHAT : before;
  const merged = mergeChat(base, page.items, page.lastSeq);
  return base.items.length === 0 ? { ...merged, hasOlder: page.gap } : merged;
}

/**
 * Applies revisions in order: those of the past are ignored, one out of line ends it as a hole, and one whose hash differs as a
 * mismatch (RM3, RM6).
 */
export function applyRevisions(
  before: RoomCopy,
  epoch: number,
  revisions: readonly Revision[],
  userId: UserId,
): RevisionsOutcome {
  let copy = before;
  const events: PublicEvent[] = [];
  if (epoch !== before.epoch) {
    return { kind: epoch > before.epoch ? 'hole' : 'applied', copy, events };
  }
  for (const { revision, event, patch, hash } of revisions) {
    if (revision <= copy.revision) continue;
    if (revision !== copy.revision + 1) return { kind: 'hole', copy, events };
    const room = applyPatch(copy.room, patch);
    if (!isUsableRoom(room) || (hash !== undefined && stateHash(room) !== hash)) {
      return { kind: 'mismatch', copy, events };
    }
    copy = { ...copy, revision, room, you: youAfter(copy.you, event, room, userId) };
    events.push(event);
  }
  return { kind: 'applied', copy, events };
}

/** A difference of the presence; undefined where one before it is missing. */
export function applyPresence(before: PresenceView, push: PresencePush): PresenceView | undefined {
  if (push.full !== undefined) return push.full;
  if (push.version <= before.version) return before;
  if (push.version !== before.version + 1) return undefined;
  const members = new Map(Object.entries(before.members));
  for (const userId of push.left ?? []) members.delete(userId);
  for (const [userId, present] of Object.entries({ ...push.joined, ...push.changed })) {
    members.set(userId, present);
  }
  return { version: push.version, count: push.count, members: Object.fromEntries(members) };
}

function youAfter(you: You, event: PublicEvent, room: PublicRoom, userId: UserId): You {
  const role = room.roles[userId]?.role ?? 'listener';
  let votes: Readonly<Record<string, number>> = you.votes;
  let skipVotes: readonly EntryId[] = you.skipVotes;
  if (event.type === 'EntryVoted' && event.by === userId) {
    votes = { ...votes, [event.entryId]: event.value };
  }
  if (event.type === 'SkipVoted' && event.by === userId && !skipVotes.includes(event.entryId)) {
    skipVotes = [...skipVotes, event.entryId];
  }
  const isGone = (id: string): boolean => !Object.hasOwn(room.queue, id);
  if (Object.entries(votes).some(([id, value]) => value === 0 || isGone(id))) {
    votes = Object.fromEntries(
      Object.entries(votes).filter(([id, value]) => value !== 0 && !isGone(id)),
    );
  }
  // The votes for a skip end with the entry's turn, which shows in its count.
  const isOver = (id: EntryId): boolean => (room.queue[id]?.skipVotes ?? 0) === 0;
  if (skipVotes.some(isOver)) skipVotes = skipVotes.filter((id) => !isOver(id));
  if (role === you.role && votes === you.votes && skipVotes === you.skipVotes) return you;
  return { ...you, role, votes, skipVotes: [...skipVotes] };
}
