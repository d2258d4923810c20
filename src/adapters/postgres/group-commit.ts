// Many small writes, or look-ups, as few transactions: what arrives while one is under way goes together in the next. Knows not what
// is written or asked.
import { StoreUnavailable } from '../../ports/room-log.ts';

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

export interface GroupCommitOptions<Item, Result> {
  /** Writes all of them in one transaction; answers in their order. A rejection means that none was written. */
  commit(items: readonly Item[]): Promise<readonly Result[]>;
  /** Items of one lane never share a transaction: the later may depend on how the earlier ends. Absent: they may. */
  readonly laneOf?: (item: Item) => string;
  /** Caps a transaction, so that one that fails does not take long to be tried piece by piece. */
  readonly maxItems: number;
}

export class GroupCommit<Item, Result> {
  readonly #options: GroupCommitOptions<Item, Result>;
  #waiting: Waiting<Item, Result>[] = [];
  #isRunning = false;

  constructor(options: GroupCommitOptions<Item, Result>) {
    this.#options = options;
  }

  /** Resolves when the item is committed. */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    // One turn of the loop's microtasks: what is asked for in the same tick shares the first transaction too.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#commit(this.#nextBatch());
    this.#isRunning = false;
  }

  #nextBatch(): Waiting<Item, Result>[] {
    const { laneOf, maxItems } = this.#options;
    const batch: Waiting<Item, Result>[] = [];
    const left: Waiting<Item, Result>[] = [];
    const lanes = new Set<string>();
    for (const waiting of this.#waiting) {
      const lane = laneOf?.(waiting.item);
      if (batch.length >= maxItems || (lane !== undefined && lanes.has(lane))) left.push(waiting);
      else batch.push(waiting);
      if (lane !== undefined) lanes.add(lane);
    }
    this.#waiting = left;
    return batch;
  }

  async #commit(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    let results: readonly Result[];
    try {
      results = await this.#options.commit(batch.map(({ item }) => item));
    } catch (error) {
      if (batch.length === 1 || error instanceof StoreUnavailable) {
        for (const { reject } of batch) reject(error);
        return;
      }
      // One of them is at fault, and which one the error does not say: its neighbours must not fail for it.
      for (const waiting of batch) await this.#commit([waiting]);
      return;
    }
    batch.forEach(({ resolve, reject }, i) => {
      // What was asked for may not be there: undefined is an answer.
      if (i < results.length) resolve(results[i] as Result);
      else reject(new Error('a commit answered fewer items than it was given'));
    });
  }
}
