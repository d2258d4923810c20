// The chat of the rooms in Redis: the newest items of each room, for all nodes. What is older is the archive's.
import type { HubMs, RoomId } from '../../../protocol/ids.ts';
import type { ChatItem } from '../../../protocol/schemas/pushes.ts';
import type { ChatDraft, ChatLog, ChatRange } from '../../ports/chat-log.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import { ITEMS, SAY } from './chat-log-scripts.ts';
import { runScript, type RedisCommands } from './redis-commands.ts';
import type { RedisKeys } from './redis-keys.ts';

const KEY_LIFE_MS = 600_000;
/** Longer than any fail-over takes. */
const OWN_KEY_LIFE_MS = 60_000;
/** Of each room. */
const KEPT_ITEMS = 1_000;

export interface RedisChatLogOptions {
  readonly redis: RedisCommands;
  readonly keys: RedisKeys;
  /** Another one with each start. */
  readonly nodeId: string;
  /** How many entries of a partition may wait for the archive before further ones are refused. */
  readonly maxOutboxEntries: number;
}

export class RedisChatLog implements ChatLog {
  readonly #options: RedisChatLogOptions;
  #said = 0;

  constructor(options: RedisChatLogOptions) {
    this.#options = options;
  }

  async append(
    roomId: RoomId,
    draft: ChatDraft,
    at: HubMs,
    key?: string,
  ): Promise<{ readonly item: ChatItem; readonly repeated: boolean }> {
    const { redis, keys, nodeId, maxOutboxEntries } = this.#options;
    const partition = keys.partitionOf(roomId);
    const text = textOf(draft, at);
    // Without a key of the client's it has one of ours: a command that was under way when the master went is sent again.
    this.#said += 1;
    const own = `${nodeId}:${this.#said}`;
    const reply = (await runScript(
      redis,
      SAY,
      [
        keys.chat(roomId),
        keys.outbox(partition),
        keys.chatChannel(partition),
        keys.chatKey(roomId, key ?? own),
      ],
      [
        String(at),
        String(key === undefined ? OWN_KEY_LIFE_MS : KEY_LIFE_MS),
        text,
        draft.kind === 'deletion' ? String(draft.target) : '',
        String(KEPT_ITEMS),
        String(maxOutboxEntries),
        roomId,
        nodeId,
      ],
    )) as SayReply;
    switch (reply[0]) {
      case 'said':
        return { item: itemOf(reply[1], text), repeated: false };
      case 'repeated':
        return { item: itemOf(reply[1], reply[2]), repeated: key !== undefined };
      case 'full':
        throw new StoreUnavailable('the archive');
    }
  }

  after(roomId: RoomId, seq: number, limit: number): Promise<ChatRange> {
    return this.#range(roomId, seq + 1, '', limit);
  }

  before(roomId: RoomId, seq: number, limit: number): Promise<ChatRange> {
    return this.#range(roomId, 1, String(seq - 1), limit);
  }

  async find(roomId: RoomId, seq: number): Promise<ChatItem | undefined> {
    const { items } = await this.#range(roomId, seq, String(seq), 1);
    return items.find((item) => item.seq === seq);
  }

  async #range(roomId: RoomId, first: number, last: string, limit: number): Promise<ChatRange> {
    const { redis, keys } = this.#options;
    const args = [String(first), last, String(limit)];
    const reply = await runScript(redis, ITEMS, [keys.chat(roomId)], args);
    const [lastSeq, found] = reply as readonly [number, readonly (readonly [number, string])[]];
    return { items: found.map(([seq, text]) => itemOf(seq, text)), lastSeq };
  }
}

type SayReply =
  readonly ['said', number] | readonly ['repeated', number, string] | readonly ['full'];

type Fields =
  | Omit<Extract<ChatItem, { kind: 'message' }>, 'seq' | 'text' | 'deleted'>
  | Omit<Extract<ChatItem, { kind: 'deletion' }>, 'seq'>;

/** The item as it is kept; see `SAY`. */
function textOf(draft: ChatDraft, at: HubMs): string {
  if (draft.kind === 'deletion') {
    const fields: Fields = { kind: 'deletion', at, by: draft.by, target: draft.target };
    return `d\n${JSON.stringify(fields)}\n`;
  }
  const fields: Fields = { kind: 'message', at, userId: draft.userId, name: draft.name };
  return `m\n${JSON.stringify(fields)}\n${JSON.stringify(draft.text)}`;
}

function itemOf(seq: number, kept: string): ChatItem {
  const [state, json = '', text = ''] = kept.split('\n');
  const fields = JSON.parse(json) as Fields;
  if (fields.kind === 'deletion') return { ...fields, seq };
  const item = { ...fields, seq, text: JSON.parse(text) as string };
  return state === 'x' ? { ...item, deleted: true } : item;
}
