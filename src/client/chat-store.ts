// Owns what a client holds of a room's chat: in order, each item once, with what is missing known. Pure.
import type { ChatItem } from '../../protocol/schemas/pushes.ts';

export interface ChatView {
  /** In order of `seq`, messages and deletions; the text of a deleted message is empty. */
  readonly items: readonly ChatItem[];
  /** The newest `seq` of the room that this client knows of. */
  readonly lastSeq: number;
  /** Whether the hub has older items than the first one here. */
  readonly hasOlder: boolean;
}

/** What to ask `chat.history` for. */
export interface ChatHole {
  readonly before: number;
  readonly limit: number;
}

export const NO_CHAT: ChatView = { items: [], lastSeq: 0, hasOlder: false };

/** A chat of which nothing is held yet. */
export function unreadChat(lastSeq: number): ChatView {
  return { items: [], lastSeq, hasOlder: lastSeq > 0 };
}

/** A hole that is larger is not filled: what is older than it is dropped, and can be asked for again. */
const MAX_REPAIRED_ITEMS = 200;
/** The largest page of `chat.history`. */
const MAX_PAGE_ITEMS = 100;
/** More are not kept: a long evening in a lively room must not grow for ever. */
const MAX_KEPT_ITEMS = 5_000;

/**
 * `chat` with `items` in it, wherever they belong; those it has already change nothing.
 * @param lastSeq the newest of the room, where it was told
 */
export function mergeChat(chat: ChatView, items: readonly ChatItem[], lastSeq = 0): ChatView {
  const known = new Set(chat.items.map((item) => item.seq));
  const fresh = items.filter((item, index) => {
    return !known.has(item.seq) && items.findIndex(({ seq }) => seq === item.seq) === index;
  });
  const newest = Math.max(chat.lastSeq, lastSeq, fresh.at(-1)?.seq ?? 0, ...seqsOf(fresh));
  if (fresh.length === 0) {
    return newest === chat.lastSeq ? chat : { ...chat, lastSeq: newest };
  }
  const all = [...chat.items, ...fresh].sort((a, b) => a.seq - b.seq);
  const held = withoutDistantPast(withDeletions(all));
  return {
    items: held,
    lastSeq: newest,
    hasOlder: chat.hasOlder || held.length < all.length,
  };
}

/** `chat` with a page of older items before it. */
export function prependChat(
  chat: ChatView,
  items: readonly ChatItem[],
  hasOlder: boolean,
): ChatView {
  const oldest = chat.items[0]?.seq ?? Infinity;
  const older = items.filter((item) => item.seq < oldest);
  const all = [...older, ...chat.items].sort((a, b) => a.seq - b.seq);
  return { ...chat, items: withDeletions(all), hasOlder: older.length > 0 && hasOlder };
}

/**
 * The newest hole in what is held, or at its end.
 * @param givenUpTo holes that end at or before this `seq` are left: the hub has nothing to fill them
 */
export function chatHole(chat: ChatView, givenUpTo = 0): ChatHole | undefined {
  let above = chat.lastSeq + 1;
  for (let i = chat.items.length - 1; i >= 0; i -= 1) {
    const seq = chat.items[i]?.seq ?? 0;
    if (above - seq > 1) return holeBetween(seq, above, givenUpTo);
    above = seq;
  }
  // Nothing is held: the newest page, not all of it.
  if (chat.items.length === 0 && chat.lastSeq > 0) return holeBetween(0, above, givenUpTo);
  return undefined;
}

function holeBetween(below: number, above: number, givenUpTo: number): ChatHole | undefined {
  if (above - 1 <= givenUpTo) return undefined;
  return { before: above, limit: Math.min(above - below - 1, MAX_PAGE_ITEMS) };
}

/** The newest `seq` up to which nothing is missing: what to name as `since.chat`. */
export function chatHeldUpTo(chat: ChatView): number {
  let upTo = chat.items[0]?.seq ?? 0;
  for (const { seq } of chat.items) {
    if (seq > upTo + 1) break;
    upTo = seq;
  }
  return upTo;
}

function seqsOf(items: readonly ChatItem[]): number[] {
  return items.map((item) => item.seq);
}

function withDeletions(items: readonly ChatItem[]): ChatItem[] {
  const gone = new Set(items.map((item) => (item.kind === 'deletion' ? item.target : 0)));
  return items.map((item) =>
    item.kind === 'message' && gone.has(item.seq) && item.deleted !== true
      ? { ...item, text: '', deleted: true }
      : item,
  );
}

function withoutDistantPast(items: ChatItem[]): ChatItem[] {
  let start = Math.max(0, items.length - MAX_KEPT_ITEMS);
  for (let i = items.length - 1; i > start; i -= 1) {
    if ((items[i]?.seq ?? 0) - (items[i - 1]?.seq ?? 0) > MAX_REPAIRED_ITEMS) start = i;
    if (start === i) break;
  }
  return start === 0 ? items : items.slice(start);
}
