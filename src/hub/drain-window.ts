// How long those who are asked to leave are given: as long as the other nodes take to let so many in without making anybody wait.
// Pure: knows neither sockets nor the time.

export interface DrainTerms {
  /** What few people are given, ms. */
  readonly leastMs: number;
  /** Who leaves comes back elsewhere: so many a second can. */
  readonly perSecond: number;
  /** The longest to which the window grows, ms: whoever ends the process does not wait for ever. Never below `leastMs`, which somebody chose. */
  readonly mostMs: number;
}

export interface DrainWindow {
  readonly windowMs: number;
  /** What so many people need at that rate, ms. */
  readonly neededMs: number;
}

/** The window for so many open sockets. It is shorter than what they need where `mostMs` ends it. */
export function drainWindow(
  { leastMs, perSecond, mostMs }: DrainTerms,
  connections: number,
): DrainWindow {
  const neededMs = Math.ceil((connections / perSecond) * 1_000);
  return { windowMs: Math.max(leastMs, Math.min(neededMs, mostMs)), neededMs };
}
