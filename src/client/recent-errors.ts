// Owns the last readings of how far one piece of sound is from where it should be; knows neither what reads them nor what is done about them.

/** Few enough that what changes at the servo's highest rate, 5 ms a second, is not held back. */
const kept = 3;

/** Now and then a reading is a whole buffer off: the middle one of three is not. */
export class RecentErrors {
  #id: string | undefined;
  readonly #errors: number[] = [];

  /**
   * @param errorMs of one reading
   * @param id of what was read: readings of another one say nothing of it
   * @returns the median of the last three, ms; of two, the one nearer to nothing
   */
  add(errorMs: number, id: string): number {
    if (id !== this.#id) this.clear();
    this.#id = id;
    this.#errors.push(errorMs);
    if (this.#errors.length > kept) this.#errors.shift();
    const bySize = [...this.#errors].sort((a, b) =>
      this.#errors.length < kept ? Math.abs(a) - Math.abs(b) : a - b,
    );
    return bySize[Math.floor((bySize.length - 1) / 2)] ?? errorMs;
  }

  /** It was moved. */
  clear(): void {
    this.#errors.length = 0;
  }
}
