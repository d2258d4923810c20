// Owns what is true of one room as far as this thread was told: every version of its state, and every frame that was sent to its
// members, each read once however many listeners got it. Knows no sockets.
import type { RoomId } from '../../protocol/ids.ts';
import { applyPatch } from '../../protocol/merge-patch.ts';
import {
  PushSchemas,
  type ChatItem,
  type Push,
  type Revision,
  type Snapshot,
} from '../../protocol/schemas/pushes.ts';
import type { PublicRoom } from '../../protocol/schemas/room.ts';
import { stateHash } from '../../protocol/state-hash.ts';
import { Arrivals, type ArrivalSink } from './arrivals.ts';
import type { Faults } from './faults.ts';

/** The room's state at one revision. Members who hold the same hold the very same object: comparing them costs nothing. */
export interface Version {
  readonly epoch: number;
  readonly revision: number;
  readonly room: PublicRoom;
  /** By what it came about, as JSON; undefined where it came whole. Made when it has to be compared. */
  readonly cause: Revision | undefined;
}

/** One frame as the room's members get it, read once. */
export interface RoomFrame {
  readonly bytes: Buffer;
  /** Undefined where it cannot be read, or is of no type that is known here. */
  readonly push: RoomPush | undefined;
}

export type RoomPush = Extract<Push, { readonly type: `room.${string}` }>;

/** The furthest that anybody got. */
export interface Furthest {
  readonly epoch: number;
  readonly revision: number;
  readonly hash: string;
  readonly chat: { readonly epoch: number; readonly seq: number };
}

/** Of one epoch. */
interface Numbered {
  readonly epoch: number;
  readonly number: number;
}

/** A listener rarely lags behind the first one by more frames than this; where it does, the frame is read once more. */
const FRAMES_KEPT = 24;
/** So many versions behind the newest may still be somebody's. */
const VERSIONS_KEPT = 600;
const CHAT_ITEMS_KEPT = 600;

export class RoomBook {
  readonly roomId: RoomId;
  readonly revisions: Arrivals;
  readonly chat: Arrivals;
  readonly #faults: Faults;
  /** The newest first. */
  readonly #frames: RoomFrame[] = [];
  readonly #versions = new Map<string, Version>();
  readonly #chatItems = new Map<string, ChatItem>();
  readonly #hashes = new WeakMap<Version, string>();
  #newest: Version | undefined;
  #lastChat = { epoch: 0, seq: 0 };
  readonly #told: Record<'revisions' | 'chat', Numbered> = {
    ...{ revisions: { epoch: 0, number: 0 }, chat: { epoch: 0, number: 0 } },
  };

  constructor(
    roomId: RoomId,
    faults: Faults,
    sinks: { readonly revisions: ArrivalSink; readonly chat: ArrivalSink },
  ) {
    this.roomId = roomId;
    this.#faults = faults;
    this.revisions = new Arrivals(sinks.revisions);
    this.chat = new Arrivals(sinks.chat);
  }

  /** The furthest that any listener here got. */
  get newest(): Version | undefined {
    return this.#newest;
  }

  get lastChat(): { readonly epoch: number; readonly seq: number } {
    return this.#lastChat;
  }

  /** As somebody was told it: everybody is told the same. @param detail who */
  chatItem(epoch: number, item: ChatItem, detail: string): void {
    const key = keyOf(epoch, item.seq);
    const known = this.#chatItems.get(key);
    if (known === item) return;
    if (known === undefined) {
      this.#chatItems.set(key, item);
      keepNewest(this.#chatItems, CHAT_ITEMS_KEPT);
    } else if (!isSameItem(known, item)) {
      this.#faults.add({
        ...{ kind: 'contradicted', stream: 'chat', count: 1 },
        detail: `chat ${item.seq} of epoch ${epoch}, ${detail}`,
      });
    } else if (known.kind === 'message' && known.deleted === true) {
      // The text, where somebody has it: others are compared with that.
      this.#chatItems.set(key, item);
    }
  }

  sawChat(epoch: number, seq: number): void {
    const { epoch: known, seq: last } = this.#lastChat;
    if (epoch > known || (epoch === known && seq > last)) this.#lastChat = { epoch, seq };
  }

  /** Somebody was told that this came of what they asked for: it exists, whoever has it. */
  acknowledged(stream: 'revisions' | 'chat', key: string): void {
    const [epoch = 0, number = 0] = key.split(':').map(Number);
    const told = this.#told[stream];
    if (epoch > told.epoch || (epoch === told.epoch && number > told.number)) {
      this.#told[stream] = { epoch, number };
    }
  }

  /**
   * At the end: what was acknowledged has reached somebody, and all threads hold the same.
   * @param far of all threads; undefined where nobody has anything of the room
   */
  judge(far: Furthest | undefined): void {
    const { revisions, chat } = this.#told;
    const detail = `acknowledged, and nobody has it; room ${this.roomId}`;
    const fault = { kind: 'unseen', detail } as const;
    const unseen = beyond(revisions, { epoch: far?.epoch ?? 0, number: far?.revision ?? 0 });
    if (unseen > 0) this.#faults.add({ ...fault, stream: 'revision', count: unseen });
    const farChat = { epoch: far?.chat.epoch ?? 0, number: far?.chat.seq ?? 0 };
    const unseenChat = beyond(chat, farChat);
    if (unseenChat > 0) this.#faults.add({ ...fault, stream: 'chat', count: unseenChat });
    if (far === undefined) return;
    const own = this.#versions.get(keyOf(far.epoch, far.revision));
    if (own === undefined || this.hashOf(own) === far.hash) return;
    const where = `revision ${far.revision} of epoch ${far.epoch} is not the same everywhere; room ${this.roomId}`;
    this.#faults.add({ kind: 'contradicted', stream: 'revision', count: 1, detail: where });
  }

  /** @param payload copied if it is kept */
  read(payload: Buffer): RoomFrame {
    for (const frame of this.#frames) if (frame.bytes.equals(payload)) return frame;
    const bytes = Buffer.from(payload);
    const frame = { bytes, push: roomPushOf(bytes) };
    this.#frames.unshift(frame);
    if (this.#frames.length > FRAMES_KEPT) this.#frames.pop();
    return frame;
  }

  /** A state that came whole. @param detail who got it */
  whole({ epoch, revision, hash, room }: Snapshot, detail: string): Version {
    const known = this.#versions.get(keyOf(epoch, revision));
    if (known !== undefined) {
      this.#prove(known, hash, detail);
      return known;
    }
    const version = { epoch, revision, room, cause: undefined };
    this.#prove(version, hash, detail);
    return this.#keep(version);
  }

  /** What follows on `before`. */
  after(before: Version, cause: Revision, detail: string): Version {
    const { epoch } = before;
    const { revision, patch, hash } = cause;
    const known = this.#versions.get(keyOf(epoch, revision));
    if (known !== undefined) {
      if (known.cause === undefined || isSame(known.cause, cause)) return known;
      this.#faults.add({
        ...{ kind: 'contradicted', stream: 'revision', count: 1 },
        detail: `revision ${revision} of epoch ${epoch}, ${detail}`,
      });
    }
    const version = { epoch, revision, room: applyPatch(before.room, patch as never), cause };
    if (hash !== undefined) this.#prove(version, hash, detail);
    return known ?? this.#keep(version);
  }

  /** The hash of a version that is held here; computed once. */
  hashOf(version: Version): string {
    let hash = this.#hashes.get(version);
    if (hash === undefined) {
      hash = stateHash(version.room);
      this.#hashes.set(version, hash);
    }
    return hash;
  }

  #prove(version: Version, hash: string, detail: string): void {
    if (this.hashOf(version) === hash) return;
    const { epoch, revision } = version;
    this.#faults.add({
      ...{ kind: 'wrong_hash', stream: 'revision', count: 1 },
      detail: `revision ${revision} of epoch ${epoch}, ${detail}`,
    });
  }

  #keep(version: Version): Version {
    const { epoch, revision } = version;
    this.#versions.set(keyOf(epoch, revision), version);
    const newest = this.#newest;
    const isNewer =
      newest === undefined ||
      epoch > newest.epoch ||
      (epoch === newest.epoch && revision > newest.revision);
    if (isNewer) this.#newest = version;
    keepNewest(this.#versions, VERSIONS_KEPT);
    return version;
  }
}

function keepNewest(map: Map<string, unknown>, most: number): void {
  for (const key of map.keys()) {
    if (map.size <= most) return;
    map.delete(key);
  }
}

let last = { epoch: NaN, number: NaN, key: '' };

/** Listeners of a room ask one after the other for the same. */
export function keyOf(epoch: number, number: number): string {
  if (last.number !== number || last.epoch !== epoch) {
    last = { epoch, number, key: `${epoch}:${number}` };
  }
  return last.key;
}

function isSame(a: Revision, b: Revision): boolean {
  if (a === b) return true;
  return JSON.stringify([a.event, a.patch]) === JSON.stringify([b.event, b.patch]);
}

/** A message that is deleted meanwhile has lost its text, and is the same. Joins tell many: nothing is made to compare them. */
function isSameItem(a: ChatItem, b: ChatItem): boolean {
  if (a.kind !== b.kind || a.at !== b.at) return false;
  if (a.kind === 'deletion' || b.kind === 'deletion')
    return a.kind === 'deletion' && b.kind === 'deletion' && a.by === b.by && a.target === b.target;
  if (a.userId !== b.userId || a.name !== b.name) return false;
  return a.text === b.text || a.deleted === true || b.deleted === true;
}

/** How many numbers `told` is ahead; of epochs that differ no more is known than which one is. */
function beyond(told: Numbered, far: Numbered): number {
  return told.epoch === far.epoch ? told.number - far.number : Math.sign(told.epoch - far.epoch);
}

const ROOM_PUSHES: ReadonlySet<unknown> = new Set(
  Object.keys(PushSchemas).filter((type) => type.startsWith('room.')),
);

function roomPushOf(bytes: Buffer): RoomPush | undefined {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
  const isPush =
    typeof value === 'object' &&
    value !== null &&
    'type' in value &&
    ROOM_PUSHES.has(value.type) &&
    'roomId' in value &&
    typeof value.roomId === 'string';
  return isPush ? (value as RoomPush) : undefined;
}
