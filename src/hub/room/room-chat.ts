// The chat of one room: what is kept in memory for those who join, and the way of a new message to the log and to everybody.
// Knows the chat log; knows no sockets.
import type { HubMs, RoomId, UserId } from '../../../protocol/ids.ts';
import type { ChatItem, ChatPage } from '../../../protocol/schemas/pushes.ts';
import { ERASED_NAME } from '../../domain/forget-person.ts';
import { ChatMoved, type ChatDraft, type ChatLog, type ChatRange } from '../../ports/chat-log.ts';
import type { HubClock } from '../../ports/hub-clock.ts';

export interface RoomChatDeps {
  readonly chatLog: ChatLog;
  readonly clock: HubClock;
  readonly keptItems: number;
  push(items: readonly ChatItem[]): void;
  /** Numbers have another meaning than before: everybody reads the chat anew. */
  replaced(): void;
  /** An append failed. Whether it took effect is unknown: somebody must ask for `catchUp` when the log may be back. */
  failed(): void;
}

/** The log may lose its end again while it is restored. */
const MAX_MOVES = 3;

export class RoomChat {
  readonly #roomId: RoomId;
  readonly #deps: RoomChatDeps;
  /** Contiguous, the newest last. */
  #items: ChatItem[];
  #lastSeq: number;
  /** Appended and not yet told, because an earlier one has not come back from the log. */
  #early: Map<number, ChatItem> | undefined;
  #appendsUnderWay = 0;
  #restores = 0;
  /** Ends when what is read now, and whoever waits to read, is done. */
  #reading: Promise<void> = Promise.resolve();

  /** @param newest the newest items of the log, as many as are to be kept */
  constructor(roomId: RoomId, newest: ChatRange, deps: RoomChatDeps) {
    this.#roomId = roomId;
    this.#deps = deps;
    this.#items = [...newest.items];
    this.#lastSeq = newest.lastSeq;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  async send(userId: UserId, name: string, text: string, key?: string): Promise<ChatItem> {
    return this.#append({ kind: 'message', userId, name, text }, key);
  }

  async delete(by: UserId, target: number, key?: string): Promise<ChatItem> {
    return this.#append({ kind: 'deletion', by, target }, key);
  }

  async find(seq: number): Promise<ChatItem | undefined> {
    return (
      this.#items.find((item) => item.seq === seq) ??
      (await this.#deps.chatLog.find(this.#roomId, seq))
    );
  }

  /** What somebody misses who has seen everything up to `since`; for a newcomer, the newest. From memory alone. */
  missing(since: number | undefined, limit: number): ChatPage {
    // A sequence beyond ours is of another history: begin anew.
    const from = since === undefined || since > this.#lastSeq ? 0 : since;
    const items = this.#items.filter((item) => item.seq > from).slice(-limit);
    const oldest = items[0]?.seq ?? this.#lastSeq + 1;
    return { items, lastSeq: this.#lastSeq, gap: oldest > from + 1 };
  }

  async history(before: number, limit: number): Promise<ChatPage> {
    const { items, lastSeq } = await this.#deps.chatLog.before(this.#roomId, before, limit);
    return { items: [...items], lastSeq, gap: (items[0]?.seq ?? 1) > 1 };
  }

  async #append(draft: ChatDraft, key?: string): Promise<ChatItem> {
    const at = Math.round(this.#deps.clock.now());
    this.#appendsUnderWay += 1;
    try {
      const { item } = await this.#appended(draft, at, key);
      // A repeated one may be news as well: its first answer was lost.
      this.#take([item]);
      return item;
    } catch (error) {
      this.#deps.failed();
      throw error;
    } finally {
      this.#appendsUnderWay -= 1;
      // Nobody is left who would bring what is missing before the early ones: an append took effect and its answer was lost.
      if (this.#early !== undefined && this.#appendsUnderWay === 0) await this.#fillHole();
    }
  }

  async #appended(
    draft: ChatDraft,
    at: HubMs,
    key: string | undefined,
  ): ReturnType<ChatLog['append']> {
    for (let moves = 0; ; moves += 1) {
      const restores = this.#restores;
      try {
        return await this.#deps.chatLog.append(this.#roomId, draft, at, key, this.#lastSeq);
      } catch (error) {
        if (!(error instanceof ChatMoved) || moves === MAX_MOVES) throw error;
        // Another one may have met the same, and mended it.
        if (restores === this.#restores) await this.#read(true);
      }
    }
  }

  /**
   * Makes sure that what is held is not older than what somebody has seen elsewhere, as far as the log has it.
   * @returns false where the log cannot be reached
   */
  async reach(seen: number): Promise<boolean> {
    if (seen <= this.#lastSeq) return true;
    return this.catchUp().then(
      () => true,
      () => false,
    );
  }

  /** Another node tells of an item. */
  hear(item: ChatItem): void {
    const held = this.#items.find(({ seq }) => seq === item.seq);
    const isOther = held !== undefined && !isSame(held, item);
    this.#take([item]);
    if (isOther || (this.#early !== undefined && this.#appendsUnderWay === 0))
      void this.#fillHole();
  }

  /** Compares with the newest item that the log has. Rejects with `StoreUnavailable`. */
  async compare(newest: ChatItem | undefined): Promise<void> {
    if (this.#appendsUnderWay > 0) return;
    const own = this.#items.at(-1);
    const isOther = own !== undefined && newest !== undefined && !isSame(own, newest);
    if (isOther || (newest?.seq ?? 0) !== this.#lastSeq) await this.catchUp();
  }

  /** Takes what the log holds beyond what was told, and gives it what it has lost. Rejects with `StoreUnavailable`. */
  catchUp(): Promise<void> {
    return this.#read(false);
  }

  /** Takes what the log holds of the same items now: people may have been erased. Rejects with `StoreUnavailable`. */
  async refresh(): Promise<void> {
    const { chatLog, keptItems } = this.#deps;
    const { items } = await chatLog.before(this.#roomId, Number.MAX_SAFE_INTEGER, keptItems);
    const there = new Map(items.map((item) => [item.seq, item]));
    this.#items = this.#items.map((own) => {
      const other = there.get(own.seq);
      return other !== undefined && isSame(own, other) ? other : own;
    });
  }

  /** One after the other: what is read may replace what is held. */
  #read(mustRestore: boolean): Promise<void> {
    const read = (): Promise<void> => this.#readOn(mustRestore);
    const reading = this.#reading.then(read, read);
    this.#reading = reading.catch(() => undefined);
    return reading;
  }

  async #readOn(mustRestore: boolean): Promise<void> {
    const { chatLog, keptItems } = this.#deps;
    const roomId = this.#roomId;
    // The last one that is held comes again, to see whether the log still has it there.
    const from = Math.max(0, this.#lastSeq - 1);
    const found = await chatLog.after(roomId, from, keptItems + 1);
    const own = this.#items.at(-1);
    const isMissing =
      own !== undefined && found.items.length <= keptItems && found.items[0]?.seq !== own.seq;
    if (!isMissing && !mustRestore && !this.#contradicts(found.items)) {
      this.#takeOn(found.items);
      return;
    }
    await chatLog.restore(roomId, this.#items);
    this.#restores += 1;
    const now = await chatLog.before(roomId, Number.MAX_SAFE_INTEGER, keptItems);
    if (now.lastSeq >= this.#lastSeq && !this.#contradicts(now.items)) {
      this.#takeOn(now.items);
      return;
    }
    this.#items = [...now.items];
    this.#lastSeq = now.lastSeq;
    this.#early = undefined;
    this.#deps.replaced();
  }

  #takeOn(items: readonly ChatItem[]): void {
    const oldest = items.find(({ seq }) => seq > this.#lastSeq)?.seq ?? 0;
    if (oldest > this.#lastSeq + 1) {
      // More than a read brings: the members see the hole, and fill it by asking (CH1).
      this.#items = [];
      this.#lastSeq = oldest - 1;
    }
    this.#take(items);
  }

  /** Whether a number stands for another item there than here. */
  #contradicts(items: readonly ChatItem[]): boolean {
    const there = new Map(items.map((item) => [item.seq, item]));
    return this.#items.some((own) => {
      const other = there.get(own.seq);
      return other !== undefined && !isSame(own, other);
    });
  }

  async #fillHole(): Promise<void> {
    try {
      await this.catchUp();
    } catch {
      this.#deps.failed();
    }
  }

  /** Tells items in order of their sequence, whichever append came back first. */
  #take(items: readonly ChatItem[]): void {
    const early = (this.#early ??= new Map<number, ChatItem>());
    for (const item of items) if (item.seq > this.#lastSeq) early.set(item.seq, item);
    const ready: ChatItem[] = [];
    for (
      let next = early.get(this.#lastSeq + 1);
      next !== undefined;
      next = early.get(this.#lastSeq + 1)
    ) {
      early.delete(next.seq);
      this.#lastSeq = next.seq;
      ready.push(next);
    }
    if (early.size === 0) this.#early = undefined;
    if (ready.length === 0) return;
    for (const each of ready) this.#remember(each);
    this.#deps.push(ready);
  }

  #remember(item: ChatItem): void {
    if (item.kind === 'deletion') {
      this.#items = this.#items.map((other) =>
        other.kind === 'message' && other.seq === item.target
          ? { ...other, text: '', deleted: true }
          : other,
      );
    }
    this.#items.push(item);
    if (this.#items.length > this.#deps.keptItems) this.#items.shift();
  }
}

/** Whether both are one item, whose text may have been erased since, or the person who said it. */
function isSame(a: ChatItem, b: ChatItem): boolean {
  if (a.seq !== b.seq || a.at !== b.at) return false;
  if (a.kind === 'deletion' && b.kind === 'deletion') return a.target === b.target;
  if (a.kind === 'message' && b.kind === 'message')
    return a.userId === b.userId || isNobodys(a) || isNobodys(b);
  // Where both are of one kind, a newer version tells of it.
  return a.kind === b.kind;
}

function isNobodys(item: ChatItem): boolean {
  return item.kind === 'message' && item.deleted === true && item.name === ERASED_NAME;
}
