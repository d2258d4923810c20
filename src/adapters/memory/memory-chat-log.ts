// The rooms' chat in memory.
import type { HubMs, RoomId, UserId } from '../../../protocol/ids.ts';
import type { ChatItem } from '../../../protocol/schemas/pushes.ts';
import { withoutPerson } from '../../domain/forget-person.ts';
import type { ChatDraft, ChatLog, ChatRange } from '../../ports/chat-log.ts';
import type { RoomTrace } from '../../ports/traces.ts';

const KEY_LIFE_MS = 600_000;

export class MemoryChatLog implements ChatLog {
  readonly #items = new Map<RoomId, ChatItem[]>();
  /** The number that each key was given, by room and key. */
  readonly #keys = new Map<string, number>();

  append(
    roomId: RoomId,
    draft: ChatDraft,
    at: HubMs,
    key?: string,
  ): Promise<{ readonly item: ChatItem; readonly repeated: boolean }> {
    const items = this.#itemsOf(roomId);
    const keyed = key === undefined ? undefined : this.#keys.get(`${roomId} ${key}`);
    const first = keyed === undefined ? undefined : items[keyed - 1];
    if (first !== undefined && at - first.at < KEY_LIFE_MS) {
      return Promise.resolve({ item: first, repeated: true });
    }
    const item: ChatItem = { ...draft, seq: items.length + 1, at };
    items.push(item);
    if (key !== undefined) this.#keys.set(`${roomId} ${key}`, item.seq);
    if (draft.kind === 'deletion') {
      const target = items[draft.target - 1];
      if (target?.kind === 'message')
        items[draft.target - 1] = { ...target, text: '', deleted: true };
    }
    return Promise.resolve({ item, repeated: false });
  }

  after(roomId: RoomId, seq: number, limit: number): Promise<ChatRange> {
    return this.#range(roomId, (item) => item.seq > seq, limit);
  }

  before(roomId: RoomId, seq: number, limit: number): Promise<ChatRange> {
    return this.#range(roomId, (item) => item.seq < seq, limit);
  }

  find(roomId: RoomId, seq: number): Promise<ChatItem | undefined> {
    return Promise.resolve(this.#itemsOf(roomId)[seq - 1]);
  }

  newest(roomIds: readonly RoomId[]): Promise<readonly (ChatItem | undefined)[]> {
    return Promise.resolve(roomIds.map((roomId) => this.#itemsOf(roomId).at(-1)));
  }

  roomsOf(userId: UserId): RoomId[] {
    return [...this.#items].flatMap(([roomId, items]) =>
      items.some((item) => isTheirs(item, userId)) ? [roomId] : [],
    );
  }

  /** Of all rooms, oldest first. */
  messagesOf(userId: UserId): RoomTrace[] {
    const messages = [...this.#items].flatMap(([roomId, items]) =>
      items.flatMap((item) =>
        item.kind === 'message' && isTheirs(item, userId) && item.deleted !== true
          ? [{ kind: 'message' as const, roomId, at: item.at, text: item.text }]
          : [],
      ),
    );
    return messages.sort((a, b) => a.at - b.at);
  }

  forget(roomId: RoomId, userId: UserId, as: UserId): Promise<void> {
    const items = this.#itemsOf(roomId);
    this.#items.set(
      roomId,
      items.map((item) => {
        if (!isTheirs(item, userId)) return item;
        const nameless = withoutPerson(item, userId, as);
        return nameless.kind === 'message' ? { ...nameless, text: '', deleted: true } : nameless;
      }),
    );
    for (const key of [...this.#keys.keys()]) {
      if (key.startsWith(`${roomId} `) && key.includes(userId)) this.#keys.delete(key);
    }
    return Promise.resolve();
  }

  /** It loses nothing. */
  restore(): Promise<void> {
    return Promise.resolve();
  }

  /** There is only this process. */
  subscribe(): () => void {
    return () => undefined;
  }

  #range(roomId: RoomId, isWanted: (item: ChatItem) => boolean, limit: number): Promise<ChatRange> {
    const items = this.#itemsOf(roomId);
    const wanted = items.filter(isWanted);
    return Promise.resolve({
      items: wanted.slice(Math.max(0, wanted.length - limit)),
      lastSeq: items.length,
    });
  }

  #itemsOf(roomId: RoomId): ChatItem[] {
    const items = this.#items.get(roomId) ?? [];
    this.#items.set(roomId, items);
    return items;
  }
}

function isTheirs(item: ChatItem, userId: UserId): boolean {
  return (item.kind === 'message' ? item.userId : item.by) === userId;
}
