// The port to the other nodes: fleeting messages about a room, told to whoever serves it too. What must not be lost goes through a log.
import type { EntryId, RoomId, UserId } from '../../protocol/ids.ts';
import type { SyncState } from '../../protocol/schemas/requests.ts';

/** One run of one process of this service: another one with each start. */
export type NodeId = string;

/** A member's last word on how well in step they are. */
export interface MemberReport {
  readonly userId: UserId;
  readonly errorMs: number;
  readonly rttMs: number;
  readonly outputLatencyMs: number;
  readonly state: SyncState;
}

export type BusMessage =
  /** What was thrown in within one window on the sending node. */
  | {
      readonly type: 'reactions';
      readonly counts: Readonly<Record<string, number>>;
      readonly from: readonly UserId[];
    }
  /** All that the sending node knows of its members of the room; it takes the place of what it told before. */
  | {
      readonly type: 'members';
      /** How many of them have buffered the start of an entry. */
      readonly ready: Readonly<Record<EntryId, number>>;
      /** Of a sample of those who have reported. */
      readonly reports: readonly MemberReport[];
      /** How many have reported in all. */
      readonly reporting: number;
    };

/**
 * Messages of one node about one room arrive in order, at most once, or not at all; they never come back to their sender.
 */
export interface Bus {
  readonly nodeId: NodeId;
  /**
   * Why what other nodes say may not reach this one, for people; undefined while the path is proven. It is proven again
   * every few seconds, by a message of its own through the channels that appends are told on.
   */
  readonly fault: string | undefined;
  /** Never throws and never waits: a message that cannot be sent is dropped. */
  publish(roomId: RoomId, message: BusMessage): void;
  /** Returns the remover. */
  subscribe(listener: (roomId: RoomId, node: NodeId, message: BusMessage) => void): () => void;
  /**
   * Calls `listener` when messages of any kind (appends, chat, presence too) may have been lost, as after the connection came back: what
   * is held is to be compared with the logs. Returns the remover.
   */
  onDoubt(listener: () => void): () => void;
}
