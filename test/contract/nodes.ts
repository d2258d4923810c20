// What the contract suites of the bus and of the presence are given: nodes that share a room's people and hear each other.
import type { RoomId, UserId } from '../../protocol/ids.ts';
import { randomUUID } from 'node:crypto';
import type { Bus, NodeId } from '../../src/ports/bus.ts';
import type { Presence } from '../../src/ports/presence.ts';

export interface NodeUnderTest {
  readonly bus: Bus;
  readonly presence: Presence;
}

export interface NodesContext {
  /** Opens a node. */
  join(nodeId: NodeId): Promise<NodeUnderTest>;
  /** The node renews its lease no more; resolves when that has ended and the others know. */
  bury(nodeId: NodeId): Promise<void>;
  /** Hub time. */
  now(): number;
}

export const someRoom = (): RoomId => randomUUID() as RoomId;
export const someNode = (): NodeId => randomUUID().slice(0, 8);
export const somebody = (name: string) => ({ userId: randomUUID() as UserId, name });
