// A worker without a thread: the real worker's side on a clock of its own, with the messages in the test's hands.
import type { Platform, WorkerLike } from '../../src/client/platform.ts';
import { serveWires } from '../../src/client/worker-side.ts';
import type { FromWorker, ToWorker } from '../../src/client/worker-messages.ts';

/** How far the worker's clock is ahead of the page's: it was started later, so it is behind. */
export const WORKER_AHEAD_MS = -376.3;

export class FakeWorker implements WorkerLike {
  /** What becomes of the next worker that is started. */
  static fate: 'runs' | 'throws' | 'errs' | 'is silent' = 'runs';
  /** What its `timeOrigin` is off the truth. */
  static originErrorMs = 0;

  isTerminated = false;
  /** It has ended itself. */
  isClosed = false;
  /** It neither hears nor speaks. */
  isDead = false;
  readonly received: ToWorker[] = [];
  readonly #messages: ((event: { readonly data: unknown }) => void)[] = [];
  readonly #errors: (() => void)[] = [];
  readonly #listeners: ((message: ToWorker) => void)[] = [];
  #held: FromWorker[] | undefined;
  #early: FromWorker[] = [];

  constructor(platform: Platform) {
    const { fate, originErrorMs } = FakeWorker;
    if (fate === 'throws') throw new Error('a policy forbids workers');
    if (fate !== 'runs') return;
    serveWires({
      platform: {
        ...platform,
        performanceNow: () => platform.performanceNow() + WORKER_AHEAD_MS,
      },
      timeOriginMs: -WORKER_AHEAD_MS + originErrorMs,
      port: {
        post: (message) => {
          // All come later than what they answer; only to this one does it matter.
          if (message.kind === 'impossible') queueMicrotask(() => this.#deliver(message));
          else this.#deliver(message);
        },
        listen: (listener) => this.#listeners.push(listener),
        close: () => (this.isClosed = true),
      },
    });
  }

  addEventListener(type: 'message' | 'error', listener: (event: never) => void): void {
    if (type === 'error') {
      this.#errors.push(listener as () => void);
      if (FakeWorker.fate === 'errs') queueMicrotask(() => this.breaks());
      return;
    }
    this.#messages.push(listener as (event: { readonly data: unknown }) => void);
    for (const message of this.#early.splice(0)) this.#deliver(message);
  }

  postMessage(message: unknown): void {
    if (this.isTerminated || this.isClosed || this.isDead) return;
    // As it would be cloned: what is changed later is not changed there.
    const copy = structuredClone(message) as ToWorker;
    this.received.push(copy);
    for (const listener of this.#listeners) listener(copy);
  }

  terminate(): void {
    this.isTerminated = true;
  }

  breaks(): void {
    for (const listener of this.#errors) listener();
  }

  /** The page is busy: what the worker says waits until `release`. */
  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const message of held) this.#deliver(message);
  }

  /** What waits for the page. */
  get held(): readonly FromWorker[] {
    return this.#held ?? [];
  }

  #deliver(message: FromWorker): void {
    if (this.isTerminated || this.isDead) return;
    if (this.#messages.length === 0) this.#early.push(message);
    else if (this.#held !== undefined) this.#held.push(message);
    else for (const listener of this.#messages) listener({ data: structuredClone(message) });
  }
}
