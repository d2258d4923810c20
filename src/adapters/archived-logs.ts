// The rooms' live logs with an archive behind them: what the live ones have lost or do not keep any more comes from there. Made of ports
// alone; knows no technology.
import type { RoomId } from '../../protocol/ids.ts';
import type { ChatItem } from '../../protocol/schemas/pushes.ts';
import type { ArchiveWriter } from '../ports/archive-writer.ts';
import type { ChatLog, ChatRange } from '../ports/chat-log.ts';
import {
  StoreUnavailable,
  isAfter,
  isSameHead,
  NO_ROOM,
  type InhabitedRoom,
  type RoomLog,
} from '../ports/room-log.ts';

/** Of a room whose chat is put back, the newest; what is older is read from the archive. */
const CHAT_ITEMS = 1_000;

/**
 * A room that `live` does not know is looked for in `archive`, and put back under a new epoch. While the archive is away, such a room
 * (and a code that `live` does not know) is answered with `StoreUnavailable`; the others go on.
 *
 * Who loads a room that `live` has from before a restart of its own may be the first who holds it, as when all was restored from backups:
 * it begins a new epoch at once, where the archive ends if that is further. Numbers that somebody was given after the backup, of chat
 * too (CH3), are never taken for those that are given now.
 */
export function archivedRoomLog(live: RoomLog, archive: RoomLog): RoomLog {
  return {
    async load(roomId) {
      const room = await live.load(roomId);
      if (room === undefined) {
        const kept = await archive.load(roomId);
        return kept && live.restore(roomId, { ...kept, recent: [], keys: [] });
      }
      if (room.isMoved !== true) return room;
      const kept = await unlessAway(archive.load(roomId), undefined);
      const { head, state, recent = [] } = room;
      if (kept === undefined || !isAfter(kept.head, head))
        return live.restore(roomId, { head, state, recent, keys: [] });
      return live.restore(roomId, { ...kept, recent: [], keys: [], isArchived: true });
    },
    async restore(roomId, held) {
      const [head = NO_ROOM] = await live.heads([roomId]);
      if (isSameHead(head, NO_ROOM)) {
        // Others may have brought the room further than the holder has seen, and died: that must not be lost with them.
        const kept = await archive.load(roomId);
        if (kept !== undefined && isAfter(kept.head, held.head)) {
          await live.restore(roomId, { ...kept, recent: [], keys: [] });
        }
      }
      return live.restore(roomId, held);
    },
    async findByCode(code) {
      return (await live.findByCode(code)) ?? archive.findByCode(code);
    },
    async inhabited() {
      const [known, kept] = await Promise.all([
        live.inhabited(),
        unlessAway(archive.inhabited(), []),
      ]);
      return [...known, ...(await lostOf(kept, live))];
    },
    // The archive follows the live log; what it holds besides is the matter of `Traces`.
    forget: (...args) => live.forget(...args),
    append: (...args) => live.append(...args),
    read: (...args) => live.read(...args),
    heads: (...args) => live.heads(...args),
    recall: (...args) => live.recall(...args),
    heartbeat: (...args) => live.heartbeat(...args),
    subscribe: (...args) => live.subscribe(...args),
  };
}

/** A start does not wait for an archive that is away: who asks for one of its rooms later finds nobody in it. */
async function unlessAway<T>(answer: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof StoreUnavailable) return otherwise;
    throw error;
  }
}

async function lostOf(
  rooms: readonly InhabitedRoom[],
  live: RoomLog,
): Promise<readonly InhabitedRoom[]> {
  if (rooms.length === 0) return [];
  const heads = await live.heads(rooms.map(({ roomId }) => roomId));
  return rooms.filter((_, i) => {
    const head = heads[i];
    return head !== undefined && isSameHead(head, NO_ROOM);
  });
}

/**
 * Chat that `live` does not keep any more is read from `archive`. Where `live` has nothing of a room that it once lost, the newest is put
 * back first, so that no number is given twice; while the archive is away, such a room is answered with `StoreUnavailable`. What a restored
 * archive lacks of the newest it is given, too.
 * @param rooms the live rooms' log
 */
export function archivedChatLog(
  live: ChatLog,
  archive: ChatLog,
  rooms: Pick<RoomLog, 'heads'>,
  writer: ArchiveWriter,
): ChatLog {
  const refill = async (roomId: RoomId): Promise<void> => {
    const [head = NO_ROOM] = await rooms.heads([roomId]);
    // In its first epoch a room has never been lost, and its chat neither: nothing has been said yet.
    if (head.epoch === 1 && head.revision > 0) return;
    const { items } = await archive.after(roomId, 0, CHAT_ITEMS);
    if (items.length > 0) await live.restore(roomId, items);
  };
  const isEmpty = async (roomId: RoomId): Promise<boolean> => {
    const [newest] = await live.newest([roomId]);
    return newest === undefined;
  };
  /** What was on record already is put back, too: those who held it may all be gone. */
  const restoreArchived = async (roomId: RoomId, isKnown: boolean): Promise<void> => {
    try {
      const { items } = await archive.after(roomId, 0, CHAT_ITEMS);
      await live.restore(roomId, items);
      const kept = new Set(items.map(({ seq }) => seq));
      const newest = await live.after(roomId, 0, CHAT_ITEMS);
      // What waits for the archive anyhow is among them, and changes nothing when it comes again.
      const lacking = newest.items.filter(({ seq }) => !kept.has(seq));
      await writer.apply(lacking.map((item) => ({ kind: 'chat', roomId, item })));
    } catch (error) {
      if (!isKnown || !(error instanceof StoreUnavailable)) throw error;
    }
  };
  const range = async (roomId: RoomId, read: () => Promise<ChatRange>): Promise<ChatRange> => {
    const found = await read();
    if (found.lastSeq > 0) return found;
    await refill(roomId);
    return read();
  };

  return {
    async append(roomId, draft, at, key, seen) {
      // Who has seen something is told by `live` where it has less.
      if ((seen ?? 0) === 0 && (await isEmpty(roomId))) await refill(roomId);
      return live.append(roomId, draft, at, key, seen);
    },
    after: (roomId, seq, limit) => range(roomId, () => live.after(roomId, seq, limit)),
    async before(roomId, seq, limit) {
      const found = await range(roomId, () => live.before(roomId, seq, limit));
      const oldest = found.items[0]?.seq ?? Math.min(seq, found.lastSeq + 1);
      const missing = limit - found.items.length;
      if (missing <= 0 || oldest <= 1) return found;
      const older = await archive.before(roomId, oldest, missing);
      const items = await withoutErased(roomId, older.items, live);
      return { items: [...items, ...found.items], lastSeq: found.lastSeq };
    },
    async find(roomId, seq) {
      const found = await live.find(roomId, seq);
      if (found !== undefined || seq < 1) return found;
      const { lastSeq } = await range(roomId, () => live.before(roomId, seq, 1));
      if (seq > lastSeq) return undefined;
      const kept = (await live.find(roomId, seq)) ?? (await archive.find(roomId, seq));
      const [item] = kept === undefined ? [] : await withoutErased(roomId, [kept], live);
      return item;
    },
    forget: (...args) => live.forget(...args),
    newest: (...args) => live.newest(...args),
    async restore(roomId, items) {
      await live.restore(roomId, items);
      await restoreArchived(roomId, items.length > 0);
    },
    subscribe: (...args) => live.subscribe(...args),
  };
}

/** A deletion reaches the archive later than everybody else: until then its target's text is there still. */
async function withoutErased(
  roomId: RoomId,
  items: readonly ChatItem[],
  live: ChatLog,
): Promise<readonly ChatItem[]> {
  if (items.length === 0) return items;
  const newest = await live.after(roomId, 0, CHAT_ITEMS);
  const erased = new Set(
    newest.items.flatMap((item) => (item.kind === 'deletion' ? [item.target] : [])),
  );
  return items.map((item) =>
    item.kind === 'message' && erased.has(item.seq) ? { ...item, text: '', deleted: true } : item,
  );
}
