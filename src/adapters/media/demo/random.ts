// A seeded random source: the same seed gives the same music on every machine.

/** Uniform in [0, 1). */
export type Random = () => number;

/** Mulberry32, by Tommy Ettinger (public domain): 32 bits of state, plenty for noise and humanising. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
