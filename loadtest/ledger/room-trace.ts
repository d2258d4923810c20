// Owns the account of what one listener was sent of its room: every number once, in order, of the right room; and how a hole is
// repaired as a client repairs it. Knows no sockets and no requests.
import type { RoomId } from '../../protocol/ids.ts';
import type { ChatItem, Joined, Revision, Snapshot } from '../../protocol/schemas/pushes.ts';
import type { FaultKind, Faults, Stream } from './faults.ts';
import {
  keyOf,
  type Furthest,
  type RoomBook,
  type RoomFrame,
  type RoomPush,
  type Version,
} from './room-book.ts';
import { Sequence, type Verdict } from './sequence.ts';

/** What was sent, over all listeners of a thread; none of it is a fault. */
export interface Tally {
  frames: number;
  revisions: number;
  chatItems: number;
  presenceChanges: number;
  reactions: number;
  feedItems: number;
  /** Snapshots instead of what a slow socket missed, and with a new epoch: told, so nothing is missing. */
  snapshotsForBehind: number;
  snapshotsForEpoch: number;
  /** Joins that named what was held, and were answered with what followed. */
  resumed: number;
  resumedWhole: number;
  /** Resumes that said that older chat was left out. */
  chatLeftOut: number;
  /** Joined again as something was missing. */
  repairs: number;
}

export function noTally(): Tally {
  return {
    ...{ frames: 0, revisions: 0, chatItems: 0, presenceChanges: 0, reactions: 0, feedItems: 0 },
    ...{ snapshotsForBehind: 0, snapshotsForEpoch: 0, resumed: 0, resumedWhole: 0 },
    ...{ chatLeftOut: 0, repairs: 0 },
  };
}

export interface TraceOwner {
  /** Who this is, for whoever reads of a fault. */
  readonly label: string;
  /** Joins again with `since`; the reply goes to `joined`. */
  repair(): void;
  /** Calls once after so many ms, with the machine's time. */
  after(ms: number, call: (nowMs: number) => void): void;
  left(reason: string): void;
}

export interface Since {
  readonly epoch: number;
  readonly revision: number;
  readonly chat: number;
}

export interface Shared {
  readonly book: RoomBook;
  readonly faults: Faults;
  readonly tally: Tally;
}

/** Frames may overtake each other by this much and are called out of order, not lost. */
const GRACE_MS = 250;

export class RoomTrace {
  readonly #owner: TraceOwner;
  readonly #shared: Shared;
  readonly #revisions = new Sequence<Revision>();
  readonly #chat = new Sequence<true>();
  readonly #presence = new Sequence<true>();
  #version: Version | undefined;
  #isWatching = false;
  #standing: 'in' | 'leaving' | 'out' = 'out';

  constructor(owner: TraceOwner, shared: Shared) {
    this.#owner = owner;
    this.#shared = shared;
  }

  /** What the listener holds; undefined before the first join. */
  get version(): Version | undefined {
    return this.#version;
  }

  get chatSeq(): number {
    return this.#chat.last;
  }

  /** What to name in the next join. */
  get since(): Since | undefined {
    const version = this.#version;
    if (version === undefined) return undefined;
    return { epoch: version.epoch, revision: version.revision, chat: this.#chat.last };
  }

  /** The socket is gone: what was on its way will not come, and is asked for by the next join. */
  disconnected(): void {
    this.#standing = 'out';
    this.#revisions.moveTo(this.#revisions.last);
    this.#chat.moveTo(this.#chat.last);
  }

  /** Is about to leave the room: what still comes of it is no fault, and is not kept. */
  leaving(): void {
    if (this.#standing === 'in') this.#standing = 'leaving';
  }

  /** A reply to a join. @param named whether it had `since` */
  joined(reply: Joined, named: boolean, nowMs: number): void {
    const { tally, book } = this.#shared;
    this.#standing = 'in';
    const epochBefore = this.#version?.epoch;
    const { roomId, snapshot, resumed, presence, chat } = reply;
    if (roomId !== book.roomId) {
      this.#fault('wrong_room', 'frame', 1, `the reply to a join is of room ${roomId}`);
    }
    if (snapshot !== undefined) {
      if (named) tally.resumedWhole += 1;
      this.#whole(snapshot, nowMs);
    } else if (resumed !== undefined) {
      tally.resumed += 1;
      this.#goOn(resumed.epoch, resumed.revision, resumed.revisions, nowMs);
    } else {
      this.#fault('unreadable', 'frame', 1, 'a join without a state');
      return;
    }
    this.#presence.moveTo(presence.version);
    for (const item of chat.items) this.#checkItem(item);
    const isAnew = this.#version?.epoch !== epochBefore;
    if (isAnew || chat.gap) {
      if (!isAnew) tally.chatLeftOut += 1;
      this.#chat.moveTo(chat.lastSeq);
    } else {
      this.#chat.moveTo(this.#chat.last);
      for (const { seq } of chat.items) if (seq > this.#chat.last) this.#chat.take(seq, true);
      const missing = chat.lastSeq - this.#chat.last;
      if (missing > 0) this.#fault('missing', 'chat', missing, 'of a resume');
      if (missing > 0) this.#chat.moveTo(chat.lastSeq);
    }
    book.sawChat(this.#version?.epoch ?? 0, this.#chat.last);
  }

  /** A push of a room, at the moment at which its bytes were read. */
  receive(frame: RoomFrame, nowMs: number): void {
    const { push } = frame;
    const { tally, book } = this.#shared;
    if (push === undefined) {
      this.#fault('unreadable', 'frame', 1, frame.bytes.toString('utf8', 0, 80));
      return;
    }
    if (push.roomId !== book.roomId) {
      this.#fault('wrong_room', streamOf(push), 1, `${push.type} of room ${push.roomId}`);
      return;
    }
    if (this.#standing === 'leaving') return;
    if (this.#version === undefined || this.#standing === 'out') {
      // Who may enter is told at the door.
      if (push.type === 'room.admitted') return;
      this.#fault('wrong_room', streamOf(push), 1, `${push.type} to somebody outside`);
      return;
    }
    tally.frames += 1;
    switch (push.type) {
      case 'room.events':
        if (push.epoch === this.#version.epoch) {
          for (const revision of push.revisions) this.#revision(revision, nowMs);
        } else if (push.epoch > this.#version.epoch) {
          this.#fault('missing', 'revision', 1, `epoch ${push.epoch} came untold`);
          this.#repair();
        } else {
          this.#fault('out_of_order', 'revision', 1, `epoch ${push.epoch} is over`);
        }
        break;
      case 'room.snapshot': {
        const isBehind = push.reason === 'behind';
        if (isBehind) tally.snapshotsForBehind += 1;
        else tally.snapshotsForEpoch += 1;
        const isAnew = push.epoch !== this.#version.epoch;
        this.#whole(push, nowMs);
        this.#presence.moveTo(push.presence.version);
        if (isAnew) {
          this.#chat.moveTo(push.chatSeq);
          book.sawChat(push.epoch, push.chatSeq);
        }
        // What was withheld of the chat is asked for, as a client does.
        else if (push.chatSeq > this.#chat.last) this.#repair();
        break;
      }
      case 'room.chat':
        for (const item of push.items) {
          this.#checkItem(item);
          this.#chatItem(item.seq, nowMs);
        }
        break;
      case 'room.presence':
        if (push.full !== undefined) this.#presence.moveTo(push.version);
        else this.#presenceChange(push.version);
        break;
      case 'room.reactions':
        tally.reactions += 1;
        break;
      case 'room.left':
        this.disconnected();
        this.#owner.left(push.reason);
        break;
      case 'room.sync':
      case 'room.knocked':
      case 'room.admitted':
        break;
    }
  }

  /** What is held at the end, against what is known to exist. */
  settle({ epoch, revision, chat }: Furthest): void {
    const version = this.#version;
    if (version === undefined || this.#standing === 'out') return;
    const lacks = epoch === version.epoch ? revision - version.revision : epoch - version.epoch;
    if (lacks > 0) {
      const held = `holds ${version.epoch}:${version.revision} of ${epoch}:${revision}`;
      this.#fault('unseen', 'revision', lacks, held);
    }
    if (chat.epoch === version.epoch && chat.seq > this.#chat.last) {
      const held = `holds chat up to ${this.#chat.last} of ${chat.seq}`;
      this.#fault('unseen', 'chat', chat.seq - this.#chat.last, held);
    }
  }

  #whole(snapshot: Snapshot, nowMs: number): void {
    const { book } = this.#shared;
    const before = this.#version;
    this.#version = book.whole(snapshot, this.#owner.label);
    const kept = this.#revisions.moveTo(snapshot.revision);
    // A later epoch numbers anew: what was kept belongs to the one before.
    if (before !== undefined && before.epoch !== snapshot.epoch) return;
    for (const revision of kept) this.#revision(revision, nowMs);
  }

  #goOn(epoch: number, upTo: number, revisions: readonly Revision[], nowMs: number): void {
    const version = this.#version;
    if (version === undefined || version.epoch !== epoch) {
      this.#fault('contradicted', 'revision', 1, `a resume in epoch ${epoch}`);
      return;
    }
    // What came too early is in the answer as well, as it was sent before it.
    const early = this.#revisions.moveTo(this.#revisions.last);
    for (const revision of revisions) {
      if (revision.revision > this.#revisions.last) this.#apply(revision);
    }
    const missing = upTo - this.#revisions.last;
    if (missing > 0) this.#fault('missing', 'revision', missing, 'of a resume');
    this.#revisions.moveTo(Math.max(upTo, this.#revisions.last));
    for (const each of early) {
      if (each.revision > this.#revisions.last) this.#revision(each, nowMs);
    }
  }

  /** @returns whether it was next */
  #apply(revision: Revision): boolean {
    const verdict = this.#revisions.take(revision.revision, revision);
    this.#judge('revision', verdict, revision.revision);
    if (verdict !== 'next' && verdict !== 'filled') return false;
    this.#advance(revision);
    for (let kept = this.#revisions.nextKept(); kept !== undefined;) {
      this.#advance(kept);
      kept = this.#revisions.nextKept();
    }
    return true;
  }

  #revision(revision: Revision, nowMs: number): void {
    const { book } = this.#shared;
    const epoch = this.#version?.epoch ?? 0;
    if (this.#apply(revision)) book.revisions.got(keyOf(epoch, revision.revision), nowMs);
  }

  #advance(revision: Revision): void {
    const version = this.#version;
    if (version === undefined) return;
    this.#shared.tally.revisions += 1;
    this.#version = this.#shared.book.after(version, revision, this.#owner.label);
  }

  #chatItem(seq: number, nowMs: number): void {
    const { book, tally } = this.#shared;
    const verdict = this.#chat.take(seq, true);
    this.#judge('chat', verdict, seq);
    if (verdict !== 'next' && verdict !== 'filled') return;
    tally.chatItems += 1;
    const epoch = this.#version?.epoch ?? 0;
    book.chat.got(keyOf(epoch, seq), nowMs);
    while (this.#chat.nextKept() !== undefined) tally.chatItems += 1;
    book.sawChat(epoch, this.#chat.last);
  }

  #presenceChange(version: number): void {
    const verdict = this.#presence.take(version, true);
    this.#judge('presence', verdict, version);
    if (verdict === 'next' || verdict === 'filled') this.#shared.tally.presenceChanges += 1;
    while (this.#presence.nextKept() !== undefined) this.#shared.tally.presenceChanges += 1;
  }

  #checkItem(item: ChatItem): void {
    const { book } = this.#shared;
    const { roomId } = book;
    book.chatItem(this.#version?.epoch ?? 0, item, this.#owner.label);
    if (item.kind !== 'message' || !isOfOtherRoom(item.text, roomId)) return;
    this.#fault('wrong_room', 'chat', 1, `chat ${item.seq} says "${item.text}"`);
  }

  #judge(stream: Stream, verdict: Verdict, number: number): void {
    if (verdict === 'again') this.#fault('twice', stream, 1, `number ${number}`);
    if (verdict === 'filled') this.#fault('out_of_order', stream, 1, `number ${number}`);
    if (verdict === 'early') this.#watch();
  }

  /** Something is missing: it may only be late. */
  #watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    this.#owner.after(GRACE_MS, () => {
      this.#isWatching = false;
      const streams = [
        ['revision', this.#revisions.missing(), this.#revisions.last],
        ['chat', this.#chat.missing(), this.#chat.last],
        ['presence', this.#presence.missing(), this.#presence.last],
      ] as const;
      let hasHole = false;
      for (const [stream, missing, last] of streams) {
        if (missing === 0) continue;
        hasHole = true;
        this.#fault('missing', stream, missing, `after number ${last}`);
      }
      if (hasHole) this.#repair();
    });
  }

  #repair(): void {
    if (this.#standing !== 'in') return;
    this.#shared.tally.repairs += 1;
    this.#owner.repair();
  }

  #fault(kind: FaultKind, stream: Stream, count: number, detail: string): void {
    const { faults, book } = this.#shared;
    const where = `${detail}; ${this.#owner.label}, room ${book.roomId}`;
    faults.add({ kind, stream, count, detail: where });
  }
}

function streamOf({ type }: RoomPush): Stream {
  if (type === 'room.events' || type === 'room.snapshot') return 'revision';
  if (type === 'room.chat') return 'chat';
  return type === 'room.presence' ? 'presence' : 'frame';
}

const MARK_LENGTH = 8;

/** What the generator's own chat begins with: it names its room, so that a text in the wrong one is seen. */
export function chatMark(roomId: RoomId): string {
  return `#${roomId.slice(0, MARK_LENGTH)} `;
}

function isOfOtherRoom(text: string, roomId: RoomId): boolean {
  const isMarked = text.startsWith('#') && text.charAt(MARK_LENGTH + 1) === ' ';
  return isMarked && !text.startsWith(chatMark(roomId));
}
