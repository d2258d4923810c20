// Real time: the timers of Node.js behind the port.
import type { Metrics } from '../../ports/metrics.ts';
import type { Timers } from '../../ports/timers.ts';

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

export const systemTimers: Timers = {
  after(delayMs, callback) {
    const timer = setTimeout(() => {
      end();
      callback();
    }, delayMs);
    timer.unref();
    const end = counted(() => clearTimeout(timer));
    return end;
  },
  every(periodMs, callback) {
    const timer = setInterval(callback, periodMs);
    timer.unref();
    return counted(() => clearInterval(timer));
  },
  atEndOfTick(callback) {
    // The check phase comes after the poll phase in which sockets are read: one call for all that arrived together.
    setImmediate(callback);
  },
};
