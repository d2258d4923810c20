// The port to the passing of time: what the hub may ask to be called for, so that a test can decide when.

export interface Timers {
  /** Calls `callback` once after at least `delayMs`. Returns the canceller. Does not keep the process alive. */
  after(delayMs: number, callback: () => void): () => void;
  /** Calls `callback` every `periodMs` until cancelled. Does not keep the process alive. */
  every(periodMs: number, callback: () => void): () => void;
  /** Calls `callback` once when the events of this tick of the loop have been handled. */
  atEndOfTick(callback: () => void): void;
}
