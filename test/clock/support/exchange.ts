// Owns the making of one exchange by hand: where it starts, how far hub time is ahead, how long each way takes.

import type { Exchange } from '../../../src/clock/corridor.ts';

/** An exchange at a local time over a path of the given delays, with hub = local + offset. */
export function exchange(
  t0: number,
  offsetMs: number,
  upMs = 5,
  downMs = 5,
  timelineId = 1,
): Exchange {
  const t1 = t0 + upMs + offsetMs;
  return { t0, t1, t2: t1, t3: t0 + upMs + downMs, timelineId };
}
