// Owns the offset that is given out: continuous and never backward, except where a jump is asked for; knows not why it changes.

/** Where the offset should be: `offsetMs` at local time `localMs`, changing with `slope` (ms per ms). */
export interface OffsetTarget {
  readonly localMs: number;
  readonly offsetMs: number;
  readonly slope: number;
}

/** Below this a correction is too slow to hear and quick enough to matter. */
const gentleMs = 2;
const gentleRate = 500e-6;
const fastestRate = 5000e-6;

/**
 * Follows a target line with a bounded rate: the distance `d` to it at the last change shrinks at 500 ppm once it is
 * below 2 ms, above that in proportion, at most 0.5 %. As every rate is far below 1, local time plus the offset never
 * runs backward. (The slewing of adjtime(2), with a faster gear for what is far off.)
 */
export class SlewedOffset {
  #target: OffsetTarget | null = null;
  /** Output minus target at `#target.localMs`. */
  #distanceMs = 0;
  #lastReadMs = -Infinity;

  get started(): boolean {
    return this.#target !== null;
  }

  /** Output offset at a local time; 0 before the first target. */
  offsetAt(localMs: number): number {
    this.#lastReadMs = Math.max(this.#lastReadMs, localMs);
    return this.#evaluate(localMs);
  }

  /** As `offsetAt`, for a time that is not given out, so it binds nothing. */
  peekAt(localMs: number): number {
    return this.#evaluate(localMs);
  }

  /** Distance in ms that is still to be slewed at a local time, signed. */
  distanceAt(localMs: number): number {
    if (this.#target === null) return 0;
    return remaining(this.#distanceMs, Math.max(0, localMs - this.#target.localMs));
  }

  /**
   * Sets a new target and slews to it. The change takes effect where the output was last read, when that is later than
   * the target: a reply handled late must not alter what has been given out.
   */
  slewTo(target: OffsetTarget): void {
    const from = this.#anchored(target);
    this.#distanceMs = this.#evaluate(from.localMs) - from.offsetMs;
    this.#target = from;
  }

  /** Sets a new target and goes there at once. Returns by how many ms the output moved. */
  jumpTo(target: OffsetTarget): number {
    const from = this.#anchored(target);
    const movedMs = this.#target === null ? 0 : from.offsetMs - this.#evaluate(from.localMs);
    this.#distanceMs = 0;
    this.#target = from;
    return movedMs;
  }

  /** Local time leapt back to `localMs`: what is left to slew goes on from there, as nothing was given out after it. */
  rewind(localMs: number): void {
    this.#lastReadMs = Math.min(this.#lastReadMs, localMs);
    const target = this.#target;
    if (target === null || target.localMs <= localMs) return;
    const offsetMs = target.offsetMs + target.slope * (localMs - target.localMs);
    this.#target = { ...target, localMs, offsetMs };
  }

  #anchored(target: OffsetTarget): OffsetTarget {
    const localMs = Math.max(target.localMs, this.#lastReadMs, this.#target?.localMs ?? -Infinity);
    return {
      localMs,
      offsetMs: target.offsetMs + target.slope * (localMs - target.localMs),
      slope: target.slope,
    };
  }

  #evaluate(localMs: number): number {
    if (this.#target === null) return 0;
    const elapsedMs = localMs - this.#target.localMs;
    return (
      this.#target.offsetMs +
      this.#target.slope * elapsedMs +
      remaining(this.#distanceMs, Math.max(0, elapsedMs))
    );
  }
}

function remaining(distanceMs: number, elapsedMs: number): number {
  const size = Math.abs(distanceMs);
  let left: number;
  if (size > gentleMs) {
    const rate = Math.min(fastestRate, (gentleRate * size) / gentleMs);
    const fastMs = (size - gentleMs) / rate;
    left =
      elapsedMs < fastMs
        ? size - rate * elapsedMs
        : Math.max(0, gentleMs - gentleRate * (elapsedMs - fastMs));
  } else {
    left = Math.max(0, size - gentleRate * elapsedMs);
  }
  return distanceMs < 0 ? 0 - left : left;
}
