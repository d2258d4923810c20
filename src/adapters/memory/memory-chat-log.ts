// The rooms' chat in memory.
import type { HubMs, RoomId } from '../../../protocol/ids.ts';
import type { ChatItem } from '../../../protocol/schemas/pushes.ts';
import type { ChatDraft, ChatLog, ChatRange } from '../../ports/chat-log.ts';

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
