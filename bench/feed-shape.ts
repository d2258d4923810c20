// Who looks at whom in the feed bench, and the time line that its processes share.

export interface WhoLooks {
  readonly viewers: number;
  readonly authors: number;
  /** How many authors each viewer looks at. */
  readonly looksAt: number;
}

/** Far enough apart that no two of one viewer's authors are the same. */
const STRIDE = 499;

/** The number of the author whom viewer `n` looks at as its `k`th. */
export function authorOf(n: number, k: number, authors: number): number {
  return (n + k * STRIDE) % authors;
}

/** Milliseconds of the monotonic clock, which is one for all processes of a machine. */
export function sharedNowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
