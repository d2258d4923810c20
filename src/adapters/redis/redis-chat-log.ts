// The chat of the rooms in Redis: the newest items of each room, for all nodes. What is older is the archive's.
import type { HubMs, RoomId, UserId } from '../../../protocol/ids.ts';
import type { ChatItem } from '../../../protocol/schemas/pushes.ts';
import { ChatMoved, type ChatDraft, type ChatLog, type ChatRange } from '../../ports/chat-log.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import { ITEMS, NEWEST, PUT_BACK, REPLACE_ITEMS, SAY, WHOLE_CHAT } from './chat-log-scripts.ts';
import { itemOf, itemWithout, keptItem } from './kept-chat-item.ts';
import type { RedisChannels } from './redis-channels.ts';
import { askEach, byPartition, runScript, type RedisCommands } from './redis-commands.ts';
import type { RedisKeys } from './redis-keys.ts';
import type { ReplicaBarrier } from './replica-barrier.ts';

const KEY_LIFE_MS = 600_000;
/** Longer than any fail-over takes. */
const OWN_KEY_LIFE_MS = 60_000;
/** Of each room. */
const KEPT_ITEMS = 1_000;

export interface RedisChatLogOptions {
  readonly redis: RedisCommands;
  readonly channels: RedisChannels;
  readonly keys: RedisKeys;
  /** Another one with each start. */
  readonly nodeId: string;
  /** How many entries of a partition may wait for the archive before further ones are refused. */
  readonly maxOutboxEntries: number;
  /** Given where what is said must have reached replicas before it is acknowledged. */
  readonly barrier: ReplicaBarrier | undefined;
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
    seen = 0,
  ): Promise<{ readonly item: ChatItem; readonly repeated: boolean }> {
    const { redis, channels, keys, nodeId, maxOutboxEntries, barrier } = this.#options;
    const partition = keys.partitionOf(roomId);
    const text = keptItem({ ...draft, at });
    // Without a key of the client's it has one of ours: a command that was under way when the master went is sent again.
    this.#said += 1;
    const own = `${nodeId}:${this.#said}`;
    const reply = (await runScript(
      redis,
      SAY,
      [
        keys.chat(roomId),
        keys.outbox(partition),
        keys.channel(partition),
        keys.told(partition),
        keys.chatKey(roomId, key ?? own),
        keys.room(roomId),
        keys.changed(partition),
        keys.left(partition),
      ],
      [
        String(at),
        String(key === undefined ? OWN_KEY_LIFE_MS : KEY_LIFE_MS),
        text,
        draft.kind === 'deletion' ? String(draft.target) : '',
        String(KEPT_ITEMS),
        String(maxOutboxEntries),
        roomId,
        channels.messageOf('c', roomId, ''),
        String(seen),
      ],
    )) as SayReply;
    switch (reply[0]) {
      case 'said':
        await barrier?.passed(partition, reply[2]);
        return { item: itemOf(reply[1], text), repeated: false };
      case 'repeated':
        // Its first attempt may have ended while it waited for the replicas.
        await barrier?.passed(partition, reply[3]);
        return { item: itemOf(reply[1], reply[2]), repeated: key !== undefined };
      case 'moved':
        throw new ChatMoved();
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

  async newest(roomIds: readonly RoomId[]): Promise<readonly (ChatItem | undefined)[]> {
    const { redis, keys } = this.#options;
    const newest = roomIds.map((): ChatItem | undefined => undefined);
    const ask = async (places: readonly number[]): Promise<void> => {
      const names = places.map((place) => keys.chat(roomIds[place] ?? ('' as RoomId)));
      const found = (await runScript(redis, NEWEST, names, [])) as readonly [number, string][];
      for (const [i, place] of places.entries()) {
        const [seq, kept] = found[i] ?? [0, ''];
        if (kept !== '') newest[place] = itemOf(seq, kept);
      }
    };
    await askEach(
      byPartition(roomIds, (roomId) => keys.partitionOf(roomId)),
      ask,
    );
    return newest;
  }

  async restore(roomId: RoomId, items: readonly ChatItem[]): Promise<void> {
    const { redis, channels, keys, barrier } = this.#options;
    const partition = keys.partitionOf(roomId);
    const inOrder = items.toSorted((a, b) => a.seq - b.seq).slice(-KEPT_ITEMS);
    const reign = await runScript(
      redis,
      PUT_BACK,
      [
        keys.chat(roomId),
        keys.outbox(partition),
        keys.channel(partition),
        keys.told(partition),
        keys.changed(partition),
      ],
      [
        roomId,
        channels.messageOf('c', roomId, ''),
        String(KEPT_ITEMS),
        ...inOrder.flatMap((item) => [
          String(item.seq),
          keptItem(item),
          item.kind === 'deletion' ? String(item.target) : '',
        ]),
      ],
    );
    await barrier?.passed(partition, String(reign));
  }

  async forget(roomId: RoomId, userId: UserId, as: UserId): Promise<void> {
    const { redis, keys } = this.#options;
    const chat = keys.chat(roomId);
    const found = (await runScript(redis, WHOLE_CHAT, [chat], [])) as readonly string[];
    const changes: string[] = [];
    for (let i = 0; i + 1 < found.length; i += 2) {
      const [seq = '', kept = ''] = [found[i], found[i + 1]];
      if (!/^\d+$/.test(seq) || !kept.includes(userId)) continue;
      changes.push(seq, kept, keptItem(itemWithout(itemOf(Number(seq), kept), userId, as)));
    }
    if (changes.length > 0) await runScript(redis, REPLACE_ITEMS, [chat], changes);
  }

  subscribe(listener: (roomId: RoomId, item: ChatItem) => void): () => void {
    const { channels, nodeId } = this.#options;
    return channels.on('c', (node, roomId, rest) => {
      if (node === nodeId) return;
      const end = rest.indexOf('\n');
      listener(roomId, itemOf(Number(rest.slice(0, end)), rest.slice(end + 1)));
    });
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
  | readonly ['said', number, string]
  | readonly ['repeated', number, string, string]
  | readonly ['moved']
  | readonly ['full'];
