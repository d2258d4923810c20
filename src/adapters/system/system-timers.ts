// Real time: the timers of Node.js behind the port.
import type { Timers } from '../../ports/timers.ts';

export const systemTimers: Timers = {
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
  every(periodMs, callback) {
    const timer = setInterval(callback, periodMs);
    timer.unref();
    return () => clearInterval(timer);
  },
  atEndOfTick(callback) {
    // The check phase comes after the poll phase in which sockets are read: one call for all that arrived together.
    setImmediate(callback);
  },
};
