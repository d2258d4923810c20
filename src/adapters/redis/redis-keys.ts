// The names of everything that is kept in Redis. The keys of a partition share a hash tag, and so a slot of a cluster.
import type { RoomCode, RoomId, UserId } from '../../../protocol/ids.ts';

const PREFIX = 'earshot';

export class RedisKeys {
  readonly partitions: number;

  /** @param partitions fixed for the life of the data: a room is found by its own */
  constructor(partitions: number) {
    this.partitions = partitions;
  }

  partitionOf(roomId: RoomId): number {
    return fnv1a(roomId) % this.partitions;
  }

  /** The head, the server's reign that it was written under, where its epoch began, and the newest snapshot with its revision. */
  room(roomId: RoomId): string {
    return `${this.#tag(roomId)}room:${roomId}`;
  }

  /** The newest events; an entry's id is epoch-revision. */
  events(roomId: RoomId): string {
    return `${this.#tag(roomId)}events:${roomId}`;
  }

  idempotency(roomId: RoomId, key: string): string {
    return `${this.#tag(roomId)}key:${roomId}:${key}`;
  }

  /** The rooms of a partition with people in them, each with the time of its last event. */
  inhabited(partition: number): string {
    return `${this.#partition(partition)}inhabited`;
  }

  /** What the archive has not taken yet. */
  outbox(partition: number): string {
    return `${this.#partition(partition)}outbox`;
  }

  /** Which process works on the outbox. */
  outboxLease(partition: number): string {
    return `${this.outbox(partition)}-lease`;
  }

  /** What the archive has refused for good. */
  rejected(partition: number): string {
    return `${this.outbox(partition)}-rejected`;
  }

  /** The rooms of a partition that are here, each with when it last left something in the outbox, in ms; below zero where it is closed. */
  changed(partition: number): string {
    return `${this.#partition(partition)}changed`;
  }

  /** Where each room ended that is in the archive alone, or was once. */
  left(partition: number): string {
    return `${this.#partition(partition)}left`;
  }

  /** Which process looks for rooms that may leave. */
  idleLease(partition: number): string {
    return `${this.#partition(partition)}idle-lease`;
  }

  /** The shard channel on which all that happens in a partition is told. */
  channel(partition: number): string {
    return `${this.#partition(partition)}told`;
  }

  /** How many messages were told on the channel, so that a listener sees what it missed. */
  told(partition: number): string {
    return `${this.#partition(partition)}told-count`;
  }

  /** Written to wait for the replicas. */
  barrier(partition: number): string {
    return `${this.#partition(partition)}barrier`;
  }

  /** Who is connected to a room, each with their node; and how often that has changed. */
  presence(roomId: RoomId): string {
    return `${this.#tag(roomId)}presence:${roomId}`;
  }

  /** The newest items of a room's chat by their numbers, and the number of the last. */
  chat(roomId: RoomId): string {
    return `${this.#tag(roomId)}chat:${roomId}`;
  }

  chatKey(roomId: RoomId, key: string): string {
    return `${this.#tag(roomId)}said:${roomId}:${key}`;
  }

  /** What an author's viewers see, with its number, and the reign that it was written under. */
  feedHead(author: UserId): string {
    return `${this.#partition(this.feedPartitionOf(author))}feed-head:${author}`;
  }

  /** The shard channel of one author. */
  feedChannel(author: UserId): string {
    return `${this.#partition(this.feedPartitionOf(author))}feed:${author}`;
  }

  feedPartitionOf(author: UserId): number {
    return fnv1a(author) % this.partitions;
  }

  /** The shard channel on which a node proves to itself that authors of a partition reach it. */
  feedProof(partition: number, nodeId: string): string {
    return `${this.#partition(partition)}feed-proof:${nodeId}`;
  }

  /** How much is left of a rate that all nodes share. */
  rate(kind: string, key: string): string {
    return `${this.#partition(this.ratePartitionOf(key))}rate:${kind}:${key}`;
  }

  ratePartitionOf(key: string): number {
    return fnv1a(key) % this.partitions;
  }

  code(code: RoomCode): string {
    return `${PREFIX}:code:${code}`;
  }

  /** How many partitions there are, as the first node has decided. */
  get partitionCount(): string {
    return `${PREFIX}:partitions`;
  }

  /** What hub time is on the clock of the server. */
  get hubTime(): string {
    return `${PREFIX}:hub-time`;
  }

  get alive(): string {
    return `${PREFIX}:alive`;
  }

  /** The nodes, each with the hub time at which it renewed its lease. */
  get nodes(): string {
    return `${PREFIX}:nodes`;
  }

  #tag(roomId: RoomId): string {
    return this.#partition(this.partitionOf(roomId));
  }

  #partition(partition: number): string {
    return `${PREFIX}:{${partition}}:`;
  }
}

/** FNV-1a, 32 bits: spreads ids evenly, and is the same in every version of this service. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}
