// Owns a set of callbacks that are told of something; a callback that throws must not keep the others from hearing it.

/** Callbacks in order of their coming. What one of them throws is reported by the platform as uncaught, as with any event. */
export class Listeners<Args extends readonly unknown[]> {
  readonly #entries = new Set<{ readonly listener: (...args: Args) => void }>();

  /** @returns the remover; calling it twice does no harm, and the same listener added twice is told twice */
  add(listener: (...args: Args) => void): () => void {
    const entry = { listener };
    this.#entries.add(entry);
    return () => {
      this.#entries.delete(entry);
    };
  }

  call(...args: Args): void {
    for (const entry of [...this.#entries]) {
      // Removed by one that was called before it: whoever has let go must not be called any more.
      if (!this.#entries.has(entry)) continue;
      try {
        entry.listener(...args);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  clear(): void {
    this.#entries.clear();
  }
}
