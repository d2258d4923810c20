// Owns the order of one numbered stream at one listener: what is next, what came too early, what came again. Knows no content.

/**
 * `next`: take it. `early`: a number before it is still missing; it is kept. `filled`: the missing one, after a later one had come.
 * `again`: it was taken before.
 */
export type Verdict = 'next' | 'early' | 'filled' | 'again';

/** Items are kept here only while one before them is missing. */
export class Sequence<Item> {
  #last: number;
  #early: Map<number, Item> | undefined;

  /** @param last the number that is held already */
  constructor(last = 0) {
    this.#last = last;
  }

  get last(): number {
    return this.#last;
  }

  take(number: number, item: Item): Verdict {
    if (number === this.#last + 1) {
      this.#last = number;
      return this.#early === undefined ? 'next' : 'filled';
    }
    if (number <= this.#last || this.#early?.has(number) === true) return 'again';
    this.#early ??= new Map();
    this.#early.set(number, item);
    return 'early';
  }

  /** What was kept and is next now; undefined where there is none. To be asked until there is none after `filled`. */
  nextKept(): Item | undefined {
    const early = this.#early;
    const item = early?.get(this.#last + 1);
    if (early === undefined || item === undefined) return undefined;
    this.#last += 1;
    early.delete(this.#last);
    if (early.size === 0) this.#early = undefined;
    return item;
  }

  /** How many numbers are missing before the newest that was kept; 0 where there is no hole. */
  missing(): number {
    if (this.#early === undefined) return 0;
    return Math.max(...this.#early.keys()) - this.#last - this.#early.size;
  }

  /** Starts over: what is held is now all up to `last`, and what was kept beyond it is returned in order. */
  moveTo(last: number): Item[] {
    const kept = [...(this.#early ?? [])].filter(([number]) => number > last);
    this.#early = undefined;
    this.#last = last;
    return kept.sort(([a], [b]) => a - b).map(([, item]) => item);
  }
}
