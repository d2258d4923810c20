// Several nodes in one process, for tests: their bus and their presence, with the test deciding what is lost and who has died.
import type { HubMs, RoomId, UserId } from '../../../protocol/ids.ts';
import type { Bus, BusMessage, NodeId } from '../../ports/bus.ts';
import type {
  Presence,
  PresenceChange,
  PresentPeople,
  PresentPerson,
} from '../../ports/presence.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';

interface Room {
  version: number;
  readonly people: Map<UserId, PresentPerson>;
}

export interface MemoryMeshOptions {
  /** Hub time. */
  now(): HubMs;
  /** Hands a message on, at once by default; a test may delay or lose it. */
  readonly deliver?: (to: NodeId, message: () => void) => void;
}

export class MemoryMesh {
  readonly #options: MemoryMeshOptions;
  readonly #rooms = new Map<RoomId, Room>();
  readonly #alive = new Map<NodeId, MemoryNode>();
  readonly #lastSeen = new Map<NodeId, HubMs>();
  /** While true every call to the presence fails. */
  isAway = false;

  constructor(options: MemoryMeshOptions) {
    this.#options = options;
  }

  join(nodeId: NodeId): MemoryNode {
    const node = new MemoryNode(nodeId, this);
    this.#alive.set(nodeId, node);
    this.#nodesChanged([]);
    return node;
  }

  /** The node's lease ends, as when it died a while ago. */
  bury(nodeId: NodeId): void {
    this.#lastSeen.set(nodeId, this.#options.now());
    this.#alive.delete(nodeId);
    this.#nodesChanged([nodeId]);
  }

  get aliveNodes(): ReadonlySet<NodeId> {
    return new Set(this.#alive.keys());
  }

  change(
    roomId: RoomId,
    { node, entered, left }: Omit<PresenceChange, 'version'>,
  ): { readonly version: number } {
    this.#reach();
    const room = this.#roomOf(roomId);
    const gone = left.filter((userId) => room.people.get(userId)?.node === node);
    if (entered.length + gone.length === 0) return { version: room.version };
    for (const { userId, name } of entered) room.people.set(userId, { userId, name, node });
    for (const userId of gone) room.people.delete(userId);
    room.version += 1;
    const { version } = room;
    const told = { node, version, entered, left: gone };
    this.#tell((each) => each.hearPresence(roomId, told));
    return { version };
  }

  read(roomId: RoomId): PresentPeople {
    this.#reach();
    const { version, people } = this.#roomOf(roomId);
    const all = [...people.values()];
    const seen = all.map(({ node }) =>
      this.#alive.has(node) ? this.#options.now() : (this.#lastSeen.get(node) ?? 0),
    );
    return {
      version,
      people: all.filter(({ node }) => this.#alive.has(node)),
      aliveAt: seen.length === 0 ? undefined : Math.max(...seen),
    };
  }

  version(roomId: RoomId): number {
    this.#reach();
    return this.#rooms.get(roomId)?.version ?? 0;
  }

  forgetDead(roomId: RoomId): void {
    this.#reach();
    const room = this.#rooms.get(roomId);
    for (const { userId, node } of [...(room?.people.values() ?? [])]) {
      if (!this.#alive.has(node)) room?.people.delete(userId);
    }
  }

  publish(from: NodeId, roomId: RoomId, message: BusMessage): void {
    this.#tell((each) => {
      if (each.bus.nodeId !== from) each.hearBus(roomId, from, message);
    });
  }

  /** A lease that had lapsed begins again. */
  revive(node: MemoryNode): void {
    this.#alive.set(node.bus.nodeId, node);
    this.#nodesChanged([], node.bus.nodeId);
  }

  #roomOf(roomId: RoomId): Room {
    const room = this.#rooms.get(roomId) ?? {
      version: 0,
      people: new Map<UserId, PresentPerson>(),
    };
    this.#rooms.set(roomId, room);
    return room;
  }

  #tell(hear: (node: MemoryNode) => void): void {
    const deliver = this.#options.deliver ?? atOnce;
    for (const node of [...this.#alive.values()]) deliver(node.bus.nodeId, () => hear(node));
  }

  #nodesChanged(died: readonly NodeId[], lapsed?: NodeId): void {
    for (const node of this.#alive.values()) {
      node.hearNodes({ died, wasLapsed: node.bus.nodeId === lapsed });
    }
  }

  #reach(): void {
    if (this.isAway) throw new StoreUnavailable('the presence');
  }
}

type NodesListener = Parameters<Presence['onNodes']>[0];

export class MemoryNode {
  readonly bus: Bus;
  readonly presence: Presence;
  readonly #busListeners = new Set<Parameters<Bus['subscribe']>[0]>();
  readonly #presenceListeners = new Set<Parameters<Presence['subscribe']>[0]>();
  readonly #nodesListeners = new Set<NodesListener>();
  readonly #doubtListeners = new Set<() => void>();

  constructor(nodeId: NodeId, mesh: MemoryMesh) {
    this.bus = {
      nodeId,
      fault: undefined,
      publish: (roomId, message) => mesh.publish(nodeId, roomId, message),
      subscribe: (listener) => added(this.#busListeners, listener),
      onDoubt: (listener) => added(this.#doubtListeners, listener),
    };
    this.presence = {
      get aliveNodes() {
        return mesh.aliveNodes;
      },
      change: (roomId, change) =>
        Promise.resolve().then(() => mesh.change(roomId, { node: nodeId, ...change })),
      read: (roomId) => Promise.resolve().then(() => mesh.read(roomId)),
      versions: (roomIds) =>
        Promise.resolve().then(() => roomIds.map((roomId) => mesh.version(roomId))),
      forgetDead: (roomId) => Promise.resolve().then(() => mesh.forgetDead(roomId)),
      subscribe: (listener) => added(this.#presenceListeners, listener),
      onNodes: (listener) => added(this.#nodesListeners, listener),
    };
  }

  hearBus(roomId: RoomId, node: NodeId, message: BusMessage): void {
    for (const listener of this.#busListeners) listener(roomId, node, message);
  }

  hearPresence(roomId: RoomId, change: PresenceChange): void {
    for (const listener of this.#presenceListeners) listener(roomId, change);
  }

  hearNodes(change: Parameters<NodesListener>[0]): void {
    for (const listener of this.#nodesListeners) listener(change);
  }

  /** Messages may have been lost. */
  doubt(): void {
    for (const listener of this.#doubtListeners) listener();
  }
}

function atOnce(_to: NodeId, message: () => void): void {
  message();
}

function added<T>(listeners: Set<T>, listener: T): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
