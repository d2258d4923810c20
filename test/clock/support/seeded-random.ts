// Owns repeatable chance for the clock's simulator; the same seed gives the same run on every machine.

export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
    // Neighbouring seeds start alike; a few rounds part them.
    for (let round = 0; round < 8; round += 1) this.next();
  }

  /** Uniform in [0, 1). Mulberry32, by Tommy Ettinger (public domain). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  uniform(from: number, to: number): number {
    return from + (to - from) * this.next();
  }

  exponential(mean: number): number {
    return -mean * Math.log(1 - this.next());
  }

  /** Number of failures before the first success, each succeeding with probability `1 − again`. */
  geometric(again: number): number {
    let count = 0;
    while (this.next() < again) count += 1;
    return count;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  normal(sigma: number): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return sigma * radius * Math.cos(2 * Math.PI * this.next());
  }

  fork(): SeededRandom {
    return new SeededRandom(Math.floor(this.next() * 4_294_967_296));
  }
}
