// Owns randomness that repeats: a seed gives the same run. Mulberry32 (Tommy Ettinger, public domain), and what is drawn with it.

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to `below` − 1. */
  int(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** Undefined where there is nothing. */
  pick<T>(items: readonly T[]): T | undefined {
    return items[this.int(items.length)];
  }

  /** Exponential: the time to the next of things that come at random, `mean` apart. */
  wait(mean: number): number {
    return -Math.log(1 - this.next()) * mean;
  }
}

/** A seed for one of many, so that each draws for itself. */
export function seedOf(seed: number, ...parts: readonly number[]): number {
  let hash = seed >>> 0;
  for (const part of parts) hash = Math.imul(hash ^ (part >>> 0), 0x9e3779b1) ^ (hash >>> 15);
  return hash >>> 0;
}
