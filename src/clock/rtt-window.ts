// Owns how long round trips take lately, the slower ones with them: the estimator wants the fastest, whoever plans ahead what is usual.

/** Probes come in bursts of three or four: one burst that met a stall is not usual. */
const kept = 16;
const share = 0.75;

/** The last round trips, net of the hub's own time, and what three of four of them do not exceed. */
export class RttWindow {
  #rtts: number[] = [];

  /** Infinity before the first. */
  get usualMs(): number {
    const sorted = [...this.#rtts].sort((a, b) => a - b);
    return sorted[Math.ceil(sorted.length * share) - 1] ?? Infinity;
  }

  add(rttMs: number): void {
    if (!Number.isFinite(rttMs)) return;
    this.#rtts = [...this.#rtts.slice(1 - kept), Math.max(0, rttMs)];
  }

  /** Another connection may go another way. */
  clear(): void {
    this.#rtts = [];
  }
}
