// What was heard in rooms up to their heads, kept from one append to the next: an append that concerns playback needs not ask for it first.
// It belongs to the head that it is kept with: whoever else moves the room makes it useless, and nothing wrong is ever read.
import type { RoomId } from '../../../protocol/ids.ts';
import type { HeardRoom } from '../../domain/session-record.ts';
import { isSameHead, type Head } from '../../ports/room-log.ts';

export class HeardRooms {
  readonly #most: number;
  /** The one moved longest ago comes first. */
  readonly #byRoom = new Map<RoomId, { readonly head: Head; readonly heard: HeardRoom }>();

  /** @param most rooms that are kept; of one that is let go it is asked again */
  constructor(most: number) {
    this.#most = most;
  }

  /** Undefined where it is not known for that very head. */
  at(roomId: RoomId, head: Head): HeardRoom | undefined {
    const kept = this.#byRoom.get(roomId);
    return kept !== undefined && isSameHead(kept.head, head) ? kept.heard : undefined;
  }

  /** The room has gone on. @param heard undefined: as it was */
  moved(roomId: RoomId, from: Head, to: Head, heard = this.at(roomId, from)): void {
    this.#byRoom.delete(roomId);
    if (heard === undefined) return;
    this.#byRoom.set(roomId, { head: to, heard });
    const [oldest] = this.#byRoom.keys();
    if (this.#byRoom.size > this.#most && oldest !== undefined) this.#byRoom.delete(oldest);
  }
}
