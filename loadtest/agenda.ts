// Owns what is to be done when, by the machine's clock: one timer for as many things as there are. Knows no reasons.
import TinyQueue from 'tinyqueue';
import { machineNow } from './machine-clock.ts';

interface Item {
  readonly atMs: number;
  run: ((nowMs: number) => void) | undefined;
}

/** How long one turn of the loop may be spent on what is due. */
const TURN_MS = 4;

/** What is meant for a moment: something that somebody does, or that they come. */
export type Meant = 'act' | 'arrival';

/** Calls are made at most about a millisecond late, as Node's timers are, unless the thread is busy: `late` tells. */
export class Agenda {
  readonly #queue = new TinyQueue<Item>([], (a, b) => a.atMs - b.atMs);
  readonly #late: (lateMs: number, what: Meant) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAtMs = Infinity;
  #isWorking = false;
  #isClosed = false;

  /** @param late told for each `at`, not for `after`, by how much it was called too late */
  constructor(late: (lateMs: number, what: Meant) => void = () => undefined) {
    this.#late = late;
  }

  /** @returns what takes it off again */
  at(atMs: number, run: (nowMs: number) => void, what: Meant = 'act'): () => void {
    return this.#push(atMs, (nowMs) => {
      this.#late(nowMs - atMs, what);
      run(nowMs);
    });
  }

  /** What nobody waits for to the millisecond. @returns what takes it off again */
  after(ms: number, run: (nowMs: number) => void): () => void {
    return this.#push(machineNow() + ms, run);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #push(atMs: number, run: (nowMs: number) => void): () => void {
    const item: Item = { atMs, run };
    this.#queue.push(item);
    if (atMs < this.#timerAtMs) this.#arm(atMs);
    return () => {
      item.run = undefined;
    };
  }

  #arm(atMs: number): void {
    if (this.#isClosed || this.#isWorking) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = atMs;
    this.#timer = setTimeout(() => this.#work(), Math.max(0, atMs - machineNow()));
  }

  /** What is due is done, but what comes in meanwhile is read as well. */
  #work(): void {
    this.#timerAtMs = Infinity;
    const untilMs = machineNow() + TURN_MS;
    this.#isWorking = true;
    for (let item = this.#queue.peek(); item !== undefined; item = this.#queue.peek()) {
      const nowMs = machineNow();
      if (this.#isClosed || item.atMs > nowMs || nowMs > untilMs) break;
      this.#queue.pop();
      const { run } = item;
      item.run = undefined;
      run?.(nowMs);
    }
    this.#isWorking = false;
    const next = this.#queue.peek();
    if (next === undefined) return;
    if (next.atMs > machineNow()) this.#arm(next.atMs);
    else setImmediate(() => this.#work());
  }
}
