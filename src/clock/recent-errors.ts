// Owns the last readings of how far one piece of sound is from where it should be; knows neither what reads them nor what is done about them.

/** Few enough that what changes at the servo's highest rate, 5 ms a second, is not held back. */
const kept = 3;

/** Now and then a reading is a whole buffer off, or its stamp is bad: the middle one of three is not. */
export class RecentErrors {
  #id: string | undefined;
  readonly #errors: number[] = [];

  /** Whether there are three, so that one that is off cannot be the answer. */
  get isFull(): boolean {
    return this.#errors.length === kept;
  }

  /**
   * @param errorMs of one reading
   * @param id of what was read, where that may be another one: its readings say nothing of this one
   * @returns the median of the last three, ms; of two, the one nearer to nothing
   */
  add(errorMs: number, id = ''): number {
    if (id !== this.#id) this.clear();
    this.#id = id;
    this.#errors.push(errorMs);
    if (this.#errors.length > kept) this.#errors.shift();
    const bySize = [...this.#errors].sort((a, b) =>
      this.isFull ? a - b : Math.abs(a) - Math.abs(b),
    );
    return bySize[Math.floor((bySize.length - 1) / 2)] ?? errorMs;
  }

  /** It was moved, or the readings are of another time. */
  clear(): void {
    this.#errors.length = 0;
  }
}
