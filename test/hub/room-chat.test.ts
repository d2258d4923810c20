// A room's chat on a node over a log that can lose its end, as one does whose replica took over.
import { describe, expect, it } from 'vitest';
import type { RoomId, UserId } from '../../protocol/ids.ts';
import type { ChatItem } from '../../protocol/schemas/pushes.ts';
import { RoomChat } from '../../src/hub/room/room-chat.ts';
import {
  ChatMoved,
  type ChatDraft,
  type ChatLog,
  type ChatRange,
} from '../../src/ports/chat-log.ts';

const ROOM = 'room' as RoomId;
const ANA = 'ana' as UserId;

/** The contract's `ChatMoved` and `restore`, in memory. */
class ForgetfulChatLog implements ChatLog {
  #items: ChatItem[] = [];
  #hasMoved = false;

  /** Loses the newest, and gives no number until somebody restores. */
  lose(count: number): void {
    this.#items.splice(this.#items.length - count);
    this.#hasMoved = true;
  }

  get texts(): readonly string[] {
    return this.#items.map((item) => (item.kind === 'message' ? item.text : '-'));
  }

  append(
    _roomId: RoomId,
    draft: ChatDraft,
    at: number,
    _key?: string,
    seen = 0,
  ): Promise<{ readonly item: ChatItem; readonly repeated: boolean }> {
    if (this.#hasMoved || seen > this.#items.length) return Promise.reject(new ChatMoved());
    const item = { ...draft, seq: this.#items.length + 1, at } as ChatItem;
    this.#items.push(item);
    return Promise.resolve({ item, repeated: false });
  }

  forget(): Promise<void> {
    return Promise.reject(new Error('nobody is erased here'));
  }

  after(_roomId: RoomId, seq: number, limit: number): Promise<ChatRange> {
    return this.#range((item) => item.seq > seq, limit);
  }

  before(_roomId: RoomId, seq: number, limit: number): Promise<ChatRange> {
    return this.#range((item) => item.seq < seq, limit);
  }

  find(_roomId: RoomId, seq: number): Promise<ChatItem | undefined> {
    return Promise.resolve(this.#items[seq - 1]);
  }

  newest(): Promise<readonly (ChatItem | undefined)[]> {
    return Promise.resolve([this.#items.at(-1)]);
  }

  restore(_roomId: RoomId, items: readonly ChatItem[]): Promise<void> {
    const had = new Set(this.#items.map(({ at }) => at));
    const lost = items.filter(({ at }) => !had.has(at));
    for (const item of lost) this.#items.push({ ...item, seq: this.#items.length + 1 });
    this.#hasMoved = false;
    return Promise.resolve();
  }

  subscribe(): () => void {
    return () => undefined;
  }

  #range(isWanted: (item: ChatItem) => boolean, limit: number): Promise<ChatRange> {
    const items = this.#items.filter(isWanted).slice(-limit);
    return Promise.resolve({ items, lastSeq: this.#items.length });
  }
}

let at = 0;

class Node {
  readonly chat: RoomChat;
  readonly told: number[] = [];
  replacements = 0;

  constructor(log: ChatLog) {
    this.chat = new RoomChat(
      ROOM,
      { items: [], lastSeq: 0 },
      {
        chatLog: log,
        clock: { now: () => (at += 1) } as never,
        keptItems: 100,
        push: (items) => this.told.push(...items.map(({ seq }) => seq)),
        replaced: () => (this.replacements += 1),
        failed: () => {
          throw new Error('the log is there');
        },
      },
    );
  }

  say(text: string): Promise<ChatItem> {
    return this.chat.send(ANA, 'Ana', text);
  }

  texts(): string[] {
    return this.chat
      .missing(0, 100)
      .items.map((item) => (item.kind === 'message' ? item.text : '-'));
  }
}

describe('a chat whose log has lost its end', () => {
  it('is given back before anything new gets a number', async () => {
    const log = new ForgetfulChatLog();
    const node = new Node(log);
    for (const text of ['a', 'b', 'c']) await node.say(text);
    log.lose(2);
    await Promise.all([node.say('d'), node.say('e')]);
    expect(log.texts).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(node.told).toEqual([1, 2, 3, 4, 5]);
    expect(node.replacements).toBe(0);
  });

  it('is told anew where numbers have been given to something else meanwhile', async () => {
    const log = new ForgetfulChatLog();
    const [informed, uninformed] = [new Node(log), new Node(log)];
    for (const text of ['a', 'b', 'c']) await informed.say(text);
    const [first] = (await log.after(ROOM, 0, 1)).items.slice(0, 1);
    expect(first).toBeDefined();
    log.lose(2);
    // It has heard of the first alone, and goes on from there.
    await uninformed.chat.catchUp();
    await uninformed.say('x');
    await uninformed.say('y');
    expect(log.texts).toEqual(['a', 'x', 'y']);
    // As long as the log, and yet another one.
    await informed.chat.compare((await log.newest())[0]);
    expect(informed.replacements).toBe(1);
    expect(log.texts).toEqual(['a', 'x', 'y', 'b', 'c']);
    expect(informed.texts()).toEqual(log.texts);
    await uninformed.chat.compare((await log.newest())[0]);
    expect(uninformed.replacements).toBe(0);
    expect(uninformed.texts()).toEqual(log.texts);
  });

  it('is looked at when another node tells of another item under a known number', async () => {
    const log = new ForgetfulChatLog();
    const [informed, uninformed] = [new Node(log), new Node(log)];
    for (const text of ['a', 'b']) await informed.say(text);
    log.lose(1);
    await uninformed.chat.catchUp();
    informed.chat.hear(await uninformed.say('x'));
    await informed.chat.catchUp();
    expect(informed.replacements).toBe(1);
    expect(informed.texts()).toEqual(['a', 'x', 'b']);
  });
});
