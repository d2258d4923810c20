// Waits until what was written to Redis has reached replicas. On a connection of its own, as the waiting holds up what comes after it.
import { StoreUnavailable } from '../../ports/room-log.ts';
import type { RedisConnection } from './connect-redis.ts';
import { orAway } from './redis-commands.ts';
import type { RedisKeys } from './redis-keys.ts';
import { REIGN } from './room-log-scripts.ts';

const MAX_WAIT_MS = 2_000;

/** A write behind all that was written before, and the reign in which it was written. KEYS: barrier. */
const MARK = `${REIGN}
redis.call('SET', KEYS[1], '1')
return reign()
`;

export interface ReplicaBarrierOptions {
  readonly connect: () => Promise<RedisConnection>;
  readonly keys: RedisKeys;
  /** That must have a change; at least 1. */
  readonly replicas: number;
}

/** One wait of one partition; whoever comes while it is under way takes the next one. */
interface Lane {
  isWaiting: boolean;
  next: ((reached: Reached) => void)[];
}

type Reached = { readonly reign: string } | { readonly error: StoreUnavailable };

export class ReplicaBarrier {
  readonly #options: ReplicaBarrierOptions;
  readonly #connection: RedisConnection;
  readonly #lanes = new Map<number, Lane>();

  private constructor(options: ReplicaBarrierOptions, connection: RedisConnection) {
    this.#options = options;
    this.#connection = connection;
  }

  /** Rejects with `StoreUnavailable` where Redis is away. */
  static async open(options: ReplicaBarrierOptions): Promise<ReplicaBarrier> {
    return new ReplicaBarrier(options, await options.connect());
  }

  stop(): Promise<void> {
    return this.#connection.stop();
  }

  /**
   * Resolves when all that was written to the partition before this call has reached the replicas.
   * @param reign of the server that took the write, where it is known: another one may have lost it
   * Rejects with `StoreUnavailable` where that is not so within two seconds: whether the write lasts is then unknown.
   */
  passed(partition: number, reign?: string): Promise<void> {
    const lane = this.#lanes.get(partition) ?? { isWaiting: false, next: [] };
    this.#lanes.set(partition, lane);
    return new Promise((resolve, reject) => {
      lane.next.push((reached) => {
        if ('error' in reached) reject(reached.error);
        else if (reign !== undefined && reached.reign !== reign) reject(missing());
        else resolve();
      });
      if (!lane.isWaiting) void this.#serve(partition, lane);
    });
  }

  async #serve(partition: number, lane: Lane): Promise<void> {
    lane.isWaiting = true;
    while (lane.next.length > 0) {
      const served = lane.next;
      lane.next = [];
      const reached = await this.#reach(partition);
      for (const settle of served) settle(reached);
    }
    lane.isWaiting = false;
  }

  async #reach(partition: number): Promise<Reached> {
    const { keys, replicas } = this.#options;
    const key = keys.barrier(partition);
    const wait = ['WAIT', String(replicas), String(MAX_WAIT_MS)];
    try {
      // Where the connection breaks in between, the waiting is for what the new one has written, which is nothing.
      const [before, reign, count, after] = await orAway(() =>
        this.#connection.together(key, [
          ['CLIENT', 'INFO'],
          ['EVAL', MARK, '1', key],
          wait,
          ['CLIENT', 'INFO'],
        ]),
      );
      if (connectionOf(before) !== connectionOf(after) || Number(count) < replicas) throw missing();
      return { reign: String(reign) };
    } catch (error) {
      const isAway = error instanceof StoreUnavailable;
      return {
        error: isAway ? error : new StoreUnavailable('a replica of Redis', { cause: error }),
      };
    }
  }
}

function missing(): StoreUnavailable {
  return new StoreUnavailable('a replica of Redis');
}

/** Id and both addresses: no two connections share them. */
function connectionOf(info: unknown): string {
  return String(info).split(' ').slice(0, 3).join(' ');
}
