// The bus over the channels of Redis. What it carries is fleeting: it is never kept, and dropped where Redis is away or slow.
import type { RoomId } from '../../../protocol/ids.ts';
import type { Bus, BusMessage, NodeId } from '../../ports/bus.ts';
import type { RedisChannels } from './redis-channels.ts';

/** Messages on their way to Redis; beyond it they would arrive too late to be worth anything. */
const MAX_ON_THE_WAY = 1_000;
/** A newer version has others too: they are not for this one. */
const KNOWN: { readonly [T in BusMessage['type']]: true } = { reactions: true, members: true };

export class RedisBus implements Bus {
  readonly nodeId: NodeId;
  readonly #channels: RedisChannels;
  #onTheWay = 0;

  constructor(channels: RedisChannels, nodeId: NodeId) {
    this.#channels = channels;
    this.nodeId = nodeId;
  }

  get fault(): string | undefined {
    return this.#channels.fault;
  }

  publish(roomId: RoomId, message: BusMessage): void {
    if (this.#onTheWay >= MAX_ON_THE_WAY) return;
    this.#onTheWay += 1;
    const over = (): void => void (this.#onTheWay -= 1);
    // That Redis is away is told by `fault`.
    this.#channels.publish('b', roomId, JSON.stringify(message)).then(over, over);
  }

  subscribe(listener: (roomId: RoomId, node: NodeId, message: BusMessage) => void): () => void {
    return this.#channels.on('b', (node, roomId, rest) => {
      if (node === this.nodeId) return;
      const message = JSON.parse(rest) as BusMessage;
      if (Object.hasOwn(KNOWN, message.type)) listener(roomId, node, message);
    });
  }

  onDoubt(listener: () => void): () => void {
    return this.#channels.onDoubt(listener);
  }
}
