// Time that stands still until the test moves it: hub clock and timers in one.
import type { HubClock } from '../../src/ports/hub-clock.ts';
import type { Timers } from '../../src/ports/timers.ts';

interface Due {
  at: number;
  readonly order: number;
  readonly callback: () => void;
  readonly periodMs: number | undefined;
}

export class ManualTime implements HubClock, Timers {
  timelineId = 7;
  #now: number;
  #order = 0;
  #due: Due[] = [];
  #endOfTick: (() => void)[] = [];

  constructor(startMs = 1_000_000) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): () => void {
    return this.#add(delayMs, callback, undefined);
  }

  every(periodMs: number, callback: () => void): () => void {
    return this.#add(periodMs, callback, periodMs);
  }

  atEndOfTick(callback: () => void): void {
    this.#endOfTick.push(callback);
  }

  /** Ends the tick, and all that its end and the promises it settles bring about, at this very time. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3;) {
      const callbacks = this.#endOfTick.splice(0);
      for (const callback of callbacks) callback();
      quiet = callbacks.length === 0 ? quiet + 1 : 0;
      // A real turn of the loop: promises of any depth have settled after it.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Moves on by `ms`, calling what becomes due in order, each at its own time, and settling after each. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.settle();
    for (;;) {
      const next = this.#due
        .filter(({ at }) => at <= end)
        .sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (next === undefined) break;
      this.#now = Math.max(this.#now, next.at);
      if (next.periodMs === undefined) this.#due.splice(this.#due.indexOf(next), 1);
      else next.at += next.periodMs;
      next.callback();
      await this.settle();
    }
    this.#now = end;
    await this.settle();
  }

  /** How many timers wait: none may be left behind by what was stopped. */
  get waiting(): number {
    return this.#due.length;
  }

  #add(delayMs: number, callback: () => void, periodMs: number | undefined): () => void {
    this.#order += 1;
    const due: Due = { at: this.#now + delayMs, order: this.#order, callback, periodMs };
    this.#due.push(due);
    return () => {
      const index = this.#due.indexOf(due);
      if (index >= 0) this.#due.splice(index, 1);
    };
  }
}
