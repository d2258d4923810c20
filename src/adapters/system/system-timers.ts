// Real time: the timers of Node.js behind the port.
import type { Metrics } from '../../ports/metrics.ts';
import type { Timers } from '../../ports/timers.ts';

/** The longest delay that Node.js knows, ms: a longer one is a millisecond to it. */
const LONGEST_MS = 2_147_483_647;

let pending = 0;

/** Timers that are set, have not fired and were not cancelled. They keep no process alive, so Node.js does not tell of them. */
export function pendingTimers(): number {
  return pending;
}

export function tellTimers(metrics: Pick<Metrics, 'gauge'>): void {
  const help = 'Timers that are set and have yet to fire.';
  metrics.gauge({ name: 'earshot_timers', help }, pendingTimers);
}

/** @returns ends it, as often as one likes */
function counted(clear: () => void): () => void {
  pending += 1;
  let isOver = false;
  return () => {
    if (isOver) return;
    isOver = true;
    pending -= 1;
    clear();
  };
}

/**
 * Node.js has a list for the timers of each delay. When the last of one is cancelled it forgets the list, but that of a timer which keeps no
 * process alive it keeps until the delay has passed: of delays as they come, each to the millisecond, there would be thousands.
 */
function cancel(timer: NodeJS.Timeout): void {
  clearTimeout(timer.ref());
}

export const systemTimers: Timers = {
  after(delayMs, callback) {
    const at = performance.now() + delayMs;
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      const isLast = leftMs <= LONGEST_MS;
      // A list is found again by a whole number alone.
      timer = isLast
        ? setTimeout(fire, Math.max(1, Math.ceil(leftMs)))
        : setTimeout(() => wait(at - performance.now()), LONGEST_MS);
      timer.unref();
    };
    const fire = (): void => {
      end();
      callback();
    };
    const end = counted(() => cancel(timer));
    wait(delayMs);
    return end;
  },
  every(periodMs, callback) {
    const timer = setInterval(callback, periodMs);
    timer.unref();
    return counted(() => cancel(timer));
  },
  atEndOfTick(callback) {
    // The check phase comes after the poll phase in which sockets are read: one call for all that arrived together.
    setImmediate(callback);
  },
};
