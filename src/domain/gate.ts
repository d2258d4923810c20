// How many must be ready before a cold start may begin early (PB6). Knows numbers only.

/**
 * How many of those present must have buffered the start: their share, rounded up, but never nobody and never more than there are.
 * @param quorum share in [0, 1]
 * @returns 0 in a room where nobody is present
 */
export function neededReady(presentCount: number, quorum: number): number {
  if (presentCount <= 0) return 0;
  return Math.min(presentCount, Math.max(1, Math.ceil(presentCount * quorum)));
}
