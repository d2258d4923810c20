// Several hubs over the same stores, in which the test decides what they tell each other.
import type { RoomId } from '../../protocol/ids.ts';
import { MemoryArchive } from '../../src/adapters/memory/memory-archive.ts';
import { MemoryChatLog } from '../../src/adapters/memory/memory-chat-log.ts';
import { MemoryMesh, type MemoryNode } from '../../src/adapters/memory/memory-mesh.ts';
import { MemoryRoomLog } from '../../src/adapters/memory/memory-room-log.ts';
import { MemoryUsers } from '../../src/adapters/memory/memory-users.ts';
import type { HubOptions } from '../../src/hub/hub-options.ts';
import type { HubPorts } from '../../src/hub/hub-ports.ts';
import type { NodeId } from '../../src/ports/bus.ts';
import type { ChatItem } from '../../protocol/schemas/pushes.ts';
import type { ChatLog } from '../../src/ports/chat-log.ts';
import { StoreUnavailable, type RoomLog } from '../../src/ports/room-log.ts';
import { HubWorld } from './hub-world.ts';
import { ManualTime } from './manual-time.ts';
import { SeededRandom } from './seeded-random.ts';

/** What asks no store at once. */
const NO_QUESTIONS: ReadonlySet<string | symbol> = new Set(['subscribe', 'onNodes', 'onDoubt']);

export class NodesWorld {
  readonly time = new ManualTime();
  readonly archive = new MemoryArchive();
  readonly roomLog: RoomLog;
  readonly chatLog = new MemoryChatLog();
  readonly users = new MemoryUsers();
  readonly mesh: MemoryMesh;
  readonly #options: Partial<HubOptions>;
  readonly #nodes = new Map<NodeId, { readonly world: HubWorld; readonly node: MemoryNode }>();
  readonly #appended = new Map<NodeId, Parameters<RoomLog['subscribe']>[0]>();
  readonly #said = new Map<NodeId, (roomId: RoomId, item: ChatItem) => void>();
  /** Nodes that hear nothing of the others. */
  readonly deaf = new Set<NodeId>();
  /** Nodes that reach no store: what they ask fails. */
  readonly cutOff = new Set<NodeId>();
  /** Nodes that reach neither friends nor the outbox of the listening history, and all else. */
  readonly withoutPostgres = new Set<NodeId>();
  /** What is lost on its way, each time that something is told. */
  loses: () => boolean = () => false;
  /** Further ports of a node that is about to start. */
  portsOf: (nodeId: NodeId) => Partial<HubPorts> = () => ({});

  constructor(options: Partial<HubOptions> = {}, roomLog?: RoomLog) {
    this.#options = options;
    this.roomLog = roomLog ?? new MemoryRoomLog(this.archive);
    this.mesh = new MemoryMesh({
      now: () => this.time.now(),
      deliver: (to, message) => this.#deliver(to, message),
    });
  }

  /** A node that serves. */
  async start(nodeId: NodeId): Promise<HubWorld> {
    const node = this.mesh.join(nodeId);
    const seed = this.#nodes.size + 1;
    const world = new HubWorld(
      this.#options,
      {
        roomLog: this.#logOf(nodeId),
        chatLog: this.#chatOf(nodeId),
        random: new SeededRandom(seed, seed * 1_000_000),
        users: this.users,
        archive: this.archive,
        nodes: {
          bus: node.bus,
          presence: this.#reached(nodeId, node.presence),
        },
        ...this.#portsOf(nodeId),
      },
      seed,
      this.time,
    );
    this.#nodes.set(nodeId, { world, node });
    await world.hub.start();
    return world;
  }

  /** The process is gone, with all its sockets. Its lease ends when `bury` says so. */
  kill(nodeId: NodeId): void {
    this.deaf.add(nodeId);
    this.cutOff.add(nodeId);
    void this.#nodes.get(nodeId)?.world.hub.stop();
  }

  bury(nodeId: NodeId): void {
    this.mesh.bury(nodeId);
  }

  /** It hears again, and knows that it may have missed something. */
  heal(nodeId: NodeId): void {
    this.deaf.delete(nodeId);
    this.cutOff.delete(nodeId);
    this.#nodes.get(nodeId)?.node.doubt();
  }

  nodeOf(nodeId: NodeId): MemoryNode | undefined {
    return this.#nodes.get(nodeId)?.node;
  }

  #deliver(to: NodeId, message: () => void): void {
    if (!this.deaf.has(to) && !this.loses()) message();
  }

  #portsOf(nodeId: NodeId): Partial<HubPorts> {
    const ports = this.portsOf(nodeId);
    const { feed, friends, activityLog, activityOutbox } = ports;
    const isInPostgres = (): boolean => this.withoutPostgres.has(nodeId);
    return {
      ...ports,
      ...(feed === undefined ? {} : { feed: this.#reached(nodeId, feed) }),
      ...(activityLog === undefined ? {} : { activityLog: this.#reached(nodeId, activityLog) }),
      ...(friends === undefined ? {} : { friends: this.#reached(nodeId, friends, isInPostgres) }),
      ...(activityOutbox === undefined
        ? {}
        : { activityOutbox: this.#reached(nodeId, activityOutbox, isInPostgres) }),
    };
  }

  /** The store as one node sees it: not at all while it is cut off, or is so from this one. */
  #reached<T extends object>(nodeId: NodeId, store: T, isAway = (): boolean => false): T {
    return new Proxy(store, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]): unknown => {
          if ((this.cutOff.has(nodeId) || isAway()) && !NO_QUESTIONS.has(name))
            return Promise.reject(new StoreUnavailable('the store'));
          return Reflect.apply(member, target, args);
        };
      },
    });
  }

  #logOf(nodeId: NodeId): RoomLog {
    const { roomLog } = this;
    const told: RoomLog = this.#reached(nodeId, roomLog);
    return new Proxy(told, {
      get: (target, name) => {
        if (name === 'subscribe') {
          return (listener: Parameters<RoomLog['subscribe']>[0]) => {
            this.#appended.set(nodeId, listener);
            return () => this.#appended.delete(nodeId);
          };
        }
        if (name !== 'append') return Reflect.get(target, name) as unknown;
        const append: RoomLog['append'] = async (roomId, from, events, after, keys) => {
          const result = await target.append(roomId, from, events, after, keys);
          if (result.kind !== 'committed') return result;
          for (const [other, listener] of this.#appended) {
            if (other === nodeId) continue;
            this.#deliver(other, () => listener(roomId, { from, head: result.head, events, keys }));
          }
          return result;
        };
        return append;
      },
    });
  }

  #chatOf(nodeId: NodeId): ChatLog {
    const reached: ChatLog = this.#reached(nodeId, this.chatLog);
    return new Proxy(reached, {
      get: (target, name) => {
        if (name === 'subscribe') {
          return (listener: (roomId: RoomId, item: ChatItem) => void) => {
            this.#said.set(nodeId, listener);
            return () => this.#said.delete(nodeId);
          };
        }
        if (name !== 'append') return Reflect.get(target, name) as unknown;
        const append: ChatLog['append'] = async (roomId, draft, at, key) => {
          const result = await target.append(roomId, draft, at, key);
          for (const [other, listener] of this.#said) {
            if (other !== nodeId) this.#deliver(other, () => listener(roomId, result.item));
          }
          return result;
        };
        return append;
      },
    });
  }
}
