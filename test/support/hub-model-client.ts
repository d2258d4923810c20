// A client that follows SPEC.md and nothing else: merges patches, notices holes, resumes. What it holds is what anybody's would.
import type { EntryId, RoomId } from '../../protocol/ids.ts';
import { applyPatch, type JsonObject } from '../../protocol/merge-patch.ts';
import { stateHash } from '../../protocol/state-hash.ts';
import type { ChatItem } from '../../protocol/schemas/pushes.ts';
import type { PublicRoom } from '../../protocol/schemas/room.ts';
import type { HubWorld, Message, TestClient } from './hub-world.ts';

interface Revision {
  readonly revision: number;
  readonly patch: JsonObject;
  readonly hash?: string;
}

interface Asked {
  readonly type: string;
  readonly body: object;
}

export class ModelClient {
  readonly n: number;
  readonly roomId: RoomId;
  client: TestClient | undefined;
  room: PublicRoom | undefined;
  epoch = 0;
  revision = 0;
  chat = new Map<number, ChatItem>();
  lastSeq = 0;
  /** Every revision ever shown to it, by epoch and number: no number may mean two things. */
  readonly shown = new Map<string, string>();
  /** Entries whose addition was acknowledged. */
  readonly added: EntryId[] = [];
  /** Chat that was acknowledged, by seq. */
  readonly said = new Map<number, string>();
  /** What the spec does not allow the hub to do. */
  readonly faults: string[] = [];
  #asked = new Map<number, Asked>();
  #isJoining = false;

  constructor(n: number, roomId: RoomId) {
    this.n = n;
    this.roomId = roomId;
  }

  get isIn(): boolean {
    return this.client !== undefined && !this.#isJoining && this.room !== undefined;
  }

  async connect(world: HubWorld): Promise<void> {
    this.client = await world.connect(this.n);
    this.join();
  }

  drop(): void {
    this.client?.close();
    this.client = undefined;
    this.#asked = new Map();
    this.#isJoining = false;
  }

  join(): void {
    this.#isJoining = true;
    const since =
      this.room === undefined
        ? {}
        : { since: { epoch: this.epoch, revision: this.revision, chat: this.#wholeUntil() } };
    this.#ask('room.join', { roomId: this.roomId, ...since });
  }

  ask(type: string, body: object): void {
    this.#ask(type, { roomId: this.roomId, ...body });
  }

  /** Reads the next `count` messages that have arrived; the rest is still on its way. */
  read(count = Infinity): void {
    const { client } = this;
    if (client === undefined) return;
    if (!client.socket.isOpen) {
      this.drop();
      return;
    }
    const frames = client.socket.received.splice(0, Math.min(count, client.socket.received.length));
    for (const frame of frames)
      this.#take(JSON.parse(new TextDecoder().decode(frame.bytes)) as Message);
  }

  #ask(type: string, body: object): void {
    if (this.client === undefined) return;
    const id = this.client.send(type as 'room.leave', body as { roomId: string });
    this.#asked.set(id, { type, body });
  }

  #take(message: Message): void {
    if (message.id !== undefined) {
      this.#reply(message.id, message);
      return;
    }
    // What comes before the answer to a join belongs to a membership that the answer replaces.
    if (this.#isJoining && message.type !== 'room.left') return;
    switch (message.type) {
      case 'room.events':
        this.#revisions(message['epoch'] as number, message['revisions'] as Revision[]);
        break;
      case 'room.snapshot':
        this.#snapshot(
          message as unknown as { epoch: number; revision: number; hash: string; room: PublicRoom },
        );
        if ((message['chatSeq'] as number) > this.lastSeq)
          this.#ask('chat.history', {
            roomId: this.roomId,
            before: (message['chatSeq'] as number) + 1,
          });
        break;
      case 'room.chat':
        this.#chat(message['items'] as ChatItem[]);
        break;
      case undefined:
      default:
    }
  }

  #reply(id: number, message: Message): void {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (asked === undefined) return;
    if (asked.type === 'room.join') {
      this.#isJoining = false;
      if (message.type !== 'ok') {
        if (message['retryable'] === true) this.join();
        else this.faults.push(`join was refused: ${String(message['code'])}`);
        return;
      }
      const { snapshot, resumed, chat } = message as unknown as {
        snapshot?: { epoch: number; revision: number; hash: string; room: PublicRoom };
        resumed?: { epoch: number; revisions: Revision[] };
        chat: { items: ChatItem[]; gap: boolean; lastSeq: number };
      };
      if (snapshot !== undefined) this.#snapshot(snapshot);
      if (resumed !== undefined) this.#revisions(resumed.epoch, resumed.revisions);
      this.#chat(chat.items);
      if (chat.gap)
        this.#ask('chat.history', {
          roomId: this.roomId,
          before: chat.items[0]?.seq ?? chat.lastSeq + 1,
        });
    } else if (message.type === 'ok') {
      if (asked.type === 'queue.add') this.added.push(...(message['entryIds'] as EntryId[]));
      if (asked.type === 'chat.send')
        this.said.set(message['seq'] as number, (asked.body as { text: string }).text);
      if (asked.type === 'chat.history')
        this.#history(message as unknown as { items: ChatItem[]; gap: boolean });
    }
  }

  #history({ items, gap }: { items: ChatItem[]; gap: boolean }): void {
    this.#chat(items);
    const oldest = items[0]?.seq ?? 1;
    if (gap && !this.chat.has(oldest - 1))
      this.#ask('chat.history', { roomId: this.roomId, before: oldest });
  }

  #snapshot({
    epoch,
    revision,
    hash,
    room,
  }: {
    epoch: number;
    revision: number;
    hash: string;
    room: PublicRoom;
  }): void {
    if (epoch === this.epoch && revision < this.revision)
      this.faults.push(`went back from ${this.revision} to ${revision}`);
    if (stateHash(room) !== hash) this.faults.push(`the snapshot of ${revision} has another hash`);
    this.room = room;
    this.epoch = epoch;
    this.revision = revision;
  }

  #revisions(epoch: number, revisions: readonly Revision[]): void {
    for (const each of revisions) {
      if (this.room === undefined || epoch !== this.epoch) return;
      const place = `${epoch}/${each.revision}`;
      const text = JSON.stringify(each);
      if ((this.shown.get(place) ?? text) !== text)
        this.faults.push(`revision ${place} means two things`);
      this.shown.set(place, text);
      if (each.revision <= this.revision) continue;
      if (each.revision !== this.revision + 1) {
        this.join();
        return;
      }
      this.room = applyPatch(this.room, each.patch);
      this.revision = each.revision;
      if (each.hash !== undefined && stateHash(this.room) !== each.hash)
        this.faults.push(`another hash at ${place}`);
    }
  }

  /** A hole that was asked for may not have been answered before the connection went. */
  #wholeUntil(): number {
    const seqs = [...this.chat.keys()].sort((a, b) => a - b);
    const hole = seqs.findIndex((seq, i) => seq !== (seqs[i - 1] ?? 0) + 1);
    return (hole < 0 ? seqs.at(-1) : seqs[hole - 1]) ?? 0;
  }

  #chat(items: readonly ChatItem[]): void {
    const before = this.lastSeq;
    for (const item of items) {
      this.chat.set(item.seq, item);
      this.lastSeq = Math.max(this.lastSeq, item.seq);
    }
    const first = items[0]?.seq ?? 0;
    if (first > before + 1 && before > 0)
      this.#ask('chat.history', { roomId: this.roomId, before: first });
  }
}
