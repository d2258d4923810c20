// A steady beat for whoever publishes: what is due by now is done now, so that a late timer does not lower the rate.

const TICK_MS = 5;

/**
 * Calls `act` `perSecond` times a second, for `seconds`.
 * @param act gets how many came before it
 * @param tickMs how finely the calls are spread
 * @returns how many there were
 */
export function paced(
  perSecond: number,
  seconds: number,
  act: (n: number) => void,
  tickMs = TICK_MS,
): Promise<number> {
  const total = Math.round(perSecond * seconds);
  const startedAt = performance.now();
  let done = 0;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(
        total,
        Math.round(((performance.now() - startedAt) / 1_000) * perSecond),
      );
      for (; done < due; done += 1) act(done);
      if (done < total) return;
      clearInterval(timer);
      resolve(total);
    }, tickMs);
  });
}
