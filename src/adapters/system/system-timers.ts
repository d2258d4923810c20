// Real time: the timers of Node.js behind the port.
import type { Metrics } from '../../ports/metrics.ts';
import type { Timers } from '../../ports/timers.ts';

/**
 * Node.js keeps the timers of each delay in a list of its own, and the list until that delay has passed, though all of its timers were cancelled
 * long before. A room that is to end in an hour, and later with each thing that happens, would leave thousands. So what is further away than this
 * is waited for in whole steps first, whose lists many share.
 */
const FAR_MS = 60_000;
const STEP_MS = 1_000;
/** A longer delay than 24 days is none to Node.js. */
const LONGEST_STEP_MS = 86_400_000;

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

/** Of more than `FAR_MS`: it ends before they are over. */
function firstStep(leftMs: number): number {
  return Math.min(LONGEST_STEP_MS, (Math.floor(leftMs / STEP_MS) - 1) * STEP_MS);
}

export const systemTimers: Timers = {
  after(delayMs, callback) {
    const at = performance.now() + delayMs;
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      timer =
        leftMs > FAR_MS
          ? setTimeout(() => wait(at - performance.now()), firstStep(leftMs))
          : setTimeout(fire, Math.max(0, Math.ceil(leftMs)));
      timer.unref();
    };
    const fire = (): void => {
      end();
      callback();
    };
    const end = counted(() => clearTimeout(timer));
    wait(delayMs);
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
