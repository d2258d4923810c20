// The port to what the archive is written by: the changes of the rooms' live log, in their order, as often as they come.
import type { RoomId } from '../../protocol/ids.ts';
import type { ChatItem } from '../../protocol/schemas/pushes.ts';
import type { RoomEvent } from '../domain/room-event.ts';
import type { RoomState } from '../domain/room-state.ts';
import type { Head, HeldEvent } from './room-log.ts';

export type ArchiveEntry =
  /** `events` lead from `from` to `head`. */
  | {
      readonly kind: 'append';
      readonly roomId: RoomId;
      readonly from: Head;
      readonly head: Head;
      readonly events: readonly RoomEvent[];
    }
  /**
   * The room goes on from `head` and `state`, whatever the archive has of it. `events` were put back, under these numbers. `from` is where
   * the log ended before; absent where it did not have the room, and in what an older version has told.
   */
  | {
      readonly kind: 'restore';
      readonly roomId: RoomId;
      readonly from?: Head;
      readonly head: Head;
      readonly state: RoomState;
      readonly events: readonly HeldEvent[];
    }
  | { readonly kind: 'chat'; readonly roomId: RoomId; readonly item: ChatItem };

export interface ArchiveWriter {
  /**
   * Archives the entries in one transaction, in their order for each room. One that was archived before changes nothing.
   * @returns for each entry, in order: undefined where it is archived now, else why it can never be
   * Rejects with `StoreUnavailable`, or with what else is wrong with the store, having archived some or (the caller cannot know) all:
   * they are to be given again, in the same order.
   */
  apply(entries: readonly ArchiveEntry[]): Promise<readonly (Error | undefined)[]>;
}
