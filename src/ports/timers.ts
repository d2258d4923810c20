// The port to the passing of time: what the hub may ask to be called for, so that a test can decide when.

export interface Timers {
  /** Calls `callback` once after at least `delayMs`. Returns the canceller. Does not keep the process alive. */
  after(delayMs: number, callback: () => void): () => void;
  /** Calls `callback` every `periodMs` until cancelled. Does not keep the process alive. */
  every(periodMs: number, callback: () => void): () => void;
  /** Calls `callback` once when the events of this tick of the loop have been handled. */
  atEndOfTick(callback: () => void): void;
}

/**
 * Waits for `work`, but no longer than `patienceMs`; it may go on after that, and its failure is then nobody's.
 * Rejects with what `work` rejects with in time.
 * @returns whether it has ended
 */
export async function endsWithin(
  timers: Pick<Timers, 'after'>,
  patienceMs: number,
  work: Promise<unknown>,
): Promise<boolean> {
  let cancel = (): void => undefined;
  const patience = new Promise<false>((resolve) => {
    cancel = timers.after(patienceMs, () => resolve(false));
  });
  try {
    return await Promise.race([work.then(() => true), patience]);
  } finally {
    cancel();
  }
}
