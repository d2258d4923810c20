// The port to the chat of the rooms: a sequence per room, numbered 1, 2, 3 … without a hole, durable before it is acknowledged.
import type { HubMs, RoomId, UserId } from '../../protocol/ids.ts';
import type { ChatItem } from '../../protocol/schemas/pushes.ts';

/** What is to be appended; the log gives the sequence number. */
export type ChatDraft =
  | {
      readonly kind: 'message';
      readonly userId: UserId;
      readonly name: string;
      readonly text: string;
    }
  /** Its target's text is erased by the same append: it is never read again by anybody. */
  | { readonly kind: 'deletion'; readonly by: UserId; readonly target: number };

export interface ChatRange {
  /** In order of `seq`. Deleted messages come with an empty text and `deleted`. */
  readonly items: readonly ChatItem[];
  /** The newest `seq` of the room; 0 where nothing was said. */
  readonly lastSeq: number;
}

/** The log has lost its newest items, or may have: `restore` it first, so that no number is given twice. Nothing was appended. */
export class ChatMoved extends Error {
  constructor() {
    super('the chat has lost its end, or may have');
    this.name = 'ChatMoved';
  }
}

export interface ChatLog {
  /**
   * Durable when it resolves. `key` (scoped to its user by the caller) makes it happen at most once within ten minutes: the same key
   * resolves to the first item with `repeated`. Rejects with `ChatMoved`.
   * @param seen the newest `seq` that the caller knows of
   */
  append(
    roomId: RoomId,
    draft: ChatDraft,
    at: HubMs,
    key?: string,
    seen?: number,
  ): Promise<{ readonly item: ChatItem; readonly repeated: boolean }>;
  /** The newest `limit` items after `seq`. */
  after(roomId: RoomId, seq: number, limit: number): Promise<ChatRange>;
  /** The newest `limit` items before `seq`. */
  before(roomId: RoomId, seq: number, limit: number): Promise<ChatRange>;
  /** One message, as it is now. */
  find(roomId: RoomId, seq: number): Promise<ChatItem | undefined>;
  /** The newest item of many rooms at once, in their order; undefined where nothing was said, or only what keeps that room is away. */
  newest(roomIds: readonly RoomId[]): Promise<readonly (ChatItem | undefined)[]>;
  /**
   * Gives back what a log has lost: those of `items` that it lacks beyond its newest. One whose number has been given to another item
   * meanwhile is appended under a new one. Also without items: from then on the log takes `append` again.
   */
  restore(roomId: RoomId, items: readonly ChatItem[]): Promise<void>;
  /** What the person has said in the room is deleted, and `as`'s, who has no name. Nobody is told: whoever holds it reads it again. */
  forget(roomId: RoomId, userId: UserId, as: UserId): Promise<void>;
  /** Calls `listener` for each item appended by anybody else than this process; may lose some. Returns the remover. */
  subscribe(listener: (roomId: RoomId, item: ChatItem) => void): () => void;
}
