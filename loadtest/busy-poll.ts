// Owns how a thread waits for its sockets: once it has read something it goes on looking for more before it sleeps. A thread that sleeps is
// woken by whoever writes to it; where that is a hub on this machine, to wake it is most of what a send costs, which no listener
// elsewhere would cause. Knows no sockets.
import { machineNow } from './machine-clock.ts';

export class BusyPoll {
  readonly #forMs: number;
  #untilMs = 0;
  #isPolling = false;
  #hasRead = false;
  #turnedMs = 0;
  #idleMs = 0;

  /** @param forMs how long it goes on looking after the last thing that it read, ms; 0: never */
  constructor(forMs: number) {
    this.#forMs = forMs;
  }

  /** Of its time, what it looked in vain since the last time, ms: the loop counts as busy then. */
  takeIdle(): number {
    const idleMs = this.#idleMs;
    this.#idleMs = 0;
    return idleMs;
  }

  /** Something was read. @param nowMs by the machine's clock */
  read(nowMs: number): void {
    if (this.#forMs === 0) return;
    this.#untilMs = nowMs + this.#forMs;
    this.#hasRead = true;
    if (this.#isPolling) return;
    this.#isPolling = true;
    this.#turnedMs = nowMs;
    setImmediate(this.#turn);
  }

  /** What is due at once keeps the loop from sleeping: it asks for what came, and comes back here. */
  readonly #turn = (): void => {
    const nowMs = machineNow();
    if (!this.#hasRead) this.#idleMs += nowMs - this.#turnedMs;
    this.#hasRead = false;
    this.#turnedMs = nowMs;
    if (nowMs < this.#untilMs) setImmediate(this.#turn);
    else this.#isPolling = false;
  };
}
