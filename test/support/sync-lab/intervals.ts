// Owns what exchanges of stamps prove of the difference of two clocks on one machine: pure, and after the fact, unlike any estimator under test.

export interface StampExchange {
  readonly t0: number;
  readonly t1: number;
  readonly t2: number;
  readonly t3: number;
}

export interface Offset {
  /** Remote less local time. */
  readonly offsetMs: number;
  /** Half of what the intervals leave open. */
  readonly unsureMs: number;
}

/** Each exchange proves t2 − t3 ≤ offset ≤ t1 − t0; of clocks that do not drift apart all hold at once. */
export function intersect(exchanges: readonly StampExchange[]): Offset {
  let upper = Infinity;
  let lower = -Infinity;
  for (const { t0, t1, t2, t3 } of exchanges) {
    upper = Math.min(upper, t1 - t0);
    lower = Math.max(lower, t2 - t3);
  }
  return { offsetMs: (upper + lower) / 2, unsureMs: Math.abs(upper - lower) / 2 };
}

const GRID_MS = 500;
const AROUND_MS = 2_500;

/** The difference of clocks that are disciplined, and so drift a little: from the exchanges around each moment. */
export class OffsetHistory {
  readonly #fromMs: number;
  readonly #grid: Offset[] = [];

  /** @param exchanges in order of time */
  constructor(exchanges: readonly StampExchange[]) {
    this.#fromMs = exchanges[0]?.t3 ?? 0;
    const untilMs = exchanges.at(-1)?.t3 ?? 0;
    let first = 0;
    for (let at = this.#fromMs; at <= untilMs + GRID_MS; at += GRID_MS) {
      while ((exchanges[first]?.t3 ?? Infinity) < at - AROUND_MS) first += 1;
      let end = first;
      while ((exchanges[end]?.t3 ?? Infinity) <= at + AROUND_MS) end += 1;
      this.#grid.push(intersect(exchanges.slice(first, end)));
    }
  }

  /** @param localMs clamped to what is known */
  at(localMs: number): Offset {
    const place = Math.max(0, Math.min(this.#grid.length - 1, (localMs - this.#fromMs) / GRID_MS));
    const before = this.#grid[Math.floor(place)];
    const after = this.#grid[Math.ceil(place)];
    if (before === undefined || after === undefined) return { offsetMs: NaN, unsureMs: Infinity };
    const share = place - Math.floor(place);
    return {
      offsetMs: before.offsetMs * (1 - share) + after.offsetMs * share,
      unsureMs: Math.max(before.unsureMs, after.unsureMs),
    };
  }
}
