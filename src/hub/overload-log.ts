// Who was closed for going on above a rate, in the log: a line a second at most, as a flood must not fill it. Knows no sockets.
import type { ConnectionId, UserId } from '../../protocol/ids.ts';
import type { Log } from '../ports/log.ts';
import type { Timers } from '../ports/timers.ts';

export interface Overloader {
  readonly connectionId: ConnectionId;
  /** Undefined where it was not known yet whose connection it is. */
  readonly userId: UserId | undefined;
}

const EVERY_MS = 1_000;

export class OverloadLog {
  readonly #log: Log;
  readonly #timers: Timers;
  /** The newest one that no line has yet. */
  #waiting: Overloader | undefined;
  /** Those since the last line that none will have. */
  #leftOut = 0;
  #cancel: (() => void) | undefined;

  constructor(log: Log, timers: Timers) {
    this.#log = log;
    this.#timers = timers;
  }

  /** A connection was closed as `overloaded`. The first has its line at once; of those of a second after it the last one, with how many more there were. */
  closed(who: Overloader): void {
    if (this.#cancel === undefined) {
      this.#say(who);
      this.#wait();
      return;
    }
    if (this.#waiting !== undefined) this.#leftOut += 1;
    this.#waiting = who;
  }

  /** What waits is said. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#sayWaiting();
  }

  #wait(): void {
    this.#cancel = this.#timers.after(EVERY_MS, () => {
      this.#cancel = undefined;
      if (this.#sayWaiting()) this.#wait();
    });
  }

  /** @returns whether there was one */
  #sayWaiting(): boolean {
    if (this.#waiting === undefined) return false;
    this.#say(this.#waiting);
    this.#waiting = undefined;
    this.#leftOut = 0;
    return true;
  }

  #say({ connectionId, userId }: Overloader): void {
    this.#log.warn(
      {
        connectionId,
        ...(userId === undefined ? {} : { userId }),
        ...(this.#leftOut === 0 ? {} : { leftOut: this.#leftOut }),
      },
      'a connection was closed as overloaded: it went on above its rate',
    );
  }
}
