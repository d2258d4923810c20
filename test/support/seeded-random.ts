// Randomness that repeats, behind the port, with ids that count.
import type {
  ConnectionId,
  EntryId,
  EventId,
  InviteCode,
  RoomCode,
  RoomId,
  SessionId,
} from '../../protocol/ids.ts';
import { Random as Seeded } from '../../loadtest/random.ts';
import { CODE_ALPHABET } from '../../protocol/schemas/primitives.ts';
import type { Random } from '../../src/ports/random.ts';

export class SeededRandom extends Seeded implements Random {
  #count: number;

  /** @param firstId where the ids begin: those of two that share a world must not meet */
  constructor(seed: number, firstId = 0) {
    super(seed);
    this.#count = firstId;
  }

  override pick<T>(items: readonly T[]): T {
    const item = items[this.int(items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  roomId(seed?: string): RoomId {
    if (seed === undefined) return this.#uuid() as RoomId;
    let hash = 0;
    for (const char of seed) hash = (Math.imul(hash, 31) + (char.codePointAt(0) ?? 0)) >>> 0;
    return `00000000-0000-8000-8000-${hash.toString(16).padStart(12, '0')}` as RoomId;
  }

  activityId(seed?: string): string {
    return seed === undefined ? this.#uuid() : this.roomId(seed);
  }

  roomCode(): RoomCode {
    return Array.from({ length: 8 }, () => this.pick(Array.from(CODE_ALPHABET))).join(
      '',
    ) as RoomCode;
  }

  sessionId(): SessionId {
    return this.#uuid() as SessionId;
  }

  connectionId(): ConnectionId {
    return `c${this.#next()}` as ConnectionId;
  }

  entryId(): EntryId {
    return `e${this.#next()}` as EntryId;
  }

  eventId(): EventId {
    return `v${this.#next()}` as EventId;
  }

  inviteCode(): InviteCode {
    return `i${this.#next()}` as InviteCode;
  }

  #next(): number {
    this.#count += 1;
    return this.#count;
  }

  #uuid(): string {
    return `00000000-0000-4000-8000-${this.#next().toString(16).padStart(12, '0')}`;
  }
}
