// The end of a process: all that was started is stopped in reverse order, within a time, and what went wrong is told. Knows not what it stops.
import type { DrainTerms } from './hub/drain-window.ts';
import type { Log } from './ports/log.ts';
import { endsWithin, type Timers } from './ports/timers.ts';

/** What whoever stops is told, and may say. */
export interface Ending {
  /** Until the process ends, whatever is still under way, ms. */
  readonly leftMs: number;
  /** Something that should have been kept is lost, and told in the log. */
  readonly lost: () => void;
}

export type Stop = (ending: Ending) => Promise<void> | void;

/** Less than Docker gives a process that was told to end, where nobody says otherwise: it is to end by itself, with its last lines written. */
const LEAST_MS = 9_500;
/** The longest window that leaves time within that: the image's. */
const WINDOW_WITHIN_MS = 8_000;
/** On top of a longer window: whoever counts that time may have begun before the process was told, as Kubernetes does. */
const AFTER_WINDOW_MS = 9_000;

/** From the signal to the end of the process at the latest, ms: what docs/operations.md has those who end it wait for, less a little. */
export function endWithinMs({ leastMs, mostMs }: Pick<DrainTerms, 'leastMs' | 'mostMs'>): number {
  const longestMs = Math.max(leastMs, mostMs);
  return longestMs <= WINDOW_WITHIN_MS ? LEAST_MS : longestMs + AFTER_WINDOW_MS;
}

/** A time that runs from when it is made. Its timer does not keep the process alive: `main` ends that by itself. */
export class Deadline {
  readonly #timers: Timers;
  readonly #now: () => number;
  readonly #endsAt: number;

  /** @param now any clock, ms */
  constructor(withinMs: number, timers: Timers, now: () => number) {
    this.#timers = timers;
    this.#now = now;
    this.#endsAt = now() + withinMs;
  }

  get leftMs(): number {
    return Math.max(0, this.#endsAt - this.#now());
  }

  /** Whether `work` ends in time. Rejects with what it rejects with. */
  holdsFor(work: Promise<unknown>): Promise<boolean> {
    return endsWithin(this.#timers, this.leftMs, work);
  }
}

/**
 * Stops all of them, the last first. One that fails keeps none of the others from it. What takes longer than the deadline is left to go
 * down with the process. Never rejects.
 * @param stops is empty afterwards
 * @returns whether all ended in good order, with nothing lost
 */
export async function endAll(stops: Stop[], deadline: Deadline, log: Log): Promise<boolean> {
  let isGood = true;
  let left = 0;
  const stopped = async (): Promise<void> => {
    const all = stops.splice(0).reverse();
    left = all.length;
    for (const stop of all) {
      try {
        await stop({ leftMs: deadline.leftMs, lost: () => (isGood = false) });
      } catch (error) {
        isGood = false;
        log.error({ err: error }, 'a part of the service could not be stopped in good order');
      }
      left -= 1;
    }
  };
  if (await deadline.holdsFor(stopped())) return isGood;
  log.error(
    { parts: left },
    'the stop takes too long, as where a store does not answer: the process ends without it',
  );
  return false;
}
