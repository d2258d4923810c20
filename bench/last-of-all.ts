// When the last of a room's listeners has heard a message, counted from the moment at which it was to be said.

export class LastOfAll {
  readonly #listeners: number;
  /** Of the room's numbers, the one before the first that is measured. */
  readonly #before: number;
  readonly #dueAt: number[] = [];
  readonly #heardBy: number[] = [];
  readonly #afterMs: number[] = [];

  constructor(listeners: number, before: number) {
    this.#listeners = listeners;
    this.#before = before;
  }

  /** The next message is said now. @param dueAt when it was to be said: whoever is late with it is part of what it takes */
  say(dueAt: number): void {
    this.#dueAt.push(dueAt);
  }

  hear(seq: number, at: number): void {
    const nth = seq - this.#before - 1;
    const heardBy = (this.#heardBy[nth] ?? 0) + 1;
    this.#heardBy[nth] = heardBy;
    if (heardBy === this.#listeners) this.#afterMs.push(at - (this.#dueAt[nth] ?? NaN));
  }

  /** Of each message that all have heard, ms. */
  get afterMs(): readonly number[] {
    return this.#afterMs;
  }
}
