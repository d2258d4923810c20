// Owns a value that others watch; knows nothing of what the value means.
import { Listeners } from './listeners.ts';

/** A value and the news of its changes. */
export interface Observable<T> {
  readonly value: T;
  /**
   * Calls `listener` at each change from now on, not for the value that is there.
   * @returns the remover
   */
  subscribe(listener: (value: T) => void): () => void;
}

/** An observable that its owner sets. */
export class Cell<T> implements Observable<T> {
  readonly #listeners = new Listeners<[value: T]>();
  #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  /** Tells the listeners, unless the value is the same by `Object.is`. */
  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    this.#listeners.call(value);
  }

  subscribe(listener: (value: T) => void): () => void {
    // The value at the time of the call: where a listener sets the cell again, nobody hears the older value last.
    return this.#listeners.add(() => listener(this.#value));
  }
}
