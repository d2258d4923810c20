// Owns the guess at how coarse the local clock's stamps are; knows only the stamps that it is shown.

/** Grains that browsers use for `performance.now()`, coarsest first; below the last one nothing is gained. */
const grainsMs = [1, 0.1, 0.02, 0.005] as const;
export const finestQuantumMs = 0.005;

/**
 * Finds the coarsest known grain on which all stamps seen so far lie. It starts coarse and only ever gets finer, so
 * an interval is never narrower than what the stamps allow: a chance hit on a coarse grid makes it cautious, not wrong.
 */
export class StampQuantum {
  readonly #fixedMs: number | null;
  #index = 0;

  /** `fixedMs`: the platform's known quantum, when it need not be guessed. */
  constructor(fixedMs: number | null = null) {
    this.#fixedMs = fixedMs;
  }

  see(stampMs: number): void {
    if (this.#fixedMs !== null || !Number.isFinite(stampMs)) return;
    let grain = grainsMs[this.#index];
    while (grain !== undefined && !liesOn(stampMs, grain)) {
      this.#index += 1;
      grain = grainsMs[this.#index];
    }
  }

  get ms(): number {
    return this.#fixedMs ?? grainsMs[this.#index] ?? finestQuantumMs;
  }
}

function liesOn(stampMs: number, grainMs: number): boolean {
  const steps = stampMs / grainMs;
  // A multiple of 0.1 is not exact in binary, and browsers subtract their origin: allow a thousandth of a step.
  return Math.abs(steps - Math.round(steps)) < 0.001 + Math.abs(steps) * 1e-15;
}
