// Owns the time by which everything here is stamped: the machine's monotonic clock, the same in all threads and processes of it.

/** By how much the machine's clock is ahead of this thread's `performance.now()`: both are CLOCK_MONOTONIC, from another beginning. */
const aheadMs = leastOf(5, () => {
  const before = performance.now();
  const machineMs = Number(process.hrtime.bigint()) / 1e6;
  const after = performance.now();
  return { widthMs: after - before, value: machineMs - (before + after) / 2 };
});

function leastOf(times: number, take: () => { widthMs: number; value: number }): number {
  const readings = Array.from({ length: times }, take);
  return readings.reduce((best, each) => (each.widthMs < best.widthMs ? each : best)).value;
}

/** Milliseconds since the machine's own beginning; comparable between threads and processes of one machine, and nowhere else. */
export function machineNow(): number {
  return performance.now() + aheadMs;
}
