// Taking entries out of the queue, and where the room goes when the one it plays is among them.
import type { EntryId, HubMs, UserId } from '../../protocol/ids.ts';
import { hasTrack, type Anchor } from '../../protocol/schemas/playback.ts';
import { playOrder } from '../../protocol/schemas/room.ts';
import type { Draft } from './draft.ts';
import { isSilent, moveTo, startEntry } from './move.ts';
import { anchorOf, entryIdOf, isPlaying } from './playback.ts';
import { lookup } from './records.ts';

/** Removes entries of the queue. Where the current one is among them the room goes on as it would by a skip, in the state it is in. */
export function removeEntries(
  draft: Draft,
  entryIds: readonly EntryId[],
  cause: 'request' | 'vote',
  by: UserId,
): void {
  const successor = successorOf(draft, entryIds);
  // Read before: without the entry, what was planned behind it could not be told from what was decided.
  const { head, cursor, isPending } = draft.standing;
  const at = isSilent(draft) ? draft.at : draft.changeAt;
  draft.emit({ type: 'QueueRemoved', by, cause, entryIds: [...entryIds] });
  // Where a boundary to an entry that stays was announced already, the room goes on there by itself.
  const isLeaving =
    !isPending && cursor !== head && hasTrack(cursor) && !entryIds.includes(cursor.entryId);
  if (!isLeaving) moveOff(draft, head, successor, at);
}

/** The entry to go on with when `removed` are gone; undefined where the queue ends there. */
function successorOf(draft: Draft, removed: readonly EntryId[]): EntryId | undefined {
  const gone = new Set(removed);
  const order = playOrder(draft.room.public);
  const current = entryIdOf(draft.standing.head);
  const from = current === undefined ? 0 : order.indexOf(current) + 1;
  const isLeft = (entryId: EntryId): boolean => !gone.has(entryId);
  const next = order.slice(from).find(isLeft);
  if (next !== undefined || draft.room.public.playback.repeat === 'off') return next;
  return order.find(isLeft);
}

/** Leaves the head, if its entry is no longer in the queue, for `successor`; a silent room does so at `at`. */
function moveOff(draft: Draft, head: Anchor, successor: EntryId | undefined, at: HubMs): void {
  const { queue } = draft.room.public;
  if (!hasTrack(head) || Object.hasOwn(queue, head.entryId)) return;
  const cause = 'removed' as const;
  const next = successor === undefined ? undefined : lookup(queue, successor);
  if (successor !== undefined && next !== undefined) {
    if (isPlaying(head)) startEntry(draft, successor, 0, { cause, isCold: true });
    else moveTo(draft, { cause, change: anchorOf(successor, next, head.state, 0, at) });
    return;
  }
  const last = playOrder(draft.room.public).at(-1);
  const entry = last === undefined ? undefined : lookup(queue, last);
  const change =
    last === undefined || entry === undefined
      ? { state: 'stopped' as const, positionMs: 0 as const, at }
      : anchorOf(last, entry, 'stopped', entry.durationMs, at);
  moveTo(draft, { cause, change });
}
