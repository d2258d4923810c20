// The port to who is connected to a room on which node: leased, so that a node which dies takes its people with it after a while.
import type { HubMs, RoomId, UserId } from '../../protocol/ids.ts';
import type { NodeId } from './bus.ts';

export interface PresentPerson {
  readonly userId: UserId;
  readonly name: string;
  /** Where their one connection is that counts. */
  readonly node: NodeId;
}

export interface PresentPeople {
  /**
   * Grows with each `change` that changed something: by one, or by more where changes before it may be lost. 0 where nobody ever was.
   */
  readonly version: number;
  /** On nodes that are alive. One entry a person. */
  readonly people: readonly PresentPerson[];
  /** The last hub time at which a node with people in the room, dead or alive, was known to live; undefined where there is none. */
  readonly aliveAt: HubMs | undefined;
}

/** What one node changed. */
export interface PresenceChange {
  readonly node: NodeId;
  /** The room's version after it. */
  readonly version: number;
  readonly entered: readonly { readonly userId: UserId; readonly name: string }[];
  readonly left: readonly UserId[];
}

/**
 * One entry a person and room: whoever enters last has it. A node's entries hold as long as its lease, which the adapter renews by
 * itself.
 */
export interface Presence {
  /** Nodes whose lease runs, this one among them. */
  readonly aliveNodes: ReadonlySet<NodeId>;
  /**
   * Tells what has changed on this node since the last time, atomically. Who enters takes the place of their entry elsewhere; of those
   * who left, only entries that are still this node's are removed.
   * @returns the room's version after it
   */
  change(
    roomId: RoomId,
    change: Pick<PresenceChange, 'entered' | 'left'>,
  ): Promise<{ readonly version: number }>;
  read(roomId: RoomId): Promise<PresentPeople>;
  /** The versions of many rooms at once, in their order; undefined where only what keeps that room is away. */
  versions(roomIds: readonly RoomId[]): Promise<readonly (number | undefined)[]>;
  /**
   * Removes the entries of dead nodes from a room. Their people are then nobody's; call it once they have been departed.
   */
  forgetDead(roomId: RoomId): Promise<void>;
  /** Every change of any node, this one's own among them, in order of version for each room; may lose some. Returns the remover. */
  subscribe(listener: (roomId: RoomId, change: PresenceChange) => void): () => void;
  /**
   * Called when the set of living nodes has changed. `wasLapsed`: this node's own lease had ended meanwhile: others count its people as
   * gone, so it must enter all of them again. Returns the remover.
   */
  onNodes(
    listener: (change: { readonly died: readonly NodeId[]; readonly wasLapsed: boolean }) => void,
  ): () => void;
}
